import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cardSizeProblem } from './capacity.ts';
import { csd } from './card-registers.ts';
import { bitsOf, GiB, MiB } from './sd-card.fixture.ts';

/** The size that a host computes from a CSD: sections 5.3.2 and 5.3.3 of the specification. */
function sizeTold(register: Uint8Array): number {
  if (bitsOf(register, 127, 126) === 1) return (bitsOf(register, 69, 48) + 1) * 512 * 1024;
  const [size, mult, length] = [bitsOf(register, 73, 62), bitsOf(register, 49, 47), bitsOf(register, 83, 80)];
  return (size + 1) * 2 ** (mult + 2) * 2 ** length;
}

describe('size of a card', () => {
  it('is told exactly by its CSD, or is none that a card can have', () => {
    const size = fc.oneof(
      fc.integer({ min: 1, max: 4096 }).map((n) => n * 512),
      fc.integer({ min: 1, max: 8 * 1024 }).map((n) => n * 512 * 1024),
      fc.integer({ min: 1, max: 2 ** 22 }).map((n) => n * 512 * 1024),
    );
    fc.assert(
      fc.property(size, (bytes) => {
        if (cardSizeProblem(bytes) === undefined) expect(sizeTold(csd(bytes, false, false))).toBe(bytes);
        else expect(bytes % (512 * 1024)).not.toBe(0);
      }),
    );
  });

  it.each([2048, 32 * MiB, 32 * MiB + 16_384, 1 * GiB, 2 * GiB, 2 * GiB + 524_288, 64 * GiB, 2048 * GiB])('can be %d', (bytes) => {
    expect(cardSizeProblem(bytes)).toBeUndefined();
    expect(sizeTold(csd(bytes, false, false))).toBe(bytes);
  });

  it('otherwise is refused with the nearest ones, which are possible', () => {
    expect(cardSizeProblem(1_474_560 + 512)).toBe('a disk of 1475072 bytes cannot be an SD card: resize it to 1474560 or 1476608 bytes');
    expect(cardSizeProblem(512)).toBe('a disk of 512 bytes cannot be an SD card: resize it to 2048 bytes');
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2048 * GiB }), (bytes) => {
        const problem = cardSizeProblem(bytes);
        for (const [size] of problem?.split('resize it to ')[1].matchAll(/\d+/g) ?? []) expect(cardSizeProblem(Number(size))).toBeUndefined();
      }),
    );
  });

  it.each([0, -512, 2048 * GiB + 524_288, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('cannot be %d', (bytes) => {
    expect(cardSizeProblem(bytes)).toContain('2 TiB');
  });
});
