import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { History } from '../snapshot/history.ts';
import { icount } from '../time/units.ts';
import { Checkpoints } from './checkpoints.ts';
import { hasher, newReplay, newSession, open, runUntil, waitingGuest } from './session.suite.ts';
import { StoredCheckpoints } from './stored-checkpoints.ts';

/** A recording with ticks, typed text and a reset, and a replay of it with checkpoints. */
async function recorded(): Promise<Uint8Array> {
  const session = newSession({ guest: waitingGuest(true), sleep: true, options: { noReboot: false } });
  for (const [n, text] of ['abc', 'd', '!', 'efgh', 'i'].entries()) session.clock.plan(30 + 60 * n, () => session.ends[0].type(text));
  await runUntil(session, 400);
  return session.file.bytes;
}

const unexpected = (text: string): void => expect.fail(text);

async function withCheckpoints(bytes: Uint8Array, budget = 2 ** 30, spacing = 3000, notice: (text: string) => void = unexpected) {
  let checkpoints: Checkpoints | undefined;
  const replay = await newReplay(bytes, undefined, undefined, () => checkpoints?.passing());
  const { machine, states } = replay.run;
  const history = new History(
    {
      memory: machine.memory,
      states: [...machine.components, ...states],
      disks: [],
      dropDerived: (pages) => machine.cpu.dropDerived(pages),
      dropStores: () => machine.cpu.dropStores(),
    },
    hasher,
  );
  const stored = new StoredCheckpoints({ recording: open(bytes), run: replay.run, states: replay.run.storedStates, layers: [], notice });
  checkpoints = new Checkpoints(replay.run, history, stored, budget, spacing);
  return { ...replay, checkpoints };
}

/** The whole state, reduced to text. */
function stateOf(run: Awaited<ReturnType<typeof newReplay>>['run']): string {
  const all = [...run.machine.components, ...run.states].map(({ state }) => hasher.h64(state.bytes, 0n));
  return [...all, hasher.h64(run.machine.memory.ram, 0n)].join(' ');
}

const BYTES = await recorded();
const { run: whole } = await newReplay(BYTES);
await whole.run();
const LENGTH = whole.position().icount;

describe('a replay with checkpoints', () => {
  it('gets to every moment with the same state, wherever it comes from', async () => {
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
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: LENGTH }), { minLength: 1, maxLength: 6 }), async (targets) => {
        const { run, checkpoints } = await withCheckpoints(BYTES);
        for (const target of targets) {
          await checkpoints.seek(icount(target));
          expect(run.position().icount).toBe(target);
          expect(stateOf(run)).toBe(await stateAt(target));
        }
        expect(await run.run()).toBe('end');
      }),
      { numRuns: 25 },
    );
  });

  it('says everything once, however often it goes back', async () => {
    const { run: plain, said: once } = await newReplay(BYTES);
    await plain.run();
    const { run, checkpoints, said } = await withCheckpoints(BYTES);
    await run.run();
    for (const part of [0.9, 0.2, 0.5]) await checkpoints.seek(icount(Math.floor(LENGTH * part)));
    await run.run();
    expect(said[0]).toBe(once[0]);
    expect(once[0].length).toBeGreaterThan(20);
  });

  it('keeps to its budget, the start, and a density that falls with the distance', async () => {
    const all = await withCheckpoints(BYTES, 2 ** 30, 500);
    await all.run.run();
    const budget = Math.floor(all.checkpoints.bytes / 3);
    const { run, checkpoints } = await withCheckpoints(BYTES, budget, 500);
    await run.run();
    expect(checkpoints.bytes).toBeLessThanOrEqual(budget);
    const moments = checkpoints.moments();
    expect(moments.length).toBeLessThan(all.checkpoints.moments().length);
    expect(moments[0]).toBe(0);
    const gaps = moments.slice(1).map((moment, n) => moment - moments[n]);
    const half = Math.floor(gaps.length / 2);
    const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    expect(mean(gaps.slice(half))).toBeLessThan(mean(gaps.slice(0, half)));
    await checkpoints.seek(icount(LENGTH - 1));
    expect(checkpoints.before(icount(LENGTH - 1))).toBeGreaterThan(LENGTH - 1 - 2 * 4096 - 1);
  });
});
