/** The two instruction sets, as far as forming regions has to tell them apart. */
import type { CodePage } from '../code-cache.ts';
import { planArm } from './arm-plans.ts';
import { type Plan, uniform } from './context.ts';
import { planThumb } from './thumb-plans.ts';

/** An instruction of a region. */
export interface Instruction {
  /** As it is in memory. */
  readonly insn: number;
  /** As an ARM instruction; its condition counts in any case. */
  readonly form: number;
  readonly plan: Plan;
}

export interface InstructionSet {
  readonly thumb: 0 | 1;
  /** Bytes of an instruction. */
  readonly size: 2 | 4;
  /** Instructions of a page. */
  readonly count: number;
  /** What of a page has been decoded, and how hot it is: `CodePage.armHeat`. */
  readonly ops: (page: CodePage) => readonly unknown[];
  readonly heat: (page: CodePage) => { [index: number]: number };
  /** @param words the WebAssembly memory */
  readonly instruction: (page: CodePage, words: Int32Array, index: number) => Instruction;
}

/** Whether a word of the page has stayed as it was each time that it was taken for a constant. */
const isConstant =
  (page: CodePage) =>
  (address: number): boolean =>
    page.varying[(address >>> 2) & 1023] === 0;

export const ARM: InstructionSet = Object.freeze({
  thumb: 0,
  size: 4,
  count: 1024,
  ops: (page: CodePage) => page.arm,
  heat: (page: CodePage) => page.armHeat,
  instruction: (page: CodePage, words: Int32Array, index: number) => {
    const insn = words[(page.offset >> 2) + index];
    return { insn, form: insn, plan: uniform(planArm(insn, page.address + 4 * index, isConstant(page))) };
  },
});

export const THUMB: InstructionSet = Object.freeze({
  thumb: 1,
  size: 2,
  count: 2048,
  ops: (page: CodePage) => page.thumb,
  heat: (page: CodePage) => page.thumbHeat,
  instruction: (page: CodePage, words: Int32Array, index: number) => {
    const word = words[(page.offset >> 2) + (index >> 1)];
    const insn = index & 1 ? word >>> 16 : word & 0xffff;
    const { form, plan } = planThumb(insn, page.address + 2 * index, isConstant(page));
    return { insn, form: form | 0, plan: uniform(plan) };
  },
});
