/**
 * The VFP9-S coprocessor (VFPv2: single and double precision, short vectors): its registers, what it needs of the CPU,
 * and when it refuses an instruction. `vfp.rows.ts` is the instruction table.
 *
 * Sources: ARM DDI 0100I part C (VFPv2), ARM DDI 0238C (VFP9-S TRM), ARM DDI 0287B chapter 18 (VFP9-S in a product);
 * for the bits of FPEXC, what FPINST holds, its reset value and the effect of IXE, ARM DDI 0301H chapters 20 and 22 (the
 * VFP11, of the same subarchitecture).
 *
 * Exceptions. Results that the chip leaves to support code (NaN operands outside default NaN mode, subnormal numbers
 * outside flush-to-zero mode) are computed here directly, as chip and support code together give them. What remains is
 * an exception whose trap is enabled in the FPSCR, and that bounces as on the chip:
 * - With IXE set, every data-processing instruction is undefined.
 * - Otherwise the exceptional instruction itself completes without a result; it is put into FPINST, the cause into
 *   FPEXC, and FPEXC.EX is set. The next VFP instruction, except accesses to the other system registers, is undefined.
 * The chip bounces when an exception is merely possible, this model when it happens. As every instruction ends before
 * the next begins, FPINST2 never takes an instruction and FP2V is never set by the coprocessor.
 *
 * Where the manuals say UNPREDICTABLE: register lists that are empty or pass the last register, write-back to R15 and
 * R15 in a two-register transfer are undefined; transfers to R15 set the flags; STRIDE counts as 2 when it is 0b11 and
 * as 1 otherwise; a vector longer than its bank uses the bank's registers again. Data is little-endian.
 */
import { type FloatContext, IDC, IOC, IXC, OFC, type Rounding, UFC } from './softfloat.ts';

/** What the coprocessor uses of the CPU. */
export interface VfpHost {
  /** Core registers of the current mode. R15 reads as the instruction's own address plus 8. */
  readonly r: Int32Array;
  /** S0 to S31. Dn is the pair S(2n), S(2n+1), low word first. */
  readonly vfp: Uint32Array;
  fpscr: number;
  fpexc: number;
  fpinst: number;
  fpinst2: number;
  /** Whether the CPU is in a privileged mode. */
  readonly privileged: boolean;
  /** The address of a word transfer: clears bits 1:0, or takes a data abort (by throwing) if alignment is checked. */
  wordAddress(address: number): number;
  /** Loads a word. Throws for a data abort. */
  load32(address: number): number;
  /** Stores a word. Throws for a data abort. */
  store32(address: number, value: number): void;
  /** Sets the CPSR's N, Z, C, V from bits 3:0. */
  setFlags(nzcv: number): void;
}

/** Executes one instruction whose condition has passed. False: it is undefined, and nothing has changed. */
export type VfpOp = (host: VfpHost, insn: number) => boolean;

/** ARM Ltd, hardware, both precisions, VFPv2 (subarchitecture 1), part VFP9-S, revision 0. */
export const FPSID = 0x41011090;

/** Values after reset. FPINST2 is unpredictable then. */
export const VFP_RESET = { fpscr: 0, fpexc: 0, fpinst: 0xee000a00, fpinst2: 0 } as const;

export const FPSCR = {
  NZCV_SHIFT: 28,
  DN: 1 << 25,
  FZ: 1 << 24,
  RMODE_SHIFT: 22,
  STRIDE_SHIFT: 20,
  LEN_SHIFT: 16,
  IXE: IXC << 8,
  /** Each trap enable bit lies this far above its exception bit. */
  ENABLE_SHIFT: 8,
  /** N Z C V, DN FZ RMODE STRIDE, LEN, IDE IXE UFE OFE DZE IOE, IDC IXC UFC OFC DZC IOC. */
  WRITABLE: 0xf3f79f9f,
} as const;

export const FPEXC = {
  EX: 1 << 31,
  EN: 1 << 30,
  FP2V: 1 << 28,
  VECITR_SHIFT: 8,
  VECITR_MASK: 7 << 8,
  INV: 1 << 7,
  UFC: 1 << 3,
  OFC: 1 << 2,
  IOC: 1 << 0,
} as const;

const FPEXC_WRITABLE = FPEXC.EX | FPEXC.EN | FPEXC.FP2V | FPEXC.VECITR_MASK | FPEXC.INV | FPEXC.UFC | FPEXC.OFC | FPEXC.IOC;

/** Whether the coprocessor takes an instruction now: it is enabled and no exception waits for support code. */
export const accepts = (host: VfpHost): boolean => (host.fpexc & (FPEXC.EX | FPEXC.EN)) === FPEXC.EN;

