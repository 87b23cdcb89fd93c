import { describe, expect, it } from 'vitest';
import { Bench, deviceContract } from '../contract.suite.ts';
import { Ps2Keyboard } from '../ps2/keyboard.ts';
import type { Ps2Port } from '../ps2/ps2-device.ts';
import { Pl050 } from './pl050.ts';

const CR = 0x00;
const STAT = 0x04;
const DATA = 0x08;
const CLKDIV = 0x0c;
const IR = 0x10;
const [FORCE_CLOCK, ENABLE, TX_ENABLE, RX_ENABLE] = [0x01, 0x04, 0x08, 0x10];

function setUp() {
  const bench = new Bench();
  const keyboard: Ps2Keyboard = new Ps2Keyboard('keyboard', { host: { offered: () => kmi.offered() }, log: bench.log });
  const kmi: Pl050 = new Pl050('kmi', { irq: bench.line('irq'), port: keyboard, log: bench.log });
  return {
    bench,
    keyboard,
    kmi,
    read: (offset: number) => kmi.read(offset, 4),
    write: (offset: number, value: number) => kmi.write(offset, 4, value),
    irq: () => bench.lines.get('irq') === true,
  };
}

/** Always has the same byte to send: a device without state, so that the contract sees the controller's alone. */
const talker: Ps2Port = { ready: () => true, take: () => 0x5a, put: () => {} };

deviceContract('PL050', (bench) => new Pl050('kmi', { irq: bench.line('irq'), port: talker, log: bench.log }), {
  window: 0x20,
  stimulate: (device) => (device as Pl050).offered(),
});

describe('PL050', () => {
  it('has the reset values and identification of the datasheet', () => {
    const { read } = setUp();
    expect([CR, STAT, DATA, CLKDIV, IR].map(read)).toEqual([0, 0x43, 0, 0, 2]);
    expect(Array.from({ length: 8 }, (_, i) => read(0xfe0 + 4 * i))).toEqual([0x50, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
  });

  it('carries a command to the keyboard and its answer back, byte by byte', () => {
    const { read, write, irq } = setUp();
    write(CR, ENABLE | RX_ENABLE);
    write(DATA, 0xf2);
    const answer: number[] = [];
    while (read(IR) & 1) {
      expect([irq(), read(STAT) & 0x10]).toEqual([true, 0x10]);
      answer.push(read(DATA));
    }
    expect(answer).toEqual([0xfa, 0xab, 0x83]);
    expect([irq(), read(STAT) & 0x10]).toEqual([false, 0]);
  });

  it('interrupts for a key, only while that is enabled', () => {
    const { keyboard, read, write, irq } = setUp();
    write(CR, ENABLE);
    keyboard.key('a', true);
    expect([irq(), read(STAT)]).toEqual([false, 0x53]);
    write(CR, ENABLE | RX_ENABLE);
    expect(irq()).toBe(true);
    expect(read(DATA)).toBe(0x1c);
    expect(irq()).toBe(false);
  });

  it('tells the odd parity bit of the last byte', () => {
    const { keyboard, read, write } = setUp();
    write(CR, ENABLE);
    keyboard.key('z', true); // 1a: three ones
    expect(read(STAT) & 4).toBe(0);
    read(DATA);
    keyboard.key('f9', true); // 01
    expect(read(STAT) & 4).toBe(0);
    read(DATA);
    keyboard.key('f6', true); // 0b
    keyboard.key('minus', true); // 4e: four ones
    read(DATA);
    expect(read(STAT) & 4).toBe(4);
    read(DATA);
    expect(read(STAT) & 4).toBe(4);
  });

  it('leaves the other bytes with the keyboard until KMIDATA is read', () => {
    const { keyboard, read, write } = setUp();
    write(CR, ENABLE);
    for (let i = 0; i < 20; i++) keyboard.key('a', true);
    const bytes: number[] = [];
    while (read(STAT) & 0x10) bytes.push(read(DATA));
    expect(bytes).toEqual([...Array(17).fill(0x1c), 0]);
  });

  it('has a transmit interrupt as long as a byte can be written', () => {
    const { write, irq } = setUp();
    write(CR, ENABLE | TX_ENABLE);
    expect(irq()).toBe(true);
    write(CR, ENABLE);
    expect(irq()).toBe(false);
  });

  it('sends and receives nothing while the clock line is held low', () => {
    const { keyboard, read, write, irq } = setUp();
    write(CR, ENABLE | TX_ENABLE | FORCE_CLOCK);
    expect(irq()).toBe(true);
    keyboard.key('a', true);
    write(DATA, 0xee);
    expect([irq(), read(STAT), read(IR)]).toEqual([false, 0x21, 0]);
    write(CR, ENABLE);
    expect([read(STAT) & 0x70, read(DATA), read(DATA)]).toEqual([0x50, 0xee, 0x1c]);
  });

  it('works without KmiEn, and tells', () => {
    const { keyboard, read, bench } = setUp();
    keyboard.key('a', true);
    expect(read(DATA)).toBe(0x1c);
    expect(bench.messages).toEqual(['kmi: access to KMIDATA while KmiEn is 0']);
  });
});
