/**
 * Arithmetic against two independent oracles: JavaScript's own numbers (round to nearest), and exact fractions (every
 * rounding mode, with the exceptions), which know only what a bit pattern is worth.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, divide, multiply, squareRoot, subtract } from './arithmetic.ts';
import { COMPARED, compare, convert, fromInteger, toInteger } from './conversion.ts';
import { DOUBLE, DZC, type FloatContext, type Format, IOC, IXC, OFC, ROUND, type Rounding, SINGLE, UFC } from './softfloat.ts';

const context = (rounding: Rounding = ROUND.NEAREST): FloatContext => ({
  rounding,
  flushToZero: false,
  defaultNaN: false,
  underflowTrap: false,
  flags: 0,
});

const view = new DataView(new ArrayBuffer(8));
const toNumber = (fmt: Format, bits: bigint): number => {
  if (fmt === DOUBLE) {
    view.setBigUint64(0, bits);
    return view.getFloat64(0);
  }
  view.setUint32(0, Number(bits));
  return view.getFloat32(0);
};
const fromNumber = (fmt: Format, x: number): bigint => {
  if (fmt === DOUBLE) {
    view.setFloat64(0, x);
    return view.getBigUint64(0);
  }
  view.setFloat32(0, x);
  return BigInt(view.getUint32(0));
};

/** Bit patterns of finite numbers and infinities; exponents often near each other, fractions often with few bits set. */
function operand(fmt: Format): fc.Arbitrary<bigint> {
  const fractionBits = BigInt(fmt.fractionBits);
  const top = Number(fmt.infinity >> fractionBits);
  const bias = top >> 1;
  const exponent = fc.oneof(fc.integer({ min: bias - 30, max: bias + 30 }), fc.integer({ min: 0, max: top - 1 }), fc.constantFrom(0, 1, top - 1));
  const fraction = fc.oneof(
    fc.bigInt(0n, fmt.fractionMask),
    fc.integer({ min: 0, max: fmt.fractionBits }).map((n) => (fmt.fractionMask << BigInt(n)) & fmt.fractionMask),
    fc.constantFrom(0n, 1n, fmt.fractionMask),
  );
  const finite = fc
    .tuple(fc.boolean(), exponent, fraction)
    .map(([negative, e, f]) => (negative ? fmt.signBit : 0n) | (BigInt(e) << fractionBits) | f);
  return fc.oneof(
    { weight: 20, arbitrary: finite },
    { weight: 1, arbitrary: fc.constantFrom(fmt.infinity, fmt.infinity | fmt.signBit, 0n, fmt.signBit) },
  );
}

type Dyadic = (fmt: Format, a: bigint, b: bigint, c: FloatContext) => bigint;
const OPERATIONS: [string, Dyadic, (a: number, b: number) => number][] = [
  ['add', add, (a, b) => a + b],
  ['subtract', subtract, (a, b) => a - b],
  ['multiply', multiply, (a, b) => a * b],
  ['divide', divide, (a, b) => a / b],
];
const FORMATS = [
  ['single', SINGLE],
  ['double', DOUBLE],
] as const;

describe.each(FORMATS)('%s precision, rounded to nearest, is what JavaScript computes', (_, fmt) => {
  it.each(OPERATIONS)('%s', (_, operation, native) => {
    fc.assert(
      fc.property(operand(fmt), operand(fmt), (a, b) => {
        const expected = native(toNumber(fmt, a), toNumber(fmt, b));
        // One operation on singles, rounded to double first, rounds to the same single: 53 >= 2 * 24 + 2.
        if (!Number.isNaN(expected)) expect(operation(fmt, a, b, context())).toBe(fromNumber(fmt, expected));
      }),
      { numRuns: 3000 },
    );
  });

  it('squareRoot', () => {
    fc.assert(
      fc.property(operand(fmt), (a) => {
        const magnitude = a & ~fmt.signBit;
        expect(squareRoot(fmt, magnitude, context())).toBe(fromNumber(fmt, Math.sqrt(toNumber(fmt, magnitude))));
      }),
      { numRuns: 3000 },
    );
  });

  it('compare', () => {
    fc.assert(
      fc.property(operand(fmt), fc.option(operand(fmt)), (a, other) => {
        const b = other ?? a ^ fmt.signBit;
        const [x, y] = [toNumber(fmt, a), toNumber(fmt, b)];
        expect(compare(fmt, a, b, false, context())).toBe(x < y ? COMPARED.LESS : x > y ? COMPARED.GREATER : COMPARED.EQUAL);
      }),
      { numRuns: 2000 },
    );
  });
});

it('double to single and back is Math.fround', () => {
  fc.assert(
    fc.property(operand(DOUBLE), (a) => {
      const rounded = Math.fround(toNumber(DOUBLE, a));
      expect(convert(DOUBLE, SINGLE, a, context())).toBe(fromNumber(SINGLE, rounded));
      expect(convert(SINGLE, DOUBLE, fromNumber(SINGLE, rounded), context())).toBe(fromNumber(DOUBLE, rounded));
    }),
    { numRuns: 3000 },
  );
});

