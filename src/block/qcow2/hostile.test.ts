/** Images that are damaged or made to do harm: an error that says so, in bounded time, never a fault of ours. */
import { describe, expect, test } from 'vitest';
import { RepriseError } from '../../errors/errors.ts';
import { failure, ModelDisk, newImage, openImageFile, randomNumbers, randomOperation } from '../image.fixture.ts';
import { MemoryFile } from '../memory-file.fixture.ts';
import { checkQcow2 } from './check.ts';
import { viewOf, writeU64 } from './header.ts';

const KIB = 1024;
const CLUSTER = 4096;

/** A small image with data and snapshots. */
async function lived(): Promise<MemoryFile> {
  const file = await newImage({ size: 200 * KIB, clusterSize: CLUSTER });
  const image = await openImageFile(file);
  const random = randomNumbers(4);
  const model = new ModelDisk(new Uint8Array(image.size));
  for (let n = 0; n < 30; n++) await randomOperation(image, model, random);
  await image.createSnapshot({ name: 'kept', date: { seconds: 0, nanoseconds: 0 }, vmClockNs: 0, icount: 1 });
  await image.close();
  return file;
}

/** An image with one field of the header changed. */
async function withHeader(change: (view: DataView) => unknown, from?: MemoryFile): Promise<MemoryFile> {
  const file = (from ?? (await newImage({ size: 200 * KIB, clusterSize: CLUSTER }))).copy();
  const head = await file.read(0, CLUSTER);
  change(viewOf(head));
  file.put(0, head);
  return file;
}

describe('a header that cannot be', () => {
  test.each<[string, (view: DataView) => unknown, RegExp]>([
    ['magic', (v) => v.setUint32(0, 1), /IMAGE_DAMAGED .*does not begin/],
    ['version 4', (v) => v.setUint32(4, 4), /IMAGE_UNSUPPORTED .*version 4/],
    ['tiny clusters', (v) => v.setUint32(20, 8), /IMAGE_DAMAGED .*2\^8 bytes/],
    ['huge clusters', (v) => v.setUint32(20, 63), /IMAGE_DAMAGED .*2\^63 bytes/],
    ['encryption', (v) => v.setUint32(32, 1), /IMAGE_UNSUPPORTED .*encrypted/],
    ['huge disk', (v) => v.setUint32(24, 0x7fff_ffff), /IMAGE_DAMAGED .*a disk of/],
    ['huge L1 table', (v) => v.setUint32(36, 0xffff_ffff), /IMAGE_DAMAGED .*L1 table of 4294967295/],
    ['small L1 table', (v) => v.setUint32(36, 0), /IMAGE_DAMAGED .*too small/],
    ['L1 table unaligned', (v) => v.setUint32(44, 4097), /IMAGE_DAMAGED .*not aligned/],
    ['L1 table past the end', (v) => v.setUint32(40, 1), /IMAGE_DAMAGED .*past the end/],
    ['L1 table over the header', (v) => writeU64(v, 40, 0), /IMAGE_DAMAGED .*overlaps the header/],
    ['huge refcount table', (v) => v.setUint32(56, 0xffff_ffff), /IMAGE_DAMAGED .*refcount table of/],
    ['no refcount table', (v) => v.setUint32(56, 0), /IMAGE_DAMAGED .*no refcount table/],
    ['too many snapshots', (v) => v.setUint32(60, 65_537), /IMAGE_DAMAGED .*65537 snapshots/],
    ['snapshots nowhere', (v) => v.setUint32(60, 1), /IMAGE_DAMAGED .*overlaps the header/],
    ['wide refcounts', (v) => v.setUint32(96, 7), /IMAGE_DAMAGED .*2\^7 bits/],
    ['short header', (v) => v.setUint32(100, 50), /IMAGE_DAMAGED .*header of 50/],
    ['compression unsaid', (v) => v.setUint8(104, 1), /IMAGE_DAMAGED .*contradicts/],
    ['long backing name', (v) => [writeU64(v, 8, 200), v.setUint32(16, 5000)], /IMAGE_DAMAGED .*name of its backing/],
    ['endless extension', (v) => [v.setUint32(112, 5), v.setUint32(116, 0xffff_fff0)], /IMAGE_DAMAGED .*extension 0x5/],
    ['corrupt bit', (v) => v.setUint32(76, 2), /IMAGE_DAMAGED .*marked as corrupt/],
    ['external data', (v) => v.setUint32(76, 4), /IMAGE_UNSUPPORTED .*: external data file$/],
    ['unknown features', (v) => v.setUint32(72, 1 << 8), /IMAGE_UNSUPPORTED .*: bit 40$/],
  ])('%s', async (_, change, message) => {
    const file = await withHeader(change);
    expect(await failure(() => openImageFile(file))).toMatch(message);
    // Where the place is read before it is judged, no more is read than there is.
    expect(await failure(async () => openImageFile(new MemoryFile('short', { content: (await file.read(0, 100)).slice() })))).toMatch(/^IMAGE_/);
  });

  test('an unknown feature is called as the image calls it', async () => {
    const file = await withHeader((view) => {
      view.setUint32(72, 1 << 8);
      view.setUint32(112, 0x6803_f857);
      view.setUint32(116, 48);
      view.setUint8(121, 40);
      for (const [n, letter] of [...'time travel\u0007'].entries()) view.setUint8(122 + n, letter.charCodeAt(0));
    });
    expect(await failure(() => openImageFile(file))).toMatch(/: 'time travel\?'$/);
  });

  test('extensions, unknown compatible features and the backing name outlive writes and snapshots; autoclear bits do not', async () => {
    const file = await withHeader((view) => {
      view.setUint32(80, 0xcafe);
      view.setUint32(92, 6);
      view.setUint32(112, 0x1234_5678);
      view.setUint32(116, 8);
      view.setUint32(120, 0xdead_beef);
    });
    const before = await file.read(0, CLUSTER);
    const reader = await openImageFile(file.copy({ readOnly: true }));
    await reader.read(0, 10);
    await reader.close();
    const image = await openImageFile(file);
    await image.write(5, Uint8Array.of(1));
    await image.createSnapshot({ name: 's', date: { seconds: 0, nanoseconds: 0 }, vmClockNs: 0, icount: 1 });
    await image.close();
    const after = await file.read(0, CLUSTER);
    expect(viewOf(after).getUint32(92)).toBe(0);
    expect(after.subarray(80, 88)).toEqual(before.subarray(80, 88));
    expect(after.subarray(96)).toEqual(before.subarray(96));
  });
});

