import { describe, expect, it } from 'vitest';
import { CpuBench, PROBE, PROBE_LAST, PROBE_LINES } from './testing/cpu-bench.suite.ts';
import { PageTables } from './testing/page-tables.suite.ts';

const HIGH_VECTORS = 1 << 13;

/** What the entry to an exception sets. */
const entered = (bench: CpuBench): object => ({
  mode: bench.mode,
  pc: bench.pc,
  lr: bench.r(14),
  spsr: bench.spsr(bench.mode as 'svc').toString(16),
  cpsr: bench.cpsr.toString(16),
});

describe('entry to an exception (A2.6)', () => {
  // CPSR before: flags, nothing masked, user mode.
  const BEFORE = 0xa0000010;

  describe.each([
    ['ARM state', false, 0],
    ['ARM state with high vectors', false, 0xffff0000],
    ['Thumb state', true, 0],
    ['Thumb state with high vectors', true, 0xffff0000],
  ])('from %s', (_, thumb, vectors) => {
    const bench = (): CpuBench => {
      const b = new CpuBench(0x400000);
      b.cpsr = BEFORE | (thumb ? 0x20 : 0);
      if (vectors) b.cpu.s.control |= HIGH_VECTORS;
      return b;
    };
    const spsr = ((BEFORE | (thumb ? 0x20 : 0)) >>> 0).toString(16);
    const execute = (b: CpuBench, arm: string | number, half: string | number): CpuBench => {
      if (thumb) typeof half === 'string' ? b.thumb(0x8000, half) : b.halves(0x8000, half);
      else typeof arm === 'string' ? b.arm(0x8000, arm) : b.words(0x8000, arm);
      b.pc = thumb ? 0x8001 : 0x8000;
      expect(b.run(1)).toBe(1);
      return b;
    };
    const size = thumb ? 2 : 4;

    it('undefined instruction', () => {
      expect(entered(execute(bench(), 0xe7f000f0, 0xde00))).toEqual({ mode: 'und', pc: vectors + 4, lr: 0x8000 + size, spsr, cpsr: 'a000009b' });
    });

    it('SWI', () => {
      expect(entered(execute(bench(), 'svc #1', 'svc #1'))).toEqual({ mode: 'svc', pc: vectors + 8, lr: 0x8000 + size, spsr, cpsr: 'a0000093' });
    });

    it('BKPT', () => {
      const b = execute(bench(), 'bkpt #1', 'bkpt #1');
      expect(entered(b)).toEqual({ mode: 'abt', pc: vectors + 0xc, lr: 0x8004, spsr, cpsr: 'a0000097' });
      expect(b.cpu.s.ifsr).toBe(2);
    });

    it('prefetch abort', () => {
      const b = bench();
      new PageTables(b).section(0x100000, 0x100000).enable();
      b.pc = thumb ? 0x200003 : 0x200000;
      expect(b.run(1)).toBe(1);
      expect(entered(b)).toEqual({ mode: 'abt', pc: vectors + 0xc, lr: thumb ? 0x200006 : 0x200004, spsr, cpsr: 'a0000097' });
      expect([b.cpu.s.ifsr, b.cpu.s.dfsr, b.cpu.s.far]).toEqual([5, 0, 0]);
    });

    it('data abort', () => {
      const b = bench();
      new PageTables(b).section(0, 0).section(0x100000, 0x100000).enable();
      b.set({ 1: 0x200000, 0: 5 });
      execute(b, 'ldr r0, [r1]', 'ldr r0, [r1]');
      expect(entered(b)).toEqual({ mode: 'abt', pc: vectors + 0x10, lr: 0x8008, spsr, cpsr: 'a0000097' });
      expect([b.r(0), b.cpu.s.dfsr, b.cpu.s.far, b.cpu.s.ifsr]).toEqual([5, 5, 0x200000, 0]);
    });

    it('IRQ', () => {
      const b = bench().words(0, 0, 0, 0, 0, 0, 0, 0xe1a00000, 0xe1a00000);
      b.pc = thumb ? 0x8001 : 0x8000;
      b.cpu.irq.set(true);
      expect(b.run(1)).toBe(1);
      // The first instruction of the handler was executed; taking the interrupt counts as none.
      expect(entered(b)).toEqual({ mode: 'irq', pc: vectors + 0x1c, lr: 0x8004, spsr, cpsr: 'a0000092' });
      expect(b.cpu.icount()).toBe(1);
    });

    it('FIQ masks IRQ too', () => {
      const b = bench();
      b.pc = thumb ? 0x8001 : 0x8000;
      b.cpu.irq.set(true);
      b.cpu.fiq.set(true);
      b.run(1);
      expect(entered(b)).toEqual({ mode: 'fiq', pc: vectors + 0x20, lr: 0x8004, spsr, cpsr: 'a00000d1' });
    });
  });

  it('keeps F as it is, except for FIQ, and sets I', () => {
    for (const [line, cpsr] of [
      ['svc #0', 0xd3],
      ['bkpt #0', 0xd7],
    ] as const) {
      const bench = new CpuBench();
      bench.cpsr = 0x5f;
      expect(bench.execute(line).cpsr).toBe(cpsr);
    }
  });

  it('gives each mode an SPSR of its own when exceptions nest', () => {
    const bench = new CpuBench().arm(8, 'bkpt #0').arm(0xc, 'mov r0, #1');
    bench.cpsr = 0x60000010;
    bench.execute('svc #0');
    bench.run(2);
    expect([bench.mode, bench.spsr('abt').toString(16), bench.spsr('svc').toString(16)]).toEqual(['abt', '60000093', '60000010']);
    expect(bench.r(14)).toBe(0xc);
  });
});

