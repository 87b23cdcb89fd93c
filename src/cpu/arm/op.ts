/** How an instruction's semantics are written: a function of the CPU and the instruction word. */
import type { Arm926 } from './cpu.ts';

/**
 * Executes one instruction whose condition has passed. While it runs, R15 reads as the manual says (its own address
 * plus 8, or plus 4 in Thumb state). Returns one of the three results below.
 */
export type Op = (cpu: Arm926, insn: number) => number;

/** Go on with the next instruction. */
export const NEXT = 0;
/** R15 holds the address of the next instruction; instruction set, mode and masks are as before. */
export const BRANCH = 1;
/** R15 holds the address of the next instruction; anything else may have changed, an interrupt may be due. */
export const FLOW = 2;

/**
 * One row of the instruction table.
 *
 * `pattern` is the encoding as the manual prints it, most significant bit first: 0, 1, and letters for fields (spaces
 * are for the eye). `syntax` is the assembler form in the manual's notation; see `disassemble.ts`.
 */
export interface Row {
  readonly name: string;
  readonly pattern: string;
  readonly syntax: string;
  /** Section of the ARM ARM, DDI 0100I. */
  readonly section: string;
  readonly exec: Op;
  /** Chooses a special form of `exec` for this very instruction word; it has the same effect and is faster. */
  readonly refine?: (insn: number) => Op;
}
