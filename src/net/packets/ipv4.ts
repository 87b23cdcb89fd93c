/** IPv4 packets: RFC 791. Options are skipped on the way in and never made. */
import { type Ipv4, viewOf } from './addresses.ts';
import { addWords, checksumOf } from './checksum.ts';

export const PROTOCOL = { ICMP: 1, TCP: 6, UDP: 17 } as const;
/** The largest packet that an Ethernet frame carries whole. */
export const MTU = 1500;
/** A header without options. */
export const IPV4_HEADER = 20;
/** The most that a packet carries, in one piece or in fragments. */
export const MAX_PAYLOAD = 0xffff - IPV4_HEADER;

const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const TTL = 64;

export interface Ipv4Packet {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly protocol: number;
  /** Shared by the fragments of one packet. */
  readonly identification: number;
  /** Where the payload belongs in the whole packet's, in bytes: a multiple of 8. */
  readonly offset: number;
  readonly moreFragments: boolean;
  readonly payload: Uint8Array;
}

/** Undefined when the header is damaged or promises more than there is. The payload shares the memory of `bytes`. */
export function decodeIpv4(bytes: Uint8Array): Ipv4Packet | undefined {
  if (bytes.length < IPV4_HEADER || bytes[0] >> 4 !== 4) return undefined;
  const view = viewOf(bytes);
  const header = (bytes[0] & 15) * 4;
  const length = view.getUint16(2);
  if (header < IPV4_HEADER || length < header || length > bytes.length) return undefined;
  if (checksumOf(addWords(bytes.subarray(0, header))) !== 0) return undefined;
  const fragment = view.getUint16(6);
  return {
    source: view.getUint32(12),
    destination: view.getUint32(16),
    protocol: bytes[9],
    identification: view.getUint16(4),
    offset: (fragment & 0x1fff) * 8,
    moreFragments: (fragment & MORE_FRAGMENTS) !== 0,
    payload: bytes.subarray(header, length),
  };
}

/** One packet, as large as it is; a whole one may not be fragmented. */
export function encodeIpv4(packet: Ipv4Packet): Uint8Array {
  const bytes = new Uint8Array(IPV4_HEADER + packet.payload.length);
  const view = viewOf(bytes);
  bytes[0] = 0x45;
  view.setUint16(2, bytes.length);
  view.setUint16(4, packet.identification);
  const whole = packet.offset === 0 && !packet.moreFragments;
  view.setUint16(6, whole ? DONT_FRAGMENT : (packet.moreFragments ? MORE_FRAGMENTS : 0) | (packet.offset / 8));
  bytes[8] = TTL;
  bytes[9] = packet.protocol;
  view.setUint32(12, packet.source);
  view.setUint32(16, packet.destination);
  view.setUint16(10, checksumOf(addWords(bytes.subarray(0, IPV4_HEADER))));
  bytes.set(packet.payload, IPV4_HEADER);
  return bytes;
}

/** The packet in pieces that fit into frames. */
export function fragment(packet: Ipv4Packet): Ipv4Packet[] {
  const step = (MTU - IPV4_HEADER) & ~7;
  const pieces: Ipv4Packet[] = [];
  let offset = 0;
  do {
    const payload = packet.payload.subarray(offset, offset + step);
    pieces.push({ ...packet, offset, payload, moreFragments: offset + payload.length < packet.payload.length });
    offset += step;
  } while (offset < packet.payload.length);
  return pieces;
}
