/**
 * CBOR (RFC 8949) of plain data: unsigned integers of 32 bits, text, booleans, arrays and maps. A recording may come
 * from anyone, and a general decoder does much more than a recording needs (tags that make regular expressions, shared
 * references, records, sets). So bytes are first scanned for these five kinds alone; only then does the decoder see them.
 */
// By this path it is plain JavaScript; the package's main entry would hand the bytes to native code when it finds any.
import { Encoder } from 'cbor-x/encode';
import { ByteReader } from './bytes.ts';
import { Damage } from './damage.ts';

const MAX_DEPTH = 8;
const UNSIGNED = 0;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const FALSE = 0xf4;
const TRUE = 0xf5;

const codec = (): Encoder => new Encoder({ useRecords: false, variableMapSize: true });

export function encodeCbor(value: unknown): Uint8Array {
  return new Uint8Array(codec().encode(value));
}

/**
 * @param base where in the file the bytes begin, for errors
 * @throws Damage when it is not one item of plain data, or not encoded as `encodeCbor` encodes it
 */
export function decodeCbor(bytes: Uint8Array, base: number): unknown {
  scan(bytes, base);
  const value: unknown = codec().decode(bytes);
  const canonical = encodeCbor(value);
  const same = canonical.length === bytes.length && canonical.every((byte, i) => byte === bytes[i]);
  // Otherwise: a key that stands twice, text that is not UTF-8, a length in more bytes than it needs.
  if (!same) throw new Damage(base, 'the CBOR is not in its shortest form');
  return value;
}

function scan(bytes: Uint8Array, base: number): void {
  const reader = new ByteReader(bytes, base);
  /** The arrays and maps that are open, each with the number of items it still needs. Nothing is allocated by a count. */
  const open = [{ left: 1, isMap: false }];
  while (open.length > 0) {
    const holder = open[open.length - 1];
    if (holder.left === 0) {
      open.pop();
      continue;
    }
    const isKey = holder.isMap && holder.left % 2 === 0;
    holder.left--;
    const initial = reader.u8();
    const major = initial >> 5;
    if (isKey && major !== TEXT) reader.refuse('a CBOR map has a key that is not text');
    if (initial === FALSE || initial === TRUE) continue;
    const argument = readArgument(reader, initial & 0x1f);
    if (major === TEXT) reader.bytes(argument);
    else if (major === ARRAY || major === MAP) {
      if (open.length > MAX_DEPTH) reader.refuse('the CBOR is nested too deeply');
      open.push({ left: major === MAP ? 2 * argument : argument, isMap: major === MAP });
    } else if (major !== UNSIGNED) reader.refuse('the CBOR holds more than plain data');
  }
  if (!reader.atEnd) reader.refuse('something follows the CBOR');
}

function readArgument(reader: ByteReader, short: number): number {
  if (short < 24) return short;
  if (short > 26) return reader.refuse('the CBOR has a length that is open or over 32 bits');
  return reader.bytes(2 ** (short - 24)).reduce((value, byte) => value * 0x100 + byte, 0);
}
