/** From virtual time to the instruction. */
import { type Icount, icount, type Nanoseconds } from '../time/units.ts';
import type { WitnessedRun } from './witnessed.ts';

/** Instructions that are run at once. */
const STRETCH = 1 << 22;

/** The first count that is reached at a virtual time or later; the end if there is none. The machine may be anywhere afterwards. */
export async function countAt(machine: WitnessedRun, time: Nanoseconds): Promise<Icount> {
  let [before, after] = [machine.start, machine.start];
  await machine.seek(after);
  while (machine.guestTime() < time && after < machine.end) {
    before = after;
    after = icount(Math.min(after + STRETCH, machine.end));
    const stop = await machine.runForward(after);
    if (stop.kind === 'interrupted') return machine.now();
  }
  while (after - before > 1) {
    const middle = icount(before + Math.floor((after - before) / 2));
    await machine.seek(middle);
    if (machine.guestTime() < time) before = middle;
    else after = middle;
  }
  return after;
}
