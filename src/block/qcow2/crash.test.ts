/** The host dies at any moment of a run; what is on its disk then must be a valid image with what was flushed. */
import { describe, expect, test } from 'vitest';
import { crashed, ModelDisk, newImage, openImageFile, randomNumbers, randomOperation } from '../image.fixture.ts';
import { type FileEvent, MemoryFile } from '../memory-file.fixture.ts';
import { RawImage } from '../raw.ts';
import { checkQcow2 } from './check.ts';

const KIB = 1024;

describe('the host dies at any write', () => {
  test.each([
    { clusterSize: 512, refcountBits: 16, size: 90 * KIB, operations: 60, backed: true },
    // Small reach of a refcount block, so that refcount tables grow and move.
    { clusterSize: 512, refcountBits: 64, size: 160 * KIB, operations: 30, backed: false },
    { clusterSize: 4096, refcountBits: 4, size: 200 * KIB, operations: 50, backed: true },
  ])('clusters of $clusterSize, refcounts of $refcountBits bits', async ({ clusterSize, refcountBits, size, operations, backed }) => {
    for (let seed = 1; seed <= 2; seed++) {
      const random = randomNumbers(seed);
      const base = new MemoryFile('base', { content: new Uint8Array(size / 2).fill(0xbb), readOnly: true });
      const file = await newImage({ size, clusterSize, refcountBits, backing: backed ? { file: 'base', format: 'raw' } : undefined });
      const start = file.copy();
      file.recording = true;
      const openIt = async (image: MemoryFile) => openImageFile(image, backed ? await RawImage.open(base) : undefined);
      const image = await openIt(file);
      const model = new ModelDisk(new Uint8Array(size));
      if (backed) model.bytes.fill(0xbb, 0, size / 2);
      const initial = model.bytes.slice();
      /** What is on the disk for sure, from the event of that number on. */
      const flushed: { readonly events: number; readonly bytes: Uint8Array; readonly snapshots: number }[] = [];
      for (let n = 0; n < operations; n++) {
        await randomOperation(image, model, random, n % 3 === 0);
        await image.flush();
        flushed.push({ events: file.events.length, bytes: model.bytes.slice(), snapshots: model.snapshots.size });
      }
      const synced = start.copy();
      let pending: FileEvent[] = [];
      for (const [n, event] of file.events.entries()) {
        for (const chance of [0, 50, 100]) {
          const dead = crashed(synced, pending, () => random(100) < chance);
          const { corruptions, messages } = await checkQcow2(dead);
          expect({ n, corruptions, messages: corruptions === 0 ? [] : messages }).toEqual({ n, corruptions: 0, messages: [] });
          if (n % 7 !== 0 || chance !== 50) continue;
          // Each byte is what it was at the last flush, or what it is at the next.
          const after = flushed.findIndex(({ events }) => events > n);
          const before = after === 0 ? initial : flushed[after - 1].bytes;
          const bytes = await (await openIt(dead)).read(0, size);
          expect(bytes.findIndex((byte, at) => byte !== before[at] && byte !== flushed[after].bytes[at])).toBe(-1);
        }
        const last = flushed.find(({ events }) => events === n);
        if (last !== undefined) {
          // Nothing that was acknowledged may be missing, whatever happened to the writes since (there are none yet).
          const revived = await openIt(crashed(synced, pending, () => false));
          expect(Buffer.compare(await revived.read(0, size), last.bytes)).toBe(0);
          expect(revived.listSnapshots().length).toBe(last.snapshots);
        }
        if (event.kind === 'write') pending.push(event);
        else {
          for (const { offset, bytes } of pending.filter((e) => e.kind === 'write')) synced.put(offset, bytes);
          pending = [];
        }
      }
    }
  });

  test('an image that lost writes goes on being used: life after life', async () => {
    const random = randomNumbers(3);
    const size = 60 * KIB;
    let file = await newImage({ size, clusterSize: 512 });
    let leaks = 0;
    for (let life = 0; life < 25; life++) {
      const image = await openImageFile(file);
      const model = new ModelDisk(await image.read(0, size));
      for (const { name } of image.listSnapshots()) model.snapshots.set(name, await image.snapshotNode(name).read(0, size));
      const start = file.copy();
      file.recording = true;
      for (let n = 0; n < 6; n++) {
        await randomOperation(image, model, random);
        expect(Buffer.compare(await image.read(0, size), model.bytes)).toBe(0);
      }
      await image.flush();
      const end = random(file.events.length);
      const lastSync = file.events.slice(0, end).findLastIndex(({ kind }) => kind === 'sync');
      const synced = crashed(start, file.events.slice(0, Math.max(0, lastSync)), () => true);
      file = crashed(synced, file.events.slice(Math.max(0, lastSync), end), () => random(2) === 0);
      const check = await checkQcow2(file);
      expect(check.corruptions === 0 ? [] : check.messages).toEqual([]);
      leaks = check.leaks;
    }
    // Otherwise no death came at a moment that matters.
    expect(leaks).toBeGreaterThan(0);
  });
});
