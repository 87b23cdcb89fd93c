import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DebugStop, Watchpoint } from '../bus/debug.ts';
import { CpuBench, PROBE, PROBE_ALARM } from '../cpu/arm/testing/cpu-bench.suite.ts';
import { fuzzProgram } from '../cpu/arm/testing/fuzz.suite.ts';
import { Random } from '../cpu/arm/testing/random.suite.ts';
import { icount } from '../time/units.ts';
import { BenchTime } from './bench-time.suite.ts';
import { ledgerTime, type MachineTime } from './machine-time.suite.ts';
import { type ReverseStop, reverseContinue, reverseStep, stopsUntil } from './reverse.ts';
import type { TimeMachine } from './time-machine.ts';

const WAIT = 'mcr p15, #0, r0, c7, c0, #4';
const write = (address: number, length: number): Watchpoint => ({ space: 'virtual', address, length, kind: 'write' });

/** Counts in r1 and in memory at 0x9000, for ever; every fourth round it waits for an alarm, whose handler counts in r2. */
function counter(interval = 50, end = 1000): BenchTime {
  const bench = new CpuBench();
  bench.arm(0x18, 'add r2, r2, #1', 'str r8, [r7]', 'subs pc, lr, #4');
  const lines = ['add r1, r1, #1', 'str r1, [r3]', 'tst r1, #3', 'bne #0x8000', 'str r6, [r5]', WAIT, 'b #0x8000'];
  bench.arm(0x8000, ...lines);
  bench.cpsr = 0x13;
  bench.pc = 0x8000;
  bench.set({ 3: 0x9000, 5: PROBE + PROBE_ALARM, 6: 30, 7: PROBE + 4 });
  return new BenchTime(bench, end, interval);
}

async function forwards(machine: TimeMachine): Promise<DebugStop[]> {
  const stops: DebugStop[] = [];
  await machine.seek(machine.start);
  for await (const stop of stopsUntil(machine, machine.end)) stops.push(stop);
  return stops;
}

/** All stops on the way back from the end; checks that the machine is where each says. */
async function backwards(machine: TimeMachine): Promise<ReverseStop[]> {
  const stops: ReverseStop[] = [];
  await machine.seek(machine.end);
  for (;;) {
    const stop = await reverseContinue(machine);
    if (stop.kind !== 'breakpoint' && stop.kind !== 'watchpoint') {
      expect([stop.kind, machine.now()]).toEqual(['start', machine.start]);
      return stops;
    }
    expect([machine.now(), machine.cpu.pc()]).toEqual([stop.icount, stop.pc]);
    stops.push(stop);
  }
}

/** Forward stops in the order in which one meets them backwards: at one count the access, which is later. */
const reversed = (stops: readonly DebugStop[]): DebugStop[] => {
  const last = new Map(stops.map((stop) => [stop.icount, stop]));
  return [...last.values()].sort((a, b) => b.icount - a.icount);
};

