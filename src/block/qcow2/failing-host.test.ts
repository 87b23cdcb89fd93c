/** The host refuses a write in the middle of things: nothing is lost, and what failed can be done again. */
import { expect, test } from 'vitest';
import { RepriseError } from '../../errors/errors.ts';
import { CLEAN, failure, ModelDisk, newImage, openImageFile, randomNumbers, randomOperation, verdict } from '../image.fixture.ts';
import type { MemoryFile } from '../memory-file.fixture.ts';
import { checkQcow2 } from './check.ts';

const KIB = 1024;
const SNAPSHOT = { name: 's', date: { seconds: 0, nanoseconds: 0 }, vmClockNs: 0, icount: 0 };

/** Lets so many more writes through, then none until it is reset. */
function fillUp(file: MemoryFile, writes: number): void {
  let left = writes;
  file.beforeWrite = () => {
    if (left-- <= 0) throw new RepriseError('DISK_FULL', 'the disk is full');
  };
}

test('a full disk at any write of a guest: it is told, and goes on when there is room', async () => {
  for (let seed = 0; seed < 8; seed++) {
    const random = randomNumbers(seed);
    const size = 120 * KIB + 100;
    const file = await newImage({ size, clusterSize: seed % 2 ? 512 : 4096, refcountBits: seed % 3 ? 16 : 64 });
    const image = await openImageFile(file);
    const model = new ModelDisk(new Uint8Array(size));
    for (let n = 0; n < 40; n++) {
      const offset = random(size);
      const bytes = new Uint8Array(random(Math.min(30 * KIB, size - offset))).fill(random(256));
      const discard = random(4) === 0;
      const operation = (): Promise<void> => (discard ? image.discard(offset, bytes.length) : image.write(offset, bytes));
      fillUp(file, random(12));
      const first = await failure(async () => {
        await operation();
        await image.flush();
      });
      expect(first).toMatch(/^(no error|DISK_FULL the disk is full)$/);
      file.beforeWrite = () => {};
      // What the failed operation did not touch is as it was.
      const elsewhere = await image.read(0, offset);
      expect(Buffer.compare(elsewhere, model.bytes.subarray(0, offset))).toBe(0);
      await operation();
      model.bytes.set(discard ? bytes.fill(0) : bytes, offset);
      expect(Buffer.compare(await image.read(0, size), model.bytes)).toBe(0);
    }
    await image.close();
    expect(await verdict(file)).toEqual(CLEAN);
  }
});

test('a snapshot that finds no room leaves the image as it was', async () => {
  for (let writes = 0; ; writes++) {
    const file = await newImage({ size: 60 * KIB, clusterSize: 512 });
    const image = await openImageFile(file);
    const model = new ModelDisk(new Uint8Array(60 * KIB));
    const random = randomNumbers(1);
    for (let n = 0; n < 10; n++) await randomOperation(image, model, random, false);
    await image.flush();
    fillUp(file, writes);
    const error = await failure(() => image.createSnapshot(SNAPSHOT));
    file.beforeWrite = () => {};
    expect(Buffer.compare(await image.read(0, image.size), model.bytes)).toBe(0);
    if (error === 'no error') {
      expect(writes).toBeGreaterThan(3);
      break;
    }
    expect(error).toMatch(/^DISK_FULL/);
    expect(image.listSnapshots()).toEqual([]);
    const again = await failure(() => image.createSnapshot(SNAPSHOT));
    // After the write that switches the header failed nobody knows what the file has; then it must be opened again.
    if (again !== 'no error') expect(again).toMatch(/^FILE_UNWRITABLE .*open it again/);
    await image.close().catch(() => {});
    expect(file.closed).toBe(true);
    expect(await verdict(file)).toEqual(CLEAN);
    const reopened = await openImageFile(file);
    expect(Buffer.compare(await reopened.read(0, reopened.size), model.bytes)).toBe(0);
  }
});

test('a snapshot of an image with refcounts of one bit is refused and changes nothing', async () => {
  const file = await newImage({ size: 60 * KIB, clusterSize: 512, refcountBits: 1 });
  const image = await openImageFile(file);
  await image.write(100, new Uint8Array(5000).fill(3));
  expect(await failure(() => image.createSnapshot(SNAPSHOT))).toMatch(/^IMAGE_UNSUPPORTED .*refcounts end at 1/);
  expect(image.listSnapshots()).toEqual([]);
  await image.close();
  expect(await verdict(file)).toEqual(CLEAN);
});

test('a machine state that was written for nothing is no part of the next snapshot', async () => {
  const file = await newImage({ size: 60 * KIB, clusterSize: 512 });
  const image = await openImageFile(file);
  await image.writeVmState(0, new Uint8Array(100_000).fill(1));
  await image.writeVmState(0, new Uint8Array(700).fill(2));
  await image.createSnapshot(SNAPSHOT, 700);
  expect(await image.readVmState('s', 600, 100)).toEqual(new Uint8Array(100).fill(2));
  expect(await failure(() => image.readVmState('s', 600, 101))).toMatch(/^IMAGE_DAMAGED .*700 bytes/);
  await image.close();
  const { leaks, corruptions, clusters } = await checkQcow2(file);
  expect({ leaks, corruptions, allocated: clusters.allocated }).toEqual({ leaks: 0, corruptions: 0, allocated: 0 });
  const before = await file.size();
  const again = await openImageFile(file);
  await again.writeVmState(0, new Uint8Array(50_000).fill(3));
  await again.close();
  // There was room in what had been given up.
  expect(await file.size()).toBe(before);
});

test('operations that are begun at once are done one after the other, and one that fails harms none of the others', async () => {
  const file = await newImage({ size: 256 * KIB, clusterSize: 512 });
  const image = await openImageFile(file);
  const writes = Array.from({ length: 100 }, (_, n) => image.write(n * 1000, new Uint8Array(1500).fill(n)));
  const missing = failure(() => image.applySnapshot('none'));
  const read = image.read(50_000, 1000);
  const all = [...writes, image.flush(), image.createSnapshot(SNAPSHOT), image.write(0, Uint8Array.of(99))];
  await Promise.all(all);
  expect(await missing).toMatch(/^NO_SNAPSHOT/);
  expect(await read).toEqual(new Uint8Array(1000).fill(50));
  expect(await image.snapshotNode('s').read(0, 1)).toEqual(Uint8Array.of(0));
  expect(await image.read(0, 1)).toEqual(Uint8Array.of(99));
  await image.close();
  expect(await verdict(file)).toEqual(CLEAN);
});
