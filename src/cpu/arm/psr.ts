/** Program status registers and register banks (ARM ARM A2.2 to A2.5). */
import type { Arm926 } from './cpu.ts';
import { BANK } from './state.ts';

export const MODE = { usr: 0x10, fiq: 0x11, irq: 0x12, svc: 0x13, abt: 0x17, und: 0x1b, sys: 0x1f } as const;

/** Bank of a mode. System shares the user's; so do the encodings that name no mode (UNPREDICTABLE in the manual). */
export function bankOf(mode: number): number {
  switch (mode) {
    case MODE.fiq:
      return BANK.fiq;
    case MODE.irq:
      return BANK.irq;
    case MODE.svc:
      return BANK.svc;
    case MODE.abt:
      return BANK.abt;
    case MODE.und:
      return BANK.und;
    default:
      return BANK.usr;
  }
}

/** Whether the mode has an SPSR. */
export const hasSpsr = (mode: number): boolean => bankOf(mode) !== BANK.usr;

/** Exchanges the banked registers so that `r` is that of `mode`. */
export function switchMode(cpu: Arm926, mode: number): void {
  const { s, r } = cpu;
  const from = bankOf(s.mode);
  const to = bankOf(mode);
  s.mode = mode;
  if (from !== to) {
    s.bankedR13[from] = r[13];
    s.bankedR14[from] = r[14];
    r[13] = s.bankedR13[to];
    r[14] = s.bankedR14[to];
    if (from === BANK.fiq || to === BANK.fiq) {
      const save = from === BANK.fiq ? s.fiqR8 : s.usrR8;
      const load = to === BANK.fiq ? s.fiqR8 : s.usrR8;
      for (let n = 0; n < 5; n++) {
        save[n] = r[8 + n];
        r[8 + n] = load[n];
      }
    }
  }
  cpu.mmu.selectContext();
}

export function readCpsr(cpu: Arm926): number {
  const { s, nzcv } = cpu;
  const flags = (nzcv[0] << 31) | (nzcv[1] << 30) | (nzcv[2] << 29) | (nzcv[3] << 28);
  return (flags | (s.q << 27) | (s.i << 7) | (s.f << 6) | (s.t << 5) | s.mode) >>> 0;
}

/** Sets the flags from bits 31:28. */
export function writeFlags(cpu: Arm926, value: number): void {
  const { nzcv } = cpu;
  nzcv[0] = value >>> 31;
  nzcv[1] = (value >>> 30) & 1;
  nzcv[2] = (value >>> 29) & 1;
  nzcv[3] = (value >>> 28) & 1;
}

/** Sets the whole CPSR, T included. M[4] always reads 1: this architecture has no 26-bit modes. */
export function writeCpsr(cpu: Arm926, value: number): void {
  const { s } = cpu;
  writeFlags(cpu, value);
  s.q = (value >>> 27) & 1;
  s.i = (value >>> 7) & 1;
  s.f = (value >>> 6) & 1;
  s.t = (value >>> 5) & 1;
  const mode = (value & 0x1f) | 0x10;
  if (mode !== s.mode) switchMode(cpu, mode);
}

/** The SPSR of the current mode; where there is none (UNPREDICTABLE) the CPSR. */
export const readSpsr = (cpu: Arm926): number => (hasSpsr(cpu.s.mode) ? cpu.s.spsr[bankOf(cpu.s.mode)] : readCpsr(cpu));
