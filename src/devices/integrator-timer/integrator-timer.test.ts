import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NEVER, ns } from '../../time/units.ts';
import { Bench, Driver, deviceContract } from '../contract.suite.ts';
import { IntegratorTimer } from './integrator-timer.ts';

type Hz = readonly [number, number, number];
const make = (bench: Bench, hz: Hz = [25_000_000, 1_000_000, 1_000_000]): IntegratorTimer =>
  new IntegratorTimer('timer', { hz }, { irq: [bench.line('irq0'), bench.line('irq1'), bench.line('irq2')], clock: bench, log: bench.log });

deviceContract('Integrator/CP timers at the board clocks', (bench) => make(bench), { window: 0x320 });
deviceContract('Integrator/CP timers at odd clocks', (bench) => make(bench, [1, 999_999_999, 32_768]), { window: 0x320 });

const LOAD = 0x00;
const VALUE = 0x04;
const CONTROL = 0x08;
const INTCLR = 0x0c;
const RIS = 0x10;
const MIS = 0x14;
const BGLOAD = 0x18;
const ENABLE = 0x80;
const PERIODIC = 0x40;
const IE = 0x20;
const BY_16 = 0x04;
const BY_256 = 0x08;
const WIDE = 0x02;
const ONESHOT = 0x01;

/** Timer 1 of a board, at 1 MHz unless told otherwise: one edge per microsecond. */
function setUp(hz: Hz = [25_000_000, 1_000_000, 1_000_000]) {
  const bench = new Bench();
  const device = make(bench, hz).seal() as IntegratorTimer;
  const driver = new Driver(bench, device);
  return {
    bench,
    device,
    at: (time: number) => driver.advance(time - bench.time),
    read: (register: number) => driver.read(0x100 + register),
    write: (register: number, value: number) => driver.write(0x100 + register, value),
    irq: () => bench.lines.get('irq1'),
  };
}

