/** What is particular to compiled code; that it does what the interpreter does is tested where that is. */
import { describe, expect, it } from 'vitest';
import { armWord } from '../testing/assembler.suite.ts';
import { CpuBench, EAGERLY, SOON } from '../testing/cpu-bench.suite.ts';
import { PageTables } from '../testing/page-tables.suite.ts';

const statistics = (bench: CpuBench) => bench.cpu.jitStatistics()!;

/** Counts down from R0 at 0x8000 and then stays at 0x8008. */
const loop = (bench: CpuBench): CpuBench => bench.arm(0x8000, 'subs r0, r0, #1', 'bne #0x8000', 'b #0x8008');

describe('the second tier', () => {
  it('compiles what is executed often, and executes it from then on', () => {
    const bench = loop(new CpuBench(0x100000, SOON)).set({ 0: 10_000 });
    bench.pc = 0x8000;
    bench.run(20_000);
    expect([bench.r(0), bench.pc]).toEqual([0, 0x8008]);
    expect(statistics(bench)).toMatchObject({ regions: 1, live: 1, dropped: 0 });
    expect(statistics(bench).instructions).toBeGreaterThan(19_000);
  });

  it('is not used while a debugger wants to see each instruction', () => {
    const bench = loop(new CpuBench(0x100000, EAGERLY)).set({ 0: 1000 });
    bench.cpu.useCompiled(false);
    bench.pc = 0x8000;
    bench.run(1000);
    expect(statistics(bench)).toMatchObject({ regions: 0, instructions: 0 });
    bench.cpu.useCompiled(true);
    bench.run(1000);
    expect(statistics(bench).instructions).toBe(1000);
    expect(bench.r(0)).toBe(0);
  });

  it('never executes more than it is told to, wherever the budget ends', () => {
    for (let budget = 1; budget < 40; budget++) {
      const bench = loop(new CpuBench(0x100000, EAGERLY)).set({ 0: 1000 });
      bench.pc = 0x8000;
      expect(bench.run(100)).toBe(100);
      expect(bench.run(budget)).toBe(budget);
      expect([bench.cpu.icount(), bench.r(0)]).toEqual([100 + budget, 1000 - Math.ceil((100 + budget) / 2)]);
    }
  });

  it('drops all of its code when there is too much, and goes on', () => {
    const bench = new CpuBench(0x100000, { ...EAGERLY, maxBytes: 2000 });
    // A chain of functions in pages of their own, gone through three times.
    for (let n = 0; n < 32; n++) bench.arm(0x10000 + 0x1000 * n, 'add r1, r1, #1', `b #${n < 31 ? 0x11000 + 0x1000 * n : 0x8000}`);
    bench.arm(0x8000, 'subs r0, r0, #1', 'bne #0x10000', 'b #0x8008').set({ 0: 4, 1: 0 });
    bench.pc = 0x8000;
    bench.run(4 * 2 + 3 * 64);
    expect([bench.pc, bench.r(1)]).toEqual([0x8008, 96]);
    expect(statistics(bench).dropped).toBeGreaterThan(20);
    expect(statistics(bench).live).toBeLessThan(34);
  });
});

describe('code that changes', () => {
  it('is compiled again a few times, then interpreted, and is right all the time', () => {
    const bench = new CpuBench(0x100000, EAGERLY);
    // Each round adds what the instruction at 0x9000 says, and makes it say one more.
    bench.arm(0x9000, 'add r1, r1, #0', 'mov pc, lr');
    bench.arm(0x8000, 'bl #0x9000', 'ldrb r3, [r2]', 'add r3, r3, #1', 'strb r3, [r2]', 'subs r0, r0, #1', 'bne #0x8000', 'b #0x8018');
    bench.set({ 0: 50, 1: 0, 2: 0x9000 });
    bench.pc = 0x8000;
    bench.run(50 * 8);
    expect([bench.pc, bench.r(1)]).toEqual([0x8018, (49 * 50) / 2]);
    expect(statistics(bench).regions).toBeLessThan(30);
  });

  it('has constants beside it that are loaded once they have changed, and stays compiled', () => {
    const bench = new CpuBench(0x100000, EAGERLY);
    bench.arm(0x9000, 'ldr r4, [pc]', 'mov pc, lr').words(0x9008, 7);
    bench.arm(0x8000, 'bl #0x9000', 'add r1, r1, r4', 'str r0, [r2]', 'subs r0, r0, #1', 'bne #0x8000', 'b #0x8014');
    bench.set({ 0: 40, 1: 0, 2: 0x9008 });
    bench.pc = 0x8000;
    bench.run(40 * 7);
    // 7 at first, then 40, 39, … 2.
    expect([bench.pc, bench.r(1)]).toEqual([0x8014, 7 + (40 * 41) / 2 - 1]);
    expect(statistics(bench).dropped).toBe(1);
  });

  it('is not executed any more once its page is data', () => {
    const bench = new CpuBench(0x100000, EAGERLY);
    bench.arm(0x9000, 'mov r1, #1', 'mov pc, lr').arm(0x8000, 'bl #0x9000', 'b #0x8004').arm(0xa000, 'str r3, [r2], #4', 'b #0xa000');
    bench.pc = 0x8000;
    bench.run(4);
    // Many stores all over the page: it is taken for data. Then it is executed again.
    bench.set({ 1: 0, 2: 0x9000, 3: armWord('mov pc, lr') });
    bench.pc = 0xa000;
    bench.run(2048);
    bench.pc = 0x8000;
    bench.run(3);
    expect([bench.pc, bench.r(1)]).toEqual([0x8004, 0]);
  });
});

