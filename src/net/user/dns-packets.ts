/** DNS queries and their answers: RFC 1035 section 4. */
import { bytesOf, type Ipv4, textOf, viewOf } from '../packets/addresses.ts';

export const TYPE = { A: 1, PTR: 12, AAAA: 28 } as const;
export const RCODE = { OK: 0, FORMAT_ERROR: 1, SERVER_FAILURE: 2, NO_SUCH_NAME: 3, NOT_IMPLEMENTED: 4, REFUSED: 5 } as const;

const CLASS_IN = 1;
const HEADER = 12;
const RESPONSE = 0x8000;
const OPCODE = 0x7800;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;
/** A name that stands at the question's place. */
const QUESTION_NAME = 0xc000 | HEADER;
const MAX_LABEL = 63;
const MAX_NAME = 255;
/** What every client takes. */
const MAX_MESSAGE = 512;
/** The host's resolver does not tell how long its answers hold. */
const TTL_SECONDS = 60;

export interface DnsQuery {
  /** The header and the question, as they came. */
  readonly bytes: Uint8Array;
  /** What can be said at once: the query is not understood. */
  readonly rcode: number;
  readonly type: number;
  /** In lower case, without a dot at the end; undefined when it is not printable ASCII. */
  readonly name: string | undefined;
}

/** Undefined for what is no query at all. */
export function decodeDnsQuery(bytes: Uint8Array): DnsQuery | undefined {
  if (bytes.length < HEADER) return undefined;
  const view = viewOf(bytes);
  const flags = view.getUint16(2);
  if ((flags & RESPONSE) !== 0) return undefined;
  const refuse = (rcode: number): DnsQuery => ({ bytes: bytes.subarray(0, HEADER), rcode, type: 0, name: undefined });
  if ((flags & OPCODE) !== 0) return refuse(RCODE.NOT_IMPLEMENTED);
  const question = view.getUint16(4) === 1 ? decodeName(bytes, HEADER) : undefined;
  if (question === undefined || question.end + 4 > bytes.length) return refuse(RCODE.FORMAT_ERROR);
  const { labels, end } = question;
  return {
    bytes: bytes.subarray(0, end + 4),
    rcode: view.getUint16(end + 2) === CLASS_IN ? RCODE.OK : RCODE.NOT_IMPLEMENTED,
    type: view.getUint16(end),
    name: nameOf(labels),
  };
}

/** As many of the records, all of the question's type, as fit into a datagram. */
export function encodeDnsAnswer(query: DnsQuery, rcode: number, records: readonly Uint8Array[] = []): Uint8Array {
  const bytes = new Uint8Array(MAX_MESSAGE);
  const view = viewOf(bytes);
  bytes.set(query.bytes);
  const asked = view.getUint16(2);
  view.setUint16(2, RESPONSE | (asked & (OPCODE | RECURSION_DESIRED)) | RECURSION_AVAILABLE | rcode);
  view.setUint16(4, query.bytes.length > HEADER ? 1 : 0);
  let at = query.bytes.length;
  let count = 0;
  for (const data of records) {
    if (at + 12 + data.length > MAX_MESSAGE) break;
    view.setUint16(at, QUESTION_NAME);
    view.setUint16(at + 2, query.type);
    view.setUint16(at + 4, CLASS_IN);
    view.setUint32(at + 6, TTL_SECONDS);
    view.setUint16(at + 10, data.length);
    bytes.set(data, at + 12);
    at += 12 + data.length;
    count++;
  }
  view.setUint16(6, count);
  view.setUint16(8, 0);
  view.setUint16(10, 0);
  return bytes.slice(0, at);
}

/** A name as it is written in a record; undefined when it has labels that cannot be. */
export function encodeName(name: string): Uint8Array | undefined {
  const labels = name.replace(/\.$/, '').split('.');
  if (!/^[!-~]+$/.test(name) || labels.some(({ length }) => length === 0 || length > MAX_LABEL) || name.length > MAX_NAME - 2) return undefined;
  return Uint8Array.of(...labels.flatMap((label) => [label.length, ...bytesOf(label)]), 0);
}

/** The address that `4.3.2.1.in-addr.arpa` asks about: RFC 1035 section 3.5. */
export function reversed(name: string): string | undefined {
  return /^(\d+\.\d+\.\d+\.\d+)\.in-addr\.arpa$/.exec(name)?.[1].split('.').reverse().join('.');
}

/** The data of an A record. */
export function addressRecord(address: Ipv4): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, address);
  return bytes;
}

/** A question has nothing before it that its name could point to. */
function decodeName(bytes: Uint8Array, start: number): { labels: Uint8Array[]; end: number } | undefined {
  const labels: Uint8Array[] = [];
  for (let at = start; at < bytes.length && at - start < MAX_NAME; ) {
    const length = bytes[at];
    if (length === 0) return { labels, end: at + 1 };
    if (length > MAX_LABEL) return undefined;
    labels.push(bytes.subarray(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return undefined;
}

function nameOf(labels: readonly Uint8Array[]): string | undefined {
  const texts = labels.map(textOf);
  return texts.some((text) => text === undefined || text.includes('.')) ? undefined : texts.join('.').toLowerCase();
}
