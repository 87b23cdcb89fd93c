/** VFP data processing (ARM DDI 0100I, part C): arithmetic on scalars and short vectors, comparisons, conversions. */
import { compare, convert, fromInteger, toInteger } from './conversion.ts';
import { type FloatContext, type Format, ROUND, SINGLE } from './softfloat.ts';
import { acceptsDataProcessing, contextOf, FPSCR, settle, type VfpHost, type VfpOp } from './vfp.ts';

/**
 * A register operand as an index of S registers: four bits of the instruction and, below them, one from another place.
 * That bit is 0 for a double, so Dn has the index of its low word.
 */
export const dOf = (insn: number): number => ((insn >>> 11) & 30) | ((insn >>> 22) & 1);
export const nOf = (insn: number): number => ((insn >>> 15) & 30) | ((insn >>> 7) & 1);
export const mOf = (insn: number): number => ((insn << 1) & 30) | ((insn >>> 5) & 1);

const REGISTER_FIELDS = (15 << 12) | (1 << 22) | (15 << 16) | (1 << 7) | 15 | (1 << 5);

/** The same operation on other registers. */
function withRegisters(insn: number, d: number, n: number, m: number): number {
  const fields = ((d & 30) << 11) | ((d & 1) << 22) | ((n & 30) << 15) | ((n & 1) << 7) | (m >>> 1) | ((m & 1) << 5);
  return (insn & ~REGISTER_FIELDS) | fields;
}

/** A bank is eight words: eight singles or four doubles. Registers of the first one are always scalars. */
const BANK = 8;
const isScalar = (register: number): boolean => register < BANK;
/** Vectors wrap around within their bank. */
const advance = (register: number, step: number): number => (register & -BANK) | ((register + step) & (BANK - 1));

/**
 * Executes an instruction on single operands. Returns false when it has entered the exceptional state, which ends a
 * vector; `remaining` counts the iterations behind this one.
 */
type Element = (host: VfpHost, insn: number, remaining: number) => boolean;

/** An instruction that never works on vectors. */
const scalar =
  (element: Element): VfpOp =>
  (host, insn) => {
    if (!acceptsDataProcessing(host)) return false;
    element(host, insn, 0);
    return true;
  };

/**
 * An instruction that works on short vectors of FPSCR.LEN + 1 elements unless its destination is in the first bank. A
 * second operand in the first bank is one scalar for all elements. `usesN`: the instruction has a first operand (for
 * the others its field is part of the opcode).
 */
const vector =
  (fmt: Format, usesN: boolean, element: Element): VfpOp =>
  (host, insn) => {
    if (!acceptsDataProcessing(host)) return false;
    let d = dOf(insn);
    let n = nOf(insn);
    let m = mOf(insn);
    const stride = ((host.fpscr >>> FPSCR.STRIDE_SHIFT) & 3) === 3 ? 2 : 1;
    const step = fmt === SINGLE ? stride : 2 * stride;
    const nStep = usesN ? step : 0;
    const mStep = isScalar(m) ? 0 : step;
    let remaining = isScalar(d) ? 0 : (host.fpscr >>> FPSCR.LEN_SHIFT) & 7;
    while (element(host, withRegisters(insn, d, n, m), remaining) && remaining > 0) {
      d = advance(d, step);
      n = advance(n, nStep);
      m = advance(m, mStep);
      remaining--;
    }
    return true;
  };

function read(host: VfpHost, fmt: Format, register: number): bigint {
  const low = BigInt(host.vfp[register]);
  return fmt === SINGLE ? low : (BigInt(host.vfp[register + 1]) << 32n) | low;
}

function write(host: VfpHost, fmt: Format, register: number, bits: bigint): void {
  host.vfp[register] = Number(bits & 0xffffffffn);
  if (fmt !== SINGLE) host.vfp[register + 1] = Number(bits >> 32n);
}

