import { describe, expect, it } from 'vitest';
import type { Row } from '../op.ts';
import { capstone } from '../testing/capstone.suite.ts';
import { Random } from '../testing/random.suite.ts';
import { armRows } from './arm.rows.ts';
import { armRow, thumbRow } from './decode.ts';
import { disassembleArm, disassembleThumb } from './disassemble.ts';
import { thumbRows } from './thumb.rows.ts';

/** Words to compare for each row. */
const WORDS = 250;

/** Words of a row that Capstone knows too, with both texts, where they differ. */
function differences(
  row: Row,
  seed: number,
  decode: (insn: number) => Row | undefined,
  ours: (insn: number, address: number) => string,
  theirs: (insn: number, address: number) => string | undefined,
): { compared: number; different: string[] } {
  const random = new Random(seed);
  const different: string[] = [];
  let compared = 0;
  for (let tries = 0; compared < WORDS && tries < WORDS * 40; tries++) {
    const insn = random.wordOf(row);
    const address = random.next() & ~3;
    if (decode(insn) !== row) continue;
    const expected = theirs(insn, address);
    const actual = ours(insn, address);
    // An empty list of VFP registers is UNPREDICTABLE; Capstone prints one with a register.
    if (expected === undefined || actual.includes('{}')) continue;
    compared++;
    if (actual !== expected) different.push(`0x${insn.toString(16)}: ${actual} instead of ${expected}`);
  }
  return { compared, different };
}

describe('disassembler', async () => {
  const reference = await capstone();

  it.each(armRows.map((row, n) => [row.name, row, n] as const))('prints ARM %s as Capstone does', (_, row, seed) => {
    const { compared, different } = differences(row, seed, armRow, disassembleArm, reference.arm);
    expect(different.slice(0, 5)).toEqual([]);
    expect(compared).toBe(WORDS);
  });

  /** Capstone knows the halves of BL and BLX only together. */
  const halves = /^BLX? ?(\(1\))?, (prefix|suffix)$/;
  it.each(thumbRows.filter(({ name }) => !halves.test(name)).map((row, n) => [row.name, row, n] as const))(
    'prints Thumb %s as Capstone does',
    (_, row, seed) => {
      const { compared, different } = differences(row, seed, thumbRow, disassembleThumb, reference.thumb);
      expect(different.slice(0, 5)).toEqual([]);
      expect(compared).toBe(WORDS);
    },
  );

  it('prints the halves of Thumb BL and BLX so that they add up to the target', () => {
    const random = new Random(1);
    for (let n = 0; n < 500; n++) {
      const address = random.next() & ~3;
      const first = 0xf000 | random.below(0x800);
      const exchange = random.chance(50);
      const second = exchange ? 0xe800 | (random.below(0x400) << 1) : 0xf800 | random.below(0x800);
      const high = /^bl high #(0x[0-9a-f]+)$/.exec(disassembleThumb(first, address));
      const low = /^(blx?) low lr \+ #(0x[0-9a-f]+|\d)$/.exec(disassembleThumb(second, address + 2));
      const target = (Number(high?.[1]) + Number(low?.[2])) >>> 0;
      expect(`${low?.[1]} #0x${target.toString(16)}`).toBe(reference.thumbPair(first, second, address));
    }
  });

  it.each([
    [0xe7f000f0, 'permanently undefined'],
    [0xe6000010, 'single transfer with a register shift'],
    [0xe1c210d0, 'LDRD of an odd register'],
    [0xe1c210f0, 'STRD of an odd register'],
    [0xe3000000, 'MOVW of ARMv6T2'],
    [0xe0410392, 'UMAAL of ARMv6'],
    [0xec400000, 'MCRR to a coprocessor that does not exist'],
    [0xee000000, 'CDP of a coprocessor that does not exist'],
    [0xfe000010, 'MCR2'],
    [0xf57ff01f, 'CLREX of ARMv6'],
  ])('prints undefined %i as a number: %s', (insn) => {
    expect(disassembleArm(insn, 0)).toBe(`.word 0x${insn.toString(16)}`);
  });

  it.each([0xe801, 0xb100, 0xba00, 0xbf00, 0xb660, 0xb800])('prints undefined Thumb %i as a number', (insn) => {
    expect(disassembleThumb(insn, 0)).toBe(`.short 0x${insn.toString(16)}`);
  });

  it('prints leading zeros of undefined words, and words given as negative numbers', () => {
    expect(disassembleArm(0x07f000f0, 0)).toBe('.word 0x07f000f0');
    expect(disassembleArm(0xe7f000f0 | 0, 0)).toBe('.word 0xe7f000f0');
    expect(disassembleArm(0xe1a00001 | 0, 0)).toBe('mov r0, r1');
  });

  it.each([
    ['ARM', armRows, 32],
    ['Thumb', thumbRows, 16],
  ] as const)('is driven by a table whose rows have names, patterns and sections: %s', (_, rows, width) => {
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    for (const row of rows) {
      expect(row.pattern.replaceAll(' ', ''), row.name).toHaveLength(width);
      expect(row.section, row.name).toMatch(/^[AC]\d\.\d+(\.\d+)?$/);
    }
  });
});
