/**
 * How Thumb instructions are translated: most are an ARM instruction in short (ARM ARM A7.1 names it for each), and are
 * translated as that. Where R15 has a part the two differ.
 */
import { planArm } from './arm-plans.ts';
import { planExchange, planJump } from './branch.ts';
import type { Plan } from './context.ts';
import { interpreted } from './interpreted.ts';
import { planLiteral } from './load-store.ts';

const ALWAYS = 0xe0000000;
const S = 1 << 20;

export interface ThumbPlan {
  /** An ARM instruction with the same condition. */
  readonly form: number;
  readonly plan: Plan;
}

/** Operation codes of data-processing instructions. */
const ARM_OP = { AND: 0, EOR: 1, SUB: 2, RSB: 3, ADD: 4, ADC: 5, SBC: 6, TST: 8, CMP: 10, CMN: 11, ORR: 12, MOV: 13, BIC: 14, MVN: 15 } as const;
const register = (op: number, flags: number, rd: number, rn: number, rm: number): number => (op << 21) | flags | (rn << 16) | (rd << 12) | rm;
const immediate = (op: number, flags: number, rd: number, rn: number, value: number): number =>
  (1 << 25) | (op << 21) | flags | (rn << 16) | (rd << 12) | value;
/** `value` in 4-byte units, rotated into place. */
const words = (value: number): number => 0xf00 | value;

/** `isConstant`: whether the word at an address in the instruction's page has stayed as it is. */
export function planThumb(insn: number, address: number, isConstant: (address: number) => boolean): ThumbPlan {
  const arm = asArm(insn);
  if (arm !== undefined) {
    const form = (ALWAYS | arm) >>> 0;
    return { form, plan: planArm(form, address, isConstant) };
  }
  if (insn >>> 12 === 13 && ((insn >>> 8) & 15) < 14) {
    return { form: ((insn & 0xf00) << 20) >>> 0, plan: planJump((address + 4 + ((insn << 24) >> 23)) | 0) };
  }
  return { form: ALWAYS, plan: special(insn, address, isConstant) };
}

function special(insn: number, address: number, isConstant: (address: number) => boolean): Plan {
  const aligned = (address + 4) & ~3;
  switch (insn >>> 11) {
    case 0b01000:
      // BX and BLX; the other instructions with high registers are left to the interpreter if they write R15.
      if ((insn & 0x700) !== 0x700) return interpreted('always');
      return planExchange((insn >>> 3) & 15, insn & 0x80 ? (address + 2) | 1 : undefined);
    case 0b01001: {
      const literal = aligned + (insn & 0xff) * 4;
      return ((literal ^ address) & ~0xfff) === 0 && isConstant(literal) ? planLiteral((insn >>> 8) & 7, literal) : interpreted('no');
    }
    case 0b10100: {
      const rd = (insn >>> 8) & 7;
      const value = aligned + (insn & 0xff) * 4;
      return { ...sets(rd), emit: (context) => context.write(rd, () => context.code.i32(value)) };
    }
    case 0b11100:
      return planJump((address + 4 + ((insn << 21) >> 20)) | 0);
    case 0b11110: {
      const high = address + 4 + ((insn << 21) >> 9);
      return { ...sets(14), emit: (context) => context.write(14, () => context.code.i32(high)) };
    }
    case 0b11101:
    case 0b11111:
      return interpreted('comesBack');
    default:
      // SWI comes back; BKPT and what is undefined do not.
      return interpreted(insn >>> 8 === 0xdf ? 'comesBack' : 'always');
  }
}

const sets = (rd: number): Omit<Plan, 'emit'> => ({ writes: 1 << rd, sets: 0, reads: 0, seen: false, ends: 'no' });

