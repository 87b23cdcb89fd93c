import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RepriseError } from '../errors/errors.ts';
import { CowDisk, type CowState } from './cow.ts';
import { failure, newImage, openImageFile } from './image.fixture.ts';
import { MemoryFile } from './memory-file.fixture.ts';
import { RawImage } from './raw.ts';

const KIB = 1024;
const MIB = 2 ** 20;

const rawDisk = (content: Uint8Array): Promise<RawImage> => RawImage.open(new MemoryFile('base', { content, readOnly: true }));
const noise = (size: number, seed: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, n) => (Math.imul(n + 1, 2_654_435_761 + 2 * seed) >>> 23) | 1);

/** What a state consists of, according to the layer itself: the base and its changes. */
async function recomposed(disk: CowDisk, base: Uint8Array, state?: CowState): Promise<Uint8Array> {
  const bytes = base.slice();
  let end = 0;
  for await (const piece of disk.contents(state)) {
    expect(piece.offset).toBeGreaterThanOrEqual(end);
    bytes.set(piece.bytes, piece.offset);
    end = piece.offset + piece.bytes.length;
  }
  return bytes;
}

const range = fc.record({ from: fc.nat(1000), length: fc.oneof(fc.nat(9000), fc.nat(100_000)) });
const operation = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('write' as const), range, seed: fc.nat(250) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('discard' as const), range }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('capture' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('restore' as const, 'release' as const), which: fc.nat(5) }) },
);

test('a layer is the disk that plain memory is, and so are its captures', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 40 }), async (operations) => {
      const size = 150 * KIB + 512;
      const content = noise(size, 7);
      const scratch = new MemoryFile('scratch');
      const disk = new CowDisk(await rawDisk(content), scratch);
      let model = content.slice();
      const captures: { readonly state: CowState; readonly bytes: Uint8Array }[] = [];
      for (const op of operations) {
        if (op.kind === 'write' || op.kind === 'discard') {
          const offset = Math.floor((op.range.from / 1000) * size);
          const length = Math.min(op.range.length, size - offset);
          const bytes = op.kind === 'write' ? noise(length, op.seed) : new Uint8Array(length);
          await (op.kind === 'write' ? disk.write(offset, bytes) : disk.discard(offset, length));
          model.set(bytes, offset);
        } else if (op.kind === 'capture') {
          if (captures.length < 5) captures.push({ state: disk.capture(), bytes: model.slice() });
        } else if (captures.length > 0) {
          const { state, bytes } = captures[op.which % captures.length];
          if (op.kind === 'restore') {
            disk.restore(state);
            model = bytes.slice();
          } else {
            disk.release(state);
            captures.splice(op.which % captures.length, 1);
          }
        }
        expect(Buffer.compare(await disk.read(0, size), model)).toBe(0);
      }
      for (const { state, bytes } of captures) expect(Buffer.compare(await recomposed(disk, content, state), bytes)).toBe(0);
      expect(Buffer.compare(await recomposed(disk, content), model)).toBe(0);
      for (const { state, bytes } of captures) {
        disk.restore(state);
        disk.release(state);
        expect(Buffer.compare(await disk.read(0, size), bytes)).toBe(0);
      }
    }),
    { numRuns: 40 },
  );
});

test('the scratch file holds what was written once, and room that nobody needs is used again', async () => {
  const scratch = new MemoryFile('scratch');
  const disk = new CowDisk(await rawDisk(new Uint8Array(MIB)), scratch);
  for (let round = 0; round < 5; round++) await disk.write(64 * KIB, noise(64 * KIB, round));
  expect(await scratch.size()).toBe(64 * KIB);
  const before = disk.capture();
  await disk.write(64 * KIB, noise(64 * KIB, 9));
  expect(await scratch.size()).toBe(128 * KIB);
  disk.restore(before);
  for (let round = 0; round < 5; round++) {
    await disk.write(64 * KIB, noise(64 * KIB, round));
    disk.restore(before);
  }
  await disk.discard(64 * KIB, 64 * KIB);
  disk.release(before);
  await disk.write(512 * KIB, noise(128 * KIB, 3));
  expect(await scratch.size()).toBe(128 * KIB);
  expect(await disk.read(512 * KIB, 128 * KIB)).toEqual(noise(128 * KIB, 3));
});

test('a large write is one write of the scratch file', async () => {
  const scratch = new MemoryFile('scratch');
  const disk = new CowDisk(await rawDisk(new Uint8Array(MIB)), scratch);
  scratch.recording = true;
  await disk.write(4096, noise(256 * KIB, 1));
  expect(scratch.events.length).toBe(1);
});

