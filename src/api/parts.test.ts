import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { icount } from '../time/units.ts';
import { type Part, partsAt, partsOf } from './parts.ts';

const whole = fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 1000 })).map(([from, length]) => ({ from: icount(from), to: icount(from + length) }));

function expectWhole(parts: readonly Part[], { from, to }: Part): void {
  expect([parts[0].from, parts.at(-1)!.to]).toEqual([from, to]);
  for (let n = 1; n < parts.length; n++) expect(parts[n].from).toBe(parts[n - 1].to);
  for (const part of parts) expect(part.to).toBeGreaterThan(part.from);
}

describe('parts of a recording', () => {
  it('are the whole, begin at the places, and are no more than wanted', () => {
    fc.assert(
      fc.property(whole, fc.array(fc.nat(2500)), fc.integer({ min: 1, max: 20 }), (all, places, most) => {
        const parts = partsAt(places, all, most);
        expectWhole(parts, all);
        expect(parts.length).toBeLessThanOrEqual(most);
        for (const { from } of parts.slice(1)) expect(places).toContain(from);
      }),
    );
  });

  it('of one length are the whole', () => {
    fc.assert(
      fc.property(whole, fc.integer({ min: 1, max: 300 }), (all, length) => {
        const parts = [...partsOf(length, all)];
        expectWhole(parts, all);
        for (const { from, to } of parts.slice(0, -1)) expect(to - from).toBe(length);
      }),
    );
  });
});
