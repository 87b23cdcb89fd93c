/** Data-processing instructions: choice of the function for an instruction word, and the rare case of R15 as destination. */
import type { Arm926 } from '../cpu.ts';
import { BRANCH, FLOW, type Op } from '../op.ts';
import { hasSpsr, readSpsr, writeCpsr } from '../psr.ts';
import { ALU } from './alu.generated.ts';
import { immediate, shiftedByImmediate, shiftedByRegister } from './shifter.ts';

const NAMES = ['AND', 'EOR', 'SUB', 'RSB', 'ADD', 'ADC', 'SBC', 'RSC', 'TST', 'TEQ', 'CMP', 'CMN', 'ORR', 'MOV', 'BIC', 'MVN'] as const;
const COMPARE = (opcode: number): boolean => opcode >= 8 && opcode <= 11;

/** The function that executes this data-processing instruction. */
export function dataProcessing(insn: number): Op {
  const opcode = (insn >>> 21) & 15;
  if (!COMPARE(opcode) && ((insn >>> 12) & 15) === 15) return insn & (1 << 20) ? exceptionReturn : toPc;
  const form = insn & (1 << 25) ? 'imm' : insn & (1 << 4) ? 'regShift' : insn & 0xff0 ? 'shift' : 'reg';
  const s = insn & (1 << 20) && !COMPARE(opcode) ? 'S' : '';
  return ALU[`${NAMES[opcode]}${s}_${form}`];
}

/** The result of the instruction, without flags. */
function result(cpu: Arm926, insn: number): number {
  const a = cpu.r[(insn >>> 16) & 15];
  const b = insn & (1 << 25) ? immediate(insn) : insn & (1 << 4) ? shiftedByRegister(cpu, insn) : shiftedByImmediate(cpu, insn);
  const carry = cpu.nzcv[2];
  switch (NAMES[(insn >>> 21) & 15]) {
    case 'AND':
      return a & b;
    case 'EOR':
      return a ^ b;
    case 'SUB':
      return a - b;
    case 'RSB':
      return b - a;
    case 'ADD':
      return a + b;
    case 'ADC':
      return a + b + carry;
    case 'SBC':
      return a - b - 1 + carry;
    case 'RSC':
      return b - a - 1 + carry;
    case 'ORR':
      return a | b;
    case 'MOV':
      return b;
    case 'BIC':
      return a & ~b;
    default:
      return ~b;
  }
}

/** `MOV pc, …` and its kin: a plain branch, no interworking before ARMv7. */
const toPc: Op = (cpu, insn) => {
  cpu.r[15] = result(cpu, insn) & ~3;
  return BRANCH;
};

/** `MOVS pc, lr` and its kin: the return from an exception. */
const exceptionReturn: Op = (cpu, insn) => {
  const target = result(cpu, insn);
  if (hasSpsr(cpu.s.mode)) writeCpsr(cpu, readSpsr(cpu));
  cpu.r[15] = target & (cpu.s.t ? ~1 : ~3);
  return FLOW;
};
