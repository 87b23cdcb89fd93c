/**
 * Addition, multiplication, division, square root and the multiply-accumulate family on bit patterns of one format.
 * Source: ARM DDI 0100I, part C.
 */
import {
  DZC,
  type FloatContext,
  type Format,
  infinity,
  invalid,
  negate,
  propagateNaN,
  ROUND,
  round,
  type Unpacked,
  unpack,
  zero,
} from './softfloat.ts';

export function add(fmt: Format, a: bigint, b: bigint, context: FloatContext): bigint {
  const x = unpack(fmt, a, context);
  const y = unpack(fmt, b, context);
  return sum(fmt, x, y, y.negative, context);
}

/** The second operand is negated after it is decoded: a NaN keeps its sign, and a subnormal is flushed to +0 before. */
export function subtract(fmt: Format, a: bigint, b: bigint, context: FloatContext): bigint {
  const x = unpack(fmt, a, context);
  const y = unpack(fmt, b, context);
  return sum(fmt, x, y, !y.negative, context);
}

/** `x + y`, where `y` has the sign that is given beside it. */
function sum(fmt: Format, x: Unpacked, y: Unpacked, yNegative: boolean, context: FloatContext): bigint {
  if (x.kind === 'nan' || y.kind === 'nan') return propagateNaN(fmt, context, x, y);
  if (x.kind === 'infinity') return y.kind === 'infinity' && x.negative !== yNegative ? invalid(fmt, context) : infinity(fmt, x.negative);
  if (y.kind === 'infinity') return infinity(fmt, yNegative);
  const exponent = Math.min(x.exponent, y.exponent);
  const left = x.significand << BigInt(x.exponent - exponent);
  const right = y.significand << BigInt(y.exponent - exponent);
  const total = (x.negative ? -left : left) + (yNegative ? -right : right);
  if (total === 0n) return zero(fmt, x.negative === yNegative ? x.negative : context.rounding === ROUND.MINUS_INFINITY);
  return round(fmt, total < 0n, total < 0n ? -total : total, exponent, context);
}

export function multiply(fmt: Format, a: bigint, b: bigint, context: FloatContext): bigint {
  const x = unpack(fmt, a, context);
  const y = unpack(fmt, b, context);
  if (x.kind === 'nan' || y.kind === 'nan') return propagateNaN(fmt, context, x, y);
  const negative = x.negative !== y.negative;
  if (x.kind === 'infinity' || y.kind === 'infinity') {
    const zeroTimesInfinity = (x.kind === 'finite' && x.significand === 0n) || (y.kind === 'finite' && y.significand === 0n);
    return zeroTimesInfinity ? invalid(fmt, context) : infinity(fmt, negative);
  }
  return round(fmt, negative, x.significand * y.significand, x.exponent + y.exponent, context);
}

export function divide(fmt: Format, a: bigint, b: bigint, context: FloatContext): bigint {
  const x = unpack(fmt, a, context);
  const y = unpack(fmt, b, context);
  if (x.kind === 'nan' || y.kind === 'nan') return propagateNaN(fmt, context, x, y);
  const negative = x.negative !== y.negative;
  if (x.kind === 'infinity') return y.kind === 'infinity' ? invalid(fmt, context) : infinity(fmt, negative);
  if (y.kind === 'infinity') return zero(fmt, negative);
  if (y.significand === 0n) {
    if (x.significand === 0n) return invalid(fmt, context);
    context.flags |= DZC;
    return infinity(fmt, negative);
  }
  // Wide enough for a quotient of the smallest subnormal by the longest significand to keep all bits that `round` needs.
  const shift = 2 * fmt.fractionBits + 4;
  const dividend = x.significand << BigInt(shift);
  const quotient = dividend / y.significand;
  const sticky = quotient * y.significand === dividend ? 0n : 1n;
  return round(fmt, negative, (quotient << 1n) | sticky, x.exponent - y.exponent - shift - 1, context);
}

export function squareRoot(fmt: Format, a: bigint, context: FloatContext): bigint {
  const x = unpack(fmt, a, context);
  if (x.kind === 'nan') return propagateNaN(fmt, context, x);
  if (x.kind === 'finite' && x.significand === 0n) return x.bits;
  if (x.negative) return invalid(fmt, context);
  if (x.kind === 'infinity') return x.bits;
  const parity = x.exponent & 1;
  const shift = 2 * fmt.fractionBits + 8 + parity;
  const radicand = x.significand << BigInt(shift);
  const root = integerSquareRoot(radicand);
  const sticky = root * root === radicand ? 0n : 1n;
  return round(fmt, false, (root << 1n) | sticky, (x.exponent - shift) / 2 - 1, context);
}

/** The largest integer whose square is at most `n`, which is positive: Newton's iteration from above. */
function integerSquareRoot(n: bigint): bigint {
  let root = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/**
 * The four multiply-accumulates round twice, and a negation is a change of sign, of a NaN too. The old destination is
 * the first operand of the addition: that decides which of two NaNs is the result.
 */
export function multiplyAccumulate(fmt: Format, d: bigint, n: bigint, m: bigint, context: FloatContext): bigint {
  return add(fmt, d, multiply(fmt, n, m, context), context);
}

export function negatedMultiplyAccumulate(fmt: Format, d: bigint, n: bigint, m: bigint, context: FloatContext): bigint {
  return add(fmt, d, negate(fmt, multiply(fmt, n, m, context)), context);
}

export function multiplySubtract(fmt: Format, d: bigint, n: bigint, m: bigint, context: FloatContext): bigint {
  return add(fmt, negate(fmt, d), multiply(fmt, n, m, context), context);
}

export function negatedMultiplySubtract(fmt: Format, d: bigint, n: bigint, m: bigint, context: FloatContext): bigint {
  return add(fmt, negate(fmt, d), negate(fmt, multiply(fmt, n, m, context)), context);
}

export function negatedMultiply(fmt: Format, n: bigint, m: bigint, context: FloatContext): bigint {
  return negate(fmt, multiply(fmt, n, m, context));
}