describe('reverse continue', () => {
  it('stops at a breakpoint, before the instruction', async () => {
    const machine = counter();
    machine.cpu.addBreakpoint(0x8008);
    expect(await reverseContinue(machine)).toMatchObject({ kind: 'breakpoint', pc: 0x8008 });
    const at = machine.now();
    expect(machine.bench.pc).toBe(0x8008);
    expect(await reverseContinue(machine)).toMatchObject({ icount: at - 4 });
  });

  it('stops before the instruction that wrote', async () => {
    const machine = counter();
    const last = machine.bench.word(0x9000);
    machine.cpu.addWatchpoint(write(0x9000, 4));
    expect(await reverseContinue(machine)).toMatchObject({ kind: 'watchpoint', before: last - 1, value: last, pc: 0x8004 });
    expect([machine.bench.pc, machine.bench.word(0x9000)]).toEqual([0x8004, last - 1]);
  });

  it.each([1, 7, 50, 1000])('finds all that going forward finds, in reverse (checkpoints every %i)', async (interval) => {
    const machine = counter(interval, 400);
    for (const address of [0x18, 0x8004, 0x8014]) machine.cpu.addBreakpoint(address);
    machine.cpu.addWatchpoint(write(0x9000, 4));
    const stops = await forwards(machine);
    expect(stops.length).toBeGreaterThan(150);
    expect(stops.some(({ pc }) => pc === 0x18)).toBe(true);
    expect(await backwards(machine)).toEqual(reversed(stops));
  });

  it('finds the same in random programs', async () => {
    let found = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const random = new Random(seed);
      const machine = new BenchTime(fuzzProgram(seed), 600, 1 + random.below(200));
      for (let n = 0; n < 80; n++) machine.cpu.addBreakpoint(0x8000 + 4 * random.below(0x400));
      machine.cpu.addBreakpoint(0x18);
      machine.cpu.addWatchpoint({ space: 'virtual', address: 0x20000, length: 200, kind: 'access' });
      const stops = await forwards(machine);
      expect(await backwards(machine), `program ${seed}`).toEqual(reversed(stops));
      found += stops.length;
    }
    expect(found).toBeGreaterThan(50);
  });

  it('without a hit ends at the start, having executed everything about once', async () => {
    const machine = counter(50, 3000);
    expect(await reverseContinue(machine)).toEqual({ kind: 'start' });
    expect([machine.now(), machine.executed]).toEqual([0, machine.end]);
    expect(await reverseContinue(machine)).toEqual({ kind: 'start' });
  });

  it('goes nowhere when it is interrupted', async () => {
    const machine = counter();
    machine.interrupt();
    expect(await reverseContinue(machine)).toEqual({ kind: 'interrupted' });
    expect(machine.now()).toBe(machine.end);
  });

  it('leaves a future that is the same', async () => {
    const machine = counter(33, 500);
    const end = machine.bench.snapshot();
    machine.cpu.addBreakpoint(0x8004);
    machine.cpu.addWatchpoint(write(0x9000, 1));
    for (let n = 0; n < 5; n++) await reverseContinue(machine);
    for await (const _ of stopsUntil(machine, machine.end));
    expect(machine.bench.differences(end)).toEqual([]);
  });
});

describe('a whole machine, with interrupts and input', () => {
  /** Of the built-in guest. */
  const BALANCE = 0xa100;
  const COUNT_BYTE = 0x8a80;
  const POST = 0x8b00;
  let machine: MachineTime;
  beforeAll(() => {
    machine = ledgerTime();
  });
  afterEach(() => machine.cpu.clear());

  it('has the same stops in both directions', async () => {
    machine.cpu.addWatchpoint(write(BALANCE, 4));
    for (const address of [COUNT_BYTE, POST, 0x18]) machine.cpu.addBreakpoint(address);
    const stops = await forwards(machine);
    expect(new Set(stops.map(({ pc }) => pc)).size).toBeGreaterThan(4);
    expect(stops.length).toBeGreaterThan(300);
    expect(await backwards(machine)).toEqual(reversed(stops));
  });

  it('steps backwards through an interrupt as it came', async () => {
    machine.cpu.addBreakpoint(COUNT_BYTE);
    await machine.seek(machine.end);
    await reverseContinue(machine);
    machine.cpu.clear();
    const state = machine.machine.cpu.state.fields as { r: Int32Array; mode: number };
    const here = (): number[] => [machine.now(), state.mode, ...state.r];
    const seen: number[][] = [];
    for (let n = 0; n < 100; n++) {
      seen.push(here());
      await reverseStep(machine);
    }
    expect(new Set(seen.map(([, mode]) => mode)).size).toBeGreaterThan(1);
    for (const moment of seen.reverse()) {
      await machine.runForward(icount(machine.now() + 1));
      expect(here()).toEqual(moment);
    }
  });
});

describe('reverse step', () => {
  it('goes through the same states as forward, in reverse', async () => {
    const machine = counter(40, 300);
    await machine.seek(icount(100));
    const states: ReturnType<CpuBench['snapshot']>[] = [];
    for (let n = 0; n < 60; n++) {
      states.push(machine.bench.snapshot());
      machine.cpu.pass();
      expect(await machine.runForward(icount(machine.now() + 1))).toEqual({ kind: 'limit' });
    }
    for (const state of states.reverse()) {
      expect(await reverseStep(machine)).toEqual({ kind: 'step' });
      // Only idle time that came after the last instruction may be missing.
      expect(machine.bench.differences(state)).toEqual([]);
    }
  });

  it('tells of a watched access that it takes back', async () => {
    const machine = counter();
    await machine.seek(icount(2));
    machine.cpu.addWatchpoint(write(0x9000, 4));
    expect(await reverseStep(machine)).toMatchObject({ kind: 'watchpoint', icount: 1, value: 1 });
    expect([machine.now(), machine.bench.word(0x9000)]).toEqual([1, 0]);
    expect(await reverseStep(machine)).toEqual({ kind: 'step' });
    expect(await reverseStep(machine)).toEqual({ kind: 'start' });
  });
});
