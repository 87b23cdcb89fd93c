import { expect, it } from 'vitest';
import { CowDisk } from './cow.ts';
import { MemoryFile } from './memory-file.fixture.ts';
import type { BlockNode } from './node.ts';
import { WrittenBlocks } from './written.ts';

/** A disk of zeros; as large as anyone likes, since nothing of it is kept. */
const zeros = (size: number): BlockNode => ({
  size,
  readOnly: true,
  read: async (_, length) => new Uint8Array(length),
  write: () => Promise.reject(new Error('it is only read')),
  discard: () => Promise.reject(new Error('it is only read')),
  flush: async () => {},
  close: async () => {},
});

it('notes each block that something was written to, or discarded, once', async () => {
  const disk = new WrittenBlocks(new CowDisk(zeros(100 * 4096), new MemoryFile()), 50);
  await disk.write(4095, new Uint8Array(2).fill(1));
  await disk.write(40 * 4096, new Uint8Array(4096).fill(2));
  await disk.write(40 * 4096, new Uint8Array(1).fill(3));
  await disk.discard(10 * 4096, 2 * 4096);
  expect(disk.take()).toEqual([0, 1, 10, 11, 40]);
  expect(disk.take()).toEqual([]);
  expect(await disk.read(40 * 4096, 2)).toEqual(Uint8Array.of(3, 2));
});

it('gives up for ever when more was written than it may note, at once or bit by bit', async () => {
  const huge = new WrittenBlocks(new CowDisk(zeros(2 ** 40), new MemoryFile()), 50);
  await huge.discard(0, 2 ** 40);
  expect(huge.take()).toBeUndefined();
  const disk = new WrittenBlocks(new CowDisk(zeros(100 * 4096), new MemoryFile()), 50);
  for (let block = 0; block < 51; block++) await disk.write(block * 4096, new Uint8Array(1));
  expect(disk.take()).toBeUndefined();
  await disk.write(0, new Uint8Array(1));
  expect(disk.take()).toBeUndefined();
});
