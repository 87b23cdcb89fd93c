/**
 * State of an ARM926EJ-S: everything that a program on it can see, directly or by its effects. It lies at the start of
 * the WebAssembly memory that also holds the guest's RAM.
 *
 * Sources: ARM DDI 0100I (ARM ARM), DDI 0198E (ARM926EJ-S TRM), DDI 0238C (VFP9-S TRM).
 */
import { bool, f64, i32s, u32, u32s } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import { type Icount, icount } from '../../time/units.ts';

/** Index of each mode's bank in `bankedR13`, `bankedR14` and `spsr`. */
export const BANK = { usr: 0, fiq: 1, irq: 2, svc: 3, abt: 4, und: 5 } as const;

/** Number of entries in the TLB's lockdown region (DDI 0198E, 2.3.10). */
export const LOCKED_ENTRIES = 8;

export const armState = defineState('arm926', 1, {
  icount: f64<Icount>(icount(0), 'instructions executed since power-on'),
  r: i32s(16, 'R0 to R15 of the current mode; between instructions R15 is the address of the next one'),
  nzcv: i32s(4, 'CPSR flags N, Z, C, V, each 0 or 1'),
  q: u32(0, 'CPSR.Q, sticky saturation'),
  i: u32(1, 'CPSR.I, IRQ masked'),
  f: u32(1, 'CPSR.F, FIQ masked'),
  t: u32(0, 'CPSR.T, Thumb state'),
  mode: u32(0x13, 'CPSR.M[4:0]'),
  bankedR13: i32s(6, 'R13 of the modes that are not current: usr, fiq, irq, svc, abt, und'),
  bankedR14: i32s(6, 'R14 likewise'),
  spsr: u32s(6, 'SPSR of each mode (usr has none)'),
  usrR8: i32s(5, 'R8 to R12 of the other modes while in FIQ mode'),
  fiqR8: i32s(5, 'R8 to R12 of FIQ mode while in another'),
  irqLine: bool(false, 'level of nIRQ, asserted'),
  fiqLine: bool(false, 'level of nFIQ, asserted'),
  halted: bool(false, 'waiting for an interrupt (CP15 c7, c0, 4)'),

  control: u32(0x00050078, 'CP15 c1, control register'),
  ttbr: u32(0, 'CP15 c2, translation table base'),
  dacr: u32(0, 'CP15 c3, domain access control'),
  dfsr: u32(0, 'CP15 c5, 0, data fault status'),
  ifsr: u32(0, 'CP15 c5, 1, instruction fault status'),
  far: u32(0, 'CP15 c6, fault address'),
  dcacheLockdown: u32(0xfff0, 'CP15 c9, c0, 0'),
  icacheLockdown: u32(0xfff0, 'CP15 c9, c0, 1'),
  dtcmRegion: u32(0, 'CP15 c9, c1, 0'),
  itcmRegion: u32(0, 'CP15 c9, c1, 1'),
  tlbLockdown: u32(0, 'CP15 c10, c0, 0: victim and P bit'),
  fcsePid: u32(0, 'CP15 c13, c0, 0: FCSE process identifier in bits 31:25'),
  contextId: u32(0, 'CP15 c13, c0, 1'),
  debugOverride: u32(0, 'CP15 c15, c0, 0'),
  debugAddress: u32(0, 'CP15 c15, c1, 0'),
  lockedTag: u32s(LOCKED_ENTRIES, 'locked TLB entries: modified virtual address, bit 0 valid'),
  lockedMask: u32s(LOCKED_ENTRIES, 'address bits that select the entry'),
  lockedPage: u32s(LOCKED_ENTRIES, 'physical address; bits 11:4 AP3 to AP0, bits 3:0 domain'),

  vfp: u32s(32, 'VFP registers S0 to S31'),
  fpscr: u32(0, 'VFP status and control'),
  fpexc: u32(0, 'VFP exception register'),
  fpinst: u32(0xee000a00, 'VFP instruction that was bounced'),
  fpinst2: u32(0, 'VFP instruction behind it'),
});
