/** Unpacks gzip files (RFC 1952) that may be anything, in bounded memory. */
import { Gunzip } from 'fflate';

/** Packed bytes that are unpacked at once: at most 4 MiB come out, so that a bomb is noticed soon. */
const STEP = 4096;
/** Header and trailer. */
const LEAST = 18;

class TooMuch extends Error {}

/**
 * The length in the trailer (ISIZE) is the room that is given: neither more nor less may come out.
 * @param limit the most bytes that may come out
 */
export function gunzip(packed: Uint8Array, limit: number): Uint8Array | 'damaged' | 'too large' {
  if (packed.length < LEAST) return 'damaged';
  const size = new DataView(packed.buffer, packed.byteOffset, packed.length).getUint32(packed.length - 4, true);
  if (size > limit) return 'too large';
  const out = new Uint8Array(size);
  let at = 0;
  const unpacker = new Gunzip((part) => {
    if (part.length > size - at) throw new TooMuch();
    out.set(part, at);
    at += part.length;
  });
  try {
    for (let from = 0; from < packed.length; from += STEP) unpacker.push(packed.subarray(from, from + STEP), from + STEP >= packed.length);
  } catch {
    return 'damaged';
  }
  return at === size ? out : 'damaged';
}