describe('tables that cannot be', () => {
  const l1At = async (file: MemoryFile): Promise<number> => viewOf(await file.read(0, 104)).getUint32(44);
  const tableAt = async (file: MemoryFile): Promise<number> => viewOf(await file.read(0, 104)).getUint32(52);
  async function patch(file: MemoryFile, offset: number, value: number, high = 0): Promise<void> {
    const bytes = new Uint8Array(8);
    writeU64(viewOf(bytes), 0, value);
    viewOf(bytes).setUint32(0, (viewOf(bytes).getUint32(0) | high) >>> 0);
    file.put(offset, bytes);
  }
  const use = async (file: MemoryFile): Promise<void> => {
    const image = await openImageFile(file);
    await image.read(0, image.size);
    await image.write(0, new Uint8Array(100).fill(1));
    await image.close();
  };
  const COPIED = 0x8000_0000;

  test.each<[string, (file: MemoryFile, l1: number, l2: number) => Promise<void>, RegExp]>([
    ['an L2 table past the end', async (f, l1) => patch(f, l1, 2 ** 40, COPIED), /L2 table lies past the end/],
    [
      'an L2 table that is a refcount block',
      async (f, l1) => patch(f, l1, (await tableAt(f)) + CLUSTER, COPIED),
      /an L2 table and other metadata overlap/,
    ],
    ['an L2 table that is the L1 table', async (f, l1) => patch(f, l1 + 8, l1, COPIED), /an L2 table and other metadata overlap/],
    ['data past the end', async (f, _, l2) => patch(f, l2, 2 ** 40, COPIED), /data cluster lies past the end/],
    ['data past 2^53', async (f, _, l2) => patch(f, l2, 2 ** 55, COPIED), /data cluster lies past the end/],
    ['data unaligned', async (f, _, l2) => patch(f, l2, 512 * 3, COPIED), /not aligned/],
    ['data over the L1 table', async (f, l1, l2) => patch(f, l2, l1, COPIED), /overlaps metadata/],
    ['compressed data past the end', async (f, _, l2) => patch(f, l2, 2 ** 40, 0x4000_0000), /past the end/],
    ['compressed data that is none', async (f, _, l2) => patch(f, l2, 512, 0x4000_0000), /cannot be decompressed/],
    [
      'refcounts of zero for everything',
      async (f) => f.put((await tableAt(f)) + CLUSTER, new Uint8Array(CLUSTER)),
      /holds metadata, but its refcount is 0|refcount of 0/,
    ],
    ['no refcount block', async (f) => patch(f, await tableAt(f), 0), /holds metadata, but its refcount is 0/],
    ['one refcount block twice', async (f) => patch(f, (await tableAt(f)) + 8, (await tableAt(f)) + CLUSTER), /same block/],
    ['a refcount block past the end', async (f) => patch(f, (await tableAt(f)) + 8, 2 ** 40), /past the end/],
  ])('%s', async (_, damage, message) => {
    const file = await newImage({ size: 3 * 2 ** 20, clusterSize: CLUSTER });
    const image = await openImageFile(file);
    await image.write(0, new Uint8Array(CLUSTER).fill(5));
    await image.close();
    const l1 = await l1At(file);
    await damage(file, l1, viewOf(await file.read(l1, 8)).getUint32(4));
    const checked = await failure(async () => {
      const { corruptions } = await checkQcow2(file);
      expect(corruptions).toBeGreaterThan(0);
    });
    // Of an L2 entry that is no valid stream the references are in order.
    if (!String(message).includes('decompressed')) expect(checked).toMatch(/^(no error|IMAGE_DAMAGED)/);
    const error = await failure(async () => {
      await use(file);
      await (await openImageFile(file)).write(100 * KIB, new Uint8Array(60 * KIB).fill(1));
    });
    expect(error).toMatch(/^IMAGE_DAMAGED/);
    expect(error).toMatch(message);
  });

  test('an L1 table whose entries all lead to one L2 table', async () => {
    const file = await newImage({ size: 2 ** 40, clusterSize: 65_536, refcountBits: 64 });
    const l1 = await l1At(file);
    for (let n = 0; n < 2 ** 11; n++) await patch(file, l1 + 8 * n, l1);
    expect(await failure(() => openImageFile(file))).toMatch(/^IMAGE_DAMAGED .*same L2 table/);
    expect((await checkQcow2(file)).corruptions).toBeGreaterThan(0);
  });
});

