/** QEMU's images read and written by us, ours judged by QEMU. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { NodeBlockFile, NodeBlockFiles } from '../host/node/block-file.ts';
import { CLEAN, crashed, hasQemuTools, ModelDisk, openImageFile, randomNumbers, randomOperation, tool, verdict } from './image.fixture.ts';
import { type FileEvent, MemoryFile } from './memory-file.fixture.ts';
import type { BlockNode } from './node.ts';
import { openImage } from './open.ts';
import { createQcow2 } from './qcow2/create.ts';
import type { Qcow2Image } from './qcow2/image.ts';

const MIB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), 'reprise-block-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const files = new NodeBlockFiles([], 'name it');
const at = (name: string): string => join(folder, name);
const qemu = (command: string, ...args: string[]): string => tool(folder, command, ...args);

const open = async (name: string, readOnly = true): Promise<BlockNode> => (await openImage(files, at(name), { readOnly })).node;
const openQcow2 = async (name: string, readOnly = false): Promise<Qcow2Image> => (await open(name, readOnly)) as Qcow2Image;

/** Bytes with runs, noise and holes, as disks have them. */
function content(size: number, seed: number): Uint8Array {
  const random = randomNumbers(seed);
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const length = Math.min(size - at, 1 + random(150_000));
    const kind = random(3);
    if (kind === 0) for (let n = 0, x = random(2 ** 31); n < length; n++) bytes[at + n] = (x = (Math.imul(x, 69_069) + 1) | 0) >>> 24;
    if (kind === 1) bytes.fill(1 + random(255), at, at + length);
    at += length;
  }
  return bytes;
}

async function expectContent(name: string, expected: Uint8Array): Promise<void> {
  const node = await open(name);
  expect(node.size).toBe(expected.length);
  // In odd pieces, so that they begin and end within clusters.
  for (let done = 0; done < expected.length; done += 777_777) {
    const part = expected.subarray(done, done + 777_777);
    expect(Buffer.compare(await node.read(done, part.length), part)).toBe(0);
  }
  await node.close();
}

async function expectClean(name: string): Promise<void> {
  const file = await NodeBlockFile.open(at(name), true);
  expect(await verdict(file)).toEqual(CLEAN);
  await file.close();
  expect(qemu('qemu-img', 'check', name)).toMatch(/^No errors/);
}

