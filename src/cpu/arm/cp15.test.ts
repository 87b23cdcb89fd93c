import { describe, expect, it } from 'vitest';
import { CpuBench } from './testing/cpu-bench.suite.ts';
import { AP, DOMAIN, PageTables } from './testing/page-tables.suite.ts';

/** Reads a register of coprocessor 15; undefined if that is an undefined instruction. */
function mrc(bench: CpuBench, registers: string, op2 = 0): number | undefined {
  bench.execute(`mrc p15, #0, r0, ${registers}, #${op2}`);
  return bench.pc === 0x8004 ? bench.r(0) : undefined;
}
function mcr(bench: CpuBench, value: number, registers: string, op2 = 0): CpuBench {
  return bench.set({ 0: value }).execute(`mcr p15, #0, r0, ${registers}, #${op2}`);
}

describe('system control coprocessor (DDI 0198E chapter 2)', () => {
  it('identifies itself', () => {
    const bench = new CpuBench();
    expect(mrc(bench, 'c0, c0')).toBe(0x41069265);
    expect(mrc(bench, 'c0, c0', 1)).toBe(0x1dd20d2);
    expect(mrc(bench, 'c0, c0', 2)).toBe(0);
    // Reserved opcodes read the main ID; writing does nothing.
    expect(mrc(bench, 'c0, c0', 5)).toBe(0x41069265);
    mcr(bench, 0, 'c0, c0');
    expect([bench.pc, mrc(bench, 'c0, c0')]).toEqual([0x8004, 0x41069265]);
  });

  // CRn and CRm, opcode 2, reset value, what stays of all ones and of all zeros.
  it.each([
    ['c2, c0', 0, 0, 0xffffc000, 0],
    ['c3, c0', 0, 0, 0xffffffff, 0],
    ['c5, c0', 0, 0, 0xff, 0],
    ['c5, c0', 1, 0, 0xff, 0],
    ['c6, c0', 0, 0, 0xffffffff, 0],
    ['c9, c0', 0, 0xfff0, 0xffff, 0xfff0],
    ['c9, c0', 1, 0xfff0, 0xffff, 0xfff0],
    ['c9, c1', 0, 0, 0xfffff000, 0],
    ['c9, c1', 1, 0, 0xfffff000, 0],
    ['c10, c0', 0, 0, 0x1c000001, 0],
    ['c13, c0', 1, 0, 0xffffffff, 0],
    ['c15, c0', 0, 0, 0x000f0000, 0],
    ['c15, c1', 0, 0, 0xffffffff, 0],
  ])('keeps the bits that exist of %s, %i', (registers, op2, reset, ones, zeros) => {
    const bench = new CpuBench();
    expect(mrc(bench, registers, op2)).toBe(reset);
    mcr(bench, 0xffffffff, registers, op2);
    expect([bench.pc, mrc(bench, registers, op2)]).toEqual([0x8004, ones]);
    mcr(bench, 0, registers, op2);
    expect(mrc(bench, registers, op2)).toBe(zeros);
  });

  it('keeps bits 31:25 of the process identifier, which moves the code that runs', () => {
    const bench = mcr(new CpuBench(), 0xffffffff, 'c13, c0');
    expect([bench.pc, bench.cpu.s.fcsePid]).toEqual([0x8004, 0xfe000000]);
  });

  it('keeps the bits that exist of the control register', () => {
    const bench = new CpuBench();
    expect(mrc(bench, 'c1, c0')).toBe(0x00050078);
    // All but M, which would need page tables.
    mcr(bench, 0xfffffffe, 'c1, c0');
    expect(mrc(bench, 'c1, c0')).toBe(0x0005f37e);
    mcr(bench, 0, 'c1, c0');
    expect(mrc(bench, 'c1, c0')).toBe(0x00050078);
  });

  it('is undefined in user mode, for other coprocessors, and where no register is', () => {
    for (const line of ['mrc p15, #0, r0, c0, c0, #0', 'mcr p15, #0, r0, c7, c10, #4', 'mcr p15, #0, r0, c1, c0, #0']) {
      const bench = new CpuBench();
      bench.cpsr = 0x10;
      bench.execute(line);
      expect([bench.mode, bench.pc, bench.r(14)]).toEqual(['und', 4, 0x8004]);
    }
    for (const line of ['mrc p14, #0, r0, c0, c0, #0', 'mcr p7, #0, r0, c0, c0, #0', 'mrc p15, #0, r0, c8, c7, #0', 'mcr p15, #0, r0, c4, c0, #0']) {
      const bench = new CpuBench().set({ 0: 0x55 }).execute(line);
      expect([line, bench.mode, bench.pc, bench.r(0)]).toEqual([line, 'und', 4, 0x55]);
    }
  });

  it('sets the flags when R15 is read into: test and clean of the data cache finds it clean', () => {
    for (const crm of ['c10', 'c14']) {
      const bench = new CpuBench();
      bench.cpsr = 0xb00000d3;
      // As Linux does: loop until Z is set.
      bench.execute(`mrc p15, #0, pc, c7, ${crm}, #3`);
      expect([bench.pc, bench.cpsr]).toEqual([0x8004, 0x400000d3]);
    }
    const bench = new CpuBench();
    bench.cpu.s.contextId = 0xa0001234;
    bench.execute('mrc p15, #0, pc, c13, c0, #1');
    expect(bench.cpsr).toBe(0xa00000d3);
  });

  it('takes cache operations without any effect', () => {
    for (const [registers, op2] of [
      ['c7, c7', 0],
      ['c7, c5', 0],
      ['c7, c5', 1],
      ['c7, c6', 1],
      ['c7, c10', 1],
      ['c7, c10', 4],
      ['c7, c14', 2],
      ['c7, c13', 1],
    ] as const) {
      const bench = mcr(new CpuBench(), 0x8000, registers, op2);
      expect([bench.pc, bench.mode, bench.cpu.s.halted]).toEqual([0x8004, 'svc', false]);
    }
  });

  it('keeps its registers apart from a system reset on', () => {
    const bench = new CpuBench();
    mcr(bench, -1, 'c3, c0');
    const before = bench.cpu.icount();
    bench.cpu.reset();
    expect([bench.cpu.s.dacr, bench.cpu.s.control, bench.cpsr, bench.pc]).toEqual([0, 0x50078, 0xd3, 0]);
    expect(bench.cpu.icount()).toBe(before);
  });
});

