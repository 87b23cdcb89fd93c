import { describe, expect, it } from 'vitest';
import { ALIAS, CpuBench, PROBE, PROBE_ALARM, PROBE_COUNT, PROBE_LINES, PROBE_NOW } from './testing/cpu-bench.suite.ts';
import { PageTables } from './testing/page-tables.suite.ts';

const WAIT = 'mcr p15, #0, r0, c7, c0, #4';

describe('waiting for an interrupt', () => {
  it('halts behind the instruction, and ends the slice', () => {
    const bench = new CpuBench().arm(0x8000, 'mov r0, #1', WAIT, 'mov r0, #2');
    bench.pc = 0x8000;
    expect(bench.run(100)).toBe(2);
    expect([bench.cpu.s.halted, bench.pc, bench.cpu.icount()]).toEqual([true, 0x8008, 2]);
    expect(bench.run(100)).toBe(0);
  });

  it.each([
    ['irq', 0x13, 'irq', 0x1c],
    ['irq', 0x93, 'svc', 0x800c],
    ['fiq', 0x13, 'fiq', 0x20],
    ['fiq', 0xd3, 'svc', 0x800c],
  ] as const)('%s ends it with CPSR 0x%x', (line, cpsr, mode, pc) => {
    const bench = new CpuBench().arm(0x8000, 'mov r0, #1', WAIT, 'mov r0, #2');
    bench.cpsr = cpsr;
    bench.pc = 0x8000;
    bench.run(10);
    bench.cpu[line].set(true);
    expect(bench.cpu.s.halted).toBe(false);
    expect(bench.run(1)).toBe(1);
    // Where it was masked the program goes on; else it is taken, with LR behind the instruction that waited.
    expect([bench.mode, bench.pc]).toEqual([mode, pc]);
    if (mode !== 'svc') expect(bench.r(14)).toBe(0x800c);
  });

  it('does not begin while a line is up, masked or not', () => {
    const bench = new CpuBench().arm(0x8000, WAIT, 'mov r0, #2');
    bench.cpu.irq.set(true);
    bench.pc = 0x8000;
    expect(bench.run(2)).toBe(2);
    expect(bench.r(0)).toBe(2);
  });

  it('goes on when an alarm comes, with time having passed', () => {
    const bench = new CpuBench().arm(0x8000, 'str r1, [r2]', WAIT, 'ldr r3, [r4]', 'b #0x800c');
    bench.set({ 1: 100, 2: PROBE + PROBE_ALARM, 4: PROBE + PROBE_NOW });
    bench.pc = 0x8000;
    expect(bench.advance(3, 1000)).toBe(true);
    // The alarm was set at time 0 for 101; the load is the instruction behind the wait.
    expect([bench.r(3), bench.cpu.icount()]).toEqual([101, 3]);
  });

  it('for ever is told', () => {
    const bench = new CpuBench().arm(0x8000, WAIT);
    bench.pc = 0x8000;
    expect(bench.advance(100, 10)).toBe(false);
  });
});

describe('counting', () => {
  it.each([0, 1, 2, 3, 1023, 1024, 1025, 3000])('executes exactly %i instructions', (n) => {
    const bench = new CpuBench();
    for (let at = 0x8000; at < 0xb000; at += 4) bench.memory.ram.set([1, 0, 0x80, 0xe2], at); // add r0, r0, #1
    bench.cpu.dropDerived();
    bench.pc = 0x8000;
    expect(bench.run(n)).toBe(n);
    expect([bench.r(0), bench.pc, bench.cpu.icount()]).toEqual([n, 0x8000 + 4 * n, n]);
  });

  it('counts instructions of which the condition fails, and those that end in an exception', () => {
    const bench = new CpuBench(0x400000).arm(0x10, 'subs pc, lr, #4').arm(8, 'movs pc, lr').arm(4, 'movs pc, lr').arm(0x0c, 'mov pc, lr');
    new PageTables(bench).section(0, 0).section(0x100000, 0x100000).enable();
    bench.arm(0x8000, 'movs r0, #0', 'movne r0, #1', 'ldr r0, [r1]', 'svc #0', 'swpb r0, r0, [r1]', 'mov pc, r1').set({ 1: 0x200000 });
    bench.pc = 0x8000;
    const counts: [number, number][] = [];
    for (let n = 1; n <= 11; n++) {
      bench.run(1);
      counts.push([bench.pc, bench.cpu.icount()]);
    }
    expect(counts).toEqual([
      [0x8004, 1],
      [0x8008, 2],
      [0x10, 3], // the load aborts
      [0x800c, 4],
      [8, 5],
      [0x8010, 6],
      [0x10, 7],
      [0x8014, 8],
      [0x200000, 9],
      [0x0c, 10], // the fetch aborts
      [0x200004, 11],
    ]);
  });

  it('does not end for a fault that repeats for ever', () => {
    const bench = new CpuBench(0x400000);
    new PageTables(bench).section(0x100000, 0x100000).enable();
    bench.pc = 0;
    expect(bench.run(5000)).toBe(5000);
    expect([bench.pc, bench.r(14)]).toEqual([0x0c, 0x10]);
  });

  it('is exact for a device, wherever in a slice and in the instruction', () => {
    const bench = new CpuBench().arm(0x8000, 'ldr r1, [r0]', 'mov r8, r8', 'ldr r2, [r0]', 'b #0x8100');
    bench
      .arm(0x8100, 'movs r9, r9', 'ldrne r4, [r0]', 'ldr r3, [r0]', 'ldm r0, {r5}', 'blx r10')
      .thumb(0x8200, 'mov r8, r8', 'ldr r6, [r0]', 'b #0x8204');
    bench.set({ 0: PROBE + PROBE_NOW, 4: 0, 9: 0, 10: 0x8201 });
    bench.pc = 0x8000;
    bench.run(13);
    expect([1, 2, 3, 4, 5, 6].map((n) => bench.r(n))).toEqual([0, 2, 6, 0, 7, 10]);
  });

  it('is exact behind an instruction that aborted', () => {
    const bench = new CpuBench(0x400000).arm(0x10, 'ldr r1, [r0]', 'b #0x14');
    new PageTables(bench).section(0, 0).section(0x100000, 0x100000).section(PROBE, PROBE).enable();
    bench.arm(0x8000, 'mov r8, r8', 'mov r8, r8', 'ldm r2, {r3, r4}').set({ 0: PROBE, 2: 0x1ffffc });
    bench.pc = 0x8000;
    bench.run(10);
    expect([bench.r(1), bench.cpu.icount()]).toEqual([3, 10]);
  });

  it('ends a slice behind the very instruction that asks for it', () => {
    const bench = new CpuBench()
      .arm(0x8000, 'mov r8, r8', 'str r1, [r2]', 'add r0, r0, #1', 'b #0x8008')
      .set({ 0: 0, 1: 50, 2: PROBE + PROBE_ALARM });
    bench.pc = 0x8000;
    // The alarm ends the slice; `run` says how far it came.
    expect(bench.run(1000)).toBe(2);
    expect([bench.pc, bench.cpu.icount(), bench.r(0)]).toEqual([0x8008, 2, 0]);
    expect(bench.run(10)).toBe(10);
  });

  it('goes on within the slice when an interrupt line rises', () => {
    const bench = new CpuBench().arm(0x8000, 'str r1, [r2]', 'b #0x8004').arm(0x18, 'add r3, r3, #1', 'b #0x18');
    bench.cpsr = 0x13;
    bench.set({ 1: 1, 2: PROBE + PROBE_LINES });
    bench.mode = 'irq';
    bench.mode = 'svc';
    bench.set({ 3: 0 });
    bench.pc = 0x8000;
    expect(bench.run(9)).toBe(9);
    expect([bench.mode, bench.r(3)]).toEqual(['irq', 4]);
  });
});

