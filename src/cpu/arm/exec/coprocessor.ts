/**
 * Coprocessor instructions: CP15 by MCR and MRC, CP14 with the registers of a trivial Jazelle (ARM ARM A2.10), the VFP as
 * CP10 and CP11 (its own rows). Others are undefined.
 */
import { readCp15, writeCp15 } from '../cp15.ts';
import { undefinedInstruction } from '../exceptions.ts';
import { NEXT, type Op } from '../op.ts';
import { MODE, writeFlags } from '../psr.ts';

const coprocessor = (insn: number): number => (insn >>> 8) & 15;
/** JIDR, JOSCR, JMCR: CP14 with opcode 1 of 7. They read as zero and ignore writes. */
const isJazelle = (insn: number): boolean => coprocessor(insn) === 14 && ((insn >>> 21) & 7) === 7;

/** MCR to CP15. User mode may not (DDI 0198E 2.2): undefined. */
export const moveToCoprocessor: Op = (cpu, insn) => {
  if (cpu.s.mode === MODE.usr) return undefinedInstruction(cpu);
  if (isJazelle(insn)) return NEXT;
  if (coprocessor(insn) !== 15) return undefinedInstruction(cpu);
  return writeCp15(cpu, insn, cpu.r[(insn >>> 12) & 15]);
};

export const moveFromCoprocessor: Op = (cpu, insn) => {
  if (cpu.s.mode === MODE.usr) return undefinedInstruction(cpu);
  const value = isJazelle(insn) ? 0 : coprocessor(insn) === 15 ? readCp15(cpu, insn) : undefined;
  if (value === undefined) return undefinedInstruction(cpu);
  const rd = (insn >>> 12) & 15;
  if (rd === 15) writeFlags(cpu, value);
  else cpu.r[rd] = value;
  return NEXT;
};