describe('damage anywhere', () => {
  test('random bytes of an image changed: everything still ends, in an error or not', async () => {
    const original = await lived();
    const size = await original.size();
    const random = randomNumbers(8);
    const codes = new Set<string>();
    let slowest = 0;
    for (let round = 0; round < 500; round++) {
      const file = original.copy();
      // The beginning of clusters is where the entries are that matter.
      for (let n = 0; n <= random(4); n++) {
        const offset = random(3) === 0 ? random(120) : random(size / CLUSTER) * CLUSTER + random(random(2) === 0 ? 64 : CLUSTER);
        file.put(Math.min(offset, size - 1), Uint8Array.of(random(2) === 0 ? random(256) : 1 << random(8)));
      }
      const began = performance.now();
      for (const step of [checkQcow2, abuse]) {
        try {
          await step(file);
        } catch (error) {
          if (!(error instanceof RepriseError)) throw error;
          codes.add(error.code);
        }
      }
      slowest = Math.max(slowest, performance.now() - began);
    }
    expect(codes).toContain('IMAGE_DAMAGED');
    expect(slowest).toBeLessThan(5000);
  });

  async function abuse(file: MemoryFile): Promise<void> {
    const image = await openImageFile(file);
    const length = Math.min(image.size, 200 * KIB);
    await image.read(image.size - length, length);
    await image.write(image.size - length, new Uint8Array(length / 2).fill(1));
    await image.discard(0, length / 2);
    await image.flush();
    await image.createSnapshot({ name: 'new', date: { seconds: 0, nanoseconds: 0 }, vmClockNs: 0, icount: 1 });
    await image.applySnapshot('kept');
    await image.write(0, new Uint8Array(length).fill(2));
    await image.deleteSnapshot('kept');
    await image.close();
  }
});
