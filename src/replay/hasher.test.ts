import { describe, expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import { loadHasher } from './hasher.ts';

const hasher = await loadHasher();
const abc = Uint8Array.of(0x61, 0x62, 0x63);
const nothing = new Uint8Array(0);

/** Values of the reference implementation. */
describe('hasher', () => {
  it('is XXH32, unsigned', () => {
    expect(hasher.h32(nothing, 0)).toBe(0x02cc5d05);
    expect(hasher.h32(nothing, 1)).toBe(0x0b2cb792);
    expect(hasher.h32(abc, 0)).toBe(0x32d153ff);
  });

  it('is XXH64, unsigned', () => {
    expect(hasher.h64(nothing, 0n)).toBe(0xef46db3751d8e999n);
    expect(hasher.h64(nothing, 1n)).toBe(0xd5afba1336a3be4bn);
    expect(hasher.h64(abc, 0n)).toBe(0x44bc2cf5ad770999n);
  });

  it('takes seeds with the highest bit set, and views into larger buffers', () => {
    const view = Uint8Array.of(9, 0x61, 0x62, 0x63, 9).subarray(1, 4);
    expect(hasher.h32(view, 0xffffffff)).toBe(hasher.h32(abc, 0xffffffff));
    expect(hasher.h64(view, 2n ** 64n - 1n)).toBe(hasher.h64(abc, 2n ** 64n - 1n));
    expect(hasher.h64(abc, 2n ** 63n)).not.toBe(hasher.h64(abc, 0n));
  });

  it('has no memory of what it hashed before', () => {
    hasher.h64(new Uint8Array(3_000_000).fill(7), 0n);
    expect(hasher.h64(abc, 0n)).toBe(0x44bc2cf5ad770999n);
  });
});

describe('a long block', () => {
  const block = Uint8Array.from({ length: 300_001 }, (_, n) => (n * 31) ^ (n >>> 8));

  it('has the hash that it has in one piece', async () => {
    const { h32, h64 } = hasher;
    const { h32Raw, h64Raw } = await xxhash();
    for (const length of [32_767, 32_768, 32_769, 65_536, 300_001]) {
      expect(h32(block.subarray(0, length), 7)).toBe(h32Raw(block.subarray(0, length), 7));
      expect(h64(block.subarray(0, length), 7n)).toBe(h64Raw(block.subarray(0, length), 7n));
    }
  });
});
