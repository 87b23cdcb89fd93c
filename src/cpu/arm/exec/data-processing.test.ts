import { describe, expect, it } from 'vitest';
import { CpuBench } from '../testing/cpu-bench.suite.ts';

/** CPSR bits 31:28 and 27. */
const N = 0x80000000;
const Z = 0x40000000;
const C = 0x20000000;
const V = 0x10000000;
const FLAGS = 0xf8000000;

/** Executes one instruction with C as given; returns R0 and the flags. */
function result(line: string, registers: Record<number, number>, carry = 0): [r0: number, flags: number] {
  const bench = new CpuBench();
  bench.cpsr = 0xd3 | (carry ? C : 0);
  bench.set(registers).execute(line);
  return [bench.r(0), (bench.cpsr & FLAGS) >>> 0];
}

describe('shifter operand (A5.1)', () => {
  // Value, shift, result, carry out; "c" is the carry that went in.
  it.each([
    [0x80000001, 'lsl #1', 2, 1],
    [0x80000001, 'lsl #31', 0x80000000, 0],
    [0x80000001, 'lsr #1', 0x40000000, 1],
    [0x80000001, 'lsr #32', 0, 1],
    [0x7fffffff, 'lsr #32', 0, 0],
    [0x80000001, 'asr #1', 0xc0000000, 1],
    [0x80000000, 'asr #32', 0xffffffff, 1],
    [0x7fffffff, 'asr #32', 0, 0],
    [0x80000001, 'ror #1', 0xc0000000, 1],
    [0x40000002, 'ror #1', 0x20000001, 0],
    [0x80000001, 'ror #31', 3, 0],
  ])('shifts 0x%x %s by an immediate', (value, shift, expected, carry) => {
    for (const before of [0, 1]) {
      const [r0, flags] = result(`movs r0, r1, ${shift}`, { 1: value }, before);
      expect([r0, flags & C ? 1 : 0]).toEqual([expected, carry]);
    }
  });

  it('leaves C alone for LSL #0, and shifts it in from above for RRX', () => {
    expect(result('movs r0, r1', { 1: 0x80000001 }, 1)).toEqual([0x80000001, (N | C) >>> 0]);
    expect(result('movs r0, r1', { 1: 0x80000001 }, 0)).toEqual([0x80000001, N]);
    expect(result('movs r0, r1, rrx', { 1: 1 }, 0)).toEqual([0, (Z | C) >>> 0]);
    expect(result('movs r0, r1, rrx', { 1: 2 }, 1)).toEqual([0x80000001, N]);
  });

  it.each([
    [
      'lsl',
      0x80000001,
      [
        [0, 0x80000001, 'c'],
        [1, 2, 1],
        [31, 0x80000000, 0],
        [32, 0, 1],
        [33, 0, 0],
        [255, 0, 0],
        [256, 0x80000001, 'c'],
      ],
    ],
    [
      'lsr',
      0x80000001,
      [
        [0, 0x80000001, 'c'],
        [1, 0x40000000, 1],
        [31, 1, 0],
        [32, 0, 1],
        [33, 0, 0],
        [255, 0, 0],
        [256, 0x80000001, 'c'],
      ],
    ],
    [
      'asr',
      0x80000001,
      [
        [0, 0x80000001, 'c'],
        [1, 0xc0000000, 1],
        [31, 0xffffffff, 0],
        [32, 0xffffffff, 1],
        [33, 0xffffffff, 1],
        [255, 0xffffffff, 1],
      ],
    ],
    [
      'asr',
      0x40000000,
      [
        [31, 0, 1],
        [32, 0, 0],
        [255, 0, 0],
      ],
    ],
    [
      'ror',
      0x80000001,
      [
        [0, 0x80000001, 'c'],
        [1, 0xc0000000, 1],
        [32, 0x80000001, 1],
        [33, 0xc0000000, 1],
        [255, 3, 0],
        [256, 0x80000001, 'c'],
      ],
    ],
    [
      'ror',
      0x00000001,
      [
        [32, 1, 0],
        [64, 1, 0],
        [31, 2, 0],
      ],
    ],
  ] as const)('shifts by a register, of which the low byte counts: %s of 0x%x', (shift, value, cases) => {
    for (const [amount, expected, carry] of cases) {
      for (const before of [0, 1]) {
        const [r0, flags] = result(`movs r0, r1, ${shift} r2`, { 1: value, 2: amount }, before);
        expect([amount, r0, flags & C ? 1 : 0]).toEqual([amount, expected, carry === 'c' ? before : carry]);
      }
    }
  });

  it('takes C from bit 31 of an immediate that is rotated, and leaves it alone otherwise', () => {
    expect(result('movs r0, #0x80000000', {}, 0)).toEqual([0x80000000, (N | C) >>> 0]);
    expect(result('movs r0, #0x40000000', {}, 1)).toEqual([0x40000000, 0]);
    expect(result('movs r0, #1', {}, 1)).toEqual([1, C]);
    // A rotation that does not change the value still gives a carry.
    expect(result('movs r0, #4, #2', {}, 1)).toEqual([1, 0]);
    expect(result('tst r1, #0x80000000', { 1: N }, 0)).toEqual([0, (N | C) >>> 0]);
  });

  it('reads R15 as the instruction plus 8, as first and as second operand', () => {
    expect(result('mov r0, pc', {})[0]).toBe(0x8008);
    expect(result('add r0, pc, #4', {})[0]).toBe(0x800c);
    expect(result('sub r0, r1, pc, lsl #1', { 1: 0x20000 })[0]).toBe(0x20000 - 0x10010);
  });
});

