import { describe, expect, it } from 'vitest';
import { NEVER, nsForTicks } from '../../time/units.ts';
import { Bench, Driver, deviceContract } from '../contract.suite.ts';
import { Pl110 } from './pl110.ts';

const TIMING1 = 0x04;
const ENABLE = 0x18;
const CONTROL = 0x1c;
const STATUS = 0x20;
const INTERRUPT = 0x24;
const UPCURR = 0x28;
const [LNBU, VCOMP] = [4, 8];
const ON = 0x801;

const make = (bench: Bench): Pl110 => new Pl110('lcd', { irq: bench.line('irq'), clock: bench, log: bench.log });

function setUp() {
  const bench = new Bench();
  const lcd = make(bench);
  const driver = new Driver(bench, lcd);
  return {
    bench,
    lcd,
    driver,
    read: (offset: number) => driver.read(offset),
    write: (offset: number, value: number) => driver.write(offset, value),
    irq: () => bench.lines.get('irq') === true,
  };
}

deviceContract('PL110', make, {
  window: 0x400,
  stimulate: (device, choice) => {
    device.write(ENABLE, 4, choice & 0x1f);
    device.write(CONTROL, 4, choice & 0x3fff);
    device.write(TIMING1, 4, choice);
  },
});

describe('PL110', () => {
  it('has the reset values and identification of the datasheet', () => {
    const { read } = setUp();
    for (let offset = 0; offset < 0x30; offset += 4) expect(read(offset)).toBe(0);
    expect(Array.from({ length: 8 }, (_, i) => read(0xfe0 + 4 * i))).toEqual([0x10, 0x11, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
  });

  it('keeps writable bits and drops reserved ones', () => {
    const { read, write } = setUp();
    for (let offset = 0; offset < 0x20; offset += 4) write(offset, 0xffffffff);
    const kept = [0xfffffffc, 0xffffffff, 0xffff7fff, 0x1007f, 0xfffffffc, 0xfffffffc, 0x1e, 0x1bfff];
    expect(kept.map((_, i) => read(4 * i))).toEqual(kept);
    expect([read(UPCURR), read(0x2c)]).toEqual([0xfffffffc, 0xfffffffc]);
  });

  it('has a palette of 128 words', () => {
    const { read, write } = setUp();
    write(0x200, 0x12345678);
    write(0x3fc, 0xffffffff);
    expect([read(0x200), read(0x204), read(0x3fc), read(0x400)]).toEqual([0x12345678, 0, 0xffffffff, 0]);
  });

  it('interrupts at the beginning of each frame, 60 times a second from when it is enabled', () => {
    const { driver, write, read, irq, bench } = setUp();
    driver.advance(123_456);
    write(ENABLE, LNBU);
    write(CONTROL, ON);
    driver.advance(16_666_666);
    expect([irq(), read(INTERRUPT)]).toEqual([false, 0]);
    driver.advance(1);
    expect([irq(), read(INTERRUPT)]).toEqual([true, LNBU]);
    write(STATUS, LNBU);
    expect(irq()).toBe(false);
    bench.edges.length = 0;
    for (let frame = 0; frame < 59; frame++) {
      driver.advance(nsForTicks(frame + 2, 60) - nsForTicks(frame + 1, 60));
      write(STATUS, LNBU);
    }
    expect(bench.edges.filter((edge) => edge === 'irq=1')).toHaveLength(59);
    expect(bench.time).toBe(123_456 + 1_000_000_000);
  });

  it.each([
    ['synchronization', 0, 100],
    ['back porch', 1, 10],
    ['picture', 2, 30],
    ['front porch', 3, 80],
  ])('compares at the start of the %s', (_, select, line) => {
    const { driver, write, irq } = setUp();
    // 10 lines of synchronization, 20 of back porch, 50 of picture, 20 of front porch: 100
    write(TIMING1, (20 << 24) | (20 << 16) | (9 << 10) | 49);
    write(ENABLE, VCOMP);
    write(CONTROL, ON | (select << 12));
    driver.advance(nsForTicks(line, 6000) - 1);
    expect(irq()).toBe(false);
    driver.advance(1);
    expect(irq()).toBe(true);
    write(STATUS, VCOMP);
    driver.advance(nsForTicks(line + 100, 6000) - nsForTicks(line, 6000) - 1);
    expect(irq()).toBe(false);
    driver.advance(1);
    expect(irq()).toBe(true);
  });

  it('wakes nobody for a masked interrupt or one that is pending already, yet shows both', () => {
    const { lcd, driver, write, read } = setUp();
    write(CONTROL, ON);
    expect(lcd.nextWakeup()).toBe(NEVER);
    driver.advance(20_000_000);
    expect(read(STATUS)).toBe(LNBU | VCOMP);
    write(ENABLE, LNBU);
    expect(lcd.nextWakeup()).toBe(NEVER);
    write(STATUS, LNBU);
    expect(lcd.nextWakeup()).toBe(nsForTicks(2, 60));
  });

  it('stands still while it is disabled, and begins a new frame when it is enabled again', () => {
    const { driver, write, read, lcd } = setUp();
    write(ENABLE, LNBU);
    write(CONTROL, ON);
    driver.advance(10_000_000);
    write(CONTROL, 0x800);
    driver.advance(100_000_000);
    expect([read(STATUS), lcd.nextWakeup()]).toEqual([0, NEVER]);
    write(CONTROL, ON);
    expect(lcd.nextWakeup()).toBe(110_000_000 + 16_666_667);
  });

  it('clears interrupts at the offset of the PL111 too', () => {
    const { driver, write, read } = setUp();
    write(CONTROL, ON);
    driver.advance(20_000_000);
    write(UPCURR, LNBU);
    expect(read(STATUS)).toBe(VCOMP);
  });

  it('tells of accesses to what it does not have', () => {
    const { read, write, bench } = setUp();
    read(0x30);
    write(INTERRUPT, 1);
    expect(bench.messages).toEqual([
      'lcd: read of offset 0x30, where there is no readable register',
      'lcd: write to offset 0x24, where there is no writable register',
    ]);
  });
});
