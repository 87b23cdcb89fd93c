/** Exceptions (ARM ARM A2.6): entry, return addresses, priorities, vectors. */
import type { Arm926 } from './cpu.ts';
import { FLOW } from './op.ts';
import { bankOf, MODE, readCpsr, switchMode } from './psr.ts';

export const VECTOR = { reset: 0x00, undefined: 0x04, swi: 0x08, prefetchAbort: 0x0c, dataAbort: 0x10, irq: 0x18, fiq: 0x1c } as const;

/** Control register V bit: vectors at 0xffff0000. */
const HIGH_VECTORS = 1 << 13;

/** Thrown by a memory access that aborts; the fault registers are set already. One object, so that no stack is captured. */
export const DATA_ABORT = Object.freeze({ abort: 'data' });

/** Enters an exception: `link` goes to its LR, the CPSR to its SPSR, and R15 to the vector. */
export function enterException(cpu: Arm926, mode: number, vector: number, link: number): number {
  const { s } = cpu;
  const cpsr = readCpsr(cpu);
  switchMode(cpu, mode);
  s.spsr[bankOf(mode)] = cpsr;
  cpu.r[14] = link;
  s.t = 0;
  s.i = 1;
  if (mode === MODE.fiq) s.f = 1;
  cpu.r[15] = (s.control & HIGH_VECTORS ? 0xffff0000 : 0) + vector;
  return FLOW;
}

/** From within an instruction, where R15 is its address plus 8, or plus 4 in Thumb state. */
export const undefinedInstruction = (cpu: Arm926): number => enterException(cpu, MODE.und, VECTOR.undefined, cpu.r[15] - (cpu.s.t ? 2 : 4));

export const softwareInterrupt = (cpu: Arm926): number => enterException(cpu, MODE.svc, VECTOR.swi, cpu.r[15] - (cpu.s.t ? 2 : 4));

/** LR is the aborted instruction's address plus 8 in either state. */
export const dataAbort = (cpu: Arm926): number => enterException(cpu, MODE.abt, VECTOR.dataAbort, cpu.r[15] + (cpu.s.t ? 4 : 0));

/** LR is the address of the instruction that could not be fetched, or of the BKPT, plus 4. */
export const prefetchAbort = (cpu: Arm926, address: number): number => enterException(cpu, MODE.abt, VECTOR.prefetchAbort, address + 4);

/** Between instructions, where R15 is the address of the next one: takes a pending interrupt that is not masked. Returns whether there was one. */
export function takeInterrupt(cpu: Arm926): boolean {
  const { s } = cpu;
  if (s.fiqLine && !s.f) enterException(cpu, MODE.fiq, VECTOR.fiq, cpu.r[15] + 4);
  else if (s.irqLine && !s.i) enterException(cpu, MODE.irq, VECTOR.irq, cpu.r[15] + 4);
  else return false;
  return true;
}
