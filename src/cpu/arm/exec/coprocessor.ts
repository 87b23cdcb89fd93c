/** Coprocessor instructions: CP15 by MCR and MRC, the VFP as CP10 and CP11 (its own rows). Others are undefined. */
import { readCp15, writeCp15 } from '../cp15.ts';
import { undefinedInstruction } from '../exceptions.ts';
import { NEXT, type Op } from '../op.ts';
import { MODE, writeFlags } from '../psr.ts';

const coprocessor = (insn: number): number => (insn >>> 8) & 15;

/** MCR to CP15. User mode may not (DDI 0198E 2.2): undefined. */
export const moveToCoprocessor: Op = (cpu, insn) => {
  if (coprocessor(insn) !== 15 || cpu.s.mode === MODE.usr) return undefinedInstruction(cpu);
  return writeCp15(cpu, insn, cpu.r[(insn >>> 12) & 15]);
};

export const moveFromCoprocessor: Op = (cpu, insn) => {
  if (coprocessor(insn) !== 15 || cpu.s.mode === MODE.usr) return undefinedInstruction(cpu);
  const value = readCp15(cpu, insn);
  if (value === undefined) return undefinedInstruction(cpu);
  const rd = (insn >>> 12) & 15;
  if (rd === 15) writeFlags(cpu, value);
  else cpu.r[rd] = value;
  return NEXT;
};
