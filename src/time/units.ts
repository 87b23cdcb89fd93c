/**
 * The two units of time of a deterministic machine, as branded numbers: both are exact integers below
 * 2^53, and mixing them up is a compile error.
 */

/** Guest instructions executed since power-on. An instruction that ends in an exception counts as one. */
export type Icount = number & { readonly unit: 'icount' };
/** Virtual nanoseconds since power-on: a function of the instruction count and of idle time. */
export type Nanoseconds = number & { readonly unit: 'ns' };

export const icount = (n: number): Icount => n as Icount;
export const ns = (n: number): Nanoseconds => n as Nanoseconds;

/** The wake-up time of a device that waits for nothing. */
export const NEVER = Number.POSITIVE_INFINITY as Nanoseconds;
export const SECOND = 1_000_000_000 as Nanoseconds;
/** Virtual time and instruction counts stop here: beyond it a double is no longer an exact integer. */
export const LIMIT = 2 ** 53;

/**
 * Whole ticks of a clock of `hz` that fit into `elapsed` nanoseconds. Exact for every elapsed time below 2^53
 * and every frequency up to 4 GHz: split at whole seconds so that no product leaves the exact range.
 */
export function ticksIn(elapsed: number, hz: number): number {
  const seconds = Math.floor(elapsed / SECOND);
  return seconds * hz + Math.floor(((elapsed - seconds * SECOND) * hz) / SECOND);
}

/** The first nanosecond at which `ticksIn(elapsed, hz) >= ticks`. */
export function nsForTicks(ticks: number, hz: number): Nanoseconds {
  const seconds = Math.floor(ticks / hz);
  return ns(seconds * SECOND + Math.ceil(((ticks - seconds * hz) * SECOND) / hz));
}
