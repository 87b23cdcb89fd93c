/** The Thumb instruction set (ARM ARM chapters A6 and A7), where it is not an ARM instruction in short. */

import { conditionPassed } from '../condition.ts';
import type { Arm926 } from '../cpu.ts';
import { BRANCH, FLOW, NEXT, type Op } from '../op.ts';
import { exchange } from './branch.ts';
import { loadPc } from './load-store.ts';
import { blockAddress } from './load-store-multiple.ts';
import { shift, shiftCarry } from './shifter.ts';

/** Register numbers: three bits at 0, 3, 6 or 8. */
const r0 = (insn: number): number => insn & 7;
const r3 = (insn: number): number => (insn >>> 3) & 7;
const r6 = (insn: number): number => (insn >>> 6) & 7;
const r8 = (insn: number): number => (insn >>> 8) & 7;
/** Four-bit register numbers of the instructions that reach R8 to R15: bit 7 extends bits 2:0. */
const high0 = (insn: number): number => ((insn >>> 4) & 8) | (insn & 7);
const high3 = (insn: number): number => (insn >>> 3) & 15;

function setNZ(cpu: Arm926, x: number): void {
  cpu.nzcv[0] = x >>> 31;
  cpu.nzcv[1] = x === 0 ? 1 : 0;
}

function add(cpu: Arm926, a: number, b: number, carry: number): number {
  const x = (a + b + carry) | 0;
  setNZ(cpu, x);
  cpu.nzcv[2] = (a >>> 0) + (b >>> 0) + carry > 0xffffffff ? 1 : 0;
  cpu.nzcv[3] = ((a ^ x) & (b ^ x)) >>> 31;
  return x;
}

/** a - b, as the addition of the complement. */
const subtract = (cpu: Arm926, a: number, b: number): number => add(cpu, a, ~b, 1);

/** The shifted value, with all flags but V. */
function shifted(cpu: Arm926, value: number, type: number, amount: number): number {
  const carry = shiftCarry(value, type, amount, cpu.nzcv[2]);
  const x = shift(value, type, amount);
  setNZ(cpu, x);
  cpu.nzcv[2] = carry;
  return x;
}

const shiftImmediate =
  (type: number): Op =>
  (cpu, insn) => {
    const value = cpu.r[r3(insn)];
    // Amount 0 means 32 for LSR and ASR, and no shift for LSL.
    const amount = (insn >>> 6) & 31 || (type === 0 ? 0 : 32);
    cpu.r[r0(insn)] = shifted(cpu, value, type, amount);
    return NEXT;
  };
export const lslImmediate = shiftImmediate(0);
export const lsrImmediate = shiftImmediate(1);
export const asrImmediate = shiftImmediate(2);

const shiftRegister =
  (type: number): Op =>
  (cpu, insn) => {
    const value = cpu.r[r0(insn)];
    const amount = cpu.r[r3(insn)] & 0xff;
    cpu.r[r0(insn)] = shifted(cpu, value, type, amount);
    return NEXT;
  };
export const lslRegister = shiftRegister(0);
export const lsrRegister = shiftRegister(1);
export const asrRegister = shiftRegister(2);
export const rorRegister = shiftRegister(3);

export const addRegister: Op = (cpu, insn) => {
  cpu.r[r0(insn)] = add(cpu, cpu.r[r3(insn)], cpu.r[r6(insn)], 0);
  return NEXT;
};
export const subRegister: Op = (cpu, insn) => {
  cpu.r[r0(insn)] = subtract(cpu, cpu.r[r3(insn)], cpu.r[r6(insn)]);
  return NEXT;
};
export const addImmediate3: Op = (cpu, insn) => {
  cpu.r[r0(insn)] = add(cpu, cpu.r[r3(insn)], r6(insn), 0);
  return NEXT;
};
export const subImmediate3: Op = (cpu, insn) => {
  cpu.r[r0(insn)] = subtract(cpu, cpu.r[r3(insn)], r6(insn));
  return NEXT;
};
export const movImmediate: Op = (cpu, insn) => {
  const x = insn & 0xff;
  setNZ(cpu, x);
  cpu.r[r8(insn)] = x;
  return NEXT;
};
export const cmpImmediate: Op = (cpu, insn) => {
  subtract(cpu, cpu.r[r8(insn)], insn & 0xff);
  return NEXT;
};
export const addImmediate8: Op = (cpu, insn) => {
  cpu.r[r8(insn)] = add(cpu, cpu.r[r8(insn)], insn & 0xff, 0);
  return NEXT;
};
export const subImmediate8: Op = (cpu, insn) => {
  cpu.r[r8(insn)] = subtract(cpu, cpu.r[r8(insn)], insn & 0xff);
  return NEXT;
};

