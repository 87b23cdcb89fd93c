import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../replay/bytes.ts';
import { Damage } from '../replay/damage.ts';
import { ContentTable, decodeTable, MAX_UNITS } from './content-table.ts';

const encoded = (entries: Iterable<readonly [number, number]>): Uint8Array => {
  const table = new ContentTable();
  for (const [unit, content] of entries) table.set(unit, content);
  const out = new ByteWriter();
  table.encode(out);
  return out.take();
};
const UNITS = 5000;

describe('a table of contents', () => {
  it('is read as it was written, whatever follows what', () => {
    const run = fc.tuple(fc.nat(UNITS - 50), fc.integer({ min: 1, max: 50 }), fc.nat(900));
    fc.assert(
      fc.property(fc.array(run, { maxLength: 40 }), (runs) => {
        const entries = new Map<number, number>();
        for (const [unit, length, first] of runs) for (let n = 0; n < length; n++) entries.set(unit + n, first === 0 ? 0 : first + n);
        const reader = new ByteReader(encoded(entries), 0);
        const { units, contents } = decodeTable(reader, UNITS, 1000);
        expect(reader.atEnd).toBe(true);
        expect([...units].map((unit, n) => [unit, contents[n]])).toEqual([...entries].sort(([a], [b]) => a - b));
      }),
    );
  });

  it('takes a few bytes for what lies in a row', () => {
    expect(encoded(Array.from({ length: 4000 }, (_, n) => [n, n + 7] as const)).length).toBeLessThan(10);
    expect(encoded(Array.from({ length: 4000 }, (_, n) => [n, 0] as const)).length).toBeLessThan(10);
  });

  it('names no unit and no content that is not there, and never more than it may', () => {
    const refused = (bytes: number[] | Uint8Array, units = UNITS, last = 1000): void => {
      expect(() => decodeTable(new ByteReader(Uint8Array.from(bytes), 0), units, last)).toThrow(Damage);
    };
    refused(encoded([[UNITS, 1]]));
    refused(encoded([[0, 1001]]));
    refused(
      encoded([
        [0, 999],
        [1, 1000],
        [2, 1001],
      ]),
    );
    refused([2, 0, 3, 1]);
    refused([1, 0, 0, 1]);
    const out = new ByteWriter();
    out.varint(MAX_UNITS + 1);
    refused(out.take(), Number.MAX_SAFE_INTEGER);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          const { units, contents } = decodeTable(new ByteReader(bytes, 0), UNITS, 1000);
          expect(Math.max(-1, ...units)).toBeLessThan(UNITS);
          expect(Math.max(-1, ...contents)).toBeLessThanOrEqual(1000);
        } catch (error) {
          expect(error).toBeInstanceOf(Damage);
        }
      }),
    );
  });
});