/** The ARM instruction that has the same effect, without a condition; undefined where there is none. */
function asArm(insn: number): number | undefined {
  const r0 = insn & 7;
  const r3 = (insn >>> 3) & 7;
  const r6 = (insn >>> 6) & 7;
  const r8 = (insn >>> 8) & 7;
  const low = insn & 0xff;
  const imm5 = (insn >>> 6) & 31;
  /** LDR and STR with P and U: bit 20 L, bit 22 B. */
  const single = (bits: number, rd: number, rn: number, offset: number): number => 0x05800000 | bits | (rn << 16) | (rd << 12) | offset;
  const halves = (bits: number, rd: number, rn: number, offset: number): number => 0x01800090 | bits | (rn << 16) | (rd << 12) | offset;
  switch (insn >>> 11) {
    case 0b00000:
    case 0b00001:
    case 0b00010:
      return register(ARM_OP.MOV, S, r0, 0, (imm5 << 7) | ((insn >>> 11) << 5) | r3);
    case 0b00011: {
      const op = insn & 0x200 ? ARM_OP.SUB : ARM_OP.ADD;
      return insn & 0x400 ? immediate(op, S, r0, r3, r6) : register(op, S, r0, r3, r6);
    }
    case 0b00100:
      return immediate(ARM_OP.MOV, S, r8, 0, low);
    case 0b00101:
      return immediate(ARM_OP.CMP, S, 0, r8, low);
    case 0b00110:
      return immediate(ARM_OP.ADD, S, r8, r8, low);
    case 0b00111:
      return immediate(ARM_OP.SUB, S, r8, r8, low);
    case 0b01000:
      return insn & 0x400 ? highRegisters(insn) : twoOperands(insn, r0, r3);
    case 0b01010:
    case 0b01011: {
      // STR STRH STRB LDRSB LDR LDRH LDRB LDRSH, all with a register offset.
      const bits = [0x02000000, 0xb0 - 0x90, 0x02400000, 0x00100040, 0x02100000, 0x00100020, 0x02500000, 0x00100060][(insn >>> 9) & 7];
      const half = [1, 3, 5, 7].includes((insn >>> 9) & 7);
      return half ? halves(bits, r0, r3, r6) : single(bits, r0, r3, r6);
    }
    case 0b01100:
      return single(0, r0, r3, imm5 * 4);
    case 0b01101:
      return single(1 << 20, r0, r3, imm5 * 4);
    case 0b01110:
      return single(1 << 22, r0, r3, imm5);
    case 0b01111:
      return single((1 << 22) | (1 << 20), r0, r3, imm5);
    case 0b10000:
    case 0b10001: {
      const offset = imm5 * 2;
      return halves((1 << 22) | 0x20 | (insn & 0x800 ? 1 << 20 : 0), r0, r3, ((offset & 0xf0) << 4) | (offset & 15));
    }
    case 0b10010:
      return single(0, r8, 13, low * 4);
    case 0b10011:
      return single(1 << 20, r8, 13, low * 4);
    case 0b10101:
      return immediate(ARM_OP.ADD, 0, r8, 13, words(low));
    case 0b10110:
      if ((insn & 0x700) === 0) return immediate(insn & 0x80 ? ARM_OP.SUB : ARM_OP.ADD, 0, 13, 13, words(insn & 0x7f));
      // PUSH: STMDB sp!
      return (insn & 0x600) === 0x400 ? 0x092d0000 | low | (insn & 0x100 ? 1 << 14 : 0) : undefined;
    case 0b10111:
      // POP: LDMIA sp!
      return (insn & 0x600) === 0x400 ? 0x08bd0000 | low | (insn & 0x100 ? 1 << 15 : 0) : undefined;
    case 0b11000: {
      // STMIA: a base that is not the lowest register is stored as it was, unlike in the ARM instruction.
      const below = low & ((1 << r8) - 1);
      return low & (1 << r8) && below !== 0 ? undefined : 0x08a00000 | (r8 << 16) | low;
    }
    case 0b11001:
      return 0x08b00000 | (r8 << 16) | low;
    default:
      return undefined;
  }
}

/** ADD, CMP and MOV of R0 to R15, as far as they do not write R15. */
function highRegisters(insn: number): number | undefined {
  const rd = ((insn >>> 4) & 8) | (insn & 7);
  const rm = (insn >>> 3) & 15;
  switch ((insn >>> 8) & 3) {
    case 0:
      return rd === 15 ? undefined : register(ARM_OP.ADD, 0, rd, rd, rm);
    case 1:
      return register(ARM_OP.CMP, S, 0, rd, rm);
    case 2:
      return rd === 15 ? undefined : register(ARM_OP.MOV, 0, rd, 0, rm);
    default:
      return undefined;
  }
}

function twoOperands(insn: number, rd: number, rm: number): number {
  const shift = (type: number): number => register(ARM_OP.MOV, S, rd, 0, (rm << 8) | (type << 5) | 0x10 | rd);
  const both = (op: number): number => register(op, S, rd, rd, rm);
  switch ((insn >>> 6) & 15) {
    case 0:
      return both(ARM_OP.AND);
    case 1:
      return both(ARM_OP.EOR);
    case 2:
      return shift(0);
    case 3:
      return shift(1);
    case 4:
      return shift(2);
    case 5:
      return both(ARM_OP.ADC);
    case 6:
      return both(ARM_OP.SBC);
    case 7:
      return shift(3);
    case 8:
      return register(ARM_OP.TST, S, 0, rd, rm);
    case 9:
      return immediate(ARM_OP.RSB, S, rd, rm, 0);
    case 10:
      return register(ARM_OP.CMP, S, 0, rd, rm);
    case 11:
      return register(ARM_OP.CMN, S, 0, rd, rm);
    case 12:
      return both(ARM_OP.ORR);
    case 13:
      // MULS Rd, Rm, Rd
      return S | (rd << 16) | (rd << 8) | 0x90 | rm;
    case 14:
      return both(ARM_OP.BIC);
    default:
      return register(ARM_OP.MVN, S, rd, 0, rm);
  }
}
