import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Countdown, countAfter, edgesToZero } from './countdown.ts';

const counter = fc.record({
  mode: fc.constantFrom('one-shot', 'periodic', 'free-running'),
  count: fc.integer({ min: 0, max: 7 }),
  reload: fc.integer({ min: 0, max: 7 }),
  max: fc.constant(7),
}) satisfies fc.Arbitrary<Countdown>;

/** One edge of the chip's counter. */
function edge({ mode, count, reload, max }: Countdown): { count: number; zero: boolean } {
  if (count === 0) {
    if (mode === 'one-shot') return { count: 0, zero: false };
    if (mode === 'free-running') return { count: max, zero: false };
    return { count: reload, zero: reload === 0 };
  }
  if (count > 1) return { count: count - 1, zero: false };
  return { count: mode === 'periodic' ? reload : 0, zero: true };
}

describe('countdown', () => {
  it('is where single steps lead, and arrives at zero when they do', () => {
    fc.assert(
      fc.property(counter, fc.integer({ min: 0, max: 40 }), (start, edges) => {
        let now: Countdown = start;
        let zeroAt = Number.POSITIVE_INFINITY;
        for (let e = 1; e <= edges; e++) {
          const { count, zero } = edge(now);
          if (zero) zeroAt = Math.min(zeroAt, e);
          now = { ...start, count };
        }
        expect(countAfter(edges, start)).toBe(now.count);
        expect(edgesToZero(start) <= edges).toBe(zeroAt <= edges);
        if (zeroAt <= edges) expect(edgesToZero(start)).toBe(zeroAt);
      }),
      { numRuns: 500 },
    );
  });
});
