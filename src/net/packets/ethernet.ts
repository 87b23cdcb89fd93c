/** Ethernet II frames: IEEE 802.3 clause 3, without preamble and frame check sequence. */
import { type Mac, readMac, viewOf, writeMac } from './addresses.ts';

export const ETHERTYPE = { IPV4: 0x0800, ARP: 0x0806 } as const;

const HEADER = 14;
/** 64 bytes with the frame check sequence. */
const MIN_FRAME = 60;

export interface EthernetFrame {
  readonly destination: Mac;
  readonly source: Mac;
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Undefined for a frame without a whole header. The payload shares the frame's memory and may end with padding. */
export function decodeEthernet(bytes: Uint8Array): EthernetFrame | undefined {
  if (bytes.length < HEADER) return undefined;
  return { destination: readMac(bytes, 0), source: readMac(bytes, 6), type: viewOf(bytes).getUint16(12), payload: bytes.subarray(HEADER) };
}

/** Padded with zeros to the shortest frame that a wire can carry. */
export function encodeEthernet({ destination, source, type, payload }: EthernetFrame): Uint8Array {
  const bytes = new Uint8Array(Math.max(MIN_FRAME, HEADER + payload.length));
  writeMac(bytes, 0, destination);
  writeMac(bytes, 6, source);
  viewOf(bytes).setUint16(12, type);
  bytes.set(payload, HEADER);
  return bytes;
}