/** A fraction with a positive denominator. */
interface Exact {
  readonly n: bigint;
  readonly d: bigint;
}
const scale = (n: bigint, exponent: number): Exact => (exponent >= 0 ? { n: n << BigInt(exponent), d: 1n } : { n, d: 1n << BigInt(-exponent) });
const difference = (a: Exact, b: Exact): bigint => a.n * b.d - b.n * a.d;
const magnitude = (a: Exact): Exact => (a.n < 0n ? { n: -a.n, d: a.d } : a);

/** What a finite bit pattern is worth; an infinity is worth the power of two behind the largest number. */
function worth(fmt: Format, bits: bigint): Exact {
  const exponent = Number((bits & fmt.infinity) >> BigInt(fmt.fractionBits));
  const significand = (bits & fmt.fractionMask) + (exponent > 0 ? fmt.fractionMask + 1n : 0n);
  return scale(bits & fmt.signBit ? -significand : significand, Math.max(exponent, 1) - 1 + fmt.minExponent - fmt.fractionBits);
}

/** Checks that `result` and `flags` are what rounding the non-zero number `exact` gives. `toExact` orders `exact` against a fraction. */
function checkRounding(fmt: Format, result: bigint, flags: number, negative: boolean, rounding: Rounding, toExact: (x: Exact) => bigint): void {
  const absolute = result & ~fmt.signBit;
  expect(result).toBe(absolute | (negative ? fmt.signBit : 0n));
  /** Order of a magnitude and the exact one. */
  const order = (bits: bigint): bigint => toExact(worth(fmt, bits));
  const largest = fmt.infinity - 1n;
  const outward = rounding === (negative ? ROUND.MINUS_INFINITY : ROUND.PLUS_INFINITY);
  // The magnitudes between which the exact one lies; `below` is the floor.
  let below = absolute;
  if (order(below) > 0n) below -= 1n;
  expect(order(below) <= 0n).toBe(true);
  const overflows = order(fmt.infinity) <= 0n;
  if (!overflows) expect(order(below + 1n) > 0n).toBe(true);
  const exactly = !overflows && order(below) === 0n;
  let expected = below;
  let overflow = overflows;
  if (!exactly && !overflows) {
    const [low, high] = [worth(fmt, below), worth(fmt, below + 1n)];
    const middle = toExact({ n: low.n * high.d + high.n * low.d, d: 2n * low.d * high.d });
    const up = rounding === ROUND.NEAREST ? middle < 0n || (middle === 0n && (below & 1n) === 1n) : outward;
    if (up) expected = below + 1n;
    overflow = expected === fmt.infinity;
  }
  if (overflow) expected = rounding === ROUND.NEAREST || outward ? fmt.infinity : largest;
  const tiny = order(1n << BigInt(fmt.fractionBits)) > 0n;
  expect(absolute).toBe(expected);
  expect(flags).toBe((exactly ? 0 : IXC) | (overflow ? OFC | IXC : 0) | (tiny && !exactly ? UFC : 0));
}

const ROUNDINGS = fc.constantFrom(ROUND.NEAREST, ROUND.PLUS_INFINITY, ROUND.MINUS_INFINITY, ROUND.ZERO);
const EXACT: Record<string, (a: Exact, b: Exact) => Exact> = {
  add: (a, b) => ({ n: a.n * b.d + b.n * a.d, d: a.d * b.d }),
  subtract: (a, b) => ({ n: a.n * b.d - b.n * a.d, d: a.d * b.d }),
  multiply: (a, b) => ({ n: a.n * b.n, d: a.d * b.d }),
  divide: (a, b) => (b.n < 0n ? { n: -a.n * b.d, d: a.d * -b.n } : { n: a.n * b.d, d: a.d * b.n }),
};

