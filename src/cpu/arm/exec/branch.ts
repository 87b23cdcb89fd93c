/** Branches and instructions that cause exceptions (ARM ARM A4.1). */

import type { Arm926 } from '../cpu.ts';
import { prefetchAbort, softwareInterrupt, undefinedInstruction } from '../exceptions.ts';
import { FAULT } from '../fault.ts';
import { BRANCH, FLOW, type Op } from '../op.ts';

const offset24 = (insn: number): number => (insn << 8) >> 6;

export const branch: Op = (cpu, insn) => {
  cpu.r[15] += offset24(insn);
  return BRANCH;
};

export const branchLink: Op = (cpu, insn) => {
  const { r } = cpu;
  r[14] = r[15] - 4;
  r[15] += offset24(insn);
  return BRANCH;
};

/** Goes to `target` in the instruction set that its bit 0 selects. */
export function exchange(cpu: Arm926, target: number): number {
  const thumb = target & 1;
  cpu.r[15] = target & (thumb ? ~1 : ~3);
  if (thumb === cpu.s.t) return BRANCH;
  cpu.s.t = thumb;
  return FLOW;
}

export const branchExchange: Op = (cpu, insn) => exchange(cpu, cpu.r[insn & 15]);

export const branchLinkExchange: Op = (cpu, insn) => {
  const target = cpu.r[insn & 15];
  cpu.r[14] = cpu.r[15] - 4;
  return exchange(cpu, target);
};

/** BLX with an immediate: always to Thumb state; bit 24 (H) adds a half-word. */
export const branchLinkThumb: Op = (cpu, insn) => {
  const { r, s } = cpu;
  r[14] = r[15] - 4;
  r[15] += offset24(insn) + ((insn >>> 23) & 2);
  s.t = 1;
  return FLOW;
};

export const swi: Op = (cpu) => softwareInterrupt(cpu);

/** BKPT without debug hardware: a prefetch abort (ARM ARM A2.6.5, A4.1.7). */
export const breakpoint: Op = (cpu) => {
  const address = cpu.r[15] - (cpu.s.t ? 4 : 8);
  cpu.s.ifsr = FAULT.debug;
  return prefetchAbort(cpu, address);
};

export const undefinedOp: Op = (cpu) => undefinedInstruction(cpu);
