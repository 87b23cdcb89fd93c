import { describe, expect, it } from 'vitest';
import type { DebugStop, Watchpoint, WatchStop } from '../../bus/debug.ts';
import { ALIAS, CpuBench, PROBE, PROBE_COUNT, PROBE_LINES } from './testing/cpu-bench.suite.ts';
import { fuzzProgram, RAM_BYTES } from './testing/fuzz.suite.ts';
import { DOMAIN, PageTables } from './testing/page-tables.suite.ts';
import { Random } from './testing/random.suite.ts';

const watch = (address: number, length: number, kind: Watchpoint['kind'] = 'write', space: Watchpoint['space'] = 'virtual'): Watchpoint => ({
  space,
  address,
  length,
  kind,
});

/** Goes on from a stop, to the next one or for `budget` instructions. */
function go(bench: CpuBench, budget = 100): DebugStop | undefined {
  bench.cpu.debug.takeStop();
  bench.cpu.debug.pass();
  bench.run(budget);
  return bench.cpu.debug.stop;
}
const goWatching = (bench: CpuBench): WatchStop => go(bench) as WatchStop;

describe('breakpoints', () => {
  const loop = (): CpuBench => {
    const bench = new CpuBench().arm(0x8000, 'mov r0, #0', 'add r0, r0, #1', 'add r1, r1, #1', 'b #0x8004');
    bench.pc = 0x8000;
    return bench;
  };

  it('stop before the instruction, which is not counted, each time it comes', () => {
    const bench = loop();
    bench.run(20); // decoded already
    bench.pc = 0x8000;
    bench.set({ 1: 0 }).cpu.debug.addBreakpoint(0x8008);
    for (let n = 1; n <= 3; n++) {
      expect(go(bench)).toEqual({ kind: 'breakpoint', icount: 20 + 3 * n - 1, pc: 0x8008 });
      expect([bench.pc, bench.cpu.icount(), bench.r(0), bench.r(1)]).toEqual([0x8008, 20 + 3 * n - 1, n, n - 1]);
    }
    bench.cpu.debug.removeBreakpoint(0x8008);
    expect(go(bench)).toBeUndefined();
  });

  it('stop where the CPU stands, unless it goes on from there', () => {
    const bench = loop();
    bench.cpu.debug.addBreakpoint(0x8000);
    bench.run(10);
    expect([bench.cpu.debug.stop?.kind, bench.cpu.icount()]).toEqual(['breakpoint', 0]);
    expect(go(bench)).toBeUndefined();
    expect(bench.cpu.icount()).toBe(100);
  });

  it('stop at a conditional instruction that is not executed, and in Thumb state', () => {
    const bench = new CpuBench().arm(0x8000, 'movs r0, #1', 'moveq r0, #2', 'add pc, pc, #1').thumb(0x8011, 'mov r8, r8');
    bench.arm(0x8008, 'blx #0x8010').thumb(0x8010, 'mov r8, r8', 'mov r8, r8', 'mov r8, r8');
    bench.pc = 0x8000;
    bench.cpu.debug.addBreakpoint(0x8004);
    bench.cpu.debug.addBreakpoint(0x8012);
    expect(go(bench)).toEqual({ kind: 'breakpoint', icount: 1, pc: 0x8004 });
    expect(go(bench)).toEqual({ kind: 'breakpoint', icount: 4, pc: 0x8012 });
    expect([bench.cpu.s.t, bench.pc]).toEqual([1, 0x8012]);
  });

  it('are virtual: the same code elsewhere runs through', () => {
    const bench = new CpuBench(0x400000).arm(0x8000, 'mov r8, r8', 'mov r8, r8', 'mov pc, r1');
    new PageTables(bench).section(0, 0).section(0x100000, 0x100000).section(0x5000000, 0).enable();
    bench.set({ 1: 0x5008000 }).pc = 0x8000;
    bench.cpu.debug.addBreakpoint(0x5008004);
    expect(go(bench)).toEqual({ kind: 'breakpoint', icount: 4, pc: 0x5008004 });
  });

  it('come after the interrupt that is taken there, at the vector before it', () => {
    const bench = new CpuBench().arm(0x18, 'subs pc, lr, #4').arm(0x8000, 'mov r8, r8', 'mov r8, r8');
    bench.cpsr = 0x13;
    bench.pc = 0x8000;
    bench.cpu.debug.addBreakpoint(0x18);
    bench.cpu.debug.addBreakpoint(0x8000);
    bench.cpu.irq.set(true);
    expect(go(bench)).toEqual({ kind: 'breakpoint', icount: 0, pc: 0x18 });
    bench.cpu.irq.set(false);
    expect(go(bench)).toEqual({ kind: 'breakpoint', icount: 1, pc: 0x8000 });
  });

  it('stop in pages that are executed one instruction at a time', () => {
    const bench = new CpuBench(0x400000).arm(0x8000, 'mov r8, r8', 'mov r8, r8', 'mov r8, r8');
    new PageTables(bench)
      .section(0x100000, 0x100000)
      .small(0x8000, 0x8000, { aps: [3, 3, 3, 1] })
      .enable();
    bench.pc = 0x8000;
    bench.cpu.debug.addBreakpoint(0x8004);
    expect(go(bench)).toEqual({ kind: 'breakpoint', icount: 1, pc: 0x8004 });
    expect(bench.pc).toBe(0x8004);
  });

  it('stop nothing while the unit is not armed, and neither do watchpoints', () => {
    const bench = loop().arm(0x8004, 'str r0, [r2]').set({ 2: 0x9000 });
    bench.cpu.debug.addBreakpoint(0x8008);
    bench.cpu.debug.addWatchpoint(watch(0x9000, 4));
    bench.cpu.debug.armed = false;
    expect([go(bench), bench.cpu.debug.active(), bench.cpu.icount()]).toEqual([undefined, false, 100]);
    bench.cpu.debug.armed = true;
    expect([go(bench)?.kind, bench.cpu.debug.active()]).toEqual(['watchpoint', true]);
  });

  it('stop before an instruction in a device is fetched, which the device can see', () => {
    const bench = new CpuBench();
    bench.pc = PROBE + PROBE_COUNT;
    bench.cpu.debug.addBreakpoint(PROBE + PROBE_COUNT);
    expect(go(bench, 1)).toBeUndefined();
    expect(bench.probe.state.fields.count).toBe(1);
    bench.pc = PROBE + PROBE_COUNT;
    expect(bench.run(1)).toBe(0);
    expect([bench.probe.state.fields.count, bench.cpu.debug.stop?.kind]).toEqual([1, 'breakpoint']);
  });

  it('survive what drops decoded code, and code that is written anew', () => {
    const bench = loop();
    bench.cpu.debug.addBreakpoint(0x8008);
    go(bench);
    bench.cpu.dropDerived();
    bench.arm(0x8008, 'add r1, r1, #2');
    expect(go(bench)).toMatchObject({ icount: 5, pc: 0x8008 });
    expect(bench.r(1)).toBe(2);
  });
});

