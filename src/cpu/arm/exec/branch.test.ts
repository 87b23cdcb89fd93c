import { describe, expect, it } from 'vitest';
import { CpuBench } from '../testing/cpu-bench.suite.ts';

const state = (bench: CpuBench): [pc: number, thumb: number, lr: number] => [bench.pc, bench.cpu.s.t, bench.r(14)];

describe('branches and interworking', () => {
  it('BL and BLX leave the address behind them, with bit 0 in Thumb state', () => {
    expect(state(new CpuBench().execute('bl #0x9000'))).toEqual([0x9000, 0, 0x8004]);
    expect(state(new CpuBench().set({ 3: 0x9001 }).execute('blx r3'))).toEqual([0x9000, 1, 0x8004]);
    expect(state(new CpuBench().execute('blx #0x9002'))).toEqual([0x9002, 1, 0x8004]);
    expect(state(new CpuBench().execute('blx #0x7ffe'))).toEqual([0x7ffe, 1, 0x8004]);
    expect(state(new CpuBench().set({ 3: 0x9000 }).executeThumb('blx r3'))).toEqual([0x9000, 0, 0x8003]);
    expect(state(new CpuBench().set({ 9: 0x9001 }).executeThumb('blx r9'))).toEqual([0x9000, 1, 0x8003]);
  });

  it('BLX to LR reads it before it is written', () => {
    expect(state(new CpuBench().set({ 14: 0x9001 }).execute('blx lr'))).toEqual([0x9000, 1, 0x8004]);
    expect(state(new CpuBench().set({ 14: 0x9000 }).executeThumb('blx lr'))).toEqual([0x9000, 0, 0x8003]);
  });

  it('BX changes the instruction set by bit 0', () => {
    expect(state(new CpuBench().set({ 14: 0x9003 }).execute('bx lr'))).toEqual([0x9002, 1, 0x9003]);
    expect(state(new CpuBench().set({ 14: 0x9004 }).execute('bx lr'))).toEqual([0x9004, 0, 0x9004]);
    expect(state(new CpuBench().set({ 14: 0x9003 }).execute('bxj lr'))).toEqual([0x9002, 1, 0x9003]);
    expect(state(new CpuBench().set({ 1: 0x9004 }).executeThumb('bx r1')).slice(0, 2)).toEqual([0x9004, 0]);
    // The usual way from Thumb to ARM: to the word behind.
    expect(state(new CpuBench().executeThumb('bx pc')).slice(0, 2)).toEqual([0x8004, 0]);
  });

  it('goes there and back, executing both instruction sets', () => {
    const bench = new CpuBench()
      .arm(0x8000, 'mov r0, #1', 'blx #0x8102', 'orr r0, r0, #8', 'b #0x800c')
      .thumb(0x8100, 'b #0x8100', 'movs r1, #2', 'orrs r0, r1', 'bx lr');
    bench.pc = 0x8000;
    bench.run(7);
    expect([bench.r(0), bench.pc, bench.cpu.s.t]).toEqual([11, 0x800c, 0]);
  });

  it('MOV and ADD to R15 in Thumb state stay there', () => {
    expect(state(new CpuBench().set({ 1: 0x9002 }).executeThumb('mov pc, r1')).slice(0, 2)).toEqual([0x9002, 1]);
    expect(state(new CpuBench().set({ 1: 0x9003 }).executeThumb('mov pc, r1')).slice(0, 2)).toEqual([0x9002, 1]);
    expect(state(new CpuBench().set({ 1: 0x10 }).executeThumb('add pc, r1')).slice(0, 2)).toEqual([0x8014, 1]);
  });

  it('wraps around the address space', () => {
    expect(new CpuBench().execute('b #0xfffffff0').pc).toBe(0xfffffff0);
    expect(new CpuBench().execute('bl #0xfe008008').pc).toBe(0xfe008008);
  });
});

