import fc from 'fast-check';
import { deflateSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { CowDisk } from '../block/cow.ts';
import { MemoryFile as ScratchFile } from '../block/memory-file.fixture.ts';
import { WrittenBlocks } from '../block/written.ts';
import { CHUNK, type Chunk, ChunkWriter, readChunks, readPreamble } from '../replay/chunks.ts';
import { MemoryFile } from '../replay/recording.suite.ts';
import { CheckpointWriter } from '../snapshot/checkpoint-writer.ts';
import { History } from '../snapshot/history.ts';
import { icount } from '../time/units.ts';
import { CheckpointKeeper } from './checkpoint-keeper.ts';
import { Checkpoints } from './checkpoints.ts';
import type { ReplayRun } from './replay-run.ts';
import { hasher, newReplay, newSession, open, replay, runUntil, type SessionOptions, waitingGuest } from './session.suite.ts';
import { StoredCheckpoints } from './stored-checkpoints.ts';

const SPACING = 10_000;
const compressor = { deflate: async (bytes: Uint8Array) => deflateSync(bytes) };

const keeperOf =
  (disks: readonly WrittenBlocks[] = []): NonNullable<SessionOptions['keeper']> =>
  ({ machine, chain, writer }) => {
    const states = [...machine.components, ...chain.outputStates];
    const source = { memory: machine.memory, states, disks, dropStores: () => machine.cpu.dropStores() };
    const checkpoints = new CheckpointWriter(source, writer, compressor, hasher, 0);
    return new CheckpointKeeper(checkpoints, { start: icount(0), known: [], price: 0, notice: expect.fail, spacing: SPACING });
  };

/** A recording with ticks, typed text and a reset. */
async function recorded(keeper?: SessionOptions['keeper'], capacity?: number): Promise<Uint8Array> {
  const session = newSession({
    guest: waitingGuest(true),
    sleep: true,
    options: { noReboot: false },
    ...(keeper && { keeper }),
    ...(capacity && { capacity }),
  });
  for (const [n, text] of ['abc', 'd', '!', 'efgh', 'i'].entries()) session.clock.plan(300 + 600 * n, () => session.ends[0].type(text));
  await runUntil(session, 4000);
  return session.file.bytes;
}

async function opened(bytes: Uint8Array, budget = 2 ** 30) {
  const notices: string[] = [];
  const { run } = await newReplay(bytes);
  const { machine, states } = run;
  const remembered = {
    memory: machine.memory,
    states: [...machine.components, ...states],
    disks: [],
    dropDerived: () => machine.cpu.dropDerived(),
    dropStores: () => machine.cpu.dropStores(),
  };
  const notice = (text: string): void => void notices.push(text);
  const stored = new StoredCheckpoints({ recording: open(bytes), run, states: run.storedStates, layers: [], notice });
  const checkpoints = new Checkpoints(run, new History(remembered, hasher), stored, budget, SPACING / 4);
  return { run, stored, checkpoints, notices };
}

/** The whole state, reduced to text. */
function stateOf(run: ReplayRun): string {
  const all = [...run.machine.components, ...run.states].map(({ state }) => hasher.h64(state.bytes, 0n));
  return [...all, hasher.h64(run.machine.memory.ram, 0n)].join(' ');
}

/** A recording in which someone has changed chunks, with checks that are right. */
function changed(bytes: Uint8Array, change: (chunk: Chunk, n: number) => Uint8Array | undefined): Uint8Array {
  const file = new MemoryFile();
  const writer = ChunkWriter.begin(file, hasher);
  const source = new MemoryFile(bytes);
  let n = 0;
  for (const chunk of readChunks(source, hasher, readPreamble(source, hasher), bytes.length)) {
    const payload = change(chunk, chunk.type === CHUNK.CHECKPOINT ? n++ : -1);
    if (payload !== undefined) writer.append(chunk.type as (typeof CHUNK)['LOG'], payload);
  }
  return file.bytes;
}

const BYTES = await recorded(keeperOf());
const { run: whole } = await replay(BYTES);
const LENGTH = whole.position().icount;
const MOMENTS = open(BYTES).checkpoints.list.map(({ position }) => position.icount);

describe('checkpoints that are stored', () => {
  it('lie at digests, apart from each other, and change nothing that is recorded', async () => {
    expect(MOMENTS.length).toBeGreaterThan(3);
    const { log, digestAt, end } = open(BYTES);
    let last = 0;
    for (const moment of MOMENTS) {
      expect(digestAt(moment)?.digest.icount).toBe(moment);
      expect(moment - last).toBeGreaterThanOrEqual(SPACING);
      last = moment;
    }
    const plain = open(await recorded());
    const happened = (records: Iterable<{ kind: string }>) => [...records].filter(({ kind }) => kind !== 'progress');
    expect(happened(log)).toEqual(happened(plain.log));
    expect(end).toEqual(plain.end);
  });

  it('lead to every moment with the same state as a straight replay', async () => {
    const straight = new Map<number, string>();
    const stateAt = async (target: number): Promise<string> => {
      let known = straight.get(target);
      if (known === undefined) {
        const { run } = await newReplay(BYTES);
        await run.run(icount(target));
        straight.set(target, (known = stateOf(run)));
      }
      return known;
    };
    const moment = fc.oneof(fc.integer({ min: 0, max: LENGTH }), fc.constantFrom(...MOMENTS));
    await fc.assert(
      fc.asyncProperty(fc.array(moment, { minLength: 1, maxLength: 4 }), async (targets) => {
        const { run, checkpoints, notices } = await opened(BYTES);
        for (const target of targets) {
          await checkpoints.seek(icount(target));
          expect(run.position().icount).toBe(target);
          expect(stateOf(run)).toBe(await stateAt(target));
        }
        expect(await run.run()).toBe('end');
        expect(run.lastDigest()?.chain).toBe(whole.lastDigest()?.chain);
        expect(notices).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });

  it('make the first seek short', async () => {
    const { run, checkpoints } = await opened(BYTES);
    const last = MOMENTS[MOMENTS.length - 1];
    const legs: number[] = [];
    const original = run.run.bind(run);
    run.run = async (limit, until) => {
      legs.push((limit as number) - run.position().icount);
      return original(limit, until);
    };
    await checkpoints.seek(icount(last + 100));
    expect(legs.reduce((sum, leg) => sum + leg, 0)).toBe(100);
    expect(checkpoints.before(icount(last))).toBe(MOMENTS[MOMENTS.length - 2]);
  });

  it('keep to the budget of memory', async () => {
    const budget = 200_000;
    const { checkpoints } = await opened(BYTES, budget);
    for (const moment of MOMENTS) await checkpoints.seek(icount(moment));
    expect(checkpoints.bytes).toBeLessThanOrEqual(budget);
  });

  it('are ignored with one line when they are not what was recorded, whichever part was changed', async () => {
    const last = MOMENTS[MOMENTS.length - 1];
    const parts = new Map<number, number>();
    changed(BYTES, ({ payload }, n) => {
      if (n >= 0 && payload[0] !== 4) parts.set(n, payload[0]);
      return payload;
    });
    for (const [part, kind] of parts) {
      const flipped = (payload: Uint8Array): Uint8Array => payload.with(payload.length >> 1, payload[payload.length >> 1] ^ 0x10);
      const bytes = changed(BYTES, ({ payload }, n) => (n === part ? flipped(payload) : payload));
      const { run, checkpoints, notices } = await opened(bytes);
      for (const moment of MOMENTS) await checkpoints.seek(icount(moment));
      await checkpoints.seek(icount(last - 1));
      // What its beginning says of its moment does not matter.
      if (kind !== 1) expect(notices.length).toBeGreaterThanOrEqual(1);
      for (const notice of notices) expect(notice).toMatch(/^the stored checkpoint at instruction \d+ is ignored: /);
      expect(new Set(notices).size).toBe(notices.length);
      expect(await run.run()).toBe('end');
      expect(run.lastDigest()?.chain).toBe(whole.lastDigest()?.chain);
    }
  });

  it('do not count when they are cut off, at whatever byte, and the rest does', async () => {
    const source = new MemoryFile(BYTES);
    const chunks = [...readChunks(source, hasher, readPreamble(source, hasher), BYTES.length)].filter(({ type }) => type === CHUNK.CHECKPOINT);
    for (const { offset, next } of chunks.slice(-6)) {
      for (const length of [offset, offset + 20, next.offset - 1]) {
        const cut = open(BYTES.subarray(0, length));
        const ended = chunks.filter((chunk) => chunk.payload[0] === 4 && chunk.next.offset <= length);
        expect(cut.checkpoints.list.length).toBe(ended.length);
      }
    }
    const { stop } = await replay(BYTES.subarray(0, chunks[chunks.length - 1].offset));
    expect(stop).toBe('end');
  });

  it('say why the recording ends when the disk is full while one is written', async () => {
    const source = new MemoryFile(BYTES);
    const second = [...readChunks(source, hasher, readPreamble(source, hasher), BYTES.length)].filter(({ type }) => type === CHUNK.CHECKPOINT)[5];
    await expect(recorded(keeperOf(), second.offset + 10)).rejects.toThrow('disk full');
  });

  it('bring the disks along, as far as they differ from the start', async () => {
    const size = 10 * 4096 + 2048;
    const start = Uint8Array.from({ length: size }, (_, n) => n % 251);
    const base = (): CowDisk => new CowDisk(diskOf(start), new ScratchFile());
    const disk = new WrittenBlocks(base(), 1000);
    const held = new Map<number, Uint8Array>();
    const keeper: SessionOptions['keeper'] = (recording) => {
      const inner = keeperOf([disk])(recording);
      return Object.assign(Object.create(inner), {
        passing: async (position: { icount: number; bias: number }) => {
          held.set(position.icount, await disk.read(0, size));
          await inner.passing(position as never);
        },
      });
    };
    const session = newSession({ guest: waitingGuest(true), sleep: true, disks: [disk], keeper });
    session.clock.plan(100, () => void disk.write(4000, new Uint8Array(200).fill(7)));
    session.clock.plan(900, () => void disk.write(size - 512, new Uint8Array(512).fill(9)));
    session.clock.plan(1500, () => void disk.discard(4096 * 3, 4096 * 2));
    session.clock.plan(2200, () => void disk.write(4096 * 4, new Uint8Array(4096).fill(7)));
    await runUntil(session, 3000);

    const layer = base();
    const { run } = await newReplay(session.file.bytes, undefined, undefined, undefined, [layer]);
    const recording = open(session.file.bytes);
    const stored = new StoredCheckpoints({ recording, run, states: run.storedStates, layers: [layer], notice: expect.fail });
    const moments = recording.checkpoints.list.map(({ position }) => position.icount);
    expect(new Set(moments.map((moment) => Buffer.from(held.get(moment)!).toString('latin1'))).size).toBeGreaterThan(3);
    for (const moment of [...moments].reverse().concat(moments)) {
      expect(await stored.restore(moment)).toBe(true);
      expect(Buffer.compare(await layer.read(0, size), held.get(moment)!)).toBe(0);
    }
  });
});

const diskOf = (bytes: Uint8Array) => ({
  size: bytes.length,
  readOnly: true,
  read: async (offset: number, length: number) => bytes.slice(offset, offset + length),
  write: () => Promise.reject(new Error('it is only read')),
  discard: () => Promise.reject(new Error('it is only read')),
  flush: async () => {},
  close: async () => {},
});
