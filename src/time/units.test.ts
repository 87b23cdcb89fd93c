import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nsForTicks, SECOND, ticksIn } from './units.ts';

const hz = fc.integer({ min: 1, max: 4_000_000_000 });

describe('ticks of a clock', () => {
  it('are counted exactly at every frequency', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), hz, (elapsed, frequency) => {
        fc.pre((elapsed / SECOND) * frequency < 2 ** 52);
        expect(BigInt(ticksIn(elapsed, frequency))).toBe((BigInt(elapsed) * BigInt(frequency)) / BigInt(SECOND));
      }),
    );
    expect(ticksIn(819784577, 15343487)).toBe(Number((819784577n * 15343487n) / 1_000_000_000n));
  });

  it('come due at the first nanosecond that has them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), hz, (ticks, frequency) => {
        fc.pre((ticks / frequency) * SECOND < 2 ** 52);
        const due = nsForTicks(ticks, frequency);
        expect(ticksIn(due, frequency)).toBeGreaterThanOrEqual(ticks);
        if (due > 0) expect(ticksIn(due - 1, frequency)).toBeLessThan(ticks);
      }),
    );
  });
});
