import { describe, expect, it } from 'vitest';
import { CpuBench } from '../testing/cpu-bench.suite.ts';

const run = (line: string, registers: Record<number, number>, flags = 0): CpuBench => {
  const bench = new CpuBench();
  bench.cpsr = 0xd3 | flags;
  return bench.set(registers).execute(line);
};
const ALL = 0xf0000000;

describe('multiplies', () => {
  it('sets N and Z and keeps C and V', () => {
    expect(run('muls r0, r1, r2', { 1: 0x10000, 2: 0x10000 }, ALL).flags).toBe(0b01110);
    expect(run('muls r0, r1, r2', { 1: 0x10000, 2: 0x10000 }, 0).flags).toBe(0b01000);
    expect(run('mlas r0, r1, r2, r3', { 1: 3, 2: 5, 3: -16 }, ALL).flags).toBe(0b10110);
    expect(run('mul r0, r1, r2', { 1: 0, 2: 0 }, ALL).flags).toBe(0b11110);
    expect(run('umulls r0, r1, r2, r3', { 2: -1, 3: -1 }, ALL).flags).toBe(0b10110);
    expect(run('smulls r0, r1, r2, r3', { 2: 0, 3: -1 }, 0x30000000).flags).toBe(0b01110);
  });

  it('takes Z of a long multiply from both halves and N from the high one', () => {
    expect(run('umulls r0, r1, r2, r3', { 2: 0x10000, 3: 0x10000 }).flags).toBe(0);
    expect(run('umulls r0, r1, r2, r3', { 2: 0x10000, 3: 0x8000 }).flags).toBe(0);
    expect(run('umlals r0, r1, r2, r3', { 0: 0, 1: 0x80000000, 2: 0, 3: 5 }).flags).toBe(0b10000);
  });

  const interesting = [0, 1, 2, 3, 0x7fff, 0x8000, 0xffff, 0x10000, 0x12345678, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff];
  const signed = (x: number): bigint => BigInt.asIntN(32, BigInt(x));
  const unsigned = (x: number): bigint => BigInt.asUintN(32, BigInt(x));

  it.each([
    ['umull', unsigned, 0n],
    ['smull', signed, 0n],
    ['umlal', unsigned, 1n],
    ['smlal', signed, 1n],
  ] as const)('%s gives all 64 bits', (mnemonic, read, accumulate) => {
    const bench = new CpuBench();
    for (const a of interesting) {
      for (const b of interesting) {
        const [low, high] = [0xdeadbeef ^ a, 0x7ff00000 ^ b];
        bench.set({ 0: low, 1: high, 2: a, 3: b }).execute(`${mnemonic} r0, r1, r2, r3`);
        const sum = BigInt.asUintN(64, read(a) * read(b) + accumulate * ((unsigned(high) << 32n) | unsigned(low)));
        expect((BigInt(bench.r(1)) << 32n) | BigInt(bench.r(0)), `${a} ${b}`).toBe(sum);
      }
    }
  });
});

describe('signed multiplies of half-words', () => {
  it('picks the halves', () => {
    const registers = { 1: 0x0003fffe, 2: 0xfffb0007 };
    expect(run('smulbb r0, r1, r2', registers).cpu.r[0]).toBe(-2 * 7);
    expect(run('smultb r0, r1, r2', registers).cpu.r[0]).toBe(3 * 7);
    expect(run('smulbt r0, r1, r2', registers).cpu.r[0]).toBe(-2 * -5);
    expect(run('smultt r0, r1, r2', registers).cpu.r[0]).toBe(3 * -5);
    expect(run('smulwb r0, r1, r2', { 1: 0x7fffffff, 2: 0x8000 }).cpu.r[0]).toBe(-0x40000000);
    expect(run('smulwt r0, r1, r2', { 1: -1, 2: 0x10000 }).cpu.r[0]).toBe(-1);
  });

  it('sets Q when the sum overflows, without saturating, and never when only the product is big', () => {
    const overflow = run('smlabb r0, r1, r2, r3', { 1: 0x7fff, 2: 0x7fff, 3: 0x7fffffff });
    expect([overflow.r(0), overflow.flags]).toEqual([0xbfff0000, 1]);
    const biggest = run('smulbb r0, r1, r2', { 1: 0x8000, 2: 0x8000 });
    expect([biggest.r(0), biggest.flags]).toEqual([0x40000000, 0]);
    const word = run('smlawt r0, r1, r2, r3', { 1: -0x80000000, 2: 0x7fff0000, 3: -0x80000000 });
    expect([word.r(0), word.flags]).toEqual([(-0x3fff8000 - 0x80000000) >>> 0, 1]);
    expect(run('smlaltt r0, r1, r2, r3', { 0: -1, 1: 0x7fffffff, 2: 0x10000, 3: 0x10000 }).flags).toBe(0);
  });

  it('adds a half-word product to 64 bits', () => {
    const bench = run('smlalbb r0, r1, r2, r3', { 0: 1, 1: 5, 2: 0xffff, 3: 2 });
    expect([bench.r(0), bench.r(1)]).toEqual([0xffffffff, 4]);
    const carry = run('smlalbb r0, r1, r2, r3', { 0: -1, 1: 5, 2: 1, 3: 1 });
    expect([carry.r(0), carry.r(1)]).toEqual([0, 6]);
  });
});

describe('saturating arithmetic', () => {
  it.each([
    ['qadd r0, r1, r2', 0x7fffffff, 1, 0x7fffffff, 1],
    ['qadd r0, r1, r2', 0x80000000, 0xffffffff, 0x80000000, 1],
    ['qadd r0, r1, r2', 0x7ffffffe, 1, 0x7fffffff, 0],
    ['qsub r0, r1, r2', 0x80000000, 1, 0x80000000, 1],
    ['qsub r0, r1, r2', 0, 0x80000000, 0x7fffffff, 1],
    ['qsub r0, r1, r2', 5, 7, 0xfffffffe, 0],
    // The doubling saturates first: here it alone sets Q.
    ['qdadd r0, r1, r2', 0xffffffff, 0x40000000, 0x7ffffffe, 1],
    ['qdadd r0, r1, r2', 1, 0x3fffffff, 0x7fffffff, 0],
    ['qdsub r0, r1, r2', 0, 0x40000000, 0x80000001, 1],
    ['qdsub r0, r1, r2', 0xfffffffe, 0x3fffffff, 0x80000000, 0],
    ['qdsub r0, r1, r2', 0, 0x80000000, 0x7fffffff, 1],
  ])('%s of 0x%x, 0x%x', (line, a, b, expected, q) => {
    const bench = run(line, { 1: a, 2: b }, ALL);
    expect([bench.r(0), bench.flags]).toEqual([expected, 0b11110 | q]);
  });

  it('leaves Q set until an MSR clears it', () => {
    const bench = new CpuBench().set({ 1: 0x7fffffff, 2: 1 });
    bench.execute('qadd r0, r1, r2', 'qadd r3, r2, r2', 'adds r3, r2, r2', 'muls r3, r1, r2');
    expect(bench.flags & 1).toBe(1);
    bench.execute('mrs r4, cpsr', 'msr cpsr_f, #0');
    expect(bench.r(4) & 0x08000000).toBe(0x08000000);
    expect(bench.flags & 1).toBe(0);
  });
});

describe('CLZ', () => {
  it.each([
    [0, 32],
    [1, 31],
    [0x8000, 16],
    [0x7fffffff, 1],
    [0x80000000, 0],
  ])('of 0x%x', (value, expected) => {
    expect(run('clz r0, r1', { 1: value }).r(0)).toBe(expected);
  });
});
