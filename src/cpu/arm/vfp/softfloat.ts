/**
 * IEEE 754 numbers as exact integers. A finite number is `significand * 2^exponent` with a BigInt significand, so every
 * operation is computed without error and rounded once, here. Nothing depends on the host's floating point.
 *
 * The choices that IEEE 754 leaves open are those of VFPv2: tininess is detected before rounding, the highest fraction
 * bit marks a quiet NaN, and flush-to-zero gives positive zeros. Sources: ARM DDI 0100I part C, ARM DDI 0287B
 * section 18.4 (the VFP9-S in flush-to-zero and default NaN mode).
 */

/** A binary interchange format. Numbers travel as bit patterns: a non-negative BigInt below 2^width. */
export interface Format {
  readonly width: 32 | 64;
  /** Fraction bits of the encoding: one less than the precision. */
  readonly fractionBits: number;
  /** Exponent of the smallest normal number, 2^minExponent. */
  readonly minExponent: number;
  readonly signBit: bigint;
  /** Positive infinity; also the mask of the exponent field. */
  readonly infinity: bigint;
  readonly fractionMask: bigint;
  /** The fraction bit that tells a quiet NaN from a signalling one. */
  readonly quietBit: bigint;
}

function format(width: 32 | 64, fractionBits: number): Format {
  const exponentBits = width - 1 - fractionBits;
  return Object.freeze({
    width,
    fractionBits,
    minExponent: 2 - 2 ** (exponentBits - 1),
    signBit: 1n << BigInt(width - 1),
    infinity: ((1n << BigInt(exponentBits)) - 1n) << BigInt(fractionBits),
    fractionMask: (1n << BigInt(fractionBits)) - 1n,
    quietBit: 1n << BigInt(fractionBits - 1),
  });
}

export const SINGLE = format(32, 23);
export const DOUBLE = format(64, 52);

/** Rounding modes as FPSCR.RMODE encodes them. */
export const ROUND = { NEAREST: 0, PLUS_INFINITY: 1, MINUS_INFINITY: 2, ZERO: 3 } as const;
export type Rounding = (typeof ROUND)[keyof typeof ROUND];

/** Exceptions, at their bits of the FPSCR. */
export const IOC = 1 << 0;
export const DZC = 1 << 1;
export const OFC = 1 << 2;
export const UFC = 1 << 3;
export const IXC = 1 << 4;
export const IDC = 1 << 7;

export interface FloatContext {
  rounding: Rounding;
  flushToZero: boolean;
  defaultNaN: boolean;
  /** With its trap enabled, underflow is signalled for every tiny result, otherwise for the inexact ones only (IEEE 754, 7.4). */
  underflowTrap: boolean;
  /** Exceptions signalled so far; operations only ever add to it. */
  flags: number;
}

/** A decoded operand. Zeros are finite numbers with significand 0. */
export interface Unpacked {
  readonly kind: 'finite' | 'infinity' | 'nan';
  readonly negative: boolean;
  readonly significand: bigint;
  readonly exponent: number;
  readonly bits: bigint;
}

/** Decodes an operand; in flush-to-zero mode a subnormal one becomes +0 and signals IDC. */
export function unpack(fmt: Format, bits: bigint, context: FloatContext): Unpacked {
  const negative = (bits & fmt.signBit) !== 0n;
  const fraction = bits & fmt.fractionMask;
  const biased = Number((bits & fmt.infinity) >> BigInt(fmt.fractionBits));
  const exponent = Math.max(biased, 1) - 1 + fmt.minExponent - fmt.fractionBits;
  if ((bits & fmt.infinity) === fmt.infinity) {
    return { kind: fraction === 0n ? 'infinity' : 'nan', negative, significand: 0n, exponent, bits };
  }
  if (biased !== 0) return { kind: 'finite', negative, significand: fraction | (fmt.fractionMask + 1n), exponent, bits };
  if (fraction !== 0n && context.flushToZero) {
    context.flags |= IDC;
    return { kind: 'finite', negative: false, significand: 0n, exponent, bits: 0n };
  }
  return { kind: 'finite', negative, significand: fraction, exponent, bits };
}

