/** Operands that are worth trying: special values, and random ones whose results land near the interesting limits. */
export { random } from '../random.mjs';

export const FORMATS = {
  S: { width: 32n, fraction: 23n, maxBiased: 255, bias: 127 },
  D: { width: 64n, fraction: 52n, maxBiased: 2047, bias: 1023 },
};

const encode = (f, sign, biased, fraction) => (BigInt(sign) << (f.width - 1n)) | (BigInt(biased) << f.fraction) | fraction;

export function specials(f) {
  const all = (1n << f.fraction) - 1n;
  const quiet = 1n << (f.fraction - 1n);
  const integer = (e, fraction = 0n) => encode(f, 0, f.bias + e, fraction);
  const positive = [
    0n, // zero
    1n, // smallest subnormal
    quiet, // a subnormal in the middle
    all, // largest subnormal
    encode(f, 0, 1, 0n), // smallest normal
    encode(f, 0, 1, 1n),
    encode(f, 0, f.bias - 2, all), // just below 1/2
    integer(-1),
    integer(-1, 1n),
    encode(f, 0, f.bias - 1, all), // just below 1
    integer(0),
    integer(0, 1n),
    integer(0, quiet), // 1.5
    integer(1),
    integer(1, quiet), // 3
    integer(Number(f.fraction)),
    encode(f, 0, f.bias + 30, all), // just below 2^31
    integer(31),
    integer(31, 1n),
    encode(f, 0, f.bias + 31, all), // just below 2^32
    integer(32),
    encode(f, 0, f.maxBiased - 1, 0n),
    encode(f, 0, f.maxBiased - 1, all), // largest finite
    encode(f, 0, f.maxBiased, 0n), // infinity
    encode(f, 0, f.maxBiased, quiet), // default NaN
    encode(f, 0, f.maxBiased, quiet | 0x155n), // a quiet NaN
    encode(f, 0, f.maxBiased, 0x2aan), // a signalling NaN whose fraction is lost in narrowing
    encode(f, 0, f.maxBiased, quiet >> 1n), // a signalling NaN
  ];
  return [...positive, ...positive.map((x) => x | (1n << (f.width - 1n)))];
}

function fraction(f, rng) {
  const bits = (BigInt(rng.next()) << 32n) | BigInt(rng.next());
  const all = (1n << f.fraction) - 1n;
  switch (rng.below(4)) {
    case 0:
      return (bits << BigInt(rng.below(Number(f.fraction)))) & all; // zeros at the end: exact results and ties
    case 1:
      return all ^ ((1n << BigInt(rng.below(Number(f.fraction)))) - 1n); // ones at the front
    default:
      return bits & all;
  }
}

const clamp = (f, biased) => Math.min(Math.max(biased, 0), f.maxBiased - 1);

/** One operand, often special. */
export function operand(f, rng) {
  if (rng.chance(40)) return rng.pick(specials(f));
  const biased = rng.chance(50) ? f.bias + rng.below(80) - 40 : rng.below(f.maxBiased);
  return encode(f, rng.below(2), biased, fraction(f, rng));
}

/** Two operands whose sum, product or quotient (`kind`) is likely to lie at a limit of the format. */
export function pair(f, kind, rng) {
  if (rng.chance(45)) return [operand(f, rng), operand(f, rng)];
  const a = encode(f, rng.below(2), 1 + rng.below(f.maxBiased - 1), fraction(f, rng));
  const exponent = Number((a >> f.fraction) & BigInt(f.maxBiased));
  const limit = rng.pick([1 - Number(f.fraction), 1, f.bias, f.maxBiased]) + rng.below(7) - 3;
  let other = exponent + rng.below(9) - 4;
  if (kind === 'multiply') other = limit - exponent + f.bias;
  if (kind === 'divide') other = exponent - limit + f.bias;
  if (kind === 'add' && rng.chance(30)) return [a, a ^ (1n << (f.width - 1n)) ^ BigInt(rng.below(4))];
  return [a, encode(f, rng.below(2), clamp(f, other), fraction(f, rng))];
}