/** Fd = operation(Fm) */
export const monadic = (fmt: Format, operation: (fmt: Format, m: bigint, context: FloatContext) => bigint): VfpOp =>
  vector(fmt, false, (host, insn, remaining) => {
    const context = contextOf(host);
    const result = operation(fmt, read(host, fmt, mOf(insn)), context);
    if (!settle(host, context, insn, remaining)) return false;
    write(host, fmt, dOf(insn), result);
    return true;
  });

/** Fd = operation(Fn, Fm) */
export const dyadic = (fmt: Format, operation: (fmt: Format, n: bigint, m: bigint, context: FloatContext) => bigint): VfpOp =>
  vector(fmt, true, (host, insn, remaining) => {
    const context = contextOf(host);
    const result = operation(fmt, read(host, fmt, nOf(insn)), read(host, fmt, mOf(insn)), context);
    if (!settle(host, context, insn, remaining)) return false;
    write(host, fmt, dOf(insn), result);
    return true;
  });

/** Fd = operation(Fd, Fn, Fm) */
export const accumulating = (fmt: Format, operation: (fmt: Format, d: bigint, n: bigint, m: bigint, context: FloatContext) => bigint): VfpOp =>
  vector(fmt, true, (host, insn, remaining) => {
    const context = contextOf(host);
    const d = dOf(insn);
    const result = operation(fmt, read(host, fmt, d), read(host, fmt, nOf(insn)), read(host, fmt, mOf(insn)), context);
    if (!settle(host, context, insn, remaining)) return false;
    write(host, fmt, d, result);
    return true;
  });

/** FCPY, FABS, FNEG: copies of Fm that may differ in the sign. No arithmetic: NaNs and subnormals pass unchanged, no exceptions. */
export const copying = (fmt: Format, highWord: (word: number) => number): VfpOp =>
  vector(fmt, false, (host, insn) => {
    const { vfp } = host;
    const d = dOf(insn);
    const m = mOf(insn);
    const high = fmt === SINGLE ? 0 : 1;
    vfp[d] = vfp[m];
    vfp[d + high] = highWord(vfp[m + high]);
    return true;
  });

/** FCMP and FCMPE (`quietSignals`): compares Fd with Fm, or with zero, and sets the FPSCR's flags. */
export const comparing = (fmt: Format, quietSignals: boolean, withZero: boolean): VfpOp =>
  scalar((host, insn) => {
    const context = contextOf(host);
    const nzcv = compare(fmt, read(host, fmt, dOf(insn)), withZero ? 0n : read(host, fmt, mOf(insn)), quietSignals, context);
    if (!settle(host, context, insn, 0)) return false;
    host.fpscr = ((host.fpscr & ~(15 << FPSCR.NZCV_SHIFT)) | (nzcv << FPSCR.NZCV_SHIFT)) >>> 0;
    return true;
  });

/** Fd in format `to` = operation(Fm in format `from`); integers lie in single registers. */
const converting = (from: Format, to: Format, operation: (m: bigint, context: FloatContext) => bigint): VfpOp =>
  scalar((host, insn) => {
    const context = contextOf(host);
    const result = operation(read(host, from, mOf(insn)), context);
    if (!settle(host, context, insn, 0)) return false;
    write(host, to, dOf(insn), result);
    return true;
  });

export const convertingFormat = (from: Format, to: Format): VfpOp => converting(from, to, (m, context) => convert(from, to, m, context));

export const convertingInteger = (to: Format, signed: boolean): VfpOp => converting(SINGLE, to, (m, context) => fromInteger(to, m, signed, context));

/** FTOSI and FTOUI, rounding as the FPSCR says, or towards zero (the Z forms). */
export const convertingToInteger = (from: Format, signed: boolean, towardsZero: boolean): VfpOp =>
  converting(from, SINGLE, (m, context) => toInteger(from, m, signed, towardsZero ? ROUND.ZERO : context.rounding, context));
