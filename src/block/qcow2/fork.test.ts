/** Snapshots of what the disk is not. */
import { expect, test } from 'vitest';
import { RepriseError } from '../../errors/errors.ts';
import { CowDisk } from '../cow.ts';
import { CLEAN, crashed, failure, ModelDisk, newImage, openImageFile, randomNumbers, randomOperation, verdict } from '../image.fixture.ts';
import { type FileEvent, MemoryFile } from '../memory-file.fixture.ts';
import type { DiskBytes } from '../node.ts';
import { RawImage } from '../raw.ts';
import { checkQcow2 } from './check.ts';
import type { Qcow2Image } from './image.ts';

const KIB = 1024;
const SNAPSHOT = { name: 'fork', date: { seconds: 5, nanoseconds: 6 }, vmClockNs: 7, icount: 8 };

async function* inOrder(changes: readonly DiskBytes[]): AsyncGenerator<DiskBytes> {
  yield* changes;
}

/** Changes that touch, leave and split clusters; some are zeros. */
function randomChanges(size: number, random: (below: number) => number): DiskBytes[] {
  const changes: DiskBytes[] = [];
  for (let at = random(3000); at < size; ) {
    const bytes = new Uint8Array(Math.min(size - at, 1 + random(random(2) ? 700 : 9000))).fill(random(4) === 0 ? 0 : random(256));
    changes.push({ offset: at, bytes });
    at += bytes.length + (random(3) === 0 ? 0 : random(20_000));
  }
  return changes;
}

const changed = (bytes: Uint8Array, changes: readonly DiskBytes[]): Uint8Array => {
  const copy = bytes.slice();
  for (const { offset, bytes: part } of changes) copy.set(part, offset);
  return copy;
};

async function stateOf(image: Qcow2Image, name: string): Promise<Uint8Array> {
  const { vmStateSize } = image.listSnapshots().find((snapshot) => snapshot.name === name)!;
  return image.readVmState(name, 0, vmStateSize);
}

test.each([
  { clusterSize: 512, refcountBits: 16, version: 3 as const, backed: true },
  { clusterSize: 512, refcountBits: 64, version: 3 as const, backed: false },
  { clusterSize: 1024, refcountBits: 16, version: 2 as const, backed: true },
  { clusterSize: 65_536, refcountBits: 8, version: 3 as const, backed: true },
])('forks among other operations: clusters of $clusterSize, version $version', async ({ clusterSize, refcountBits, version, backed }) => {
  for (let seed = 0; seed < 2; seed++) {
    const random = randomNumbers(seed);
    const size = 200 * KIB + 700;
    const base = new MemoryFile('base', { content: new Uint8Array(90 * KIB).fill(0xbb), readOnly: true });
    const file = await newImage({ size, clusterSize, refcountBits, version, backing: backed ? { file: 'base', format: 'raw' } : undefined });
    const open = async () => openImageFile(file, backed ? await RawImage.open(base) : undefined);
    let image = await open();
    const model = new ModelDisk(new Uint8Array(size));
    if (backed) model.bytes.fill(0xbb, 0, 90 * KIB);
    const states = new Map<string, Uint8Array>();
    for (let n = 0; n < 40; n++) {
      if (n % 4 !== 3 || model.snapshots.size > 5) await randomOperation(image, model, random);
      else {
        const names = [undefined, ...model.snapshots.keys()];
        const from = names[random(names.length)];
        const changes = randomChanges(size, random);
        const name = `f${n}`;
        const state = Uint8Array.from({ length: random(4) * clusterSize + random(100) }, () => random(256));
        const vmState = [state.subarray(0, 77), state.subarray(77, 600), state.subarray(600)];
        const info = await image.forkSnapshot({ ...SNAPSHOT, name }, { from, changes: inOrder(changes), vmState });
        expect(info).toMatchObject({ name, vmStateSize: state.length, diskSize: size });
        model.snapshots.set(name, changed(from === undefined ? model.bytes : model.snapshots.get(from)!, changes));
        states.set(name, state);
      }
      expect(Buffer.compare(await image.read(0, size), model.bytes)).toBe(0);
      if (n % 10 !== 9) continue;
      await image.close();
      expect(await verdict(file)).toEqual(CLEAN);
      image = await open();
      for (const [name, bytes] of model.snapshots) {
        expect(Buffer.compare(await image.snapshotNode(name).read(0, size), bytes)).toBe(0);
        if (states.has(name)) expect(await stateOf(image, name)).toEqual(states.get(name));
      }
    }
  }
});

