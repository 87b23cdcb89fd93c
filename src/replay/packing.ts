/** Bytes that are compressed where that helps. Compression is deflate: pure JavaScript, in every host. */
import { deflateSync, inflateSync } from 'fflate';
import type { ByteReader, ByteWriter } from './bytes.ts';

const PLAIN = 0;
const DEFLATE = 1;
/** Fast: most of what compresses at all is repeated words. */
const LEVEL = 1;

/** `u8` encoding, `varint` length of the bytes as they were, the rest of the chunk. */
export function packed(out: ByteWriter, bytes: Uint8Array): void {
  packedAs(out, bytes, deflateSync(bytes, { level: LEVEL }));
}

/** Likewise, of bytes that someone else has compressed. @param short raw deflate of `bytes` */
export function packedAs(out: ByteWriter, bytes: Uint8Array, short: Uint8Array): void {
  const helps = short.length < bytes.length;
  out.u8(helps ? DEFLATE : PLAIN);
  out.varint(bytes.length);
  out.bytes(helps ? short : bytes);
}

/** @param limit of the bytes as they were. @throws Damage; `bytes` does so, too */
export function unpacked(reader: ByteReader, limit: number): { readonly length: number; bytes(): Uint8Array } {
  const encoding = reader.u8();
  const length = reader.varint();
  if (length > limit) reader.refuse('packed bytes are longer than any can be');
  const rest = reader.bytes(reader.left);
  if (encoding === PLAIN && rest.length === length) return { length, bytes: () => rest.slice() };
  if (encoding !== DEFLATE) return reader.refuse('bytes are packed in a way that does not exist');
  return {
    length,
    bytes: () => {
      try {
        // A byte of room more than there may be shows whether there is more.
        const whole = inflateSync(rest, { out: new Uint8Array(length + 1) });
        if (whole.length === length) return whole.slice();
      } catch {
        // The library's messages say nothing that a person could use.
      }
      return reader.refuse('packed bytes do not unpack to what they should');
    },
  };
}