describe('the two halves of a Thumb BL', () => {
  it.each([
    ['bl', 0x8000, 0x8200],
    ['bl', 0x8000, 0x7002],
    ['bl', 0x8000, 0x8004 - 0x400000],
    ['bl', 0x8000, 0x8004 + 0x3ffffe],
    ['blx', 0x8000, 0x9000],
    ['blx', 0x8002, 0x9000],
    ['blx', 0x8002, 0x7ff8],
    ['blx', 0x8000, 0x408000],
  ])('%s from 0x%x to 0x%x', (mnemonic, from, target) => {
    // The first half leaves a multiple of 4 KiB from the PC in LR, the second adds the rest; BLX drops bits 1:0 of the sum.
    const high = (from + 4 + (((target - (from + 4)) >> 12) << 12)) | 0;
    const low = mnemonic === 'bl' ? target - high : target - (high & ~3);
    const bench = new CpuBench().thumb(from, `bl high #${high >>> 0}`, `${mnemonic} low lr + #${low | 0}`);
    bench.pc = from | 1;
    bench.run(1);
    expect(state(bench)).toEqual([from + 2, 1, high >>> 0]);
    bench.run(1);
    expect(state(bench)).toEqual([target >>> 0, mnemonic === 'bl' ? 1 : 0, from + 5]);
  });

  it('are instructions of their own: an interrupt may come between, and other code set LR', () => {
    const bench = new CpuBench();
    bench.cpsr = 0x13;
    bench.arm(0x18, 'subs pc, lr, #4').thumb(0x8000, 'bl high #0x9004', 'bl low lr + #0x10');
    bench.pc = 0x8001;
    bench.run(1);
    bench.cpu.irq.set(true);
    bench.run(1);
    bench.cpu.irq.set(false);
    expect(state(bench)).toEqual([0x8002, 1, 0x9004]);
    bench.set({ 14: 0xa000 }).run(1);
    expect(state(bench)).toEqual([0xa010, 1, 0x8005]);
  });
});

describe('Thumb conditional branches', () => {
  it.each(['eq', 'ne', 'cs', 'cc', 'mi', 'pl', 'vs', 'vc', 'hi', 'ls', 'ge', 'lt', 'gt', 'le'])(
    'b%s goes exactly where the ARM condition holds',
    (condition) => {
      for (let flags = 0; flags < 16; flags++) {
        const thumb = new CpuBench();
        thumb.cpsr = ((flags << 28) | 0xd3) >>> 0;
        thumb.executeThumb(`b${condition} #0x8010`);
        const arm = new CpuBench();
        arm.cpsr = ((flags << 28) | 0xd3) >>> 0;
        arm.execute(`mov${condition} r0, #1`);
        expect([flags, thumb.pc]).toEqual([flags, arm.r(0) === 1 ? 0x8010 : 0x8002]);
      }
    },
  );

  const N = 8;
  const Z = 4;
  const C = 2;
  const V = 1;
  it.each([
    ['eq', (f: number) => (f & Z) !== 0],
    ['cs', (f: number) => (f & C) !== 0],
    ['mi', (f: number) => (f & N) !== 0],
    ['vs', (f: number) => (f & V) !== 0],
    ['hi', (f: number) => (f & C) !== 0 && (f & Z) === 0],
    ['ge', (f: number) => ((f & N) !== 0) === ((f & V) !== 0)],
    ['gt', (f: number) => (f & Z) === 0 && ((f & N) !== 0) === ((f & V) !== 0)],
  ] as const)('%s and its opposite are as in A3.2.1', (condition, holds) => {
    const opposite = { eq: 'ne', cs: 'cc', mi: 'pl', vs: 'vc', hi: 'ls', ge: 'lt', gt: 'le' }[condition];
    for (let flags = 0; flags < 16; flags++) {
      const bench = new CpuBench();
      bench.cpsr = ((flags << 28) | 0xd3) >>> 0;
      bench.execute(`mov${condition} r0, #1`, `mov${opposite} r1, #1`);
      expect([flags, bench.r(0), bench.r(1)]).toEqual([flags, holds(flags) ? 1 : 0, holds(flags) ? 0 : 1]);
    }
  });
});