describe.each(FORMATS)('%s precision is the exact result, rounded as asked, with the right exceptions', (_, fmt) => {
  const finite = operand(fmt).filter((x) => (x & fmt.infinity) !== fmt.infinity);

  it.each(OPERATIONS)('%s', (name, operation) => {
    fc.assert(
      fc.property(finite, finite, ROUNDINGS, (a, b, rounding) => {
        fc.pre(name !== 'divide' || (b & ~fmt.signBit) !== 0n);
        const exact = EXACT[name](worth(fmt, a), worth(fmt, b));
        const c = context(rounding);
        const result = operation(fmt, a, b, c);
        if (exact.n === 0n) {
          expect(c.flags).toBe(0);
          expect(result & ~fmt.signBit).toBe(0n);
        } else checkRounding(fmt, result, c.flags, exact.n < 0n, rounding, (x) => difference(x, magnitude(exact)));
      }),
      { numRuns: 3000 },
    );
  });

  it('squareRoot', () => {
    fc.assert(
      fc.property(finite, ROUNDINGS, (a, rounding) => {
        const square = worth(fmt, a & ~fmt.signBit);
        fc.pre(square.n !== 0n);
        const c = context(rounding);
        const result = squareRoot(fmt, a & ~fmt.signBit, c);
        checkRounding(fmt, result, c.flags, false, rounding, (x) => difference({ n: x.n * x.n, d: x.d * x.d }, square));
      }),
      { numRuns: 2000 },
    );
  });

  it('fromInteger', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 0xffffffffn), fc.boolean(), ROUNDINGS, (word, signed, rounding) => {
        const value = signed ? BigInt.asIntN(32, word) : word;
        const c = context(rounding);
        const result = fromInteger(fmt, word, signed, c);
        checkRounding(fmt, result, c.flags, value < 0n, rounding, (x) => difference(x, magnitude({ n: value, d: 1n })));
      }),
    );
  });

  it('toInteger', () => {
    fc.assert(
      fc.property(finite, fc.boolean(), ROUNDINGS, (a, signed, rounding) => {
        const exact = worth(fmt, a);
        const floor = exact.n >= 0n ? exact.n / exact.d : -((-exact.n + exact.d - 1n) / exact.d);
        const twiceRest = 2n * (exact.n - floor * exact.d);
        const candidates = {
          [ROUND.NEAREST]: twiceRest > exact.d || (twiceRest === exact.d && floor & 1n) ? floor + 1n : floor,
          [ROUND.PLUS_INFINITY]: twiceRest ? floor + 1n : floor,
          [ROUND.MINUS_INFINITY]: floor,
          [ROUND.ZERO]: twiceRest && exact.n < 0n ? floor + 1n : floor,
        };
        const integer = candidates[rounding];
        const [least, most] = signed ? [-(2n ** 31n), 2n ** 31n - 1n] : [0n, 2n ** 32n - 1n];
        const c = context(ROUND.NEAREST);
        const result = toInteger(fmt, a, signed, rounding, c);
        const saturated = integer < least ? least : integer > most ? most : integer;
        expect(result).toBe(BigInt.asUintN(32, saturated));
        expect(c.flags).toBe(saturated !== integer ? IOC : twiceRest ? IXC : 0);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('operations without a value, and zeros', () => {
  const inf = SINGLE.infinity;
  const minusInf = inf | SINGLE.signBit;
  const nan = 0x7fc00000n;
  const one = 0x3f800000n;
  const minusZero = SINGLE.signBit;
  const run = (operation: Dyadic, a: bigint, b: bigint, rounding: Rounding = ROUND.NEAREST): [bigint, number] => {
    const c = context(rounding);
    return [operation(SINGLE, a, b, c), c.flags];
  };
  it.each([
    ['infinity - infinity', subtract, inf, inf, nan, IOC],
    ['infinity + -infinity', add, inf, minusInf, nan, IOC],
    ['infinity + infinity', add, inf, inf, inf, 0],
    ['-infinity + 1', add, minusInf, one, minusInf, 0],
    ['1 - infinity', subtract, one, inf, minusInf, 0],
    ['0 * infinity', multiply, 0n, minusInf, nan, IOC],
    ['infinity * -1', multiply, inf, one | minusZero, minusInf, 0],
    ['0 / 0', divide, 0n, minusZero, nan, IOC],
    ['infinity / infinity', divide, inf, minusInf, nan, IOC],
    ['1 / -0', divide, one, minusZero, minusInf, DZC],
    ['infinity / 0', divide, inf, 0n, inf, 0],
    ['-1 / infinity', divide, one | minusZero, inf, minusZero, 0],
  ])('%s', (_, operation, a, b, result, flags) => {
    expect(run(operation, a, b)).toEqual([result, flags]);
  });

  it('gives a sum that cancels the sign that the rounding mode wants', () => {
    for (const [a, b] of [
      [one, one | minusZero],
      [0n, minusZero],
    ] as const) {
      expect(run(add, a, b)).toEqual([0n, 0]);
      expect(run(add, a, b, ROUND.PLUS_INFINITY)).toEqual([0n, 0]);
      expect(run(add, a, b, ROUND.MINUS_INFINITY)).toEqual([minusZero, 0]);
    }
    expect(run(add, minusZero, minusZero)).toEqual([minusZero, 0]);
  });

  it('takes square roots of negative numbers for invalid, but not of -0', () => {
    const c = context();
    expect(squareRoot(SINGLE, minusZero, c)).toBe(minusZero);
    expect(c.flags).toBe(0);
    expect(squareRoot(SINGLE, minusInf, c)).toBe(nan);
    expect(c.flags).toBe(IOC);
  });

  it('saturates infinities and makes NaNs 0 in integers', () => {
    for (const [bits, signed, word] of [
      [inf, true, 0x7fffffffn],
      [minusInf, true, 0x80000000n],
      [inf, false, 0xffffffffn],
      [minusInf, false, 0n],
      [nan, true, 0n],
      [nan, false, 0n],
    ] as const) {
      const c = context();
      expect([toInteger(SINGLE, bits, signed, ROUND.ZERO, c), c.flags]).toEqual([word, IOC]);
    }
  });
});
