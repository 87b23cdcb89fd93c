import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RepriseError } from '../errors/errors.ts';
import { CONTENT_BLOCK, hashContent, usedBlocks } from './content.ts';
import { EmbeddedDisk, type EmbeddedExtent, MAX_EXTENT_BYTES } from './embedded.ts';
import { failure } from './image.fixture.ts';
import { MemoryFile } from './memory-file.fixture.ts';
import { RawImage } from './raw.ts';

/** A disk with something in some of its blocks. */
function content(size: number, used: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const block of used) for (let at = block * CONTENT_BLOCK; at < Math.min(size, (block + 1) * CONTENT_BLOCK); at += 7) bytes[at] = block + at;
  return bytes;
}

async function embed(bytes: Uint8Array): Promise<EmbeddedExtent[]> {
  const extents: EmbeddedExtent[] = [];
  for await (const { offset, bytes: block } of usedBlocks(await RawImage.open(new MemoryFile('raw', { content: bytes })))) {
    const kept = block.slice();
    extents.push({ offset, length: kept.length, read: () => kept });
  }
  return extents;
}

test('a disk that was taken apart into its used blocks is the same disk', async () => {
  const size = 9 * CONTENT_BLOCK + 512;
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(9)), fc.array(fc.tuple(fc.nat(size), fc.nat(size)), { maxLength: 8 }), async (used, ranges) => {
      const bytes = content(size, used);
      const disk = new EmbeddedDisk(size, await embed(bytes));
      for (const [a, b] of ranges) {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        expect(Buffer.compare(await disk.read(from, to - from), bytes.subarray(from, to))).toBe(0);
      }
      const hashed: Uint8Array[][] = [[], []];
      await hashContent(disk, { update: (part) => void hashed[0].push(part.slice()) });
      await hashContent(await RawImage.open(new MemoryFile('raw', { content: bytes })), { update: (part) => void hashed[1].push(part.slice()) });
      expect(Buffer.compare(Buffer.concat(hashed[0]), Buffer.concat(hashed[1]))).toBe(0);
    }),
    { numRuns: 40 },
  );
});

test('what was read lately is not read again, and memory is bounded', async () => {
  const length = 2 ** 20;
  const reads: number[] = [];
  const extents = Array.from({ length: 40 }, (_, n) => ({
    offset: n * length,
    length,
    read: async () => {
      reads.push(n);
      return new Uint8Array(length).fill(n + 1);
    },
  }));
  const disk = new EmbeddedDisk(40 * length, extents);
  const both = await Promise.all([disk.read(0, 10), disk.read(length - 10, 20)]);
  expect(both[1]).toEqual(new Uint8Array(20).fill(1, 0, 10).fill(2, 10));
  expect(reads).toEqual([0, 1]);
  for (let n = 0; n < 15; n++) await disk.read(n * length, 10);
  await disk.read(0, 10);
  expect(reads.length).toBe(15);
  for (let n = 15; n < 31; n++) await disk.read(n * length, 10);
  await disk.read(0, 10);
  await disk.read(30 * length, 10);
  // Another 16, and the first one again, which had to give way.
  expect(reads.length).toBe(32);
});

test.each<[string, number, (readonly [number, number])[]]>([
  ['an offset within a block', 10 * CONTENT_BLOCK, [[512, CONTENT_BLOCK]]],
  ['a length within a block', 10 * CONTENT_BLOCK, [[0, 512]]],
  [
    'an overlap',
    10 * CONTENT_BLOCK,
    [
      [0, 2 * CONTENT_BLOCK],
      [CONTENT_BLOCK, CONTENT_BLOCK],
    ],
  ],
  [
    'another order',
    10 * CONTENT_BLOCK,
    [
      [CONTENT_BLOCK, CONTENT_BLOCK],
      [0, CONTENT_BLOCK],
    ],
  ],
  ['more than the disk', 10 * CONTENT_BLOCK, [[9 * CONTENT_BLOCK, 2 * CONTENT_BLOCK]]],
  ['nothing', 10 * CONTENT_BLOCK, [[0, 0]]],
  ['no number', 10 * CONTENT_BLOCK, [[Number.NaN, CONTENT_BLOCK]]],
  ['too much at once', 2 ** 40, [[0, MAX_EXTENT_BYTES + CONTENT_BLOCK]]],
])('%s is no disk', async (_, size, ranges) => {
  const extents = ranges.map(([offset, length]) => ({ offset, length, read: () => new Uint8Array(length) }));
  expect(await failure(async () => new EmbeddedDisk(size, extents))).toMatch(/^RECORDING_DAMAGED/);
});

test('a block that cannot be read, or is too short, is an error of that read alone', async () => {
  let broken = true;
  const read = (): Uint8Array => {
    if (broken) throw new RepriseError('FILE_UNREADABLE', 'gone');
    return new Uint8Array(CONTENT_BLOCK).fill(4);
  };
  const short = { offset: CONTENT_BLOCK, length: CONTENT_BLOCK, read: () => new Uint8Array(5) };
  const disk = new EmbeddedDisk(3 * CONTENT_BLOCK, [{ offset: 0, length: CONTENT_BLOCK, read }, short]);
  expect(await failure(() => disk.read(0, 10))).toMatch(/^FILE_UNREADABLE/);
  expect(await failure(() => disk.read(CONTENT_BLOCK, 10))).toMatch(/^RECORDING_DAMAGED .*5 bytes instead of 65536/);
  broken = false;
  expect(await disk.read(5, 3)).toEqual(new Uint8Array(3).fill(4));
  await expect(disk.write()).rejects.toThrow('not written');
});