describe('TLB lockdown (DDI 0198E 2.3.10)', () => {
  const VIRTUAL = 0x5000000;
  const ONE = 0x200000;
  const OTHER = 0x300000;
  const P = 1;
  const victim = (n: number): number => n << 26;

  const setUp = (map: (tables: PageTables) => void): { bench: CpuBench; tables: PageTables } => {
    const bench = new CpuBench(0x400000)
      .words(ONE, 0x111)
      .words(OTHER, 0x222)
      .words(ONE + 0xc00, 0x333);
    const tables = new PageTables(bench).section(0, 0).section(0x100000, 0x100000);
    map(tables);
    tables.enable({ domains: { 0: DOMAIN.client, 7: DOMAIN.client } });
    return { bench, tables };
  };
  /** Loads from an address while P is set, so that its translation is locked. */
  const lock = (bench: CpuBench, address: number, n: number): void => {
    bench.set({ 0: victim(n) | P, 1: address, 2: victim(n) });
    bench.execute('mcr p15, #0, r0, c10, c0, #0', 'ldr r3, [r1]', 'mrc p15, #0, r4, c10, c0, #0', 'mcr p15, #0, r2, c10, c0, #0');
    expect(bench.pc).toBe(0x8010);
  };
  const load = (bench: CpuBench, address: number): number | string => {
    bench.mode = 'svc';
    bench.set({ 1: address }).execute('ldr r3, [r1]');
    return bench.pc === 0x8004 ? bench.r(3) : `fault ${bench.cpu.s.dfsr.toString(16)}`;
  };

  it.each([
    ['section', (tables: PageTables) => void tables.section(VIRTUAL, ONE, { domain: 7 }), 0xd],
    ['large page', (tables: PageTables) => void tables.large(VIRTUAL, ONE, { domain: 7 }), 0xf],
    ['small page', (tables: PageTables) => void tables.small(VIRTUAL, ONE, { domain: 7 }), 0xf],
    ['tiny page', (tables: PageTables) => void tables.tiny(VIRTUAL, ONE, { domain: 7 }), 0xf],
  ])('keeps the translation of a %s when the tables change', (_, map) => {
    const { bench, tables } = setUp(map);
    lock(bench, VIRTUAL, 5);
    // The victim moved on.
    expect(bench.r(4)).toBe(victim(6) | P);
    bench.words(tables.first(VIRTUAL), 0);
    expect(load(bench, VIRTUAL)).toBe(0x111);
    expect(
      bench
        .set({ 0: 7, 1: VIRTUAL })
        .execute('str r0, [r1, #4]')
        .word(ONE + 4),
    ).toBe(7);
    // Invalidating all entries keeps what is locked; invalidating this one does not.
    mcr(bench, 0, 'c8, c7');
    expect(load(bench, VIRTUAL)).toBe(0x111);
    mcr(bench, VIRTUAL + 0x3ff, 'c8, c7', 1);
    expect(load(bench, VIRTUAL)).toBe('fault 5');
  });

  it('keeps domain and permissions, but asks the domain access register anew', () => {
    const { bench, tables } = setUp((t) => void t.small(VIRTUAL, ONE, { domain: 7, aps: [AP.all, AP.privileged, AP.userReads, AP.byControl] }));
    lock(bench, VIRTUAL, 0);
    bench.words(tables.first(VIRTUAL), 0);
    expect(load(bench, VIRTUAL + 0x400)).toBe(0);
    expect(load(bench, VIRTUAL + 0xc00)).toBe('fault 7f');
    bench.mode = 'svc';
    expect(bench.set({ 1: VIRTUAL + 0x400 }).execute('ldrt r3, [r1], #0').cpu.s.dfsr).toBe(0x7f);
    bench.mode = 'svc';
    mcr(bench, 1, 'c3, c0');
    expect(load(bench, VIRTUAL)).toBe('fault 7b');
  });

  it('holds a tiny page wherever it lies in its 4 KiB', () => {
    const { bench, tables } = setUp((t) => void t.tiny(VIRTUAL + 0x400, ONE + 0xc00, { domain: 7, ap: AP.privileged }));
    lock(bench, VIRTUAL + 0x400, 0);
    bench.words(tables.first(VIRTUAL), 0);
    expect(load(bench, VIRTUAL + 0x400)).toBe(0x333);
    expect(load(bench, VIRTUAL)).toBe('fault 5');
    bench.mode = 'svc';
    expect(bench.set({ 1: VIRTUAL + 0x400 }).execute('ldrt r3, [r1], #0').cpu.s.dfsr).toBe(0x7f);
  });

  it('has eight entries, of which the victim is replaced', () => {
    const { bench, tables } = setUp((t) => {
      for (let n = 0; n < 9; n++) t.section(VIRTUAL + 0x100000 * n, n % 2 ? OTHER : ONE);
    });
    for (let n = 0; n < 9; n++) lock(bench, VIRTUAL + 0x100000 * n, n % 8);
    for (let n = 0; n < 9; n++) bench.words(tables.first(VIRTUAL + 0x100000 * n), 0);
    const loaded = Array.from({ length: 9 }, (_, n) => load(bench, VIRTUAL + 0x100000 * n));
    expect(loaded).toEqual(['fault 5', 0x222, 0x111, 0x222, 0x111, 0x222, 0x111, 0x222, 0x111]);
  });

  it('ends at once for the code that runs by an entry which is replaced', () => {
    const { bench, tables } = setUp((t) => void t.section(VIRTUAL, ONE).section(VIRTUAL + 0x100000, OTHER));
    bench.arm(ONE + 0x100, 'mov r3, #1', 'ldr r3, [r5]', 'mov r3, #2');
    lock(bench, VIRTUAL, 0);
    bench.words(tables.first(VIRTUAL), 0);
    mcr(bench, victim(0) | P, 'c10, c0').set({ 5: VIRTUAL + 0x100000 });
    bench.pc = VIRTUAL + 0x100;
    bench.run(3);
    expect([bench.mode, bench.r(14), bench.r(3)]).toEqual(['abt', VIRTUAL + 0x10c, 0x222]);
  });

  it('does not lock what instructions are fetched from, nor what is locked already', () => {
    const { bench } = setUp((t) => void t.section(VIRTUAL, ONE));
    bench.set({ 0: P, 1: VIRTUAL });
    bench.execute(
      'mcr p15, #0, r0, c10, c0, #0',
      'mov r8, r8',
      'mrc p15, #0, r4, c10, c0, #0',
      'ldr r3, [r1]',
      'ldr r3, [r1]',
      'mrc p15, #0, r5, c10, c0, #0',
    );
    expect([bench.r(4), bench.r(5)]).toEqual([P, victim(1) | P]);
  });
});
