import { describe, expect, it } from 'vitest';
import { RepriseError } from '../errors/errors.ts';
import { RecordingStore } from '../snapshot/recording-store.ts';
import { differing, newReplay, newSession, open, runUntil, type SessionOptions, waitingGuest } from './session.suite.ts';
import { restoreSnapshot, snapshotable } from './snapshots.ts';

const TYPED: readonly (readonly [number, string])[] = [
  [30, 'abc'],
  [95, 'd'],
  [140, 'efgh'],
  [230, '!'],
  [300, 'i'],
];
const SETTINGS: SessionOptions = { guest: waitingGuest(true), sleep: true, options: { noReboot: false } };

/** A recording with snapshots taken at these times of the host. */
async function recordWith(times: readonly number[]) {
  const session = newSession(SETTINGS);
  for (const [at, text] of TYPED) session.clock.plan(at, () => session.ends[0].type(text));
  const saved: Promise<unknown>[] = [];
  for (const at of times) session.clock.plan(at, () => void saved.push(session.live.snapshots.save(`at-${at}`)));
  await runUntil(session, 400);
  await Promise.all(saved);
  return session;
}

const storeOf = (bytes: Uint8Array): RecordingStore => {
  const recording = open(bytes);
  const append = (): never => {
    throw new Error('it is only read');
  };
  return new RecordingStore(
    { snapshots: recording.snapshots, initial: undefined, append, blocks: (from) => recording.readSnapshot(from) },
    recording.snapshotsBegun,
  );
};

describe('a snapshot taken while recording', () => {
  it('leads a replay that loads it to the same end, whatever is under way', async () => {
    const times = Array.from({ length: 24 }, (_, n) => 7 + 15 * n + (n % 4));
    const session = await recordWith(times);
    const { bytes } = session.file;
    const recording = open(bytes);
    expect(recording.snapshots.map(({ name }) => name)).toEqual(times.map((at) => `at-${at}`));
    for (const { number } of recording.snapshots) {
      const { run } = await newReplay(bytes);
      const target = snapshotable(run.machine, run.states, recording.header.options);
      await restoreSnapshot(target, { store: storeOf(bytes), layers: undefined }, String(number), recording.id);
      run.moved();
      expect(await run.run()).toBe('end');
      expect(run.lastDigest()).toEqual(recording.end?.digest);
      expect(differing(run.machine, session.machine)).toEqual([]);
    }
  });

  it('is the machine of that moment, field by field', async () => {
    const { file } = await recordWith([160]);
    const [{ icount }] = open(file.bytes).snapshots;
    const { run } = await newReplay(file.bytes);
    await run.run(icount as never);
    const { run: other } = await newReplay(file.bytes);
    const { header, id } = open(file.bytes);
    await restoreSnapshot(snapshotable(other.machine, other.states, header.options), { store: storeOf(file.bytes), layers: undefined }, '1', id);
    // The snapshot may be of a later moment at the same count: idle time has passed.
    const names = differing(run.machine, other.machine).filter((name) => !name.startsWith('clock.') && !name.startsWith('timer.'));
    expect(names).toEqual([]);
  });

  it('does not change the recording', async () => {
    const [with_, without] = [await recordWith([33, 150, 333]), await recordWith([])];
    const [a, b] = [open(with_.file.bytes), open(without.file.bytes)];
    expect([...a.log].filter(({ kind }) => kind !== 'progress')).toEqual([...b.log].filter(({ kind }) => kind !== 'progress'));
    expect(a.end).toEqual(b.end);
  });

  it('cannot be loaded while the recording goes on', async () => {
    const session = await newSession(SETTINGS);
    let refused: unknown;
    session.clock.plan(50, () => {
      void session.live.snapshots.save('here').then(async () => {
        refused = await session.live.snapshots.load('here').catch((error) => error);
      });
    });
    await runUntil(session, 200);
    expect((refused as RepriseError).code).toBe('RECORDING_LINEAR');
  });

  it('replaces one of the same name, and can be deleted', async () => {
    const session = newSession(SETTINGS);
    session.clock.plan(50, () => void session.live.snapshots.save('twice'));
    session.clock.plan(60, () => void session.live.snapshots.save('twice'));
    session.clock.plan(70, () => void session.live.snapshots.save('gone'));
    session.clock.plan(80, () => void session.live.snapshots.delete('gone'));
    await runUntil(session, 200);
    const { snapshots, end } = open(session.file.bytes);
    expect(snapshots.map(({ name, number }) => [name, number])).toEqual([['twice', 2]]);
    expect(end).toBeDefined();
  });
});

describe('a snapshot that does not fit', () => {
  it('is refused, and says why', async () => {
    const { file } = await recordWith([50]);
    const other = newSession({ ...SETTINGS, options: { ramBytes: 0x200000, icountShift: 4 } });
    const load = restoreSnapshot(
      snapshotable(other.machine, [], { ...open(file.bytes).header.options, ramBytes: 0x200000, icountShift: 4 }),
      { store: storeOf(file.bytes), layers: undefined },
      '1',
      '',
    );
    await expect(load).rejects.toThrow(/ramBytes \(1048576 in the snapshot, 2097152 here\), icountShift \(3 in the snapshot, 4 here\)/);
  });

  it('of another recording is refused in a replay', async () => {
    const [a, b] = [await recordWith([50]), newSession({ ...SETTINGS, options: { seed: '00000000000000ff' } })];
    await runUntil(b, 100);
    const { run } = await newReplay(b.file.bytes);
    const { header, id } = open(b.file.bytes);
    const before = run.machine.memory.ram.slice();
    const load = restoreSnapshot(snapshotable(run.machine, run.states, header.options), { store: storeOf(a.file.bytes), layers: undefined }, '1', id);
    await expect(load).rejects.toMatchObject({ code: 'SNAPSHOT_MISMATCH' });
    expect(Buffer.compare(run.machine.memory.ram, before)).toBe(0);
  });

  it('with damage is refused before the machine is touched', async () => {
    const { file } = await recordWith([50]);
    const { header, id } = open(file.bytes);
    const store = storeOf(file.bytes);
    const blocks: Uint8Array[] = [];
    for await (const block of store.read('1')) blocks.push(block);
    const { run } = await newReplay(file.bytes);
    const target = snapshotable(run.machine, run.states, header.options);
    const before = run.machine.components.map(({ state }) => state.save());
    for (let n = 0; n < blocks.length; n++) {
      for (const changed of [blocks.toSpliced(n, 1), blocks.with(n, blocks[n].subarray(0, blocks[n].length - 1)), blocks.with(n, Uint8Array.of(9))]) {
        const read = async function* () {
          yield* changed;
        };
        const fake = {
          ...store,
          read,
          applyDisks: undefined,
          list: () => [],
          save: store.save,
          checkDeletable: store.checkDeletable,
          delete: store.delete,
        };
        const error = await restoreSnapshot(target, { store: fake, layers: undefined }, '1', id).catch((thrown) => thrown);
        expect(error).toBeInstanceOf(RepriseError);
        expect(['SNAPSHOT_DAMAGED', 'STATE_SIZE', 'STATE_VALUE']).toContain(error.code);
        run.machine.components.forEach(({ state }, i) => {
          expect(state.diff(before[i])).toEqual([]);
        });
      }
    }
  });
});