describe('watchpoints', () => {
  it('stop behind the instruction, and tell what it did', () => {
    const bench = new CpuBench().words(0x9000, 0x11223344).arm(0x8000, 'mov r8, r8', 'strh r0, [r1, #2]', 'mov r8, r8');
    bench.set({ 0: 0x5566abcd, 1: 0x9000 }).pc = 0x8000;
    bench.cpu.debug.addWatchpoint(watch(0x9003, 1));
    expect(go(bench)).toEqual({
      kind: 'watchpoint',
      watchpoint: watch(0x9003, 1),
      icount: 1,
      pc: 0x8004,
      access: 'write',
      address: 0x9002,
      physical: 0x9002,
      size: 2,
      before: 0x1122,
      value: 0xabcd,
    });
    expect([bench.pc, bench.cpu.icount(), bench.word(0x9000)]).toEqual([0x8008, 2, 0xabcd3344]);
  });

  it.each([
    ['write', ['str', 'strb', 'swp', 'stm', 'push']],
    ['read', ['ldr', 'ldrb', 'swp', 'ldm', 'pop', 'ldrt']],
    ['access', ['str', 'strb', 'ldr', 'ldrb', 'swp', 'stm', 'push', 'ldm', 'pop', 'ldrt']],
  ] as const)('of kind %s see %s', (kind, expected) => {
    const program = {
      str: 'str r0, [r1]',
      strb: 'strb r0, [r1, #3]',
      ldr: 'ldr r0, [r1]',
      ldrb: 'ldrb r0, [r1, #2]',
      swp: 'swp r0, r0, [r1]',
      stm: 'stmdb r2, {r3, r4, r5}',
      push: 'str r0, [r2, #-8]!',
      ldm: 'ldmib r2, {r3, r4}',
      pop: 'ldr r0, [r1], #8',
      ldrt: 'ldrt r3, [r4], #0',
    };
    const bench = new CpuBench().arm(0x8000, ...Object.values(program), 'b #0x8000');
    bench.run(0);
    bench.cpu.debug.addWatchpoint(watch(0x9000, 4, kind));
    const seen: string[] = [];
    Object.keys(program).forEach((name, n) => {
      bench.set({ 1: 0x9000, 2: 0x9008, 4: 0x9000 }).pc = 0x8000 + 4 * n;
      if (name === 'ldm') bench.set({ 2: 0x8ffc });
      go(bench, 1);
      if (bench.cpu.debug.stop !== undefined) seen.push(name);
      expect(bench.pc).toBe(0x8004 + 4 * n);
    });
    expect(seen).toEqual(expected);
  });

  it('see nothing beside them in the same page, and accesses that span more', () => {
    const bench = new CpuBench().arm(0x8000, 'strb r0, [r1, #3]', 'strb r0, [r1, #6]', 'str r0, [r1]', 'str r0, [r1, #4]');
    bench.set({ 1: 0x9000 }).pc = 0x8000;
    bench.cpu.debug.addWatchpoint(watch(0x9004, 2));
    expect(go(bench, 4)).toMatchObject({ icount: 3, address: 0x9004 });
  });

  it('of any length, at the end of the address space too', () => {
    const bench = new CpuBench(0x400000).arm(0x8000, 'strb r0, [r1]', 'strb r0, [r2]', 'strb r0, [r3]');
    new PageTables(bench).section(0, 0).section(0x100000, 0x100000).section(0xfff00000, 0x200000).enable();
    bench.set({ 1: 0x8800, 2: 0xfffff000, 3: 0x50000 }).pc = 0x8000;
    bench.cpu.debug.addWatchpoint(watch(0xffffefff, 0x9000));
    expect([goWatching(bench).address, goWatching(bench)?.address]).toEqual([0xfffff000, undefined]);
    bench.cpu.debug.addWatchpoint(watch(0, 2 ** 32, 'read'));
    bench.arm(0x8000, 'ldr r0, [r3]').pc = 0x8000;
    expect(goWatching(bench).address).toBe(0x50000);
  });

  it('by physical address see every mapping', () => {
    const bench = new CpuBench(0x400000).arm(0x8000, 'str r0, [r1]', 'str r0, [r2]', 'str r0, [r3]', 'str r0, [r4]');
    new PageTables(bench).section(0, 0).section(0x100000, 0x100000).section(0x5000000, 0).section(0x6000000, ALIAS).enable();
    bench.set({ 1: 0x5009000, 2: 0x6009000, 3: 0x9000, 4: 0x9004 }).pc = 0x8000;
    bench.cpu.debug.addWatchpoint(watch(0x9000, 4, 'write', 'physical'));
    const seen = [goWatching(bench), goWatching(bench), goWatching(bench), goWatching(bench)];
    expect(seen.map((stop) => stop?.address)).toEqual([0x5009000, 0x6009000, 0x9000, undefined]);
  });

  it('see device registers, which are read once', () => {
    const bench = new CpuBench().arm(0x8000, 'ldr r0, [r1]', 'mov r8, r8');
    bench.set({ 1: PROBE + PROBE_COUNT }).pc = 0x8000;
    bench.cpu.debug.addWatchpoint(watch(PROBE, 0x1000, 'access'));
    expect(go(bench)).toMatchObject({ access: 'read', before: undefined, value: 1 });
    expect(bench.probe.state.fields.count).toBe(1);
  });

  it('do not see an access that aborts', () => {
    const bench = new CpuBench(0x400000).arm(0x8000, 'str r0, [r1]');
    new PageTables(bench).section(0, 0).section(0x100000, 0x100000).enable();
    bench.set({ 1: 0x5000000 }).pc = 0x8000;
    bench.cpu.debug.addWatchpoint(watch(0x5000000, 4, 'access'));
    expect(go(bench, 1)).toBeUndefined();
    expect(bench.pc).toBe(0x10);
  });

  it('can be removed, and set while the page is in use', () => {
    const bench = new CpuBench().arm(0x8000, 'str r0, [r1]', 'ldr r0, [r1]', 'b #0x8000');
    bench.set({ 1: 0x9000 }).pc = 0x8000;
    bench.run(9);
    bench.cpu.debug.addWatchpoint(watch(0x9000, 4));
    expect(go(bench)).toMatchObject({ icount: 9 });
    bench.cpu.debug.removeWatchpoint(watch(0x9000, 4));
    expect(go(bench)).toBeUndefined();
    bench.cpu.debug.addWatchpoint(watch(0x9000, 4));
    bench.cpu.debug.addBreakpoint(0x8000);
    bench.cpu.debug.clear();
    expect([go(bench), bench.cpu.debug.active()]).toEqual([undefined, false]);
  });
});

