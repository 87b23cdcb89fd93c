/** Random numbers with a seed (mulberry32), so that the same cases come out again, and operands that are worth trying. */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const below = (n) => Math.floor((next() / 2 ** 32) * n);
  const pick = (list) => list[below(list.length)];
  return { next, below, pick, chance: (percent) => below(100) < percent, operand: () => (below(100) < 60 ? pick(SPECIAL) : next()) };
}

const SPECIAL = [
  0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x12345678, 0x3fffffff, 0x40000000, 0x55555555, 0x7ffffffe, 0x7fffffff,
  0x80000000, 0x80000001, 0x80008000, 0x7fff8000, 0x80007fff, 0xaaaaaaaa, 0xbfffffff, 0xc0000000, 0xfffffffe, 0xffffffff, 0xffff0000, 0xffff8000,
];
