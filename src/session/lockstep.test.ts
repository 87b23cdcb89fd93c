import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../boards/machine.ts';
import { runLockstep } from './lockstep.ts';
import { prepareReplay } from './play.ts';
import { DivergenceError, type ReplayRun } from './replay-run.ts';
import { BUSY_GUEST, bios, hasher, MadeUpClock, newSession, open, runUntil } from './session.suite.ts';

let bytes: Uint8Array;
beforeAll(async () => {
  const session = newSession({ guest: BUSY_GUEST });
  await runUntil(session, 20);
  bytes = session.file.bytes;
});

const replay = (engine: Engine): Promise<ReplayRun> =>
  prepareReplay(open(bytes), bios(BUSY_GUEST), hasher, { engine, clock: new MadeUpClock(), output: () => {} });
const interpreted = (): Promise<ReplayRun> => replay({ accel: 'interp' });

describe('lockstep', () => {
  it('goes on to the end while both engines do the same, and the second one is compiled code', async () => {
    const examined = await replay({ accel: 'jit', hot: 2 });
    const end = await runLockstep({ trusted: await interpreted(), examined, another: interpreted, step: 100 });
    expect(end).toBe(open(bytes).reached.icount);
    expect(examined.machine.cpu.jitStatistics()?.instructions).toBeGreaterThan(end / 2);
  });

  it('stops at the first difference, and tells the field, its values and the code', async () => {
    const trusted = await interpreted();
    const examined = await replay({ accel: 'jit', hot: 2 });
    const step = 50;
    const meddling: ReplayRun = Object.assign(Object.create(examined), {
      async run(limit: number) {
        const stop = await examined.run(limit as never);
        if (limit === 20 * step) (examined.machine.cpu.state.fields as unknown as { r: Int32Array }).r[9] ^= 0x40;
        return stop;
      },
    });
    const failure = await runLockstep({ trusted, examined: meddling, another: interpreted, step }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DivergenceError);
    const { from, to, components, message } = failure as DivergenceError;
    expect([from, to, components]).toEqual([19 * step, 20 * step, ['cpu']]);
    expect(message).toMatch(/cpu\.r is \[.*\], not \[.*40.*\]/);
    expect(message.split('\n').at(-1)).toMatch(/^ {2}999 0x[0-9a-f]{8}: \S+/);
  });
});
