/** The barrel shifter (ARM ARM A5.1): second operands of data-processing instructions, and their carry out. */
import type { Arm926 } from '../cpu.ts';

/** An 8-bit immediate, rotated right by twice the 4-bit field. */
export function immediate(insn: number): number {
  const rotation = (insn >>> 7) & 30;
  const value = insn & 0xff;
  return rotation === 0 ? value : (value >>> rotation) | (value << (32 - rotation));
}

/** Rm shifted by the immediate in bits 11:7. LSR #0 and ASR #0 mean 32, ROR #0 means RRX. */
export function shiftedByImmediate(cpu: Arm926, insn: number): number {
  const rm = cpu.r[insn & 15];
  const amount = (insn >>> 7) & 31;
  switch (insn & 0x60) {
    case 0x00:
      return rm << amount;
    case 0x20:
      return amount === 0 ? 0 : rm >>> amount;
    case 0x40:
      return rm >> (amount === 0 ? 31 : amount);
    default:
      return amount === 0 ? (cpu.nzcv[2] << 31) | (rm >>> 1) : (rm >>> amount) | (rm << (32 - amount));
  }
}

/** The carry out of `shiftedByImmediate`, to be called before flags or registers are written. */
export function carryByImmediate(cpu: Arm926, insn: number): number {
  const rm = cpu.r[insn & 15];
  const amount = (insn >>> 7) & 31;
  switch (insn & 0x60) {
    case 0x00:
      return amount === 0 ? cpu.nzcv[2] : (rm >>> (32 - amount)) & 1;
    case 0x20:
    case 0x40:
      return (rm >>> (amount === 0 ? 31 : amount - 1)) & 1;
    default:
      return amount === 0 ? rm & 1 : (rm >>> (amount - 1)) & 1;
  }
}

/** Rm shifted by the low byte of Rs. */
export function shiftedByRegister(cpu: Arm926, insn: number): number {
  return shift(cpu.r[insn & 15], (insn >>> 5) & 3, cpu.r[(insn >>> 8) & 15] & 0xff);
}

/** The carry out of `shiftedByRegister`, to be called before flags or registers are written. */
export function carryByRegister(cpu: Arm926, insn: number): number {
  return shiftCarry(cpu.r[insn & 15], (insn >>> 5) & 3, cpu.r[(insn >>> 8) & 15] & 0xff, cpu.nzcv[2]);
}

/** `value` shifted by `amount`, 0 to 255. `type`: 0 LSL, 1 LSR, 2 ASR, 3 ROR. */
export function shift(value: number, type: number, amount: number): number {
  switch (type) {
    case 0:
      return amount < 32 ? value << amount : 0;
    case 1:
      return amount < 32 ? value >>> amount : 0;
    case 2:
      return value >> (amount < 32 ? amount : 31);
    default:
      return (value >>> (amount & 31)) | (value << (-amount & 31));
  }
}

/** The carry out of `shift`; `carry` when nothing is shifted. */
export function shiftCarry(value: number, type: number, amount: number, carry: number): number {
  if (amount === 0) return carry;
  switch (type) {
    case 0:
      return amount <= 32 ? (value >>> (32 - amount)) & 1 : 0;
    case 1:
      return amount <= 32 ? (value >>> (amount - 1)) & 1 : 0;
    case 2:
      return (value >>> (amount < 32 ? amount - 1 : 31)) & 1;
    default:
      return (value >>> ((amount - 1) & 31)) & 1;
  }
}
