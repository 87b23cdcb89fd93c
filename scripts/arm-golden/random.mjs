/** Operands that are worth trying, from random numbers with a seed. */
import { random as numbers } from '../random.mjs';

export function random(seed) {
  const source = numbers(seed);
  const { next, below, pick } = source;
  return { ...source, operand: () => (below(100) < 60 ? pick(SPECIAL) : next()) };
}

const SPECIAL = [
  0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x12345678, 0x3fffffff, 0x40000000, 0x55555555, 0x7ffffffe, 0x7fffffff,
  0x80000000, 0x80000001, 0x80008000, 0x7fff8000, 0x80007fff, 0xaaaaaaaa, 0xbfffffff, 0xc0000000, 0xfffffffe, 0xffffffff, 0xffff0000, 0xffff8000,
];