describe('interrupts', () => {
  it('are level-sensitive and wait while they are masked', () => {
    const bench = new CpuBench().arm(0x8000, 'mov r0, #1', 'mov r0, #2');
    bench.cpu.irq.set(true);
    bench.pc = 0x8000;
    bench.run(1);
    expect([bench.mode, bench.r(0)]).toEqual(['svc', 1]);
    bench.cpu.irq.set(false);
    bench.cpsr = 0x13;
    bench.run(1);
    expect([bench.mode, bench.r(0)]).toEqual(['svc', 2]);
  });

  it('raised by a store are taken right behind it, with the slice going on', () => {
    const bench = new CpuBench().arm(0x8000, 'str r1, [r2]', 'mov r0, #1').arm(0x18, 'str r3, [r2]', 'subs pc, lr, #4');
    bench.cpsr = 0x13;
    bench.set({ 1: 1, 2: PROBE + PROBE_LINES, 3: 0 });
    bench.pc = 0x8000;
    expect(bench.run(2)).toBe(2);
    expect([bench.mode, bench.r(14), bench.r(0)]).toEqual(['irq', 0x8008, 0]);
    expect(bench.run(2)).toBe(2);
    expect([bench.mode, bench.pc, bench.r(0)]).toEqual(['svc', 0x8008, 1]);
  });

  it('raised by an instruction that aborts come behind the abort, FIQ first', () => {
    const bench = new CpuBench(0x400000);
    new PageTables(bench).section(0, 0).section(0x100000, 0x100000).small(PROBE, PROBE).enable();
    bench.cpsr = 0x1f;
    // The first word raises both lines, the second lies in a page that is not there.
    bench.set({ 0: 3, 2: PROBE + PROBE_LAST }).execute('stm r2, {r0, r1}');
    expect([bench.mode, bench.pc, bench.r(14)]).toEqual(['abt', 0x10, 0x8008]);
    bench.run(1);
    expect([bench.mode, bench.r(14), bench.spsr('fiq') & 0xff]).toEqual(['fiq', 0x14, 0x97]);
  });

  it('return to the interrupted instruction with SUBS pc, lr, #4, also into Thumb state', () => {
    const bench = new CpuBench().arm(0x18, 'subs pc, lr, #4').thumb(0x8000, 'movs r0, #1', 'movs r0, #2');
    bench.cpsr = 0x30;
    bench.pc = 0x8001;
    bench.run(1);
    bench.cpu.irq.set(true);
    bench.run(1);
    bench.cpu.irq.set(false);
    expect([bench.mode, bench.pc, bench.cpu.s.t]).toEqual(['usr', 0x8002, 1]);
    bench.run(1);
    expect(bench.r(0)).toBe(2);
  });
});

describe('returns that execute the instruction again', () => {
  it('SUBS pc, lr, #4 from a prefetch abort, SUBS pc, lr, #8 from a data abort, MOVS pc, lr from SWI', () => {
    const bench = new CpuBench(0x400000).arm(8, 'movs pc, lr').arm(0xc, 'subs pc, lr, #4').arm(0x10, 'subs pc, lr, #8');
    const tables = new PageTables(bench).section(0, 0).section(0x100000, 0x100000);
    tables.enable();
    bench.cpsr = 0x10;
    bench.pc = 0x200000;
    bench.run(1);
    tables.section(0x200000, 0x200000);
    bench.arm(0x200000, 'ldr r0, [r1]', 'svc #0', 'mov r2, #1').words(0x300000, 0x1234).set({ 1: 0x300000 });
    bench.run(2);
    expect([bench.mode, bench.pc]).toEqual(['abt', 0x10]);
    tables.section(0x300000, 0x300000);
    bench.run(5);
    expect([bench.mode, bench.pc, bench.r(0), bench.r(2)]).toEqual(['usr', 0x20000c, 0x1234, 1]);
  });
});
