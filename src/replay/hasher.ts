/** xxHash, for the checks of a recording and the digests of a machine. It finds faults; it is no defence against forgery. */
import xxhash from 'xxhash-wasm';

export interface Hasher {
  /** XXH32. @param seed unsigned, 32 bits. @returns unsigned, 32 bits */
  h32(bytes: Uint8Array, seed: number): number;
  /** XXH64. @param seed unsigned, 64 bits. @returns unsigned, 64 bits */
  h64(bytes: Uint8Array, seed: bigint): bigint;
}

/**
 * A hasher of its own. It copies its argument into a WebAssembly memory that grows to the longest one and never
 * shrinks, so hash large blocks in parts.
 */
export async function loadHasher(): Promise<Hasher> {
  const { h32Raw, h64Raw } = await xxhash();
  return Object.freeze({ h32: h32Raw, h64: h64Raw });
}