/** Two-operand logical instructions: Rd is also the first operand. */
const logical =
  (compute: (a: number, b: number) => number, keep = true): Op =>
  (cpu, insn) => {
    const x = compute(cpu.r[r0(insn)], cpu.r[r3(insn)]) | 0;
    setNZ(cpu, x);
    if (keep) cpu.r[r0(insn)] = x;
    return NEXT;
  };
export const and = logical((a, b) => a & b);
export const eor = logical((a, b) => a ^ b);
export const tst = logical((a, b) => a & b, false);
export const orr = logical((a, b) => a | b);
export const bic = logical((a, b) => a & ~b);
export const mvn = logical((_, b) => ~b);
export const mul = logical(Math.imul);

export const adc: Op = (cpu, insn) => {
  cpu.r[r0(insn)] = add(cpu, cpu.r[r0(insn)], cpu.r[r3(insn)], cpu.nzcv[2]);
  return NEXT;
};
export const sbc: Op = (cpu, insn) => {
  cpu.r[r0(insn)] = add(cpu, cpu.r[r0(insn)], ~cpu.r[r3(insn)], cpu.nzcv[2]);
  return NEXT;
};
export const neg: Op = (cpu, insn) => {
  cpu.r[r0(insn)] = subtract(cpu, 0, cpu.r[r3(insn)]);
  return NEXT;
};
export const cmpRegister: Op = (cpu, insn) => {
  subtract(cpu, cpu.r[r0(insn)], cpu.r[r3(insn)]);
  return NEXT;
};
export const cmn: Op = (cpu, insn) => {
  add(cpu, cpu.r[r0(insn)], cpu.r[r3(insn)], 0);
  return NEXT;
};

/** Writes a register that may be R15: a branch that stays in Thumb state. */
function setHigh(cpu: Arm926, register: number, value: number): number {
  if (register !== 15) {
    cpu.r[register] = value;
    return NEXT;
  }
  cpu.r[15] = value & ~1;
  return BRANCH;
}
export const addHigh: Op = (cpu, insn) => setHigh(cpu, high0(insn), cpu.r[high0(insn)] + cpu.r[high3(insn)]);
export const movHigh: Op = (cpu, insn) => setHigh(cpu, high0(insn), cpu.r[high3(insn)]);
export const cmpHigh: Op = (cpu, insn) => {
  subtract(cpu, cpu.r[high0(insn)], cpu.r[high3(insn)]);
  return NEXT;
};

export const bx: Op = (cpu, insn) => exchange(cpu, cpu.r[high3(insn)]);
export const blxRegister: Op = (cpu, insn) => {
  const target = cpu.r[high3(insn)];
  cpu.r[14] = (cpu.r[15] - 2) | 1;
  return exchange(cpu, target);
};

export const ldrLiteral: Op = (cpu, insn) => {
  cpu.r[r8(insn)] = cpu.load32(((cpu.r[15] & ~3) + (insn & 0xff) * 4) | 0);
  return NEXT;
};

type Address = (cpu: Arm926, insn: number) => number;
/** Base and index register. */
const indexed: Address = (cpu, insn) => (cpu.r[r3(insn)] + cpu.r[r6(insn)]) | 0;
/** Base register and a 5-bit immediate of `scale` bytes. */
const offset =
  (scale: number): Address =>
  (cpu, insn) =>
    (cpu.r[r3(insn)] + ((insn >>> 6) & 31) * scale) | 0;

const loading =
  (address: Address, read: (cpu: Arm926, address: number) => number): Op =>
  (cpu, insn) => {
    cpu.r[r0(insn)] = read(cpu, address(cpu, insn));
    return NEXT;
  };
const word = (cpu: Arm926, address: number): number => cpu.load32(address);
const half = (cpu: Arm926, address: number): number => cpu.load16(address);
const byte = (cpu: Arm926, address: number): number => cpu.load8(address);
export const ldrRegister = loading(indexed, word);
export const ldrhRegister = loading(indexed, half);
export const ldrbRegister = loading(indexed, byte);
export const ldrshRegister = loading(indexed, (cpu, address) => (cpu.load16(address) << 16) >> 16);
export const ldrsbRegister = loading(indexed, (cpu, address) => (cpu.load8(address) << 24) >> 24);
export const ldrImmediate = loading(offset(4), word);
export const ldrhImmediate = loading(offset(2), half);
export const ldrbImmediate = loading(offset(1), byte);

const storing =
  (address: Address, write: (cpu: Arm926, address: number, value: number) => void): Op =>
  (cpu, insn) => {
    write(cpu, address(cpu, insn), cpu.r[r0(insn)]);
    return NEXT;
  };
const putWord = (cpu: Arm926, address: number, value: number): void => cpu.store32(address, value);
const putHalf = (cpu: Arm926, address: number, value: number): void => cpu.store16(address, value);
const putByte = (cpu: Arm926, address: number, value: number): void => cpu.store8(address, value);
export const strRegister = storing(indexed, putWord);
export const strhRegister = storing(indexed, putHalf);
export const strbRegister = storing(indexed, putByte);
export const strImmediate = storing(offset(4), putWord);
export const strhImmediate = storing(offset(2), putHalf);
export const strbImmediate = storing(offset(1), putByte);