describe.skipIf(!hasQemuTools())('beside QEMU', () => {
  const SIZE = 3 * MIB + 512;
  const disk = content(SIZE, 1);
  writeFileSync(at('disk.raw'), disk);

  test.each([
    ['compat=0.10'],
    ['cluster_size=512'],
    ['cluster_size=2M'],
    ['cluster_size=4096,lazy_refcounts=on'],
    ...[1, 2, 4, 8, 32, 64].map((bits) => [`refcount_bits=${bits}`]),
    ['compressed'],
    ['compressed,cluster_size=512'],
    ['compressed,cluster_size=2M'],
    ['compressed,refcount_bits=1,cluster_size=4096'],
    ['compressed,compression_type=zstd'],
    ['compressed,compression_type=zstd,cluster_size=2M'],
    ['preallocation=metadata'],
  ])('an image with %s is read, and written so that QEMU agrees', async (options) => {
    const compressed = options.startsWith('compressed');
    const plain = options.replace(/^compressed,?/, '');
    qemu('qemu-img', 'convert', '-O', 'qcow2', ...(compressed ? ['-c'] : []), ...(plain === '' ? [] : ['-o', plain]), 'disk.raw', 'a.qcow2');
    await expectContent('a.qcow2', disk);
    await expectClean('a.qcow2');
    const image = await openQcow2('a.qcow2');
    const model = new ModelDisk(disk.slice());
    const random = randomNumbers(options.length);
    for (let n = 0; n < (options.includes('2M') ? 15 : 40); n++) await randomOperation(image, model, random, !/refcount_bits=[12]\b/.test(options));
    await image.close();
    await expectClean('a.qcow2');
    writeFileSync(at('model.raw'), model.bytes);
    expect(qemu('qemu-img', 'compare', 'a.qcow2', 'model.raw')).toBe('Images are identical.\n');
    for (const [name, bytes] of model.snapshots) {
      writeFileSync(at('model.raw'), bytes);
      qemu('qemu-img', 'convert', '-l', name, '-O', 'raw', 'a.qcow2', 'snapshot.raw');
      expect(qemu('qemu-img', 'compare', 'snapshot.raw', 'model.raw')).toBe('Images are identical.\n');
    }
  });

  test('a chain of three, the base smaller than the rest, is read and its top written', async () => {
    writeFileSync(at('base.raw'), disk.subarray(0, 2 * MIB));
    qemu('qemu-img', 'create', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', 'middle.qcow2', String(SIZE));
    qemu('qemu-io', '-c', 'write -P 0x55 1M 300k', '-c', 'write -z 100k 64k', '-c', 'discard 1500k 128k', 'middle.qcow2');
    const file = await NodeBlockFile.create(at('top.qcow2'));
    await createQcow2(file, { size: SIZE, clusterSize: 8192, backing: { file: 'middle.qcow2', format: 'qcow2' } });
    await file.close();
    qemu('qemu-img', 'convert', '-O', 'raw', 'top.qcow2', 'flat.raw');
    const model = new ModelDisk(new Uint8Array(SIZE));
    const image = await openQcow2('top.qcow2');
    model.bytes.set(await image.read(0, SIZE));
    writeFileSync(at('model.raw'), model.bytes);
    expect(qemu('qemu-img', 'compare', 'flat.raw', 'model.raw')).toBe('Images are identical.\n');
    const random = randomNumbers(5);
    for (let n = 0; n < 80; n++) await randomOperation(image, model, random);
    await image.close();
    await expectClean('top.qcow2');
    writeFileSync(at('model.raw'), model.bytes);
    expect(qemu('qemu-img', 'compare', 'top.qcow2', 'model.raw')).toBe('Images are identical.\n');
  });

  test('turns with qemu-io and qemu-img snapshot on one image', async () => {
    qemu('qemu-img', 'create', '-f', 'qcow2', '-o', 'cluster_size=4096', 'turns.qcow2', '1M');
    const model = new ModelDisk(new Uint8Array(MIB));
    const random = randomNumbers(9);
    for (let turn = 0; turn < 12; turn++) {
      const [offset, length, value] = [random(MIB / 2), 1 + random(MIB / 2), random(256)];
      qemu('qemu-io', '-c', `write -P ${value} ${offset} ${length}`, 'turns.qcow2');
      model.bytes.fill(value, offset, offset + length);
      // Zeros for which QEMU keeps the clusters.
      const [zeros, zerosLength] = [random(MIB / 2), 1 + random(MIB / 4)];
      qemu('qemu-io', '-c', `write -z ${zeros} ${zerosLength}`, 'turns.qcow2');
      model.bytes.fill(0, zeros, zeros + zerosLength);
      if (turn % 3 === 0) {
        qemu('qemu-img', 'snapshot', '-c', `q${turn}`, 'turns.qcow2');
        model.snapshots.set(`q${turn}`, model.bytes.slice());
      }
      const image = await openQcow2('turns.qcow2');
      expect(Buffer.compare(await image.read(0, MIB), model.bytes)).toBe(0);
      expect(image.listSnapshots().map(({ name }) => name)).toEqual([...model.snapshots.keys()]);
      for (let n = 0; n < 6; n++) await randomOperation(image, model, random);
      await image.close();
      const [first] = model.snapshots.keys();
      if (turn % 4 === 3 && first !== undefined) {
        qemu('qemu-img', 'snapshot', '-a', first, 'turns.qcow2');
        model.bytes = model.snapshots.get(first)!.slice();
        qemu('qemu-img', 'snapshot', '-d', first, 'turns.qcow2');
        model.snapshots.delete(first);
      }
      await expectClean('turns.qcow2');
    }
  });

  test('a snapshot is listed by QEMU with its instruction count, clock and date', async () => {
    qemu('qemu-img', 'create', '-f', 'qcow2', 'listed.qcow2', '10M');
    const image = await openQcow2('listed.qcow2');
    const state = content(300_000, 3);
    await image.writeVmState(0, state.subarray(0, 100_001));
    await image.writeVmState(100_001, state.subarray(100_001));
    const description = {
      name: 'replay_init',
      date: { seconds: 1_700_000_000, nanoseconds: 5 },
      vmClockNs: 3_723_004_000_000,
      icount: 987_654_321_012,
    };
    await image.createSnapshot(description, state.length);
    await image.createSnapshot({ ...description, name: 'disk only', icount: undefined, vmClockNs: 0 });
    expect(await image.readVmState('replay_init', 99_999, 20_000)).toEqual(state.subarray(99_999, 119_999));
    await image.close();
    const { snapshots } = JSON.parse(qemu('qemu-img', 'info', '--output=json', 'listed.qcow2'));
    expect(snapshots).toMatchObject([
      {
        id: '1',
        name: 'replay_init',
        icount: 987_654_321_012,
        'vm-clock-sec': 3723,
        'vm-clock-nsec': 4_000_000,
        'vm-state-size': 300_000,
        'date-sec': 1_700_000_000,
      },
      { id: '2', name: 'disk only', 'vm-state-size': 0 },
    ]);
    expect(snapshots[1]).not.toHaveProperty('icount');
    await expectClean('listed.qcow2');
  });

  test('a disk of 2 TiB takes little, at both ends and in the middle', async () => {
    qemu('qemu-img', 'create', '-f', 'qcow2', 'huge.qcow2', '2T');
    const image = await openQcow2('huge.qcow2');
    const places = [0, 2 ** 40 - 5, 2 ** 41 - 100_000];
    for (const [n, place] of places.entries()) await image.write(place, new Uint8Array(100_000).fill(n + 1));
    await image.discard(2 ** 30, 2 ** 40 - 2 ** 31);
    await image.close();
    await expectClean('huge.qcow2');
    expect(statSync(at('huge.qcow2')).size).toBeLessThan(4 * MIB);
    const reads = places.flatMap((place, n) => ['-c', `read -P ${n + 1} ${place} 100000`]);
    expect(qemu('qemu-io', ...reads, 'huge.qcow2')).not.toMatch(/failed/);
  });

  test('an image whose writer died has leaked clusters at worst, says QEMU', async () => {
    const random = randomNumbers(11);
    const file = new MemoryFile();
    await createQcow2(file, { size: 200_000, clusterSize: 4096 });
    let synced = file.copy();
    file.recording = true;
    const image = await openImageFile(file);
    const model = new ModelDisk(new Uint8Array(200_000));
    for (let n = 0; n < 60; n++) {
      await randomOperation(image, model, random);
      if (n % 2) await image.flush();
    }
    let pending: FileEvent[] = [];
    for (const [n, event] of file.events.entries()) {
      if (n % Math.ceil(file.events.length / 60) === 0) {
        const dead = crashed(synced, pending, () => random(2) === 0);
        writeFileSync(at('dead.qcow2'), await dead.read(0, await dead.size()));
        const { status, stdout } = spawnSync('qemu-img', ['check', at('dead.qcow2')], { encoding: 'utf8' });
        expect([0, 3], stdout).toContain(status);
      }
      pending.push(event);
      if (event.kind === 'sync') {
        synced = crashed(synced, pending, () => true);
        pending = [];
      }
    }
  });

  test('what QEMU left dirty is repaired when it is opened for writing, and read without', async () => {
    qemu('qemu-img', 'create', '-f', 'qcow2', '-o', 'lazy_refcounts=on,cluster_size=4096', 'dirty.qcow2', '2M');
    try {
      qemu('qemu-io', '-c', 'write -P 7 10k 500k', '-c', 'write -P 8 1M 100k', '-c', 'abort', 'dirty.qcow2');
    } catch {
      // It ends by its own abort.
    }
    const expected = new Uint8Array(2 * MIB);
    expected.fill(7, 10 * 1024, 510 * 1024);
    expected.fill(8, MIB, MIB + 100 * 1024);
    await expectContent('dirty.qcow2', expected);
    const file = await NodeBlockFile.open(at('dirty.qcow2'), true);
    expect((await verdict(file)).corruptions).toBeGreaterThan(0);
    await file.close();
    const image = await openQcow2('dirty.qcow2');
    expect(image.header.dirty).toBe(false);
    await image.write(0, new Uint8Array(5000).fill(9));
    await image.close();
    expected.fill(9, 0, 5000);
    await expectClean('dirty.qcow2');
    await expectContent('dirty.qcow2', expected);
  });

  test('valid bitmaps are counted, and given up when the disk is written', async () => {
    qemu('qemu-img', 'create', '-f', 'qcow2', 'bitmaps.qcow2', '10M');
    qemu('qemu-img', 'bitmap', '--add', 'bitmaps.qcow2', 'b0');
    qemu('qemu-io', '-c', 'write 0 1M', 'bitmaps.qcow2');
    await expectClean('bitmaps.qcow2');
    const image = await openQcow2('bitmaps.qcow2');
    await image.write(0, new Uint8Array(5));
    await image.close();
    const { 'format-specific': specific } = JSON.parse(qemu('qemu-img', 'info', '--output=json', 'bitmaps.qcow2'));
    expect(specific.data.bitmaps ?? []).toEqual([]);
  });

  test('a forked snapshot is one to QEMU', async () => {
    qemu('qemu-img', 'convert', '-O', 'qcow2', '-c', 'disk.raw', 'fork.qcow2');
    qemu('qemu-img', 'snapshot', '-c', 'start', 'fork.qcow2');
    qemu('qemu-io', '-c', 'write -P 7 0 1M', 'fork.qcow2');
    const image = await openQcow2('fork.qcow2');
    const changes = (async function* () {
      yield { offset: 70_000, bytes: new Uint8Array(500_000).fill(9) };
    })();
    const description = { name: 'later', date: { seconds: 1, nanoseconds: 0 }, vmClockNs: 0, icount: 123 };
    await image.forkSnapshot(description, { from: 'start', changes, vmState: [new Uint8Array(200_000).fill(5)] });
    await image.close();
    await expectClean('fork.qcow2');
    expect(qemu('qemu-img', 'snapshot', '-l', 'fork.qcow2')).toMatch(/later +195 KiB .* 123\n/);
    qemu('qemu-img', 'convert', '-O', 'raw', '-l', 'snapshot.name=later', 'fork.qcow2', 'later.raw');
    const expected = disk.slice();
    expected.fill(9, 70_000, 570_000);
    await expectContent('later.raw', expected);
    qemu('qemu-io', '-r', '-c', 'read -P 7 0 1M', 'fork.qcow2');
    qemu('qemu-img', 'snapshot', '-a', 'later', 'fork.qcow2');
    await expectClean('fork.qcow2');
    await expectContent('fork.qcow2', expected);
  });
});
