import { describe, expect, it } from 'vitest';
import { NEVER, nsForTicks } from '../../time/units.ts';
import { Bench, Driver, deviceContract } from '../contract.suite.ts';
import { type Ac97Codec, Lm4549 } from './lm4549.ts';
import { Pl041 } from './pl041.ts';

const TXCR = 0x04;
const SR = 0x08;
const ISR = 0x0c;
const IE = 0x10;
const SL1RX = 0x50;
const SL1TX = 0x54;
const SL2RX = 0x58;
const SL2TX = 0x5c;
const SLFR = 0x68;
const INTCLR = 0x74;
const MAINCR = 0x78;
const RESET = 0x7c;
const ALLINTS = 0x84;
const MAINFR = 0x88;
const DR = 0x90;
const [TXHE, TXFF, TXB, TXU] = [0x08, 0x20, 0x80, 0x200];
const [TXC, TX, UR] = [0x01, 0x04, 0x20];
/** Interface, and both directions of slots 1 and 2. */
const MAIN_ON = 0x79;
const [TXEN, SLOTS_3_4, COMPACT, FEN] = [0x1, 0x18, 0x8000, 0x10000];

function setUp() {
  const bench = new Bench();
  const codec = new Lm4549('codec', { log: bench.log });
  const aaci = new Pl041('aaci', { irq: bench.line('irq'), codec, clock: bench, log: bench.log });
  const driver = new Driver(bench, aaci);
  const read = (offset: number): number => driver.read(offset);
  const write = (offset: number, value: number): void => driver.write(offset, value);
  return {
    bench,
    codec,
    aaci,
    driver,
    read,
    write,
    irq: () => bench.lines.get('irq') === true,
    start() {
      write(RESET, 1);
      write(MAINCR, MAIN_ON);
    },
    fill(words: number) {
      for (let i = 0; i < words; i++) write(DR + 4 * (i % 8), 0);
    },
    readCodec(index: number) {
      write(SL1TX, 0x80000 | (index << 12));
      return { flags: read(SLFR), echo: read(SL1RX), value: read(SL2RX), after: read(SLFR) };
    },
    writeCodec(index: number, value: number) {
      write(SL2TX, value << 4);
      write(SL1TX, index << 12);
    },
  };
}

/** A codec without state, so that the contract sees the controller's alone. */
const mute: Ac97Codec = { readRegister: (index) => index * 0x101, writeRegister: () => {}, coldReset: () => {}, dacRate: () => 48_000 };

deviceContract('PL041', (bench) => new Pl041('aaci', { irq: bench.line('irq'), codec: mute, clock: bench, log: bench.log }), {
  window: 0xc0,
  stimulate: (device, choice) => {
    device.write(RESET, 4, 1);
    device.write(MAINCR, 4, 1);
    device.write(IE, 4, (choice >>> 8) & 0x7f);
    device.write(TXCR, 4, FEN | TXEN | (choice & 0x801e));
    for (let i = 0; i < (choice >>> 20) % 600; i++) device.write(DR, 4, 0);
  },
});

describe('PL041 registers', () => {
  it('has the reset values and identification of the part', () => {
    const { read } = setUp();
    expect([SR, ISR, SLFR, MAINCR, RESET, MAINFR].map(read)).toEqual([0x0b, 0, 0xa80, 0, 0, 0]);
    expect(Array.from({ length: 8 }, (_, i) => read(0xfe0 + 4 * i))).toEqual([0x41, 0x10, 0x04, 0x29, 0x0d, 0xf0, 0x05, 0xb1]);
  });

  it('lets a driver clear channels that are not there, and tells of one that is used', () => {
    const { write, bench } = setUp();
    for (const offset of [0x14, 0x18, 0x24, 0x3c, 0x40, 0x4c]) write(offset, 0);
    expect(bench.messages).toEqual([]);
    write(0x18, TXEN);
    write(MAINCR, 0x7b);
    expect(bench.messages).toEqual(['aaci: AACITXCR2.all (not modelled)', 'aaci: AACIMAINCR.LOOPBK (not modelled)']);
    write(SR, 0);
    expect(bench.messages).toHaveLength(3);
  });
});

describe('PL041 codec registers', () => {
  it('reads through slots 1 and 2, whose flags say when they are valid', () => {
    const { start, readCodec } = setUp();
    start();
    expect(readCodec(0x7c)).toEqual({ flags: 0xbc0, echo: 0x7c000, value: 0x4e530, after: 0xa80 });
    expect(readCodec(0x7e).value).toBe(0x43310);
    expect(readCodec(0x26).value).toBe(0x000f0);
  });

  it('writes what slot 2 holds', () => {
    const { start, writeCodec, readCodec, read } = setUp();
    start();
    writeCodec(0x02, 0x0606);
    expect(read(SLFR)).toBe(0xa80);
    expect(readCodec(0x02).value).toBe(0x06060);
  });

  it('keeps a command until the interface, its slots and the codec are on', () => {
    const { write, read } = setUp();
    write(SL1TX, 0xfc000);
    expect(read(SLFR)).toBe(0xa02);
    write(MAINCR, MAIN_ON);
    expect(read(SLFR)).toBe(0xa02);
    write(RESET, 1);
    expect(read(SLFR)).toBe(0xbc0);
  });

  it('gets no answer from a second codec', () => {
    const { start, write, read } = setUp();
    start();
    write(MAINCR, MAIN_ON | 0x400);
    write(SL1TX, 0xfc000);
    expect(read(SLFR)).toBe(0xa80);
  });

  it('resets the codec by its line', () => {
    const { start, writeCodec, write, codec } = setUp();
    start();
    writeCodec(0x18, 0x0101);
    expect(codec.readRegister(0x18)).toBe(0x0101);
    write(RESET, 0);
    expect(codec.readRegister(0x18)).toBe(0x8808);
  });
});