describe('Integrator/CP timers', () => {
  it('come out of reset as table 4.18 says', () => {
    const { read } = setUp();
    expect([LOAD, VALUE, CONTROL, RIS, MIS, BGLOAD].map(read)).toEqual([0, 0xffffffff, 0x20, 0, 0, 0]);
  });

  it('interrupt periodically, to the nanosecond, without drift', () => {
    const t = setUp([25_000_000, 3_000_000, 1_000_000]);
    t.write(LOAD, 10);
    t.write(CONTROL, ENABLE | PERIODIC | IE);
    const seen: number[] = [];
    for (let i = 0; i < 5; i++) {
      const due = t.device.nextWakeup();
      t.at(due - 1);
      expect([t.irq(), t.read(RIS)]).toEqual([false, 0]);
      t.at(due);
      expect([t.irq(), t.read(RIS), t.read(MIS), t.read(VALUE)]).toEqual([true, 1, 1, 10]);
      seen.push(due);
      t.write(INTCLR, 0);
      expect([t.irq(), t.read(RIS)]).toEqual([false, 0]);
    }
    // The first edge starts the count; every tenth of the third-microseconds after it is a zero.
    expect(seen).toEqual([11, 21, 31, 41, 51].map((edge) => Math.ceil((edge * 1000) / 3)));
  });

  it('raise the line at the first nanosecond of their edge, whatever the clock', () => {
    const hz = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.constantFrom(1_000_000, 14_745_600, 24_000_000, 25_000_000, 40_000_000, 1_000_000_000));
    fc.assert(
      fc.property(
        hz,
        fc.integer({ min: 1, max: 70_000 }),
        fc.constantFrom(0, BY_16, BY_256),
        fc.integer({ min: 0, max: 10 ** 12 }),
        (f, load, pre, start) => {
          // Exact time ends at 2^53 nanoseconds.
          fc.pre(start + ((load + 2) * 256 * 1e9) / f < 2 ** 53);
          const t = setUp([1, f, 1]);
          t.at(start);
          t.write(CONTROL, WIDE);
          t.write(LOAD, load);
          t.write(CONTROL, ENABLE | IE | ONESHOT | WIDE | pre);
          const due = t.device.nextWakeup();
          const divisor = { 0: 1, [BY_16]: 16, [BY_256]: 256 }[pre] as number;
          const edges = (time: number): bigint => (BigInt(time) * BigInt(f)) / (1_000_000_000n * BigInt(divisor));
          expect(edges(due) - edges(start)).toBe(BigInt(load + 1));
          expect(edges(due - 1) - edges(start)).toBe(BigInt(load));
          t.at(due - 1);
          expect([t.irq(), t.read(VALUE)]).toEqual([false, 1]);
          t.at(due);
          expect([t.irq(), t.read(VALUE)]).toEqual([true, 0]);
        },
      ),
    );
  });

  it('are never early, and at most one period of their clock late', () => {
    const t = setUp();
    t.at(1500);
    t.write(LOAD, 5);
    t.write(CONTROL, ENABLE | IE | ONESHOT);
    expect(t.device.nextWakeup()).toBe(7000);
    t.at(1_000_000);
    t.write(INTCLR, 0);
    t.write(LOAD, 5);
    expect(t.device.nextWakeup()).toBe(1_006_000);
  });

  it('count once in one-shot mode, halt, and go on when loaded or when the mode is changed', () => {
    const t = setUp();
    t.write(LOAD, 3);
    t.write(CONTROL, ENABLE | IE | ONESHOT);
    t.at(4000);
    expect([t.irq(), t.read(VALUE)]).toEqual([true, 0]);
    t.write(INTCLR, 1);
    t.at(1_000_000);
    expect([t.irq(), t.read(VALUE), t.device.nextWakeup()]).toEqual([false, 0, NEVER]);
    t.write(LOAD, 2);
    expect(t.read(VALUE)).toBe(2);
    t.at(1_003_000);
    expect([t.irq(), t.read(VALUE)]).toEqual([true, 0]);
    t.write(INTCLR, 1);
    t.write(CONTROL, ENABLE | IE);
    t.at(1_004_000);
    expect(t.read(VALUE)).toBe(0xffff);
    expect(t.device.nextWakeup()).toBe(1_003_000 + 0x10000 * 1000);
  });

  it('count freely through zero over all 2^16 or 2^32 values', () => {
    const t = setUp();
    t.write(LOAD, 1);
    t.write(CONTROL, ENABLE | IE);
    t.at(2000);
    expect([t.irq(), t.read(VALUE)]).toEqual([true, 0]);
    t.write(INTCLR, 0);
    expect(t.device.nextWakeup()).toBe(2000 + 0x10000 * 1000);
    t.at(3000);
    expect(t.read(VALUE)).toBe(0xffff);
    t.write(CONTROL, ENABLE | IE | WIDE);
    t.write(LOAD, 1);
    t.at(5000);
    t.write(INTCLR, 0);
    t.at(6000);
    expect(t.read(VALUE)).toBe(0xffffffff);
    expect(t.device.nextWakeup()).toBe(5000 + 2 ** 32 * 1000);
  });

  it('keep the upper half of the count in 16-bit mode until they are loaded', () => {
    const t = setUp();
    t.write(CONTROL, ENABLE);
    t.at(3000);
    expect(t.read(VALUE)).toBe(0xfffffffd);
    t.write(LOAD, 0x12345678);
    expect([t.read(LOAD), t.read(VALUE)]).toEqual([0x12345678, 0x5678]);
  });

  it('divide their clock by 1, 16 or 256, and keep the count when the prescaler changes', () => {
    const t = setUp();
    t.write(LOAD, 1000);
    t.write(CONTROL, ENABLE | PERIODIC | BY_16);
    t.at(16_000 * 11 + 5000);
    expect(t.read(VALUE)).toBe(990);
    t.write(CONTROL, ENABLE | PERIODIC | BY_256);
    t.at(255_999);
    expect(t.read(VALUE)).toBe(990);
    t.at(256_000);
    expect(t.read(VALUE)).toBe(990);
    t.at(512_000);
    expect(t.read(VALUE)).toBe(989);
    t.write(CONTROL, ENABLE | PERIODIC);
    t.at(515_000);
    expect(t.read(VALUE)).toBe(987);
  });

  it('do not lose their phase when a control register is written with what it holds', () => {
    const t = setUp();
    t.write(LOAD, 100);
    t.write(CONTROL, ENABLE | PERIODIC | IE | BY_16);
    const due = t.device.nextWakeup();
    for (let time = 7000; time < due; time += 7000) {
      t.at(time);
      t.write(CONTROL, ENABLE | PERIODIC | IE | BY_16);
      expect(t.device.nextWakeup()).toBe(due);
    }
  });

  it('take the background load at the next zero only', () => {
    const t = setUp();
    t.write(LOAD, 10);
    t.write(CONTROL, ENABLE | PERIODIC | IE);
    t.at(5000);
    t.write(BGLOAD, 3);
    expect([t.read(LOAD), t.read(BGLOAD), t.read(VALUE)]).toEqual([3, 3, 6]);
    expect(t.device.nextWakeup()).toBe(11_000);
    t.at(11_000);
    expect(t.read(VALUE)).toBe(3);
    t.write(INTCLR, 0);
    expect(t.device.nextWakeup()).toBe(14_000);
  });

  it('interrupt at once when zero is loaded, and again at every edge', () => {
    const t = setUp();
    t.write(CONTROL, ENABLE | PERIODIC | IE);
    t.write(LOAD, 0);
    expect(t.irq()).toBe(true);
    t.write(INTCLR, 0);
    expect(t.irq()).toBe(false);
    t.at(2000);
    expect([t.irq(), t.read(VALUE)]).toEqual([true, 0]);
  });

  it('do not wake an idle machine for a masked or pending interrupt, and still know that it came', () => {
    const t = setUp();
    t.write(LOAD, 1);
    t.write(CONTROL, ENABLE | PERIODIC);
    expect(t.device.nextWakeup()).toBe(NEVER);
    t.at(1_000_000_000);
    expect([t.read(RIS), t.read(MIS), t.irq()]).toEqual([1, 0, false]);
    t.write(CONTROL, ENABLE | PERIODIC | IE);
    expect([t.read(MIS), t.irq(), t.device.nextWakeup()]).toEqual([1, true, NEVER]);
    // One edge per microsecond for a day: a step, not a loop.
    t.at(86_400_000_000_000);
    expect(t.read(RIS)).toBe(1);
    t.write(INTCLR, 0);
    expect(t.device.nextWakeup()).toBe(86_400_000_001_000);
  });

  it('have three counters of their own', () => {
    const bench = new Bench();
    const driver = new Driver(bench, make(bench));
    for (const n of [0, 1, 2]) {
      driver.write(n * 0x100 + LOAD, 1000 * (n + 1));
      driver.write(n * 0x100 + CONTROL, ENABLE | IE | (n === 2 ? 0 : PERIODIC));
    }
    driver.advance(1_000_000);
    expect([0, 1, 2].map((n) => bench.lines.get(`irq${n}`))).toEqual([true, false, false]);
    driver.advance(3_000_000);
    expect(bench.edges).toEqual(['irq0=1', 'irq1=1', 'irq2=1']);
    expect(driver.read(0x300)).toBe(0);
    expect(bench.messages).toEqual(['timer: read of offset 0x300, where there is no readable register']);
  });

  it('are not changed by being looked at or evaluated in between', () => {
    const t = setUp();
    t.write(LOAD, 5);
    t.write(CONTROL, ENABLE | PERIODIC);
    const saved = t.device.state.save();
    for (let time = 0; time < 20_000; time += 500) {
      t.at(time);
      t.read(VALUE);
      t.read(RIS);
    }
    expect(t.device.state.diff(saved)).toEqual([]);
  });
});

