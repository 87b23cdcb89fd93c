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

/** a / b rounded down, exact for integers up to 2^53. */
const quotient = (a: number, b: number): number => (a - (a % b)) / b;

/**
 * Whole ticks of a clock of `hz` that fit into `elapsed` nanoseconds. Exact for every elapsed time below 2^53 and every
 * frequency up to 4 GHz: split into seconds, then tens of microseconds, so that no product leaves the exact range.
 */
export function ticksIn(elapsed: number, hz: number): number {
  const rest = elapsed % SECOND;
  const fine = rest % 10_000;
  const coarse = ((rest - fine) / 10_000) * hz;
  return quotient(elapsed, SECOND) * hz + quotient(coarse, 100_000) + quotient((coarse % 100_000) * 10_000 + fine * hz, SECOND);
}

/** The first nanosecond at which `ticksIn(elapsed, hz) >= ticks`. */
export function nsForTicks(ticks: number, hz: number): Nanoseconds {
  const coarse = (ticks % hz) * 100_000;
  const fine = (coarse % hz) * 10_000;
  return ns(quotient(ticks, hz) * SECOND + quotient(coarse, hz) * 10_000 + quotient(fine, hz) + (fine % hz === 0 ? 0 : 1));
}
