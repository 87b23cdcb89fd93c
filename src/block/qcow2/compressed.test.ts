import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decompressCluster } from './compressed.ts';

const CLUSTER = 4096;
const content = Uint8Array.from({ length: CLUSTER }, (_, n) => (n * n) >> 5);
const concat = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
/** Bytes of the next cluster's data. */
const REST = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff);
const MAGIC = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);

/** A frame of one block. @param kind 0 as it is, 1 one byte repeated */
function frame(kind: 0 | 1, size: number, body: Uint8Array, contentSize?: number): Uint8Array {
  const head =
    contentSize === undefined
      ? Uint8Array.of(0x00, 0x18)
      : Uint8Array.of(0x80, 0x18, contentSize & 255, (contentSize >> 8) & 255, contentSize >> 16, 0);
  const block = 1 | (kind << 1) | (size << 3);
  return concat(MAGIC, head, Uint8Array.of(block & 255, (block >> 8) & 255, block >> 16), body);
}

describe('deflate', () => {
  test('with bytes of other clusters behind it', () => {
    expect(decompressCluster(concat(deflateRawSync(content), REST), CLUSTER, 'zlib')).toEqual(content);
  });

  test('too little, cut off, nonsense', () => {
    expect(decompressCluster(deflateRawSync(content.subarray(1)), CLUSTER, 'zlib')).toBeUndefined();
    expect(decompressCluster(deflateRawSync(content).subarray(0, 100), CLUSTER, 'zlib')).toBeUndefined();
    expect(decompressCluster(new Uint8Array(100).fill(0xff), CLUSTER, 'zlib')).toBeUndefined();
  });
});

describe('zstd', () => {
  test('stored and repeated blocks, with and without a size, with bytes of other clusters behind', () => {
    expect(decompressCluster(concat(frame(0, CLUSTER, content), REST), CLUSTER, 'zstd')).toEqual(content);
    expect(decompressCluster(concat(frame(0, CLUSTER, content, CLUSTER), REST), CLUSTER, 'zstd')).toEqual(content);
    expect(decompressCluster(concat(frame(1, CLUSTER, Uint8Array.of(7), CLUSTER), REST), CLUSTER, 'zstd')).toEqual(new Uint8Array(CLUSTER).fill(7));
  });

  test('another size, more than there is room for, cut off, no frame', () => {
    expect(decompressCluster(frame(0, CLUSTER, content, CLUSTER + 1), CLUSTER, 'zstd')).toBeUndefined();
    expect(decompressCluster(frame(0, CLUSTER, content).subarray(0, 3000), CLUSTER, 'zstd')).toBeUndefined();
    expect(decompressCluster(new Uint8Array(100), CLUSTER, 'zstd')).toBeUndefined();
    expect(decompressCluster(MAGIC, CLUSTER, 'zstd')).toBeUndefined();
  });
});

test('no bytes make it fail in any other way, or give a cluster of another size', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }).map((rest) => concat(MAGIC, rest)),
  );
  fc.assert(
    fc.property(bytes, fc.constantFrom('zlib' as const, 'zstd' as const), (data, kind) => {
      const out = decompressCluster(data, CLUSTER, kind);
      expect(out === undefined || out.length === CLUSTER).toBe(true);
    }),
    { numRuns: 500 },
  );
});
