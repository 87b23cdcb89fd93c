import { describe, expect, it } from 'vitest';
import { BANK } from '../state.ts';
import { CpuBench, type Mode } from '../testing/cpu-bench.suite.ts';

describe('MSR', () => {
  it.each([
    ['cpsr_f', 0xf80000d3],
    ['cpsr_c', 0x0000001f],
    ['cpsr_fc', 0xf800001f],
    ['cpsr_fsxc', 0xf800001f],
    ['cpsr_sx', 0x000000d3],
  ])('to %s writes its fields', (fields, expected) => {
    const bench = new CpuBench();
    bench.set({ 1: 0xffffff1f }).execute(`msr ${fields}, r1`);
    expect(bench.cpsr).toBe(expected);
    expect(bench.pc).toBe(0x8004);
  });

  it('takes an immediate', () => {
    const bench = new CpuBench().execute('msr cpsr_f, #0xf0000000');
    expect(bench.cpsr).toBe(0xf00000d3);
    expect(bench.execute('msr cpsr_c, #0x1f').cpsr).toBe(0xf000001f);
  });

  it('never changes the instruction set', () => {
    const bench = new CpuBench().set({ 1: 0x3f }).execute('msr cpsr_c, r1');
    expect([bench.cpu.s.t, bench.cpsr]).toEqual([0, 0x1f]);
  });

  it('writes only flags in user mode', () => {
    const bench = new CpuBench();
    bench.mode = 'usr';
    bench.cpsr = 0x10;
    bench.set({ 1: 0xffffffdf }).execute('msr cpsr_fsxc, r1');
    expect(bench.cpsr).toBe(0xf8000010);
    bench.execute('msr cpsr_fsxc, #0');
    expect(bench.cpsr).toBe(0x10);
  });

  it.each(['fiq', 'irq', 'svc', 'abt', 'und'] as const)('to the SPSR of %s writes that of this mode alone', (mode) => {
    const bench = new CpuBench();
    for (const other of ['fiq', 'irq', 'svc', 'abt', 'und'] as const) bench.cpu.s.spsr[BANK[other]] = 0x10;
    bench.mode = mode;
    bench.set({ 0: 0xf90000ff, 1: 0x100 }).execute('msr spsr_fsxc, r0', 'mrs r2, spsr', 'msr spsr_f, r1');
    expect(bench.r(2)).toBe(0xf90000ff);
    expect(bench.spsr(mode)).toBe(0xff);
    for (const other of ['fiq', 'irq', 'svc', 'abt', 'und'] as const) if (other !== mode) expect(bench.spsr(other)).toBe(0x10);
  });

  it('keeps bits that do not exist at zero', () => {
    const bench = new CpuBench().set({ 0: -1 }).execute('msr spsr_fsxc, r0', 'mrs r1, spsr');
    expect(bench.r(1)).toBe(0xf90000ff);
  });

  it('that unmasks interrupts lets a pending one in before the next instruction', () => {
    const bench = new CpuBench();
    bench.cpu.irq.set(true);
    bench.arm(0x8000, 'msr cpsr_c, #0x13', 'mov r0, #1', 'mov r0, #2').arm(0x18, 'mov r1, #3');
    bench.pc = 0x8000;
    bench.run(2);
    expect([bench.r(0), bench.r(1), bench.r(14), bench.mode]).toEqual([0, 3, 0x8008, 'irq']);
  });
});

describe('register banks (A2.4)', () => {
  const modes: readonly Mode[] = ['usr', 'fiq', 'irq', 'svc', 'abt', 'und'];
  const control = { usr: 0x1f, fiq: 0x11, irq: 0x12, svc: 0x13, abt: 0x17, und: 0x1b, sys: 0x1f };

  it('has R13 and R14 of each mode, and R8 to R12 of FIQ mode, changed by MSR', () => {
    const bench = new CpuBench();
    modes.forEach((mode, n) => {
      bench.execute(`msr cpsr_c, #${control[mode]}`).set({ 13: 0x1300 + n, 14: 0x1400 + n });
      if (mode === 'usr' || mode === 'fiq') bench.set({ 8: 0x800 + n, 9: 0x900 + n, 10: 0xa00 + n, 11: 0xb00 + n, 12: 0xc00 + n });
      bench.set({ 7: 0x700 + n });
    });
    modes.forEach((mode, n) => {
      bench.execute(`msr cpsr_c, #${control[mode]}`);
      expect([mode, bench.r(13), bench.r(14)]).toEqual([mode, 0x1300 + n, 0x1400 + n]);
      const bank = mode === 'fiq' ? 1 : 0;
      expect([8, 9, 10, 11, 12].map((register) => bench.r(register))).toEqual([0x800, 0x900, 0xa00, 0xb00, 0xc00].map((value) => value + bank));
      expect(bench.r(7)).toBe(0x705);
    });
  });

  it('shares the user registers with system mode', () => {
    const bench = new CpuBench();
    bench.mode = 'sys';
    bench.set({ 13: 0x13, 14: 0x14 });
    bench.mode = 'usr';
    expect([bench.r(13), bench.r(14)]).toEqual([0x13, 0x14]);
  });

  it('reads the whole CPSR in every mode', () => {
    const bench = new CpuBench();
    bench.cpsr = 0x90000010;
    expect(bench.execute('mrs r0, cpsr').r(0)).toBe(0x90000010);
  });

  it('has no 26-bit modes: M[4] reads as one', () => {
    const bench = new CpuBench().execute('msr cpsr_c, #0xd3', 'msr cpsr_c, #3');
    expect(bench.cpsr & 0x1f).toBe(0x13);
  });
});

describe('PLD', () => {
  it('touches nothing, not even where there is no memory', () => {
    const bench = new CpuBench().set({ 1: 0x40000000, 2: 4 }).execute('pld [r1]', 'pld [r1, -r2, lsl #2]');
    expect([bench.pc, bench.r(1), bench.messages]).toEqual([0x8008, 0x40000000, []]);
  });
});
