import { describe, expect, it } from 'vitest';
import { ns, SECOND } from '../../time/units.ts';
import { Bench, deviceContract } from '../contract.suite.ts';
import { IntegratorCm } from './integrator-cm.ts';

const MIB = 2 ** 20;

function setUp(ramBytes = 128 * MIB) {
  const bench = new Bench();
  const resets: number[] = [];
  const device = new IntegratorCm(
    'cm',
    { ramBytes, busHz: 25_000_000 },
    {
      irq: bench.line('irq'),
      fiq: bench.line('fiq'),
      resetRequest: { request: () => void resets.push(bench.time) },
      clock: bench,
      log: bench.log,
    },
  ).seal();
  return {
    bench,
    resets,
    device,
    read: (offset: number, size: 1 | 2 | 4 = 4) => device.read(offset, size),
    write: (offset: number, value: number) => device.write(offset, 4, value),
    /** As the machine does it. */
    reset: (time: number) => {
      bench.time = ns(time);
      device.reset(bench.time);
    },
  };
}

deviceContract(
  'Integrator core module',
  (bench) =>
    new IntegratorCm(
      'cm',
      { ramBytes: 64 * MIB, busHz: 33_000_000 },
      { irq: bench.line('irq'), fiq: bench.line('fiq'), resetRequest: { request: () => bench.messages.push('reset') }, clock: bench, log: bench.log },
    ),
  { window: 0x240 },
);

const OSC = 0x08;
const CTRL = 0x0c;
const LOCK = 0x14;
const LMBUSCNT = 0x18;
const AUXOSC = 0x1c;
const SDRAM = 0x20;
const INIT = 0x24;
const REFCNT = 0x28;
const FLAGS = 0x30;
const FLAGSC = 0x34;
const NVFLAGS = 0x38;
const NVFLAGSC = 0x3c;