export const zero = (fmt: Format, negative: boolean): bigint => (negative ? fmt.signBit : 0n);
export const infinity = (fmt: Format, negative: boolean): bigint => zero(fmt, negative) | fmt.infinity;
export const defaultNaN = (fmt: Format): bigint => fmt.infinity | fmt.quietBit;
export const negate = (fmt: Format, bits: bigint): bigint => bits ^ fmt.signBit;

/** Result of an operation that has no value: IOC and the default NaN. */
export function invalid(fmt: Format, context: FloatContext): bigint {
  context.flags |= IOC;
  return defaultNaN(fmt);
}

export const isSignalling = (fmt: Format, x: Unpacked): boolean => x.kind === 'nan' && (x.bits & fmt.quietBit) === 0n;

/**
 * Result of an operation with at least one NaN operand: the first signalling one if there is any, made quiet, else the
 * first quiet one; the default NaN in default NaN mode.
 */
export function propagateNaN(fmt: Format, context: FloatContext, a: Unpacked, b: Unpacked = a): bigint {
  const signalling = isSignalling(fmt, a) ? a : isSignalling(fmt, b) ? b : undefined;
  if (signalling) context.flags |= IOC;
  if (context.defaultNaN) return defaultNaN(fmt);
  return (signalling ?? (a.kind === 'nan' ? a : b)).bits | fmt.quietBit;
}

/** Number of bits of a non-negative integer without leading zeros; 0 for 0. */
function bitLength(x: bigint): number {
  const hex = x.toString(16);
  return 4 * hex.length - Math.clz32(Number.parseInt(hex[0], 16)) + 28;
}

/** `magnitude / 2^shift` as an integer in the given rounding mode; a negative shift is exact. */
export function shiftRounded(magnitude: bigint, shift: number, negative: boolean, rounding: Rounding): { value: bigint; inexact: boolean } {
  if (shift <= 0) return { value: magnitude << BigInt(-shift), inexact: false };
  const floor = magnitude >> BigInt(shift);
  const rest = magnitude - (floor << BigInt(shift));
  if (rest === 0n) return { value: floor, inexact: false };
  return { value: roundsUp(floor, rest, 1n << BigInt(shift - 1), negative, rounding) ? floor + 1n : floor, inexact: true };
}

function roundsUp(floor: bigint, rest: bigint, half: bigint, negative: boolean, rounding: Rounding): boolean {
  switch (rounding) {
    case ROUND.NEAREST:
      return rest > half || (rest === half && (floor & 1n) === 1n);
    case ROUND.PLUS_INFINITY:
      return !negative;
    case ROUND.MINUS_INFINITY:
      return negative;
    case ROUND.ZERO:
      return false;
  }
}

/**
 * Rounds `±significand * 2^exponent` to a number of the format and signals what that calls for. A significand that is
 * itself inexact must have at least two bits more than the precision and its lowest bit set ("sticky").
 */
export function round(fmt: Format, negative: boolean, significand: bigint, exponent: number, context: FloatContext): bigint {
  if (significand === 0n) return zero(fmt, negative);
  const leading = exponent + bitLength(significand) - 1;
  const tiny = leading < fmt.minExponent;
  if (tiny && context.flushToZero) {
    context.flags |= UFC;
    return 0n;
  }
  const steps = Math.max(leading - fmt.minExponent, 0);
  const ulp = fmt.minExponent - fmt.fractionBits + steps;
  const { value, inexact } = shiftRounded(significand, ulp - exponent, negative, context.rounding);
  if (tiny && (inexact || context.underflowTrap)) context.flags |= UFC;
  if (inexact) context.flags |= IXC;
  // Adding, not merging, lets the hidden bit and a carry out of the fraction go into the exponent field.
  const magnitude = (BigInt(steps) << BigInt(fmt.fractionBits)) + value;
  return magnitude < fmt.infinity ? zero(fmt, negative) | magnitude : overflow(fmt, negative, context);
}

function overflow(fmt: Format, negative: boolean, context: FloatContext): bigint {
  context.flags |= OFC | IXC;
  const away = context.rounding === ROUND.NEAREST || context.rounding === (negative ? ROUND.MINUS_INFINITY : ROUND.PLUS_INFINITY);
  return away ? infinity(fmt, negative) : infinity(fmt, negative) - 1n;
}
