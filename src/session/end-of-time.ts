/** Virtual time is exact below 2^53 nanoseconds; no run goes further. */
import type { Machine } from '../boards/machine.ts';
import { type Icount, LIMIT, type Nanoseconds, ns, icount as toIcount } from '../time/units.ts';

/** The instruction count that a machine can reach at most, if it does not idle. */
export function lastCount(machine: Machine): Icount {
  return toIcount(machine.icount() + Math.floor((LIMIT - 1 - machine.now()) / machine.clock.scale));
}

/** That moment, or the last one there is. */
export const withinTime = (moment: Nanoseconds): Nanoseconds => ns(Math.min(moment, LIMIT - 1));