describe('pages that are changed from outside', () => {
  it('have new code, and the others keep what is compiled', () => {
    const bench = new CpuBench(0x100000, EAGERLY);
    bench.arm(0x9000, 'mov r1, #1', 'mov pc, lr').arm(0x8000, 'bl #0x9000', 'b #0x8004');
    bench.pc = 0x8000;
    bench.run(6);
    const { regions } = statistics(bench);
    const { cpu, memory } = bench;
    memory.load(0x9000, Uint8Array.from(Buffer.from(Int32Array.of(armWord('mov r1, #2')).buffer)));
    cpu.dropDerived([9]);
    cpu.r[15] = 0x8000;
    bench.run(6);
    expect([bench.pc, bench.r(1)]).toEqual([0x8004, 2]);
    expect(statistics(bench)).toMatchObject({ regions: regions + 1, dropped: 1 });
  });
});

describe('code behind a changing mapping', () => {
  const ONE = 0x200000;
  const TWO = 0x300000;
  const VIRTUAL = 0x4000000;

  function setUp(): { bench: CpuBench; tables: PageTables } {
    const bench = new CpuBench(0x400000, EAGERLY);
    const tables = new PageTables(bench).section(0, 0).section(0x100000, 0x100000);
    bench.arm(ONE, 'mov r0, #1', 'mov pc, lr').arm(TWO, 'mov r0, #2', 'mov pc, lr');
    return { bench, tables };
  }

  it('is found by what the mapping is now, however long ago it was found before', () => {
    const { bench, tables } = setUp();
    tables.small(VIRTUAL, ONE);
    // Pages that share the places of VIRTUAL in the direct-mapped tables of addresses.
    for (let n = 1; n <= 8; n++) tables.small(VIRTUAL + 0x100000 * n, TWO);
    tables.enable();
    const other = VIRTUAL + 0x100000;
    bench.arm(0x8000, 'mov lr, pc', 'mov pc, r4', 'mov lr, pc', 'mov pc, r5', 'str r3, [r2]', 'mov lr, pc', 'mov pc, r4', 'b #0x801c');
    bench.set({ 2: tables.second(VIRTUAL), 3: (TWO | 0xff2) >>> 0, 4: VIRTUAL, 5: other });
    for (const expected of [2, 2]) {
      bench.pc = 0x8000;
      bench.run(13);
      expect([bench.pc, bench.r(0)]).toEqual([0x801c, expected]);
    }
  });

  it('is not executed at another address than it was compiled for', () => {
    const { bench, tables } = setUp();
    // The code reads its own address.
    bench.arm(ONE, 'mov r0, pc', 'mov pc, lr');
    tables
      .small(VIRTUAL, ONE)
      .small(VIRTUAL + 0x5000, ONE)
      .enable();
    bench.arm(0x8000, 'mov lr, pc', 'mov pc, r4', 'mov r6, r0', 'mov lr, pc', 'mov pc, r5', 'b #0x8014').set({ 4: VIRTUAL, 5: VIRTUAL + 0x5000 });
    for (let n = 0; n < 3; n++) {
      bench.pc = 0x8000;
      bench.run(9);
      expect([bench.pc, bench.r(6), bench.r(0)]).toEqual([0x8014, VIRTUAL + 8, VIRTUAL + 0x5008]);
    }
  });

  it('belongs to the address space that the table base selects', () => {
    const { bench, tables } = setUp();
    tables.small(VIRTUAL, ONE).enable();
    // A second set of tables, 64 KiB further on, that maps the other page.
    const { ram } = bench.memory;
    ram.copyWithin(0x110000, 0x100000, 0x108000);
    bench.words(0x110000 + (tables.first(VIRTUAL) - 0x100000), (bench.word(tables.first(VIRTUAL)) + 0x10000) >>> 0);
    bench.words(tables.second(VIRTUAL) + 0x10000, (TWO | 0xff2) >>> 0);
    bench.arm(
      0x8000,
      'mcr p15, #0, r4, c2, c0, #0',
      'mov lr, pc',
      'mov pc, r6',
      'mov r7, r0',
      'mcr p15, #0, r5, c2, c0, #0',
      'mov lr, pc',
      'mov pc, r6',
      'b #0x801c',
    );
    bench.set({ 4: 0x100000, 5: 0x110000, 6: VIRTUAL });
    for (let n = 0; n < 3; n++) {
      bench.pc = 0x8000;
      bench.run(11);
      expect([bench.pc, bench.r(7), bench.r(0)]).toEqual([0x801c, 1, 2]);
    }
  });
});