/** The same for data-processing instructions, all of which bounce while inexact results trap. */
export const acceptsDataProcessing = (host: VfpHost): boolean => accepts(host) && (host.fpscr & FPSCR.IXE) === 0;

/** The arithmetic modes of an instruction; filled anew for each, never kept. */
const scratchContext: FloatContext = { rounding: 0, flushToZero: false, defaultNaN: false, underflowTrap: false, flags: 0 };

/** What the FPSCR says about arithmetic. Valid until the next call. */
export function contextOf(host: VfpHost): FloatContext {
  const { fpscr } = host;
  scratchContext.rounding = ((fpscr >>> FPSCR.RMODE_SHIFT) & 3) as Rounding;
  scratchContext.flushToZero = (fpscr & FPSCR.FZ) !== 0;
  scratchContext.defaultNaN = (fpscr & FPSCR.DN) !== 0;
  scratchContext.underflowTrap = (fpscr & (UFC << FPSCR.ENABLE_SHIFT)) !== 0;
  scratchContext.flags = 0;
  return scratchContext;
}

/**
 * Adds an operation's exceptions to the FPSCR. If one is trapped, enters the exceptional state instead and returns
 * false: the result must not be written.
 *
 * `insn` is the instruction as support code has to repeat it: registers of the exceptional iteration. `remaining` counts
 * the iterations behind it.
 */
export function settle(host: VfpHost, { flags, flushToZero }: FloatContext, insn: number, remaining: number): boolean {
  // A result that is flushed to zero never traps as an underflow.
  const trappable = flushToZero ? flags & ~UFC : flags;
  if ((trappable & (host.fpscr >>> FPSCR.ENABLE_SHIFT)) === 0) {
    host.fpscr = (host.fpscr | flags) >>> 0;
    return true;
  }
  host.fpinst = ((insn & 0x0fffffff) | 0xe0000000) >>> 0;
  const cause = (flags & IDC ? FPEXC.INV : 0) | (flags & UFC ? FPEXC.UFC : 0) | (flags & OFC ? FPEXC.OFC : 0) | (flags & IOC ? FPEXC.IOC : 0);
  host.fpexc = (FPEXC.EX | FPEXC.EN | (((remaining - 1) & 7) << FPEXC.VECITR_SHIFT) | cause) >>> 0;
  return false;
}

/** Numbers of the system registers in FMXR and FMRX. */
const SYSTEM = { FPSID: 0, FPSCR: 1, FPEXC: 8, FPINST: 9, FPINST2: 10 } as const;

/**
 * Whether a system register can be accessed now. FPSCR is like any other VFP state; the others can be reached by
 * privileged code whether the coprocessor is enabled, disabled or in the exceptional state.
 */
function accessible(host: VfpHost, register: number): boolean {
  switch (register) {
    case SYSTEM.FPSCR:
      return accepts(host);
    case SYSTEM.FPSID:
      return host.privileged || accepts(host);
    case SYSTEM.FPEXC:
    case SYSTEM.FPINST:
    case SYSTEM.FPINST2:
      return host.privileged;
    default:
      return false;
  }
}

/** FMXR: core register to system register. */
export const writeSystemRegister: VfpOp = (host, insn) => {
  const register = (insn >>> 16) & 15;
  if (!accessible(host, register)) return false;
  const value = host.r[(insn >>> 12) & 15];
  switch (register) {
    case SYSTEM.FPSCR:
      host.fpscr = (value & FPSCR.WRITABLE) >>> 0;
      break;
    case SYSTEM.FPEXC:
      host.fpexc = (value & FPEXC_WRITABLE) >>> 0;
      break;
    case SYSTEM.FPINST:
      host.fpinst = value >>> 0;
      break;
    case SYSTEM.FPINST2:
      host.fpinst2 = value >>> 0;
      break;
  }
  return true;
};

/** FMRX and FMSTAT: system register to core register, or its bits 31:28 to the flags. */
export const readSystemRegister: VfpOp = (host, insn) => {
  const register = (insn >>> 16) & 15;
  if (!accessible(host, register)) return false;
  toCore(host, (insn >>> 12) & 15, systemRegister(host, register));
  return true;
};

function systemRegister(host: VfpHost, register: number): number {
  switch (register) {
    case SYSTEM.FPSCR:
      return host.fpscr;
    case SYSTEM.FPEXC:
      return host.fpexc;
    case SYSTEM.FPINST:
      return host.fpinst;
    case SYSTEM.FPINST2:
      return host.fpinst2;
    default:
      return FPSID;
  }
}

/** Writes a core register; as with every MRC, R15 stands for the flags. */
export function toCore(host: VfpHost, register: number, value: number): void {
  if (register === 15) host.setFlags(value >>> 28);
  else host.r[register] = value;
}