test('changes are told in order, as long as they can be; the base is never written', async () => {
  const base = await newImage({ size: MIB + 100 });
  const image = await openImageFile(base.copy({ readOnly: true }));
  const disk = new CowDisk(image, new MemoryFile('scratch'));
  expect([...disk.changes()]).toEqual([]);
  await disk.write(MIB + 90, Uint8Array.of(1));
  await disk.write(8 * KIB, new Uint8Array(8 * KIB).fill(1));
  await disk.write(4 * KIB + 5, Uint8Array.of(1));
  const state = disk.capture();
  await disk.discard(100 * KIB, 4 * KIB);
  expect([...disk.changes(state)]).toEqual([
    [4 * KIB, 12 * KIB],
    [MIB, 100],
  ]);
  expect([...disk.changes()]).toEqual([
    [4 * KIB, 12 * KIB],
    [100 * KIB, 4 * KIB],
    [MIB, 100],
  ]);
  expect(await disk.extent(0)).toEqual({ zero: true, length: 4 * KIB });
  expect(await disk.extent(5 * KIB)).toEqual({ zero: false, length: 11 * KIB });
  expect(await disk.extent(101 * KIB)).toEqual({ zero: true, length: 3 * KIB });
});

test('a disk of 2 TiB takes an index for what is written; discarding all of it takes none', async () => {
  const disk = new CowDisk(await openImageFile((await newImage({ size: 2 ** 41 })).copy({ readOnly: true })), new MemoryFile('scratch'));
  await disk.write(2 ** 41 - 10, new Uint8Array(10).fill(1));
  await disk.write(2 ** 40, new Uint8Array(10).fill(1));
  const before = process.memoryUsage().arrayBuffers;
  await disk.discard(5000, 2 ** 41 - 5000);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MIB);
  expect(await disk.read(2 ** 41 - 10, 10)).toEqual(new Uint8Array(10));
  await disk.write(2 ** 40 + 5, Uint8Array.of(7));
  expect(await disk.read(2 ** 40, 10)).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 7, 0, 0, 0, 0));
});

test('a disk is exchanged for another; captures of the first are still it', async () => {
  const [one, other] = [noise(100 * KIB, 1), noise(100 * KIB, 2)];
  const scratch = new MemoryFile('scratch');
  const disk = new CowDisk(await rawDisk(one), scratch);
  await disk.write(500, Uint8Array.of(1, 2, 3));
  const before = disk.capture();
  disk.rebase(await rawDisk(other));
  expect([...disk.changes()]).toEqual([]);
  expect(Buffer.compare(await disk.read(0, disk.size), other)).toBe(0);
  await disk.write(8000, Uint8Array.of(9));
  disk.restore(before);
  one.set([1, 2, 3], 500);
  expect(Buffer.compare(await disk.read(0, disk.size), one)).toBe(0);
  disk.release(before);
  disk.rebase(await rawDisk(other));
  await disk.write(0, new Uint8Array(12 * KIB));
  // The room of all that is gone was used again.
  expect(await scratch.size()).toBe(12 * KIB);
  const smaller = await rawDisk(new Uint8Array(5));
  expect(() => disk.rebase(smaller)).toThrow('keeps its size');
});

test('a full disk of the host: the write fails, nothing else changes, and it can be repeated', async () => {
  const content = noise(MIB, 1);
  const scratch = new MemoryFile('scratch');
  const disk = new CowDisk(await rawDisk(content), scratch);
  await disk.write(0, new Uint8Array(10 * KIB).fill(5));
  scratch.beforeWrite = () => {
    throw new RepriseError('DISK_FULL', 'the disk is full');
  };
  expect(await failure(() => disk.write(6 * KIB, new Uint8Array(50 * KIB).fill(6)))).toMatch(/^DISK_FULL/);
  const model = content.slice();
  model.fill(5, 0, 10 * KIB);
  expect(Buffer.compare(await disk.read(0, MIB), model)).toBe(0);
  scratch.beforeWrite = () => {};
  await disk.write(6 * KIB, new Uint8Array(50 * KIB).fill(6));
  model.fill(6, 6 * KIB, 56 * KIB);
  expect(Buffer.compare(await disk.read(0, MIB), model)).toBe(0);
  expect(await scratch.size()).toBe(56 * KIB);
});

test('a state that was released is gone', async () => {
  const disk = new CowDisk(await rawDisk(new Uint8Array(100)), new MemoryFile('scratch'));
  const state = disk.capture();
  disk.release(state);
  expect(() => disk.restore(state)).toThrow('released');
  expect(() => disk.release(state)).toThrow('released');
  const pending = disk.write(0, Uint8Array.of(1));
  expect(() => disk.capture()).toThrow('between two operations');
  await pending;
});
