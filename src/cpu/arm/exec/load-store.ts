/** Loads and stores of words, bytes, half-words and double words (ARM ARM A4.1, A5.2, A5.3). */
import type { Arm926 } from '../cpu.ts';
import { NEXT, type Op } from '../op.ts';
import { exchange } from './branch.ts';
import { shiftedByImmediate } from './shifter.ts';

const P = 1 << 24;
const U = 1 << 23;
const B = 1 << 22;
const W = 1 << 21;
const L = 1 << 20;
const REGISTER_OFFSET = 1 << 25;

/** R15 as a stored value is the instruction's address plus 12 (DDI 0198E follows ARM9TDMI). */
const stored = (cpu: Arm926, register: number): number => (register === 15 ? cpu.r[15] + 4 : cpu.r[register]);

/** Control register bit L4: loads of R15 keep the instruction set, as before ARMv5. */
const CONTROL_L4 = 1 << 15;

/** Loading R15 branches, and bit 0 selects the instruction set. */
export const loadPc = (cpu: Arm926, value: number): number => exchange(cpu, cpu.s.control & CONTROL_L4 ? (value & ~1) | cpu.s.t : value);

/** Puts back the base register. An access that aborts has thrown before: base restored. */
function writeBack(cpu: Arm926, insn: number, base: number, offset: number): void {
  if (!(insn & P) || insn & W) cpu.r[(insn >>> 16) & 15] = base + offset;
}

const wordOffset = (cpu: Arm926, insn: number): number => {
  const magnitude = insn & REGISTER_OFFSET ? shiftedByImmediate(cpu, insn) : insn & 0xfff;
  return insn & U ? magnitude : -magnitude | 0;
};

/** LDR, LDRB, LDRT, LDRBT in all addressing modes. */
export const load: Op = (cpu, insn) => {
  const base = cpu.r[(insn >>> 16) & 15];
  const offset = wordOffset(cpu, insn);
  const address = insn & P ? (base + offset) | 0 : base;
  const rd = (insn >>> 12) & 15;
  let value: number;
  if (!(insn & P) && insn & W) value = insn & B ? cpu.mmu.loadAsUser(address, 1) : cpu.mmu.loadAsUser(address, 4);
  else value = insn & B ? cpu.load8(address) : cpu.load32(address);
  writeBack(cpu, insn, base, offset);
  if (rd === 15) return loadPc(cpu, value);
  cpu.r[rd] = value;
  return NEXT;
};

/** STR, STRB, STRT, STRBT in all addressing modes. */
export const store: Op = (cpu, insn) => {
  const base = cpu.r[(insn >>> 16) & 15];
  const offset = wordOffset(cpu, insn);
  const address = insn & P ? (base + offset) | 0 : base;
  const value = stored(cpu, (insn >>> 12) & 15);
  if (!(insn & P) && insn & W) cpu.mmu.storeAsUser(address, insn & B ? 1 : 4, value);
  else if (insn & B) cpu.store8(address, value);
  else cpu.store32(address, value);
  writeBack(cpu, insn, base, offset);
  return NEXT;
};

const ldrImmediate: Op = (cpu, insn) => {
  const { r } = cpu;
  r[(insn >>> 12) & 15] = cpu.load32((r[(insn >>> 16) & 15] + (insn & 0xfff)) | 0);
  return NEXT;
};
const ldrNegative: Op = (cpu, insn) => {
  const { r } = cpu;
  r[(insn >>> 12) & 15] = cpu.load32((r[(insn >>> 16) & 15] - (insn & 0xfff)) | 0);
  return NEXT;
};
const ldrRegister: Op = (cpu, insn) => {
  const { r } = cpu;
  r[(insn >>> 12) & 15] = cpu.load32((r[(insn >>> 16) & 15] + shiftedByImmediate(cpu, insn)) | 0);
  return NEXT;
};
const ldrbImmediate: Op = (cpu, insn) => {
  const { r } = cpu;
  r[(insn >>> 12) & 15] = cpu.load8((r[(insn >>> 16) & 15] + (insn & 0xfff)) | 0);
  return NEXT;
};
const ldrbRegister: Op = (cpu, insn) => {
  const { r } = cpu;
  r[(insn >>> 12) & 15] = cpu.load8((r[(insn >>> 16) & 15] + shiftedByImmediate(cpu, insn)) | 0);
  return NEXT;
};
const ldrbPost: Op = (cpu, insn) => {
  const { r } = cpu;
  const rn = (insn >>> 16) & 15;
  const base = r[rn];
  const value = cpu.load8(base);
  r[rn] = base + (insn & 0xfff);
  r[(insn >>> 12) & 15] = value;
  return NEXT;
};
const ldrPost: Op = (cpu, insn) => {
  const { r } = cpu;
  const rn = (insn >>> 16) & 15;
  const base = r[rn];
  const value = cpu.load32(base);
  r[rn] = base + (insn & 0xfff);
  r[(insn >>> 12) & 15] = value;
  return NEXT;
};
const strImmediate: Op = (cpu, insn) => {
  const { r } = cpu;
  cpu.store32((r[(insn >>> 16) & 15] + (insn & 0xfff)) | 0, r[(insn >>> 12) & 15]);
  return NEXT;
};
const strNegative: Op = (cpu, insn) => {
  const { r } = cpu;
  cpu.store32((r[(insn >>> 16) & 15] - (insn & 0xfff)) | 0, r[(insn >>> 12) & 15]);
  return NEXT;
};
const strbImmediate: Op = (cpu, insn) => {
  const { r } = cpu;
  cpu.store8((r[(insn >>> 16) & 15] + (insn & 0xfff)) | 0, r[(insn >>> 12) & 15]);
  return NEXT;
};

