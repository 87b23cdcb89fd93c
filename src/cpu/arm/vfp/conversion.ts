/**
 * Comparison, and conversion between the formats and to and from 32-bit integers.
 * Source: ARM DDI 0100I, part C.
 */
import {
  defaultNaN,
  type FloatContext,
  type Format,
  IOC,
  IXC,
  infinity,
  isSignalling,
  type Rounding,
  round,
  shiftRounded,
  type Unpacked,
  unpack,
  zero,
} from './softfloat.ts';

/** Condition flags that a comparison gives: N, Z, C, V from bit 3 down. */
export const COMPARED = { LESS: 0b1000, EQUAL: 0b0110, GREATER: 0b0010, UNORDERED: 0b0011 } as const;

/** Compares two numbers. A quiet NaN signals IOC only if `quietSignals`, a signalling one always. */
export function compare(fmt: Format, a: bigint, b: bigint, quietSignals: boolean, context: FloatContext): number {
  const x = unpack(fmt, a, context);
  const y = unpack(fmt, b, context);
  if (x.kind === 'nan' || y.kind === 'nan') {
    if (quietSignals || isSignalling(fmt, x) || isSignalling(fmt, y)) context.flags |= IOC;
    return COMPARED.UNORDERED;
  }
  const left = ordered(fmt, x);
  const right = ordered(fmt, y);
  if (left === right) return COMPARED.EQUAL;
  return left < right ? COMPARED.LESS : COMPARED.GREATER;
}

/** The encoding without its sign grows with the magnitude, infinity included; both zeros become 0. */
function ordered(fmt: Format, x: Unpacked): bigint {
  const magnitude = x.bits & ~fmt.signBit;
  return x.negative ? -magnitude : magnitude;
}

/** FCVTDS and FCVTSD. A NaN keeps its sign and as many of its leading fraction bits as fit, and becomes quiet. */
export function convert(from: Format, to: Format, bits: bigint, context: FloatContext): bigint {
  const x = unpack(from, bits, context);
  if (x.kind === 'infinity') return infinity(to, x.negative);
  if (x.kind === 'finite') return round(to, x.negative, x.significand, x.exponent, context);
  if (isSignalling(from, x)) context.flags |= IOC;
  if (context.defaultNaN) return defaultNaN(to);
  const fraction = x.bits & from.fractionMask;
  const widened = to.fractionBits - from.fractionBits;
  return zero(to, x.negative) | to.infinity | to.quietBit | (widened > 0 ? fraction << BigInt(widened) : fraction >> BigInt(-widened));
}

/** FSITO and FUITO: `word` is the 32-bit pattern of the integer. */
export function fromInteger(to: Format, word: bigint, signed: boolean, context: FloatContext): bigint {
  const value = signed ? BigInt.asIntN(32, word) : word;
  return round(to, value < 0n, value < 0n ? -value : value, 0, context);
}

/**
 * FTOSI and FTOUI: the 32-bit pattern of the rounded integer. What does not fit signals IOC and gives the nearest
 * integer that does; a NaN signals IOC and gives 0.
 */
export function toInteger(from: Format, bits: bigint, signed: boolean, rounding: Rounding, context: FloatContext): bigint {
  const x = unpack(from, bits, context);
  const least = signed ? -(1n << 31n) : 0n;
  const most = signed ? (1n << 31n) - 1n : (1n << 32n) - 1n;
  if (x.kind === 'finite') {
    const { value, inexact } = shiftRounded(x.significand, -x.exponent, x.negative, rounding);
    const integer = x.negative ? -value : value;
    if (integer >= least && integer <= most) {
      if (inexact) context.flags |= IXC;
      return BigInt.asUintN(32, integer);
    }
  }
  context.flags |= IOC;
  if (x.kind === 'nan') return 0n;
  return BigInt.asUintN(32, x.negative ? least : most);
}
