/** xxHash, for the checks of a recording and the digests of a machine. It finds faults; it is no defence against forgery. */
import xxhash from 'xxhash-wasm';

export interface Hasher {
  /** XXH32. @param seed unsigned, 32 bits. @returns unsigned, 32 bits */
  h32(bytes: Uint8Array, seed: number): number;
  /** XXH64. @param seed unsigned, 64 bits. @returns unsigned, 64 bits */
  h64(bytes: Uint8Array, seed: bigint): bigint;
}

/**
 * Longer blocks are hashed in pieces of this size, because the library copies what it hashes into a WebAssembly memory
 * of 64 KiB and would have to grow it. Growing detaches its buffer, and once any buffer of the process was detached V8
 * checks for that at every access to a typed array: it costs the interpreter some 8 % (measured on Node 20).
 */
const PIECE = 32 * 1024;

interface Streaming<T> {
  update(bytes: Uint8Array): unknown;
  digest(): T;
}

function inPieces<T>(hash: Streaming<T>, bytes: Uint8Array): T {
  for (let at = 0; at < bytes.length; at += PIECE) hash.update(bytes.subarray(at, at + PIECE));
  return hash.digest();
}

/** A hasher of its own. */
export async function loadHasher(): Promise<Hasher> {
  const { h32Raw, h64Raw, create32, create64 } = await xxhash();
  return Object.freeze({
    h32: (bytes: Uint8Array, seed: number) => (bytes.length <= PIECE ? h32Raw(bytes, seed) : inPieces(create32(seed), bytes)),
    h64: (bytes: Uint8Array, seed: bigint) => (bytes.length <= PIECE ? h64Raw(bytes, seed) : inPieces(create64(seed), bytes)),
  });
}