describe('PL041 playback', () => {
  it('lets a driver measure the FIFO: it fills, without slots it does not drain, disabling empties it', () => {
    const { start, write, read, driver } = setUp();
    start();
    write(TXCR, FEN | TXEN);
    let words = 0;
    for (; !(read(SR) & TXFF) && words < 4096; words++) write(DR, 0);
    expect(words).toBe(512);
    driver.advance(1_000_000);
    expect(read(SR)).toBe(TXFF | 1);
    write(TXCR, 0);
    write(MAINCR, MAIN_ON & ~1);
    write(MAINCR, MAIN_ON);
    expect(read(SR)).toBe(0x0b);
  });

  it('drops what does not fit and tells', () => {
    const { write, read, bench, fill } = setUp();
    write(TXCR, FEN | COMPACT);
    fill(256);
    expect([read(SR) & TXFF, bench.messages]).toEqual([TXFF, []]);
    fill(1);
    expect(bench.messages).toEqual(['aaci: write to AACIDR1 while the transmit FIFO is full']);
  });

  it('has one place without FIFO', () => {
    const { write, read, fill } = setUp();
    write(TXCR, COMPACT);
    expect(read(SR)).toBe(0x0b);
    fill(1);
    expect(read(SR)).toBe(TXFF | 1);
  });

  it('drains one sample for each slot and frame at 48 kHz', () => {
    const { start, write, read, fill, driver } = setUp();
    start();
    write(TXCR, FEN | COMPACT | SLOTS_3_4);
    fill(256);
    write(TXCR, FEN | COMPACT | SLOTS_3_4 | TXEN);
    expect([read(SR), read(MAINFR)]).toEqual([TXFF | TXB | 1, 2]);
    driver.advance(nsForTicks(128, 48_000) - 1);
    expect(read(SR) & TXHE).toBe(0);
    driver.advance(1);
    expect(read(SR) & TXHE).toBe(TXHE);
    driver.advance(nsForTicks(256, 48_000) - nsForTicks(128, 48_000));
    expect([read(SR), read(MAINFR)]).toEqual([0x0b, 0]);
    driver.advance(nsForTicks(257, 48_000) - nsForTicks(256, 48_000));
    expect(read(SR)).toBe(0x0b | TXU);
  });

  it('interrupts when it is half empty, again once it was filled, and when samples were missing', () => {
    const { start, write, read, fill, driver, irq, bench } = setUp();
    start();
    write(IE, TX | UR);
    expect(irq()).toBe(true);
    write(TXCR, FEN | SLOTS_3_4 | TXEN);
    fill(512);
    expect([irq(), read(ALLINTS)]).toEqual([false, 0]);
    driver.advance(10_000_000);
    expect([irq(), read(ISR)]).toEqual([true, TX | UR]);
    expect(bench.edges).toEqual(['irq=1', 'irq=0', 'irq=1']);
    write(INTCLR, 0x20);
    expect(read(ISR)).toBe(TX);
    fill(512);
    expect(irq()).toBe(false);
  });

  it('interrupts at the very frame', () => {
    const { start, write, fill, aaci } = setUp();
    start();
    write(TXCR, FEN | SLOTS_3_4);
    fill(511);
    write(TXCR, FEN | SLOTS_3_4 | TXEN);
    expect(aaci.nextWakeup()).toBe(NEVER);
    write(IE, TX);
    expect(aaci.nextWakeup()).toBe(nsForTicks(128, 48_000));
    write(IE, TXC);
    expect(aaci.nextWakeup()).toBe(nsForTicks(256, 48_000));
    write(IE, UR);
    expect(aaci.nextWakeup()).toBe(nsForTicks(256, 48_000));
  });

  it('plays at the rate of the codec, and keeps its pace when other registers are written', () => {
    const { start, write, writeCodec, fill, aaci, driver } = setUp();
    start();
    writeCodec(0x2a, 1);
    writeCodec(0x2c, 8_000);
    write(TXCR, FEN | SLOTS_3_4);
    fill(512);
    write(IE, TX);
    write(TXCR, FEN | SLOTS_3_4 | TXEN);
    expect(aaci.nextWakeup()).toBe(nsForTicks(128, 8_000));
    driver.advance(190_000);
    write(MAINCR, MAIN_ON);
    writeCodec(0x18, 0);
    expect(aaci.nextWakeup()).toBe(nsForTicks(128, 8_000));
  });

  it('stands still while the codec is in reset', () => {
    const { start, write, fill, read, driver } = setUp();
    start();
    write(TXCR, FEN | SLOTS_3_4 | TXEN);
    fill(512);
    write(RESET, 0);
    driver.advance(100_000_000);
    expect(read(SR)).toBe(TXFF | 1);
  });
});
