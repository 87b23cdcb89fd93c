/**
 * System control coprocessor of the ARM926EJ-S (DDI 0198E chapter 2). Caches hold no data of their own here: all memory
 * is coherent, so that cleaning and invalidating have nothing to do, and test-and-clean always finds the cache clean.
 */
import type { Arm926 } from './cpu.ts';
import { undefinedInstruction } from './exceptions.ts';
import { FLOW, NEXT } from './op.ts';

/** Main ID: ARM Ltd, ARMv5TEJ, part 0x926, revision 5. */
const MIDR = 0x41069265;
/** Cache type: two separate write-back caches with lockdown format C, 4-way, 8 words a line (the values of the board's core module, which QEMU has too). */
const CTR = 0x1dd20d2;
/** TCM status: none. */
const TCMSR = 0;

/** Control register bits that can be written: M A C, S R, I V RR L4; the others read as fixed (DDI 0198E table 2-11). */
const CONTROL_WRITABLE = 0x0000f307;
const CONTROL_FIXED = 0x00050078;
/** M, S and R, of those: what translations depend on. Linux changes A on each entry to the kernel. */
const CONTROL_TRANSLATION = 0x00000301;

/** What an MCR or MRC names, as one number: CRn, CRm, opcode 1, opcode 2. */
const key = (crn: number, crm: number, op1: number, op2: number): number => (crn << 12) | (crm << 8) | (op1 << 4) | op2;
const keyOf = (insn: number): number => key((insn >>> 16) & 15, insn & 15, (insn >>> 21) & 7, (insn >>> 5) & 7);

/** MRC from CP15; undefined where no register can be read. */
export function readCp15(cpu: Arm926, insn: number): number | undefined {
  const { s } = cpu;
  const crn = (insn >>> 16) & 15;
  switch (keyOf(insn)) {
    case key(0, 0, 0, 1):
      return CTR;
    case key(0, 0, 0, 2):
      return TCMSR;
    case key(5, 0, 0, 0):
      return s.dfsr;
    case key(5, 0, 0, 1):
      return s.ifsr;
    // Test and clean (and invalidate) the data cache: bit 30 (Z) says that it is clean.
    case key(7, 10, 0, 3):
    case key(7, 14, 0, 3):
      return 0x40000000;
    case key(9, 0, 0, 0):
      return s.dcacheLockdown;
    case key(9, 0, 0, 1):
      return s.icacheLockdown;
    case key(9, 1, 0, 0):
      return s.dtcmRegion;
    case key(9, 1, 0, 1):
      return s.itcmRegion;
    case key(10, 0, 0, 0):
      return s.tlbLockdown;
    case key(13, 0, 0, 0):
      return s.fcsePid;
    case key(13, 0, 0, 1):
      return s.contextId;
    case key(15, 0, 0, 0):
      return s.debugOverride;
    case key(15, 1, 0, 0):
      return s.debugAddress;
  }
  // CRm and opcode 2 do not matter for these (DDI 0198E table 2-1).
  switch (crn) {
    case 0:
      return MIDR;
    case 1:
      return s.control;
    case 2:
      return s.ttbr;
    case 3:
      return s.dacr;
    case 6:
      return s.far;
    case 15:
      return 0;
    default:
      return undefined;
  }
}

/** MCR to CP15; returns how execution goes on. */
export function writeCp15(cpu: Arm926, insn: number, value: number): number {
  const { s, mmu } = cpu;
  const crn = (insn >>> 16) & 15;
  const crm = insn & 15;
  const op2 = (insn >>> 5) & 7;
  switch (crn) {
    case 0:
      return NEXT;
    case 1: {
      const changed = s.control ^ value;
      s.control = (value & CONTROL_WRITABLE) | CONTROL_FIXED;
      return changed & CONTROL_TRANSLATION ? translationChanged(cpu) : resume(cpu);
    }
    case 2:
      s.ttbr = value & ~0x3fff;
      mmu.selectContext();
      return resume(cpu);
    case 3:
      s.dacr = value;
      mmu.selectContext();
      return resume(cpu);
    case 5:
      if (op2 === 1) s.ifsr = value & 0xff;
      else s.dfsr = value & 0xff;
      return NEXT;
    case 6:
      s.far = value;
      return NEXT;
    case 7:
      return cacheOperation(cpu, crm, op2);
    case 8:
      return tlbOperation(cpu, crm, op2, value);
    case 9:
      if (crm === 0 && op2 === 0) s.dcacheLockdown = (value & 0xf) | 0xfff0;
      else if (crm === 0 && op2 === 1) s.icacheLockdown = (value & 0xf) | 0xfff0;
      // Without TCM the region registers keep their base alone; size and enable read 0.
      else if (crm === 1 && op2 === 0) s.dtcmRegion = value & 0xfffff000;
      else if (crm === 1 && op2 === 1) s.itcmRegion = value & 0xfffff000;
      else return undefinedInstruction(cpu);
      return NEXT;
    case 10:
      s.tlbLockdown = value & 0x1c000001;
      return translationChanged(cpu);
    case 13:
      if (op2 === 1) s.contextId = value;
      else s.fcsePid = value & 0xfe000000;
      return op2 === 1 ? NEXT : translationChanged(cpu);
    case 15:
      if (crm === 0 && op2 === 0) s.debugOverride = value & 0x000f0000;
      else if (crm === 1) s.debugAddress = value;
      return NEXT;
    default:
      return undefinedInstruction(cpu);
  }
}

/** Goes on behind this instruction by way of a fresh fetch. */
function resume(cpu: Arm926): number {
  cpu.r[15] -= 4;
  return FLOW;
}

function translationChanged(cpu: Arm926): number {
  cpu.mmu.flush();
  return resume(cpu);
}

/** c7: only waiting for an interrupt has an effect that a program can see. */
function cacheOperation(cpu: Arm926, crm: number, op2: number): number {
  if (crm === 0 && op2 === 4) {
    cpu.s.halted = !(cpu.s.irqLine || cpu.s.fiqLine);
    return resume(cpu);
  }
  return NEXT;
}

/** c8: translations are always coherent with the tables in memory, so that locked entries alone are left to invalidate. */
function tlbOperation(cpu: Arm926, crm: number, op2: number, value: number): number {
  if (crm < 5 || crm > 7 || op2 > 1) return undefinedInstruction(cpu);
  if (op2 === 1) cpu.mmu.unlock(value);
  return NEXT;
}
