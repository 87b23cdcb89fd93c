/**
 * LDM and STM (ARM ARM A4.1.20 to 22, A4.1.97 and 98, A5.4). The base is written back only when every access has
 * succeeded, so that an aborted instruction can be restarted: the ARM926EJ-S restores the base.
 */
import type { Arm926 } from '../cpu.ts';
import { FLOW, NEXT, type Op } from '../op.ts';
import { bankOf, hasSpsr, MODE, readSpsr, writeCpsr } from '../psr.ts';
import { BANK } from '../state.ts';
import { loadPc } from './load-store.ts';

const P = 1 << 24;
const U = 1 << 23;
const S = 1 << 22;
const W = 1 << 21;

function count(list: number): number {
  let n = list - ((list >>> 1) & 0x5555);
  n = (n & 0x3333) + ((n >>> 2) & 0x3333);
  n = (n + (n >>> 4)) & 0x0f0f;
  return (n + (n >>> 8)) & 31;
}

/** Lowest address of the block. */
function start(insn: number, base: number, bytes: number): number {
  if (insn & U) return insn & P ? base + 4 : base;
  return insn & P ? base - bytes : base - bytes + 4;
}

/** Bits 1:0 of the address are ignored, or fault when alignment is checked. */
export function blockAddress(cpu: Arm926, address: number): number {
  if (address & 3) cpu.mmu.checkAlignment(address);
  return address & ~3;
}

export const loadMultiple: Op = (cpu, insn) => {
  const { r } = cpu;
  const rn = (insn >>> 16) & 15;
  const list = insn & 0xffff;
  const base = r[rn];
  const bytes = count(list) * 4;
  if (insn & S && !(list & 0x8000)) return loadUserRegisters(cpu, insn, start(insn, base, bytes));
  let address = blockAddress(cpu, start(insn, base, bytes));
  let newBase = insn & W ? (insn & U ? base + bytes : base - bytes) : base;
  for (let n = 0; n < 15; n++) {
    if (!(list & (1 << n))) continue;
    const value = cpu.load32(address);
    // The base is among the registers: what was loaded wins, but only once nothing can abort any more.
    if (n === rn) newBase = value;
    else r[n] = value;
    address = (address + 4) | 0;
  }
  if (!(list & 0x8000)) {
    r[rn] = newBase;
    return NEXT;
  }
  const target = cpu.load32(address);
  if (rn !== 15) r[rn] = newBase;
  if (!(insn & S)) return loadPc(cpu, target);
  if (hasSpsr(cpu.s.mode)) writeCpsr(cpu, readSpsr(cpu));
  r[15] = target & (cpu.s.t ? ~1 : ~3);
  return FLOW;
};

export const storeMultiple: Op = (cpu, insn) => {
  const { r } = cpu;
  const rn = (insn >>> 16) & 15;
  const list = insn & 0xffff;
  const base = r[rn];
  const bytes = count(list) * 4;
  const newBase = insn & U ? base + bytes : base - bytes;
  let address = blockAddress(cpu, start(insn, base, bytes));
  let first = true;
  for (let n = 0; n < 16; n++) {
    if (!(list & (1 << n))) continue;
    let value = insn & S ? userRegister(cpu, n) : r[n];
    if (n === 15) value = r[15] + 4;
    // The base is stored as it was if it is the lowest register, else (UNPREDICTABLE in the manual) as it will be.
    else if (n === rn && !first && insn & W && !(insn & S)) value = newBase;
    cpu.store32(address, value);
    address = (address + 4) | 0;
    first = false;
  }
  if (insn & W) r[rn] = newBase;
  return NEXT;
};

/** A register of user mode, from any mode. */
function userRegister(cpu: Arm926, n: number): number {
  const { s, r } = cpu;
  if (n >= 8 && n <= 12 && s.mode === MODE.fiq) return s.usrR8[n - 8];
  if (n === 13 && bankOf(s.mode) !== BANK.usr) return s.bankedR13[BANK.usr];
  if (n === 14 && bankOf(s.mode) !== BANK.usr) return s.bankedR14[BANK.usr];
  return r[n];
}

/** `LDM …^` without R15: loads user-mode registers. Write-back with it is UNPREDICTABLE; none is done. */
function loadUserRegisters(cpu: Arm926, insn: number, from: number): number {
  const { s, r } = cpu;
  const rn = (insn >>> 16) & 15;
  let base = r[rn];
  let address = blockAddress(cpu, from);
  for (let n = 0; n < 15; n++) {
    if (!(insn & (1 << n))) continue;
    const value = cpu.load32(address);
    address = (address + 4) | 0;
    if (n >= 8 && n <= 12 && s.mode === MODE.fiq) s.usrR8[n - 8] = value;
    else if (n === 13 && bankOf(s.mode) !== BANK.usr) s.bankedR13[BANK.usr] = value;
    else if (n === 14 && bankOf(s.mode) !== BANK.usr) s.bankedR14[BANK.usr] = value;
    else if (n === rn) base = value;
    else r[n] = value;
  }
  r[rn] = base;
  return NEXT;
}
