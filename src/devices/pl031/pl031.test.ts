import { describe, expect, it } from 'vitest';
import { NEVER, ns, SECOND } from '../../time/units.ts';
import { Bench, Driver, deviceContract } from '../contract.suite.ts';
import { Pl031 } from './pl031.ts';

const BASE = 1_700_000_000;
const make = (bench: Bench, base = BASE): Pl031 => new Pl031('rtc', { base }, { irq: bench.line('irq'), clock: bench, log: bench.log });

deviceContract('PL031', (bench) => make(bench), { window: 0x1000 });
deviceContract('PL031 about to wrap', (bench) => make(bench, 0xffffffff), { window: 0x20 });

const DR = 0x00;
const MR = 0x04;
const LR = 0x08;
const CR = 0x0c;
const IMSC = 0x10;
const RIS = 0x14;
const MIS = 0x18;
const ICR = 0x1c;

function setUp(base = BASE) {
  const bench = new Bench();
  const device = make(bench, base).seal() as Pl031;
  const driver = new Driver(bench, device);
  return {
    bench,
    device,
    at: (time: number) => driver.advance(time - bench.time),
    read: (register: number, size: 1 | 2 | 4 = 4) => driver.read(register, size),
    write: (register: number, value: number) => driver.write(register, value),
    irq: () => bench.lines.get('irq'),
  };
}

describe('PL031', () => {
  it('tells the time, which changes at whole seconds of virtual time', () => {
    const t = setUp();
    expect(t.read(DR)).toBe(BASE);
    t.at(SECOND - 1);
    expect(t.read(DR)).toBe(BASE);
    t.at(SECOND);
    expect(t.read(DR)).toBe(BASE + 1);
    t.at(90 * 86_400 * SECOND);
    expect(t.read(DR)).toBe(BASE + 90 * 86_400);
  });

  it('goes on from the time that is loaded, modulo 2^32, without a new start of the second', () => {
    const t = setUp();
    t.at(1.5 * SECOND);
    t.write(LR, 0xfffffffe);
    expect([t.read(DR), t.read(LR)]).toEqual([0xfffffffe, 0xfffffffe]);
    t.at(2 * SECOND);
    expect(t.read(DR)).toBe(0xffffffff);
    t.at(3 * SECOND);
    expect([t.read(DR), t.read(LR)]).toEqual([0, 0xfffffffe]);
    t.write(LR, 5);
    t.at(4 * SECOND);
    expect(t.read(DR)).toBe(6);
  });

  it('interrupts at the first nanosecond of the second that matches, once', () => {
    const t = setUp();
    t.write(MR, BASE + 10);
    expect(t.device.nextWakeup()).toBe(NEVER);
    t.write(IMSC, 1);
    expect(t.device.nextWakeup()).toBe(10 * SECOND);
    t.at(10 * SECOND - 1);
    expect([t.irq(), t.read(RIS)]).toEqual([false, 0]);
    t.at(10 * SECOND);
    expect([t.irq(), t.read(RIS), t.read(MIS), t.device.nextWakeup()]).toEqual([true, 1, 1, NEVER]);
    t.write(ICR, 1);
    expect([t.irq(), t.read(RIS), t.device.nextWakeup()]).toEqual([false, 0, NEVER]);
    t.at(100 * SECOND);
    expect(t.irq()).toBe(false);
  });

  it('notes a masked match without waking the machine', () => {
    const t = setUp();
    t.write(MR, BASE + 1);
    t.at(5 * SECOND);
    expect([t.read(RIS), t.read(MIS), t.irq()]).toEqual([1, 0, false]);
    t.write(IMSC, 1);
    expect([t.read(MIS), t.irq()]).toEqual([1, true]);
    t.write(IMSC, 0);
    expect([t.read(RIS), t.read(MIS), t.irq()]).toEqual([1, 0, false]);
  });

  it('keeps a match that came before the match register or the time is changed', () => {
    const t = setUp();
    t.write(MR, BASE + 1);
    t.at(2 * SECOND);
    t.write(MR, BASE + 100);
    expect(t.read(RIS)).toBe(1);
    t.write(ICR, 0);
    expect(t.read(RIS)).toBe(0);
    t.write(LR, 0);
    t.at(50 * SECOND);
    expect(t.read(RIS)).toBe(0);
  });

  it('matches at once when a write makes time and match register equal', () => {
    const t = setUp();
    t.write(IMSC, 1);
    t.write(MR, BASE);
    expect(t.irq()).toBe(true);
    t.write(ICR, 1);
    t.write(MR, 1234);
    expect(t.irq()).toBe(false);
    t.write(LR, 1234);
    expect(t.irq()).toBe(true);
  });

  it('waits for the wrap when the match lies in the past', () => {
    const t = setUp(0xfffffff0);
    t.write(MR, 4);
    t.write(IMSC, 1);
    expect(t.device.nextWakeup()).toBe(20 * SECOND);
    t.write(LR, 5);
    expect(t.device.nextWakeup()).toBeGreaterThan(2 ** 53);
  });

  it('keeps the time over a system reset, but neither alarm nor mask', () => {
    const t = setUp();
    t.write(LR, 1000);
    t.write(MR, 1005);
    t.write(IMSC, 1);
    t.at(3 * SECOND);
    t.device.reset(ns(3 * SECOND));
    expect([DR, MR, LR, IMSC, RIS].map((r) => t.read(r))).toEqual([1003, 0, 0, 0, 0]);
    t.write(IMSC, 1);
    t.at(60 * SECOND);
    expect(t.irq()).toBe(false);
  });

  it('is always running', () => {
    const t = setUp();
    t.write(CR, 0);
    expect(t.read(CR)).toBe(1);
  });

  it('identifies itself as a PrimeCell, also byte by byte', () => {
    const t = setUp();
    const bytes = Array.from({ length: 8 }, (_, i) => t.read(0xfe0 + 4 * i));
    expect(bytes).toEqual([0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
    expect([t.read(0xfe0, 1), t.read(0xfe1, 1), t.read(0xfe0, 2)]).toEqual([0x31, 0, 0x31]);
    expect(t.bench.messages).toEqual([]);
  });
});