describe('debug settings are invisible', () => {
  /** Runs on past every stop, in slices; returns the moments of the stops. */
  function runStopping(bench: CpuBench, limit: number, seen: (stop: DebugStop) => void): void {
    while (bench.cpu.icount() < limit) {
      const stop = bench.cpu.debug.takeStop();
      if (stop !== undefined) {
        seen(stop);
        bench.cpu.debug.pass();
      }
      const at = bench.cpu.icount();
      if (!bench.advance(at + 1 + ((limit - at - 1) % 37), 50) && bench.cpu.debug.stop === undefined) return;
    }
  }

  it('a random program with them ends as without, and they see all that stepping sees', () => {
    const other = new CpuBench(RAM_BYTES);
    let hits = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const bench = fuzzProgram(seed);
      other.restore(bench.snapshot());
      const random = new Random(seed);
      const breakpoints = new Set(Array.from({ length: 150 }, () => (0x8000 + 4 * random.below(0x600)) >>> 0));
      for (const address of breakpoints) other.cpu.debug.addBreakpoint(address);
      for (let n = 0; n < 3; n++) {
        const kind = random.pick(['read', 'write', 'access'] as const);
        other.cpu.debug.addWatchpoint(
          watch(random.pick([0x20000, 0x8000, 0xa000, 0x100000, PROBE + PROBE_LINES]) + random.below(256), 1 + random.below(2000), kind),
        );
      }
      bench.advance(1500, 1_000_000);
      const stops: DebugStop[] = [];
      runStopping(other, bench.cpu.icount(), (stop) => stops.push(stop));
      expect(other.differences(bench.snapshot()), `program ${seed}`).toEqual([]);
      hits += stops.length;
      // Each instruction at a breakpoint is seen once, before it is executed.
      const reached = stops.filter(({ kind }) => kind === 'breakpoint').map(({ icount }) => icount);
      expect(new Set(reached).size).toBe(reached.length);
      other.cpu.debug.clear();
    }
    expect(hits).toBeGreaterThan(100);
  });

  it('breakpoints see exactly the instructions that are executed at their address', () => {
    let hits = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const stepped = fuzzProgram(seed);
      const bench = new CpuBench(RAM_BYTES);
      bench.restore(stepped.snapshot());
      // With a breakpoint everywhere, each step tells where the next instruction is, interrupts taken.
      for (let address = 0x8000; address < 0x9000; address += 4) stepped.cpu.debug.addBreakpoint(address);
      const expected: number[] = [];
      runStopping(stepped, 800, (stop) => stop.pc % 12 === 0 && expected.push(stop.icount));
      for (let address = 0x8000; address < 0x9000; address += 4) if (address % 12 === 0) bench.cpu.debug.addBreakpoint(address);
      const found: number[] = [];
      runStopping(bench, 800, (stop) => found.push(stop.icount));
      expect(found).toEqual(expected);
      hits += found.length;
    }
    expect(hits).toBeGreaterThan(5);
  });
});

