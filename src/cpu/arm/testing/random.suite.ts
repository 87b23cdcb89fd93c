/** Random numbers for tests: the same ones each time. */
import type { Row } from '../op.ts';

export class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed >>> 0;
  }
  /** 32 bits, unsigned (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  below(n: number): number {
    return Math.floor((this.next() / 2 ** 32) * n);
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
  /** A word that a row describes: its fields at random, each nibble of bits that should be zero or one as either. */
  wordOf(row: Row): number {
    let word = 0;
    let z = 0;
    let before = '';
    for (const bit of row.pattern) {
      if (bit === 'z' && before !== 'z') z = this.below(2);
      if (bit !== ' ') word = (word << 1) | (bit === '0' || bit === '1' ? Number(bit) : bit === 'z' ? z : this.below(2));
      before = bit;
    }
    return word >>> 0;
  }
}
