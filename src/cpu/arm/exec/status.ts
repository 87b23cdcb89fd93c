/** MRS, MSR and the load and store of nothing: PLD (ARM ARM A4.1). */
import type { Arm926 } from '../cpu.ts';
import { FLOW, NEXT, type Op } from '../op.ts';
import { bankOf, hasSpsr, MODE, readCpsr, readSpsr, writeCpsr } from '../psr.ts';
import { immediate } from './shifter.ts';

const R = 1 << 22;

export const readStatus: Op = (cpu, insn) => {
  cpu.r[(insn >>> 12) & 15] = insn & R ? readSpsr(cpu) : readCpsr(cpu);
  return NEXT;
};

/** The PSR bits that the fields mask selects: c, x, s, f in bits 16 to 19. */
function fieldMask(insn: number): number {
  return (insn & (1 << 16) ? 0xff : 0) | (insn & (1 << 17) ? 0xff00 : 0) | (insn & (1 << 18) ? 0xff0000 : 0) | (insn & (1 << 19) ? 0xff000000 : 0);
}

/** Bits that exist on an ARMv5TEJ: N, Z, C, V, Q, J, I, F, T, M. */
const PSR_BITS = 0xf90000ff;

function writeStatus(cpu: Arm926, insn: number, value: number): number {
  const { s } = cpu;
  const mask = fieldMask(insn) & PSR_BITS;
  if (insn & R) {
    if (hasSpsr(s.mode)) s.spsr[bankOf(s.mode)] = (s.spsr[bankOf(s.mode)] & ~mask) | (value & mask);
    return NEXT;
  }
  // User mode writes flags alone; T (and J) of the CPSR are never written by MSR.
  const allowed = mask & (s.mode === MODE.usr ? 0xf8000000 : 0xf80000df);
  writeCpsr(cpu, (readCpsr(cpu) & ~allowed) | (value & allowed));
  if (!(allowed & 0xff)) return NEXT;
  cpu.r[15] -= 4;
  return FLOW;
}

export const writeStatusRegister: Op = (cpu, insn) => writeStatus(cpu, insn, cpu.r[insn & 15]);
export const writeStatusImmediate: Op = (cpu, insn) => writeStatus(cpu, insn, immediate(insn));

/** PLD is a hint: no access, no fault. */
export const preload: Op = () => NEXT;
