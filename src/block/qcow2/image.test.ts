import { describe, expect, test } from 'vitest';
import { CLEAN, ModelDisk, newImage, openImageFile, randomNumbers, randomOperation, verdict } from '../image.fixture.ts';
import { MemoryFile } from '../memory-file.fixture.ts';
import { RawImage } from '../raw.ts';

const KIB = 1024;

describe('an image does what a disk does', () => {
  test.each([
    { clusterSize: 512, refcountBits: 1, snapshots: false, version: 3 as 2 | 3 },
    { clusterSize: 512, refcountBits: 2, snapshots: false },
    { clusterSize: 512, refcountBits: 4, snapshots: true },
    { clusterSize: 512, refcountBits: 64, snapshots: true },
    { clusterSize: 1024, refcountBits: 8, snapshots: true },
    { clusterSize: 1024, refcountBits: 16, snapshots: true, version: 2 as 2 | 3 },
    { clusterSize: 4096, refcountBits: 16, snapshots: true },
    { clusterSize: 65_536, refcountBits: 32, snapshots: true },
  ])(
    'random operations: clusters of $clusterSize, refcounts of $refcountBits bits',
    async ({ clusterSize, refcountBits, snapshots, version = 3 }) => {
      for (let seed = 0; seed < 6; seed++) {
        const random = randomNumbers(seed);
        // Not a multiple of the cluster size.
        const size = 100 * KIB + 700;
        const file = await newImage({ size, clusterSize, refcountBits, version, backing: seed % 2 ? { file: 'base', format: 'raw' } : undefined });
        const base = Uint8Array.from({ length: 60 * KIB + 300 }, () => random(256));
        const backing = await RawImage.open(new MemoryFile('base', { content: base, readOnly: true }));
        const model = new ModelDisk(new Uint8Array(size));
        if (seed % 2) model.bytes.set(base);
        let image = await openImageFile(file, seed % 2 ? backing : undefined);
        for (let n = 0; n < 60; n++) {
          await randomOperation(image, model, random, snapshots);
          if (n % 20 === 19) {
            await image.close();
            expect(await verdict(file)).toEqual(CLEAN);
            image = await openImageFile(file, seed % 2 ? backing : undefined);
            expect(Buffer.compare(await image.read(0, size), model.bytes)).toBe(0);
            for (const [name, bytes] of model.snapshots) expect(Buffer.compare(await image.snapshotNode(name).read(0, size), bytes)).toBe(0);
          }
        }
      }
    },
  );
});