export const ldrSp: Op = (cpu, insn) => {
  cpu.r[r8(insn)] = cpu.load32((cpu.r[13] + (insn & 0xff) * 4) | 0);
  return NEXT;
};
export const strSp: Op = (cpu, insn) => {
  cpu.store32((cpu.r[13] + (insn & 0xff) * 4) | 0, cpu.r[r8(insn)]);
  return NEXT;
};
export const addPc: Op = (cpu, insn) => {
  cpu.r[r8(insn)] = (cpu.r[15] & ~3) + (insn & 0xff) * 4;
  return NEXT;
};
export const addSp: Op = (cpu, insn) => {
  cpu.r[r8(insn)] = cpu.r[13] + (insn & 0xff) * 4;
  return NEXT;
};
export const incrementSp: Op = (cpu, insn) => {
  cpu.r[13] += (insn & 0x7f) * 4;
  return NEXT;
};
export const decrementSp: Op = (cpu, insn) => {
  cpu.r[13] -= (insn & 0x7f) * 4;
  return NEXT;
};

/** Registers in bits 7:0 and, in bit 8, LR of a PUSH or PC of a POP. */
function listBytes(insn: number): number {
  let n = 0;
  for (let list = insn & 0x1ff; list !== 0; list &= list - 1) n++;
  return n * 4;
}

export const push: Op = (cpu, insn) => {
  const { r } = cpu;
  const base = (r[13] - listBytes(insn)) | 0;
  let address = blockAddress(cpu, base);
  for (let n = 0; n < 8; n++) {
    if (!(insn & (1 << n))) continue;
    cpu.store32(address, r[n]);
    address = (address + 4) | 0;
  }
  if (insn & 0x100) cpu.store32(address, r[14]);
  r[13] = base;
  return NEXT;
};

export const pop: Op = (cpu, insn) => {
  const { r } = cpu;
  let address = blockAddress(cpu, r[13]);
  for (let n = 0; n < 8; n++) {
    if (!(insn & (1 << n))) continue;
    r[n] = cpu.load32(address);
    address = (address + 4) | 0;
  }
  if (!(insn & 0x100)) {
    r[13] += listBytes(insn);
    return NEXT;
  }
  const target = cpu.load32(address);
  r[13] += listBytes(insn);
  return loadPc(cpu, target);
};

export const stmia: Op = (cpu, insn) => {
  const { r } = cpu;
  let address = blockAddress(cpu, r[r8(insn)]);
  const end = (r[r8(insn)] + listBytes(insn & 0xff)) | 0;
  for (let n = 0; n < 8; n++) {
    if (!(insn & (1 << n))) continue;
    cpu.store32(address, r[n]);
    address = (address + 4) | 0;
  }
  r[r8(insn)] = end;
  return NEXT;
};

/** The base is written back unless it was loaded. */
export const ldmia: Op = (cpu, insn) => {
  const { r } = cpu;
  const base = r8(insn);
  let address = blockAddress(cpu, r[base]);
  let newBase = (r[base] + listBytes(insn & 0xff)) | 0;
  for (let n = 0; n < 8; n++) {
    if (!(insn & (1 << n))) continue;
    const value = cpu.load32(address);
    if (n === base) newBase = value;
    else r[n] = value;
    address = (address + 4) | 0;
  }
  r[base] = newBase;
  return NEXT;
};

export const branchIf: Op = (cpu, insn) => {
  if (!conditionPassed(cpu.nzcv, (insn >>> 8) & 15)) return NEXT;
  cpu.r[15] += (insn << 24) >> 23;
  return BRANCH;
};
export const branchAlways: Op = (cpu, insn) => {
  cpu.r[15] += (insn << 21) >> 20;
  return BRANCH;
};

/** First half of BL and BLX: an instruction of its own, which leaves the upper part of the target in LR. */
export const branchLinkPrefix: Op = (cpu, insn) => {
  cpu.r[14] = cpu.r[15] + ((insn << 21) >> 9);
  return NEXT;
};
export const branchLinkSuffix: Op = (cpu, insn) => {
  const { r } = cpu;
  const back = (r[15] - 2) | 1;
  r[15] = r[14] + (insn & 0x7ff) * 2;
  r[15] &= ~1;
  r[14] = back;
  return BRANCH;
};
export const branchLinkExchangeSuffix: Op = (cpu, insn) => {
  const { r, s } = cpu;
  const back = (r[15] - 2) | 1;
  r[15] = (r[14] + (insn & 0x7ff) * 2) & ~3;
  r[14] = back;
  s.t = 0;
  return FLOW;
};