test('the host dies while a snapshot is forked or renamed: the image is as it was, or has it whole', async () => {
  const random = randomNumbers(5);
  const size = 100 * KIB;
  const file = await newImage({ size, clusterSize: 512, refcountBits: 64 });
  const image = await openImageFile(file);
  const model = new ModelDisk(new Uint8Array(size));
  for (let n = 0; n < 12; n++) await randomOperation(image, model, random, false);
  await image.createSnapshot({ ...SNAPSHOT, name: 'first' });
  await image.write(0, new Uint8Array(30 * KIB).fill(9));
  model.bytes.fill(9, 0, 30 * KIB);
  const atFirst = await image.snapshotNode('first').read(0, size);
  await image.flush();
  const synced = file.copy();
  file.recording = true;
  const changes = randomChanges(size, random);
  const { id } = await image.forkSnapshot(SNAPSHOT, { from: 'first', changes: inOrder(changes), vmState: [new Uint8Array(20 * KIB).fill(3)] });
  await image.renameSnapshot(id, 'renamed');
  const expected: Record<string, Uint8Array> = { first: atFirst, fork: changed(atFirst, changes), renamed: changed(atFirst, changes) };
  let pending: FileEvent[] = [];
  const seen = new Set<string>();
  for (const event of file.events) {
    for (const chance of [0, 50, 100]) {
      const dead = crashed(synced, pending, () => random(100) < chance);
      expect(await checkQcow2(dead)).toMatchObject({ corruptions: 0, messages: expect.not.arrayContaining([expect.stringContaining('ERROR')]) });
      const revived = await openImageFile(dead);
      expect(Buffer.compare(await revived.read(0, size), model.bytes)).toBe(0);
      const names = revived.listSnapshots().map(({ name }) => name);
      seen.add(names.join());
      for (const name of names) expect(Buffer.compare(await revived.snapshotNode(name).read(0, size), expected[name])).toBe(0);
    }
    if (event.kind === 'write') pending.push(event);
    else {
      for (const written of pending) if (written.kind === 'write') synced.put(written.offset, written.bytes);
      pending = [];
    }
  }
  expect([...seen].sort()).toEqual(['first', 'first,fork', 'first,renamed']);
});

test('a fork that fails in the middle leaves nothing: no room, or a source that fails', async () => {
  const size = 60 * KIB;
  const file = await newImage({ size, clusterSize: 512 });
  const image = await openImageFile(file);
  await image.write(0, new Uint8Array(20 * KIB).fill(1));
  const changes = [{ offset: 5000, bytes: new Uint8Array(30_000).fill(2) }];
  for (let writes = 0; writes < 60; writes += 7) {
    let left = writes;
    file.beforeWrite = () => {
      if (left-- <= 0) throw new RepriseError('DISK_FULL', 'the disk is full');
    };
    expect(await failure(() => image.forkSnapshot(SNAPSHOT, { from: undefined, changes: inOrder(changes), vmState: [] }))).toMatch(/^DISK_FULL/);
  }
  file.beforeWrite = () => {};
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(10_000);
    throw new RepriseError('FILE_UNREADABLE', 'gone');
  }
  expect(await failure(() => image.forkSnapshot(SNAPSHOT, { from: undefined, changes: inOrder(changes), vmState: failing() }))).toMatch(
    /^FILE_UNREAD/,
  );
  expect(await failure(() => image.forkSnapshot(SNAPSHOT, { from: 'none', changes: inOrder([]), vmState: [] }))).toMatch(/^NO_SNAPSHOT/);
  expect(await failure(() => image.forkSnapshot({ ...SNAPSHOT, name: '' }, { from: undefined, changes: inOrder([]), vmState: [] }))).toMatch(
    /^BAD_V/,
  );
  expect(await failure(() => image.renameSnapshot('1', 'x'))).toMatch(/^NO_SNAPSHOT/);
  expect(image.listSnapshots()).toEqual([]);
  await image.forkSnapshot(SNAPSHOT, { from: undefined, changes: inOrder(changes), vmState: [] });
  expect(await failure(() => image.renameSnapshot('1', 'n'.repeat(256)))).toMatch(/^BAD_VALUE .*1 to 255 bytes/);
  await image.close();
  expect(await verdict(file)).toEqual(CLEAN);
});

test('a layer over a snapshot is stored as one: how savevm works in a replay', async () => {
  const size = 300 * KIB;
  const file = await newImage({ size });
  const image = await openImageFile(file);
  await image.write(0, new Uint8Array(size).fill(1));
  await image.createSnapshot({ ...SNAPSHOT, name: 'start' });
  await image.write(0, new Uint8Array(size).fill(2));
  const layer = new CowDisk(image.snapshotNode('start'), new MemoryFile('scratch'));
  await layer.write(1000, new Uint8Array(100_000).fill(3));
  await layer.discard(200 * KIB, 70 * KIB);
  await image.forkSnapshot({ ...SNAPSHOT, name: 'later' }, { from: 'start', changes: layer.contents(), vmState: [] });
  expect(Buffer.compare(await image.snapshotNode('later').read(0, size), await layer.read(0, size))).toBe(0);
  expect(await image.read(0, size)).toEqual(new Uint8Array(size).fill(2));
  await image.close();
  expect(await verdict(file)).toEqual(CLEAN);
});
