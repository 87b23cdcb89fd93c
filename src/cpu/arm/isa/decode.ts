/**
 * The decoder, made from the instruction tables when this module is loaded: words are sorted by a few of their bits, and
 * within such a group the first row that matches is taken.
 */
import { undefinedOp } from '../exec/branch.ts';
import type { Op, Row } from '../op.ts';
import { armRows } from './arm.rows.ts';
import { thumbRows } from './thumb.rows.ts';

/** A row with the bits that its pattern fixes. */
export interface Encoding {
  readonly row: Row;
  readonly mask: number;
  readonly value: number;
}

/** The fixed bits of a pattern of `width` bits. @throws Error when it has another width. */
export function encodingOf(row: Row, width: number): Encoding {
  const pattern = row.pattern.replaceAll(' ', '');
  if (pattern.length !== width) throw new Error(`instruction table: ${row.name} has ${pattern.length} bits instead of ${width}`);
  let mask = 0;
  let value = 0;
  for (const bit of pattern) {
    mask = (mask << 1) | (bit === '0' || bit === '1' ? 1 : 0);
    value = (value << 1) | (bit === '1' ? 1 : 0);
  }
  return { row, mask, value };
}

/** Groups of encodings by the bits of `select`, which must be contiguous after `index`. */
function grouped(
  encodings: readonly Encoding[],
  groups: number,
  wordOf: (group: number) => number,
  select: number,
): readonly (readonly Encoding[])[] {
  return Array.from({ length: groups }, (_, group) => {
    const word = wordOf(group);
    return encodings.filter(({ mask, value }) => ((word ^ value) & mask & select) === 0);
  });
}

const arm = armRows.map((row) => encodingOf(row, 32));
const thumb = thumbRows.map((row) => encodingOf(row, 16));

/** ARM: bits 27:20 and 7:4; conditional and unconditional instructions apart. */
const ARM_SELECT = 0x0ff000f0;
const armWord = (group: number): number => ((group >>> 4) << 20) | ((group & 15) << 4);
const conditional = grouped(
  arm.filter(({ mask }) => mask >>> 28 === 0),
  4096,
  armWord,
  ARM_SELECT,
);
const unconditional = grouped(
  arm.filter(({ mask }) => mask >>> 28 === 15),
  4096,
  armWord,
  ARM_SELECT,
);
/** Thumb: bits 15:6. */
const thumbGroups = grouped(thumb, 1024, (group) => group << 6, 0xffc0);

function match(group: readonly Encoding[], insn: number): Row | undefined {
  for (const { mask, value, row } of group) if (((insn ^ value) & mask) === 0) return row;
  return undefined;
}

/** The table row of an ARM instruction word, or undefined if it is undefined. */
export function armRow(insn: number): Row | undefined {
  const group = ((insn >>> 16) & 0xff0) | ((insn >>> 4) & 15);
  return match((insn >>> 28 === 15 ? unconditional : conditional)[group], insn);
}

/** The table row of a Thumb instruction. */
export const thumbRow = (insn: number): Row | undefined => match(thumbGroups[insn >>> 6], insn);

const opOf = (row: Row | undefined, insn: number): Op => (row === undefined ? undefinedOp : (row.refine?.(insn) ?? row.exec));

export const decodeArm = (insn: number): Op => opOf(armRow(insn), insn);
export const decodeThumb = (insn: number): Op => opOf(thumbRow(insn), insn);
