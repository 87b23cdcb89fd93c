/** ICMP messages: RFC 792. */
import { viewOf } from './addresses.ts';
import { addWords, checksumOf } from './checksum.ts';

export const ICMP = { ECHO_REPLY: 0, UNREACHABLE: 3, ECHO_REQUEST: 8 } as const;
/** Codes of `UNREACHABLE`; the last is RFC 1812's, section 5.2.7.1. */
export const UNREACHABLE = { HOST: 1, PROTOCOL: 2, PORT: 3, PROHIBITED: 13 } as const;

const HEADER = 8;

export interface IcmpMessage {
  readonly type: number;
  readonly code: number;
  /** The second word: identifier and sequence number of an echo, unused in `UNREACHABLE`. */
  readonly rest: number;
  readonly payload: Uint8Array;
}

/** Undefined when it is too short or damaged. The payload shares the memory of `bytes`. */
export function decodeIcmp(bytes: Uint8Array): IcmpMessage | undefined {
  if (bytes.length < HEADER || checksumOf(addWords(bytes)) !== 0) return undefined;
  return { type: bytes[0], code: bytes[1], rest: viewOf(bytes).getUint32(4), payload: bytes.subarray(HEADER) };
}

export function encodeIcmp({ type, code, rest, payload }: IcmpMessage): Uint8Array {
  const bytes = new Uint8Array(HEADER + payload.length);
  const view = viewOf(bytes);
  bytes[0] = type;
  bytes[1] = code;
  view.setUint32(4, rest);
  bytes.set(payload, HEADER);
  view.setUint16(2, checksumOf(addWords(bytes)));
  return bytes;
}