/** The chip edge by edge: a counter that is stepped by every clock of its prescaler. */
class SteppedTimer {
  load = 0;
  control = 0x20;
  value = 0xffffffff;
  raw = false;
  starting = false;
  time = 0;

  readonly divisor = (): number => [1, 16, 256, 256][(this.control >> 2) & 3];
  readonly max = (): number => (this.control & WIDE ? 0xffffffff : 0xffff);

  /** One nanosecond of a 1 GHz clock. */
  step(): void {
    this.time++;
    if (this.time % this.divisor() !== 0 || (this.control & ENABLE) === 0) return;
    if (this.starting) {
      this.starting = false;
      return;
    }
    const max = this.max();
    const upper = (this.value & ~max) >>> 0;
    const low = (this.value & max) >>> 0;
    const reload = (this.load & max) >>> 0;
    if (low === 0) {
      if (this.control & ONESHOT) return;
      this.value = this.control & PERIODIC ? reload : upper + max;
      if (this.control & PERIODIC && reload === 0) this.raw = true;
      return;
    }
    this.value = upper + low - 1;
    if (low > 1) return;
    this.raw = true;
    if ((this.control & (ONESHOT | PERIODIC)) === PERIODIC) this.value = reload;
  }

  write(register: number, value: number): void {
    if (register === INTCLR) this.raw = false;
    if (register === BGLOAD || register === LOAD) this.load = value;
    if (register === LOAD) {
      this.value = (value & this.max()) >>> 0;
      if (this.control & ENABLE) {
        this.starting = true;
        this.raw ||= this.value === 0;
      }
    }
    if (register === CONTROL) {
      const divisor = this.divisor();
      const ran = (this.control & ENABLE) !== 0;
      this.control = value;
      if (!ran || this.divisor() !== divisor) this.starting = true;
    }
  }
}

describe('Integrator/CP timers against a chip that is stepped', () => {
  const control = fc
    .tuple(
      fc.constantFrom(0, ENABLE),
      fc.constantFrom(0, PERIODIC),
      fc.constantFrom(0, IE),
      fc.constantFrom(0, 4, 8),
      fc.constantFrom(0, WIDE, ONESHOT),
    )
    .map(([enable, mode, mask, pre, width]) => enable | mode | mask | pre | width);
  const small = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constantFrom(0x10000, 0xffffffff, 0xffff, 0x20003));
  const step = fc.oneof(
    fc.record({ register: fc.constantFrom(LOAD, BGLOAD), value: small, wait: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ register: fc.constant(CONTROL), value: control, wait: fc.integer({ min: 0, max: 600 }) }),
    fc.record({ register: fc.constant(INTCLR), value: fc.constant(0), wait: fc.integer({ min: 0, max: 40 }) }),
  );

  it('have the same count, status and line at every nanosecond, and wake exactly when the line rises', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
        const t = setUp([1, 1_000_000_000, 1]);
        const chip = new SteppedTimer();
        for (const { register, value, wait } of steps) {
          t.write(register, value);
          chip.write(register, value);
          for (let i = 0; i < wait; i++) {
            const due = t.device.nextWakeup();
            const before = chip.raw;
            chip.step();
            const rises = (chip.control & IE) !== 0 && chip.raw && !before;
            expect(due <= chip.time).toBe(rises);
            t.at(ns(chip.time));
            const line = (chip.control & IE) !== 0 && chip.raw;
            expect([t.read(VALUE), t.read(RIS), t.read(MIS), t.irq()]).toEqual([chip.value, chip.raw ? 1 : 0, line ? 1 : 0, line]);
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});
