import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSha256 } from '../host/node/files.ts';
import { CONTENT_BLOCK, hashContent, usedBlocks } from './content.ts';
import { CowDisk } from './cow.ts';
import { newImage, openImageFile } from './image.fixture.ts';
import { MemoryFile } from './memory-file.fixture.ts';
import type { BlockNode } from './node.ts';
import { RawImage } from './raw.ts';

const SIZE = 20 * CONTENT_BLOCK + 1536;
/** Where there is something: within a block, over the edge of two, a whole one, in the short last one. */
const PARTS: readonly (readonly [number, number])[] = [
  [700, 1],
  [3 * CONTENT_BLOCK - 10, 20],
  [6 * CONTENT_BLOCK, CONTENT_BLOCK],
  [SIZE - 3, 3],
];
const BLOCKS = [0, 2, 3, 6, 20];

function content(): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  for (const [from, length] of PARTS) bytes.fill(7, from, from + length);
  return bytes;
}

async function hashOf(node: BlockNode): Promise<string> {
  const hash = createSha256();
  await hashContent(node, hash);
  return hash.hex();
}

/** As the definition says, of plain bytes. */
function plainHash(bytes: Uint8Array): string {
  const hash = createHash('sha256');
  const number = (value: number): Buffer => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(BigInt(value));
    return buffer;
  };
  hash.update(number(bytes.length));
  for (let at = 0; at < bytes.length; at += CONTENT_BLOCK) {
    const block = bytes.subarray(at, at + CONTENT_BLOCK);
    if (block.some((byte) => byte !== 0)) hash.update(number(at)).update(block);
  }
  return hash.digest('hex');
}

const rawDisk = (bytes: Uint8Array): Promise<RawImage> => RawImage.open(new MemoryFile('raw', { content: bytes, readOnly: true }));

test('the hash is that of the content, whatever it is kept in', async () => {
  const expected = plainHash(content());
  expect(await hashOf(await rawDisk(content()))).toBe(expected);
  for (const clusterSize of [512, 4096, 65_536, 2 ** 21]) {
    const image = await openImageFile(await newImage({ size: SIZE, clusterSize }));
    for (const [from, length] of PARTS) await image.write(from, new Uint8Array(length).fill(7));
    await image.write(10 * CONTENT_BLOCK, new Uint8Array(CONTENT_BLOCK).fill(1));
    await image.createSnapshot({ name: 's', date: { seconds: 0, nanoseconds: 0 }, vmClockNs: 0, icount: 0 });
    // Zeros that are written are zeros.
    await image.write(10 * CONTENT_BLOCK, new Uint8Array(CONTENT_BLOCK));
    expect(await hashOf(image)).toBe(expected);
    expect(await hashOf(image.snapshotNode('s'))).not.toBe(expected);
  }
  const layer = new CowDisk(await rawDisk(new Uint8Array(SIZE)), new MemoryFile('scratch'));
  for (const [from, length] of PARTS) await layer.write(from, new Uint8Array(length).fill(7));
  await layer.discard(4000, 5000);
  expect(await hashOf(layer)).toBe(expected);
});

test('another size, place or byte is another hash', async () => {
  const [longer, moved, other] = [new Uint8Array(SIZE + 512), content().fill(0, 0, 701).fill(7, 701, 702), content().fill(8, 700, 701)];
  longer.set(content());
  const hashes = await Promise.all([content(), longer, moved, other].map(async (bytes) => hashOf(await rawDisk(bytes))));
  expect(new Set(hashes).size).toBe(4);
});

test('used blocks come in order, and progress ends at the end', async () => {
  const told: number[] = [];
  const bytes = content();
  const offsets: number[] = [];
  for await (const block of usedBlocks(await rawDisk(bytes), (done, size) => void told.push(done / size))) {
    offsets.push(block.offset);
    expect(Buffer.compare(block.bytes, bytes.subarray(block.offset, block.offset + CONTENT_BLOCK))).toBe(0);
  }
  expect(offsets).toEqual(BLOCKS.map((block) => block * CONTENT_BLOCK));
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect(told.at(-1)).toBe(1);
});

test('the holes of a sparse disk of 2 TiB are not read', async () => {
  const image = await openImageFile(await newImage({ size: 2 ** 41 }));
  await image.write(2 ** 40 + 5, Uint8Array.of(1));
  const offsets: number[] = [];
  for await (const { offset } of usedBlocks(image)) offsets.push(offset);
  expect(offsets).toEqual([2 ** 40]);
});