/** The fast form of a single word or byte transfer, for the addressing modes that compilers use most. */
export function singleTransfer(insn: number): Op {
  const general = insn & L ? load : store;
  if (((insn >>> 12) & 15) === 15) return general;
  const mode = insn & (P | U | W | REGISTER_OFFSET);
  if (mode === (P | U)) return insn & L ? (insn & B ? ldrbImmediate : ldrImmediate) : insn & B ? strbImmediate : strImmediate;
  if (mode === P && !(insn & B)) return insn & L ? ldrNegative : strNegative;
  if (mode === (P | U | REGISTER_OFFSET) && insn & L) return insn & B ? ldrbRegister : ldrRegister;
  if (mode === U && insn & L) return insn & B ? ldrbPost : ldrPost;
  return general;
}

const halfOffset = (cpu: Arm926, insn: number): number => {
  const magnitude = insn & B ? ((insn >>> 4) & 0xf0) | (insn & 15) : cpu.r[insn & 15];
  return insn & U ? magnitude : -magnitude | 0;
};

type Load = (cpu: Arm926, address: number) => number;

/** LDRH, LDRSB, LDRSH in all addressing modes. */
const extraLoad =
  (read: Load): Op =>
  (cpu, insn) => {
    const base = cpu.r[(insn >>> 16) & 15];
    const offset = halfOffset(cpu, insn);
    const value = read(cpu, insn & P ? (base + offset) | 0 : base);
    writeBack(cpu, insn, base, offset);
    const rd = (insn >>> 12) & 15;
    if (rd === 15) return loadPc(cpu, value);
    cpu.r[rd] = value;
    return NEXT;
  };

export const loadHalf = extraLoad((cpu, address) => cpu.load16(address));
export const loadSignedByte = extraLoad((cpu, address) => (cpu.load8(address) << 24) >> 24);
export const loadSignedHalf = extraLoad((cpu, address) => (cpu.load16(address) << 16) >> 16);

export const storeHalf: Op = (cpu, insn) => {
  const base = cpu.r[(insn >>> 16) & 15];
  const offset = halfOffset(cpu, insn);
  cpu.store16(insn & P ? (base + offset) | 0 : base, stored(cpu, (insn >>> 12) & 15));
  writeBack(cpu, insn, base, offset);
  return NEXT;
};

/** LDRD. The address is that of a word pair; with alignment checking it must be a multiple of 8. An odd Rd (UNPREDICTABLE) counts as the even one below. */
export const loadDouble: Op = (cpu, insn) => {
  const base = cpu.r[(insn >>> 16) & 15];
  const offset = halfOffset(cpu, insn);
  const address = insn & P ? (base + offset) | 0 : base;
  cpu.mmu.checkDouble(address);
  const low = cpu.load32(address);
  const high = cpu.load32((address + 4) | 0);
  writeBack(cpu, insn, base, offset);
  const rd = (insn >>> 12) & 14;
  cpu.r[rd] = low;
  if (rd === 14) return loadPc(cpu, high);
  cpu.r[rd + 1] = high;
  return NEXT;
};

export const storeDouble: Op = (cpu, insn) => {
  const base = cpu.r[(insn >>> 16) & 15];
  const offset = halfOffset(cpu, insn);
  const address = insn & P ? (base + offset) | 0 : base;
  const rd = (insn >>> 12) & 14;
  cpu.mmu.checkDouble(address);
  cpu.store32(address, cpu.r[rd]);
  cpu.store32((address + 4) | 0, stored(cpu, rd + 1));
  writeBack(cpu, insn, base, offset);
  return NEXT;
};

/** SWP: the load rotates like LDR; nothing comes between load and store here. */
export const swap: Op = (cpu, insn) => {
  const { r } = cpu;
  const address = r[(insn >>> 16) & 15];
  const value = cpu.load32(address);
  cpu.store32(address, r[insn & 15]);
  r[(insn >>> 12) & 15] = value;
  return NEXT;
};

export const swapByte: Op = (cpu, insn) => {
  const { r } = cpu;
  const address = r[(insn >>> 16) & 15];
  const value = cpu.load8(address);
  cpu.store8(address, r[insn & 15]);
  r[(insn >>> 12) & 15] = value;
  return NEXT;
};
