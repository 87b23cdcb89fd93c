/** TCP segments: RFC 9293 section 3.1. Of the options only the maximum segment size is used. */
import { type Ipv4, viewOf } from './addresses.ts';
import { addWords, checksumOf, pseudoHeader } from './checksum.ts';
import { PROTOCOL } from './ipv4.ts';

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

export const TCP_HEADER = 20;
const END_OF_OPTIONS = 0;
const NO_OPERATION = 1;
const MAXIMUM_SEGMENT_SIZE = 2;

export interface TcpSegment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  readonly window: number;
  /** The sender's maximum segment size, when it says one. */
  readonly mss: number | undefined;
  readonly payload: Uint8Array;
}

/** Undefined when it is damaged or shorter than it says. The payload shares the memory of `bytes`. */
export function decodeTcp(bytes: Uint8Array, source: Ipv4, destination: Ipv4): TcpSegment | undefined {
  if (bytes.length < TCP_HEADER) return undefined;
  const header = (bytes[12] >> 4) * 4;
  if (header < TCP_HEADER || header > bytes.length) return undefined;
  if (checksumOf(addWords(bytes, pseudoHeader(source, destination, PROTOCOL.TCP, bytes.length))) !== 0) return undefined;
  const view = viewOf(bytes);
  return {
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    sequence: view.getUint32(4),
    acknowledgment: view.getUint32(8),
    flags: bytes[13],
    window: view.getUint16(14),
    mss: mssOption(bytes.subarray(TCP_HEADER, header)),
    payload: bytes.subarray(header),
  };
}

export function encodeTcp(segment: TcpSegment, source: Ipv4, destination: Ipv4): Uint8Array {
  const header = TCP_HEADER + (segment.mss === undefined ? 0 : 4);
  const bytes = new Uint8Array(header + segment.payload.length);
  const view = viewOf(bytes);
  view.setUint16(0, segment.sourcePort);
  view.setUint16(2, segment.destinationPort);
  view.setUint32(4, segment.sequence);
  view.setUint32(8, segment.acknowledgment);
  bytes[12] = (header / 4) << 4;
  bytes[13] = segment.flags;
  view.setUint16(14, segment.window);
  if (segment.mss !== undefined) {
    bytes[TCP_HEADER] = MAXIMUM_SEGMENT_SIZE;
    bytes[TCP_HEADER + 1] = 4;
    view.setUint16(TCP_HEADER + 2, segment.mss);
  }
  bytes.set(segment.payload, header);
  view.setUint16(16, checksumOf(addWords(bytes, pseudoHeader(source, destination, PROTOCOL.TCP, bytes.length))));
  return bytes;
}

/** Reading ends at the first option whose length makes no sense. */
function mssOption(options: Uint8Array): number | undefined {
  for (let at = 0; at < options.length && options[at] !== END_OF_OPTIONS; ) {
    if (options[at] === NO_OPERATION) {
      at++;
      continue;
    }
    const length = at + 1 < options.length ? options[at + 1] : 0;
    if (length < 2 || at + length > options.length) return undefined;
    if (options[at] === MAXIMUM_SEGMENT_SIZE && length === 4) return (options[at + 2] << 8) | options[at + 3];
    at += length;
  }
  return undefined;
}

/** How far sequence number `a` is ahead of `b`: negative when it is behind (RFC 9293 section 3.4). */
export function ahead(a: number, b: number): number {
  return (a - b) | 0;
}

/** A sequence number moved on, modulo 2^32. */
export function advance(sequence: number, by: number): number {
  return (sequence + by) >>> 0;
}
