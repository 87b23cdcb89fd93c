/**
 * The disassembler: prints an instruction word by the `syntax` of its row, in lower-case UAL.
 *
 * A template is text with placeholders in braces, which print fields of the word by their letters in the pattern:
 * - `{c}` condition; `{s}` "s" if S is set; `{t}` "t" (with user permissions) if W is set and P is not.
 * - `{Rd}`, `{Rn}`, …: the register in field d, n, …; `{pair}` the register pair of e.
 * - `{imm}` the number in i; `{imm*4}` that times 4; `{offset*4}` likewise behind a comma, or nothing for 0; `{imm32}`
 *   with 0 for 32; `{rotated}` i rotated right by twice r, as two numbers if there is a shorter rotation.
 * - `{shift}` the type in t; `{shifted}` register m shifted by a.
 * - `{mode2}`, `{mode3}` address with base n and an offset, by P, U, W and B; `{mode4}` how a block is addressed, by P and U.
 * - `{!}` "!" if the base n is written back: by W, or without a W unless it is in the list; `{^}` " ^" if S is set.
 * - `{registers}` the register list l, `{registers+lr}` and `{registers+pc}` with LR or PC if E is set.
 * - `{target}` address of a branch by i (and half a word by h); `{high}` what the first half of a Thumb BL puts into LR.
 * - `{x}`, `{y}` "t" or "b"; `{psr}` cpsr or spsr by R, `{fields}` its fields f behind a `_`.
 * - `{cp}`, `{op1}`, `{op2}` coprocessor p and its opcodes o and q; `{CRn}`, `{CRm}` its registers n and m.
 * - VFP: `{Sd}`, `{Dd}`, …: a single or a double; `{Sm1}` the single behind m, `{Smpair}` both; `{sys}` system register;
 *   `{address}` base n and o words; `{Slist}`, `{Dlist}` o registers from d.
 */
import type { Row } from '../op.ts';
import { armRow, thumbRow } from './decode.ts';
import { PLACEHOLDERS, Word } from './disassemble-operands.ts';

/** Prints a word as an instruction of this row. @throws Error when the template has a placeholder that does not exist. */
function print(row: Row, insn: number, address: number): string {
  const word = new Word(insn, address, row.pattern.replaceAll(' ', ''));
  return row.syntax.replace(/\{(.+?)\}/g, (_, name: string) => {
    const placeholder = PLACEHOLDERS[name];
    if (placeholder === undefined) throw new Error(`instruction table: ${row.name} has an unknown placeholder {${name}}`);
    return placeholder(word);
  });
}

const hex = (n: number, digits: number): string => `0x${n.toString(16).padStart(digits, '0')}`;

/** An ARM instruction as text, or `.word` and its number where it is undefined. `address` is that of the instruction. */
export function disassembleArm(insn: number, address: number): string {
  const row = armRow(insn);
  return row === undefined ? `.word ${hex(insn >>> 0, 8)}` : print(row, insn, address);
}

/** A Thumb instruction of 16 bits as text; BL and BLX are two of them. `.short` and its number where it is undefined. */
export function disassembleThumb(insn: number, address: number): string {
  const row = thumbRow(insn);
  return row === undefined ? `.short ${hex(insn & 0xffff, 4)}` : print(row, insn, address);
}