describe('memory as a debugger sees it', () => {
  it('is translated whatever the permissions, up to the end of the mapping', () => {
    const bench = new CpuBench(0x400000);
    const tables = new PageTables(bench).section(0, 0).section(0x100000, 0x100000);
    tables
      .small(0x5000000, 0x201000, { aps: [0, 0, 0, 0] })
      .small(0x5001000, 0x200000, { aps: [1, 1, 1, 1] })
      .enable({ domains: { 0: DOMAIN.none } });
    bench.memory.ram.set([1, 2, 3, 4], 0x201ffc);
    bench.memory.ram.set([5, 6], 0x200000);
    const { debug } = bench.cpu;
    expect([...debug.read('virtual', 0x5000ffc, 6)]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(debug.read('virtual', 0x5001ffe, 10)).toHaveLength(2);
    expect(debug.translate(0x5000ffc)).toBe(0x201ffc);
    expect(debug.translate(0x5002000)).toBeUndefined();
  });

  it('is read without a trace, and devices not at all', () => {
    const bench = new CpuBench(0x400000);
    new PageTables(bench).section(0, 0).section(0x100000, 0x100000).section(PROBE, PROBE).enable();
    bench.cpu.s.tlbLockdown = 1;
    const before = bench.snapshot();
    expect(bench.cpu.debug.read('virtual', PROBE + PROBE_COUNT, 4)).toHaveLength(0);
    expect(bench.cpu.debug.read('physical', PROBE, 4)).toHaveLength(0);
    expect(bench.cpu.debug.read('virtual', 0x8000, 4)).toHaveLength(4);
    expect(bench.cpu.debug.read('physical', ALIAS + 0x3ffffe, 8)).toHaveLength(2);
    expect(bench.differences(before)).toEqual([]);
  });

  it('is written through the mapping, and code with it', () => {
    const bench = new CpuBench(0x400000).arm(0x8000, 'mov r0, #1', 'b #0x8000');
    new PageTables(bench).section(0, 0).section(0x100000, 0x100000).section(0x5000000, 0).enable();
    bench.pc = 0x8000;
    bench.run(10);
    expect(bench.cpu.debug.write('virtual', 0x5008000, Uint8Array.of(2))).toBe(1);
    bench.run(2);
    expect(bench.r(0)).toBe(2);
    expect(bench.cpu.debug.write('physical', 0x3fffff, Uint8Array.of(7, 8))).toBe(1);
  });

  it('is shown as instructions of the present state', () => {
    const bench = new CpuBench().arm(0x8000, 'add r0, r1, #4').thumb(0x8004, 'movs r1, #3');
    expect(bench.cpu.debug.disassemble(0x8000)).toBe('add r0, r1, #4');
    bench.cpu.s.t = 1;
    expect(bench.cpu.debug.disassemble(0x8004)).toBe('movs r1, #3');
    expect(bench.cpu.debug.disassemble(PROBE)).toBeUndefined();
  });
});
