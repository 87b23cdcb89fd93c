/** UDP datagrams: RFC 768. */
import { type Ipv4, viewOf } from './addresses.ts';
import { addWords, checksumOf, pseudoHeader } from './checksum.ts';
import { MAX_PAYLOAD, PROTOCOL } from './ipv4.ts';

const HEADER = 8;
/** The most that one datagram carries. */
export const MAX_UDP_PAYLOAD = MAX_PAYLOAD - HEADER;

export interface UdpDatagram {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

/** Undefined when it is damaged or shorter than it says. The payload shares the memory of `bytes`. */
export function decodeUdp(bytes: Uint8Array, source: Ipv4, destination: Ipv4): UdpDatagram | undefined {
  if (bytes.length < HEADER) return undefined;
  const view = viewOf(bytes);
  const length = view.getUint16(4);
  if (length < HEADER || length > bytes.length) return undefined;
  // A checksum of zero says that the sender made none.
  if (view.getUint16(6) !== 0) {
    if (checksumOf(addWords(bytes.subarray(0, length), pseudoHeader(source, destination, PROTOCOL.UDP, length))) !== 0) return undefined;
  }
  return { sourcePort: view.getUint16(0), destinationPort: view.getUint16(2), payload: bytes.subarray(HEADER, length) };
}

export function encodeUdp({ sourcePort, destinationPort, payload }: UdpDatagram, source: Ipv4, destination: Ipv4): Uint8Array {
  const bytes = new Uint8Array(HEADER + payload.length);
  const view = viewOf(bytes);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint16(4, bytes.length);
  bytes.set(payload, HEADER);
  // Zero would mean none; its other form in ones' complement says the same sum.
  view.setUint16(6, checksumOf(addWords(bytes, pseudoHeader(source, destination, PROTOCOL.UDP, bytes.length))) || 0xffff);
  return bytes;
}