describe('arithmetic flags', () => {
  it.each([
    ['adds', 0x7fffffff, 1, 0, 0x80000000, N | V],
    ['adds', 0xffffffff, 1, 0, 0, Z | C],
    ['adds', 0x80000000, 0x80000000, 0, 0, Z | C | V],
    ['adcs', 0xffffffff, 0, 1, 0, Z | C],
    ['adcs', 0x7fffffff, 0, 1, 0x80000000, N | V],
    ['adcs', 0xffffffff, 0xffffffff, 1, 0xffffffff, N | C],
    ['adcs', 0, 0xffffffff, 0, 0xffffffff, N],
    ['subs', 0, 0, 0, 0, Z | C],
    ['subs', 0, 1, 1, 0xffffffff, N],
    ['subs', 0x80000000, 1, 0, 0x7fffffff, C | V],
    ['sbcs', 0, 0, 0, 0xffffffff, N],
    ['sbcs', 0, 0, 1, 0, Z | C],
    ['sbcs', 0x80000000, 0, 0, 0x7fffffff, C | V],
    ['sbcs', 5, 0xffffffff, 0, 5, 0],
    ['rsbs', 1, 0, 1, 0xffffffff, N],
    ['rsbs', 0x80000000, 0, 0, 0x80000000, N | V],
    ['rscs', 0, 0, 0, 0xffffffff, N],
    ['rscs', 0, 0x80000000, 0, 0x7fffffff, C | V],
    ['rscs', 0xffffffff, 5, 1, 6, 0],
  ])('%s 0x%x, 0x%x with C=%i', (mnemonic, a, b, carry, expected, flags) => {
    expect(result(`${mnemonic} r0, r1, r2`, { 1: a, 2: b }, carry)).toEqual([expected, flags >>> 0]);
    // The same with the operand shifted, and without flags.
    expect(result(`${mnemonic} r0, r1, r2, ror r3`, { 1: a, 2: b, 3: 0 }, carry)).toEqual([expected, flags >>> 0]);
    expect(result(`${mnemonic.slice(0, 3)} r0, r1, r2`, { 1: a, 2: b }, carry)).toEqual([expected, carry ? C : 0]);
  });

  it('uses operands as they were before when the destination is one of them', () => {
    expect(result('adds r0, r0, r0', { 0: 0x80000000 })).toEqual([0, (Z | C | V) >>> 0]);
    expect(result('subs r0, r0, r0, lsr #1', { 0: 4 })).toEqual([2, C]);
    expect(result('adcs r0, r0, r1, lsl r0', { 0: 1, 1: 3 }, 1)).toEqual([8, 0]);
  });

  it('keeps V for logical instructions', () => {
    const bench = new CpuBench();
    bench.cpsr = 0xd3 | V;
    bench.set({ 1: 1 }).execute('ands r0, r1, #0');
    expect(bench.cpsr >>> 28).toBe(0b0101);
  });

  it('sees the condition as it was before the instruction', () => {
    const bench = new CpuBench();
    bench.set({ 0: 1, 1: 2 }).execute('cmp r0, r1', 'movlt r2, #1', 'movge r2, #2', 'addslt r3, r0, #0', 'movgt r4, #9');
    expect([bench.r(2), bench.r(3), bench.r(4)]).toEqual([1, 1, 9]);
  });
});

describe('R15 as destination', () => {
  it('branches without changing the instruction set', () => {
    const bench = new CpuBench().set({ 1: 0x9003 }).execute('mov pc, r1');
    expect(bench.pc).toBe(0x9000);
    expect(bench.cpu.s.t).toBe(0);
    expect(new CpuBench().execute('add pc, pc, #4').pc).toBe(0x800c);
    expect(new CpuBench().set({ 1: 2 }).execute('add pc, pc, r1, lsl #2').pc).toBe(0x8010);
  });

  it.each([
    ['movs pc, lr', 0x9004],
    ['subs pc, lr, #4', 0x9000],
    ['adds pc, lr, #4', 0x9008],
    ['ands pc, lr, r1', 0x9000],
    ['orrs pc, lr, r1', 0x9f04],
    ['mvns pc, r2', 0x9004],
    ['rsbs pc, r1, lr, lsl #1', 0x12008 - 0x9f00],
    ['eors pc, lr, r0', 0x9004],
    ['bics pc, lr, #4', 0x9000],
    ['adcs pc, lr, #0', 0x9004],
  ])('with S returns from an exception: %s', (line, target) => {
    const bench = new CpuBench();
    bench.mode = 'irq';
    bench.cpu.s.spsr[2] = 0x60000010;
    bench.cpu.s.bankedR13[0] = 0x1234;
    bench.set({ 0: 0, 1: 0x9f00, 2: ~0x9004, 14: 0x9004 }).execute(line);
    expect(bench.mode).toBe('usr');
    expect(bench.cpsr).toBe(0x60000010);
    expect(bench.r(13)).toBe(0x1234);
    expect(bench.pc).toBe(target);
  });

  it('with S returns into Thumb state, with a half-word address', () => {
    const bench = new CpuBench();
    bench.cpu.s.spsr[3] = 0x30;
    bench.set({ 14: 0x9003 }).execute('movs pc, lr');
    expect(bench.pc).toBe(0x9002);
    expect(bench.cpu.s.t).toBe(1);
    bench.thumb(0x9002, 'movs r0, #7').run(1);
    expect(bench.r(0)).toBe(7);
  });

  it('does nothing with S when the condition fails', () => {
    const bench = new CpuBench();
    bench.cpu.s.spsr[3] = 0x10;
    bench.set({ 14: 0x9000 }).execute('movseq pc, lr');
    expect(bench.pc).toBe(0x8004);
    expect(bench.mode).toBe('svc');
  });
});
