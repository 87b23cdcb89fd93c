import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lanesRead, lanesWritten } from './narrow.ts';

describe('narrow accesses to a 32-bit register', () => {
  it('read their own byte lanes', () => {
    expect([0, 1, 2, 3].map((offset) => lanesRead(0xdeadbeef, offset, 1))).toEqual([0xef, 0xbe, 0xad, 0xde]);
    expect([0, 2].map((offset) => lanesRead(0xdeadbeef, offset, 2))).toEqual([0xbeef, 0xdead]);
    expect(lanesRead(-1, 0, 4)).toBe(0xffffffff);
    expect(lanesRead(0xdeadbeef, 0x107, 1)).toBe(0xde);
  });

  it('write their own byte lanes, the others being zero', () => {
    expect([0, 1, 2, 3].map((offset) => lanesWritten(0xff, offset, 1))).toEqual([0xff, 0xff00, 0xff0000, 0xff000000]);
    expect([0, 2].map((offset) => lanesWritten(0x8001, offset, 2))).toEqual([0x8001, 0x80010000]);
    expect(lanesWritten(-1, 0, 4)).toBe(0xffffffff);
  });

  it('read back what they wrote', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.constantFrom<1 | 2 | 4>(1, 2, 4),
        fc.integer({ min: 0, max: 3 }),
        (value, size, lane) => {
          const offset = lane & -size & 3;
          const cut = size === 4 ? value : value & (2 ** (8 * size) - 1);
          expect(lanesRead(lanesWritten(cut, offset, size), offset, size)).toBe(cut);
        },
      ),
    );
  });
});