describe('Integrator core module', () => {
  it('comes out of the power-on reset as documented', () => {
    const { read } = setUp();
    expect([0, 4, OSC, CTRL, 0x10, LOCK, AUXOSC, SDRAM, INIT, 0x80].map((r) => read(r))).toEqual([
      0x411a3001, 0, 0x01000048, 0, 0x00100000, 0x10000, 0x7feff, 0x1112e, 0x112, 0,
    ]);
  });

  it('changes clocks and voltages only when unlocked', () => {
    const { read, write, bench } = setUp();
    for (const register of [OSC, AUXOSC, INIT, 0x80]) write(register, 0xffffffff);
    expect([OSC, AUXOSC, INIT, 0x80].map((r) => read(r))).toEqual([0x01000048, 0x7feff, 0x112, 0]);
    expect(bench.messages).toHaveLength(4);
    write(LOCK, 0xa05f);
    expect(read(LOCK)).toBe(0xa05f);
    for (const register of [OSC, AUXOSC, INIT, 0x80]) write(register, 0xffffffff);
    // BMODE and the reserved bits stay.
    expect([OSC, AUXOSC, INIT, 0x80].map((r) => read(r))).toEqual([0x017ff7ff, 0x7ffff, 0x3f01ff7f, 0xff]);
    write(LOCK, 0);
    write(OSC, 0);
    expect([read(LOCK), read(OSC)]).toEqual([0x10000, 0x017ff7ff]);
  });

  it('asks for a system reset, and reads that bit as 0', () => {
    const { read, write, resets } = setUp();
    write(CTRL, 0x5);
    expect(resets).toHaveLength(0);
    write(CTRL, 0xd);
    expect([read(CTRL), resets.length]).toEqual([0x5, 1]);
    write(CTRL, 0xffffffff);
    expect(read(CTRL)).toBe(0x1fff05);
  });

  it('keeps clocks, reset configuration and nonvolatile flags over a system reset, and nothing else', () => {
    const { read, write, reset } = setUp();
    write(LOCK, 0xa05f);
    write(OSC, 0x12345);
    write(AUXOSC, 0x123);
    write(0x84, 0x42);
    write(CTRL, 5);
    write(SDRAM, 0);
    write(FLAGS, 0xff);
    write(NVFLAGS, 0xf0f0);
    write(NVFLAGSC, 0xf000);
    write(0x48, 1);
    write(0x50, 1);
    reset(1000);
    expect([read(OSC), read(AUXOSC), read(0x84), read(NVFLAGS)]).toEqual([0x01012345, 0x123, 0x42, 0xf0]);
    expect([CTRL, LOCK, SDRAM, FLAGS, 0x48, 0x50].map((r) => read(r))).toEqual([0, 0x10000, 0x1112e, 0, 0, 0]);
  });

  it('lets boot software ask for a PLL bypass and find it after the reset', () => {
    const { read, write, reset } = setUp();
    write(LOCK, 0xa05f);
    write(INIT, read(INIT) | 0x13);
    write(LOCK, 0);
    write(CTRL, read(CTRL) | 8);
    reset(5000);
    expect(read(INIT) & 0x13).toBe(0x13);
    write(LOCK, 0xa05f);
    write(INIT, 0x112);
    expect(read(INIT)).toBe(0x112);
    reset(6000);
    expect(read(INIT)).toBe(0x110);
  });

  it('counts cycles of virtual time since the last reset, modulo 2^32', () => {
    const { read, bench, reset } = setUp();
    bench.time = ns(SECOND);
    expect([read(REFCNT), read(LMBUSCNT)]).toEqual([24_000_000, 25_000_000]);
    bench.time = ns(SECOND + 41);
    expect(read(REFCNT)).toBe(24_000_000);
    bench.time = ns(SECOND + 42);
    expect(read(REFCNT)).toBe(24_000_001);
    bench.time = ns(179 * SECOND);
    expect(read(REFCNT)).toBe(179 * 24_000_000 - 2 ** 32);
    reset(200 * SECOND);
    expect([read(REFCNT), read(LMBUSCNT)]).toEqual([0, 0]);
    bench.time = ns(201 * SECOND);
    expect(read(REFCNT)).toBe(24_000_000);
  });

  it('sets and clears flags bit by bit', () => {
    const { read, write } = setUp();
    write(FLAGS, 0x80000001);
    write(FLAGS, 0x10);
    write(FLAGSC, 1);
    expect(read(FLAGS)).toBe(0x80000010);
    expect(read(NVFLAGS)).toBe(0);
  });

  it('interrupts by software, as IRQ or FIQ', () => {
    const { read, write, bench } = setUp();
    write(0x50, 0xffffffff);
    expect([read(0x44), read(0x64), read(0x40), read(0x50)]).toEqual([1, 1, 0, 1]);
    write(0x48, 0xffffffff);
    expect([read(0x48), read(0x40), bench.lines.get('irq'), bench.lines.get('fiq')]).toEqual([7, 1, true, false]);
    write(0x68, 1);
    write(0x4c, 1);
    expect([read(0x48), read(0x40), read(0x60), bench.lines.get('irq'), bench.lines.get('fiq')]).toEqual([6, 0, 1, false, true]);
    write(0x54, 1);
    expect([read(0x44), read(0x60), bench.lines.get('fiq')]).toEqual([0, 0, false]);
  });

  it.each([
    [8, 16, 0x02],
    [16, 16, 0x02],
    [32, 32, 0x06],
    [64, 64, 0x0a],
    [100, 64, 0x0a],
    [128, 128, 0x0e],
    [256, 256, 0x12],
    [512, 256, 0x12],
  ])('with %d MiB of memory shows a DIMM of %d MiB', (ram, dimm, sdram) => {
    const { read } = setUp(ram * MIB);
    const spd = (i: number) => read(0x100 + i, 1);
    expect(read(SDRAM) & 0x1f).toBe(sdram);
    expect(read(SDRAM) & 0x20).toBe(0x20);
    // Table of the user guide: banks times bank density is the size; 2^(rows + columns) places of 4 banks and 8 bytes.
    expect(spd(5) * spd(31) * 4).toBe(dimm);
    expect(2 ** (spd(3) + spd(4)) * spd(17) * (spd(6) / 8)).toBe(dimm * MIB);
    let sum = 0;
    for (let i = 0; i <= 62; i++) sum += spd(i);
    expect(spd(63)).toBe(sum & 0xff);
    expect([spd(2), spd(18)]).toEqual([4, 6]);
  });

  it('shows the SPD memory in words and half-words too, and not beyond its end', () => {
    const { read, write } = setUp();
    expect(read(0x100)).toBe(((read(0x103, 1) << 24) | (read(0x102, 1) << 16) | (read(0x101, 1) << 8) | read(0x100, 1)) >>> 0);
    expect(read(0x148, 2)).toBe(0x5200);
    expect(read(0x1fc)).toBe(0xffffffff);
    write(0x100, 0);
    expect(read(0x100)).toBe(0x0c040880);
    expect(read(0x200)).toBe(0);
  });

  it('keeps SPDOK, on which boot software waits, when CM_SDRAM is written', () => {
    const { read, write } = setUp();
    write(SDRAM, 0x0001aa0e);
    expect(read(SDRAM)).toBe(0x0001aa2e);
  });

  it('reads as 0 where it has nothing, and says so', () => {
    const { read, write, bench } = setUp();
    expect([read(0x2c), read(0x7ffffc)]).toEqual([0, 0]);
    write(0, 1);
    expect(bench.messages).toEqual([
      'cm: read of offset 0x2c, where there is no readable register',
      'cm: read of offset 0x7ffffc, where there is no readable register',
      'cm: write to offset 0x0, where there is no writable register',
    ]);
  });
});
