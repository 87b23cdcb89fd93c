import { describe, expect, it } from 'vitest';
import { armRows } from '../isa/arm.rows.ts';
import { armRow, thumbRow } from '../isa/decode.ts';
import { disassembleArm, disassembleThumb } from '../isa/disassemble.ts';
import { thumbRows } from '../isa/thumb.rows.ts';
import { VFP_ROWS } from '../vfp/vfp.rows.ts';
import { armWord, thumbHalf } from './assembler.suite.ts';
import { Random } from './random.suite.ts';

const vfp = new Set(VFP_ROWS.map(({ name }) => name));

describe('assembler for tests', () => {
  it.each([
    ['ARM', armRows.filter(({ name }) => !vfp.has(name)), armRow, disassembleArm, armWord],
    ['Thumb', thumbRows, thumbRow, disassembleThumb, thumbHalf],
  ] as const)('reads what the disassembler prints: %s', (_, rows, rowOf, disassemble, assemble) => {
    const random = new Random(5);
    for (const row of rows) {
      for (let n = 0; n < 25; n++) {
        const insn = random.wordOf(row);
        if (rowOf(insn) !== row) continue;
        const text = disassemble(insn, 0x8000);
        expect(disassemble(assemble(text, 0x8000), 0x8000)).toBe(text);
      }
    }
  });

  it('knows numbers in both bases and refuses what is no instruction', () => {
    expect(armWord('mov r0, #255')).toBe(0xe3a000ff);
    expect(armWord('ldrne r0, [r1, #-0x10]!')).toBe(0x15310010);
    expect(thumbHalf('movs r0, #0xa')).toBe(0x200a);
    expect(() => armWord('mov r0, #257')).toThrow('cannot assemble');
    expect(() => thumbHalf('movs r8, #1')).toThrow('cannot assemble');
  });
});