describe('code outside the fast path', () => {
  it('runs from a device, one fetch for each instruction', () => {
    const bench = new CpuBench();
    // The probe reads as its own offset there: ANDEQ with small register numbers, which does nothing when Z is clear.
    bench.pc = PROBE + 0x20;
    expect(bench.run(4)).toBe(4);
    expect(bench.pc).toBe(PROBE + 0x30);
    bench.pc = PROBE + PROBE_COUNT;
    bench.run(1);
    expect(bench.probe.state.fields.count).toBe(1);
  });

  it('runs where there is nothing: zeros, and the log tells once for each page', () => {
    const bench = new CpuBench();
    bench.pc = 0x40000000;
    expect(bench.run(3)).toBe(3);
    expect([bench.pc, bench.messages[0]]).toEqual([0x4000000c, 'bus: read of unmapped address 0x40000000']);
  });

  it('crosses pages and the end of the address space', () => {
    const bench = new CpuBench(0x400000);
    new PageTables(bench)
      .section(0, 0)
      .section(0x100000, 0x100000)
      .section(0xfff00000, 0x200000)
      .small(0xa0000000, 0x300000)
      .small(0xa0001000, 0x308000)
      .enable();
    bench.arm(0x2ffff8, 'add r0, r0, #1', 'add r0, r0, #1').arm(0, 'add r0, r0, #1').set({ 0: 0 });
    bench.pc = 0xfffffff8;
    bench.run(3);
    expect([bench.pc, bench.r(0)]).toEqual([4, 3]);
    bench.arm(0x300ffc, 'add r0, r0, #0x10').arm(0x308000, 'add r0, r0, #0x20');
    bench.pc = 0xa0000ffc;
    bench.run(2);
    expect([bench.pc, bench.r(0)]).toEqual([0xa0001004, 0x33]);
    bench.thumb(0x300ffe, 'adds r0, #1').thumb(0x308000, 'adds r0, #2');
    bench.pc = 0xa0000fff;
    bench.run(2);
    expect([bench.pc, bench.r(0)]).toEqual([0xa0001002, 0x36]);
  });

  it('is the same through both windows of RAM', () => {
    const bench = new CpuBench().arm(0x8000, 'add r0, r0, #1', 'mov pc, lr').set({ 0: 0, 14: ALIAS + 0x8000 });
    bench.pc = 0x8000;
    bench.run(3);
    expect([bench.pc, bench.r(0)]).toEqual([ALIAS + 0x8004, 2]);
  });
});

describe('devices through the CPU', () => {
  it('are accessed once, with the width of the instruction, byte lanes in place', () => {
    const bench = new CpuBench()
      .set({ 1: PROBE + 0x124, 2: PROBE + PROBE_COUNT })
      .execute('ldrh r0, [r1, #2]', 'ldrb r3, [r1, #1]', 'ldrsb r4, [r1]');
    expect([bench.r(0), bench.r(3), bench.r(4)]).toEqual([0x126, 0x125, 0x24]);
    bench.execute('ldr r0, [r2]', 'ldr r0, [r2]', 'swp r0, r1, [r2]');
    expect(bench.r(0)).toBe(3);
  });
});
