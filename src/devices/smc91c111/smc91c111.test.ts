import { describe, expect, it } from 'vitest';
import { deviceContract } from '../contract.suite.ts';
import { AUTO_INCR, Bed, BROADCAST, frameTo, INT, MAC, MMU, make, PAD_EN, READ, RXEN, SOFT_RST, STRIP_CRC, TXENA } from './smc91c111.fixture.ts';
import type { Smc91c111 } from './smc91c111.ts';

/** What opens the chip: without it next to nothing happens to random accesses. */
const OPEN = [
  [0, 0x0, TXENA | PAD_EN | 0x0800],
  [0, 0x4, RXEN | STRIP_CRC],
  [2, 0x0, MMU.ALLOC],
  [2, 0xc, 0xbf00],
  [2, 0x6, AUTO_INCR],
] as const;

deviceContract('LAN91C111', (bench) => make(bench), {
  window: 0x20,
  stimulate: (device, choice) => {
    if (choice % 3 > 0) (device as Smc91c111).receive(frameTo(choice & 1 ? BROADCAST : MAC, 1518).slice(0, choice % 1519));
    else
      for (const [bank, offset, value] of OPEN) {
        device.write(0xe, 2, bank);
        device.write(offset, 2, value);
      }
  },
});

describe('LAN91C111 probed by a driver', () => {
  it('shows its mark in the bank select register of every bank', () => {
    const bed = new Bed();
    expect(bed.bus.read(0xe, 2)).toBe(0x3300);
    for (let bank = 0; bank < 8; bank++) expect(bed.get(bank, 0xe)).toBe(0x3300 | bank);
    bed.bus.write(0xe, 0xfff8, 2);
    expect(bed.bus.read(0xe, 2)).toBe(0x3300);
  });

  it('has the reset values of the datasheet', () => {
    const bed = new Bed();
    const words = (bank: number) => [0, 2, 4, 6, 8, 10, 12].map((offset) => bed.get(bank, offset));
    expect(words(0).slice(0, 6)).toEqual([0, 0x4000, 0, 0, 0x0404, 0]);
    expect(words(1)).toEqual([0xa0b1, 0x1801, 0x5452, 0x1200, 0x5634, 0, 0x1210]);
    expect([0, 2, 4, 6, 12].map((offset) => bed.get(2, offset))).toEqual([0, 0x8000, 0x8080, 0, 0x0004]);
    expect(words(3)).toEqual([0, 0, 0, 0, 0x3330, 0x3391, 0x001f]);
  });

  it('is seen again every 16 bytes, by byte, word and doubleword', () => {
    const bed = new Bed();
    bed.bank(3);
    expect(bed.bus.read(0x1a, 2)).toBe(0x3391);
    expect(bed.bus.read(0xffa, 1)).toBe(0x91);
    expect(bed.bus.read(0xb, 1)).toBe(0x33);
    expect(bed.bus.read(0x8, 4)).toBe(0x33913330);
    expect(bed.bus.read(0xc, 4)).toBe(0x3303001f);
  });

  it('takes a doubleword at 0xc for the bank select register alone', () => {
    const bed = new Bed();
    bed.mask(0x3f);
    bed.bus.write(0xc, 0x0002_0004, 4);
    expect(bed.bus.read(0xd, 1)).toBe(0x3f);
    expect(bed.interrupts).toBe(INT.TX_EMPTY);
    bed.bus.write(0xc, 0x0001_0000, 4);
    expect(bed.bus.read(0xe, 2)).toBe(0x3301);
  });

  it('takes a doubleword elsewhere for both words, and a byte for its own half', () => {
    const bed = new Bed();
    bed.set(1, 0x4, 0x44332211, 4);
    expect(bed.get(1, 0x4, 4)).toBe(0x44332211);
    bed.set(1, 0x5, 0xaa, 1);
    expect(bed.get(1, 0x4, 4)).toBe(0x4433aa11);
    bed.set(0, 0xa, 0x38fc);
    bed.set(0, 0xb, 0x08, 1);
    expect(bed.get(0, 0xa)).toBe(0x08fc);
    bed.set(0, 0xa, 0x00, 1);
    expect(bed.get(0, 0xa)).toBe(0x0800);
    bed.set(2, 0x0, 0x0003_0000, 4);
    expect(bed.get(2, 0x2, 1)).toBe(3);
    bed.set(3, 0x3, 0x5a, 1);
    expect(bed.get(3, 0x2)).toBe(0x5a00);
  });

  it('finds its interrupt as smc_findirq does: by an allocation', () => {
    const bed = new Bed();
    bed.mask(INT.ALLOC);
    expect(bed.irq).toBe(false);
    bed.mmu(MMU.ALLOC | 1);
    expect(bed.irq).toBe(true);
    expect(bed.interrupts & INT.ALLOC).toBe(INT.ALLOC);
    bed.mask(0);
    expect(bed.irq).toBe(false);
  });

  it('tells the log of registers that are not there, and reads them as 0', () => {
    const bed = new Bed();
    expect(bed.get(0, 0xc)).toBe(0);
    expect(bed.get(7, 0x2)).toBe(0);
    bed.set(4, 0x0, 0xffff);
    expect(bed.bench.messages).toHaveLength(3);
    expect(bed.get(0, 0x0)).toBe(0);
  });
});

describe('software reset', () => {
  it('resets all but CR, BAR, IA and the PHY, as long as SOFT_RST is set', () => {
    const bed = new Bed();
    bed.open();
    bed.set(1, 0x0, 0x9000);
    bed.set(1, 0x2, 0x2000);
    bed.set(1, 0x4, 0xbeef);
    bed.set(3, 0x0, 0xffff);
    bed.phyWrite(16, 0x0040);
    bed.chip.receive(frameTo(BROADCAST));
    bed.allocate();
    expect(bed.get(0, 0x8)).toBe(0x0204);
    bed.set(0, 0x4, SOFT_RST | RXEN);
    expect(bed.irq).toBe(false);
    expect(bed.bus.read(0xe, 2)).toBe(0x3300);
    expect(bed.get(0, 0x4)).toBe(SOFT_RST);
    expect(bed.chip.receiveRoom()).toBe(false);
    bed.set(0, 0x4, 0);
    expect([bed.get(0, 0x0), bed.get(0, 0x8), bed.get(1, 0xc), bed.get(2, 0x2), bed.get(2, 0x4), bed.get(3, 0x0)]).toEqual([
      0, 0x0404, 0x1210, 0x8000, 0x8080, 0,
    ]);
    expect(bed.get(1, 0x0)).toBe(0xb0b1);
    expect(bed.get(1, 0x2)).toBe(0x2001);
    expect(bed.get(1, 0x4)).toBe(0xbeef);
    expect(bed.phyRead(16)).toBe(0x0040);
  });
});

describe('EEPROM', () => {
  const RELOAD = 0x2;
  const STORE = 0x1;
  const SELECT = 0x4;

  it('gives the station address at reset and at RELOAD', () => {
    const bed = new Bed();
    bed.set(1, 0x4, 0);
    bed.set(1, 0x8, 0);
    bed.set(1, 0x0, 0x9200);
    bed.set(1, 0xc, 0x1210 | RELOAD);
    expect(bed.get(1, 0xc)).toBe(0x1210);
    expect([bed.get(1, 0x4), bed.get(1, 0x6), bed.get(1, 0x8)]).toEqual([0x5452, 0x1200, 0x5634]);
    expect(bed.get(1, 0x0)).toBe(0xa0b1);
  });

  it('is read and written word by word, as ethtool does', () => {
    const bed = new Bed();
    const word = (address: number): number => {
      bed.set(2, 0x6, address | READ);
      bed.set(1, 0xa, 0xffff);
      bed.set(1, 0xc, 0x1210 | SELECT | RELOAD);
      expect(bed.get(1, 0xc)).toBe(0x1210 | SELECT);
      return bed.get(1, 0xa);
    };
    expect([0x00, 0x01, 0x20, 0x21, 0x22, 0x3f].map(word)).toEqual([0xa0b1, 0x1801, 0x5452, 0x1200, 0x5634, 0xffff]);
    bed.set(1, 0xa, 0x1234);
    bed.set(2, 0x6, 0x20);
    bed.set(1, 0xc, 0x1210 | SELECT | STORE);
    expect(word(0x20)).toBe(0x1234);
    bed.set(1, 0xc, 0x1210 | RELOAD);
    expect(bed.get(1, 0x4)).toBe(0x1234);
  });

  it('keeps CR and BAR by STORE without EEPROM_SELECT', () => {
    const bed = new Bed();
    bed.set(1, 0x2, 0x4400);
    bed.set(1, 0xc, 0x1210 | STORE);
    bed.set(1, 0x2, 0);
    bed.set(1, 0xc, 0x1210 | RELOAD);
    expect(bed.get(1, 0x2)).toBe(0x4401);
  });
});

describe('memory management', () => {
  it('hands out four packets, and the fifth when one is released', () => {
    const bed = new Bed();
    bed.mask(INT.ALLOC);
    expect([0, 1, 2, 3].map(() => bed.allocate())).toEqual([0, 1, 2, 3]);
    expect(bed.get(0, 0x8)).toBe(0x0004);
    expect(bed.allocate()).toBe(-1);
    expect(bed.irq).toBe(false);
    expect(bed.get(2, 0x3, 1)).toBe(0x80);
    bed.set(2, 0x2, 2, 1);
    bed.mmu(MMU.FREE);
    expect(bed.irq).toBe(true);
    expect(bed.get(2, 0x3, 1)).toBe(2);
    expect(bed.get(0, 0x8)).toBe(0x0004);
    expect(bed.get(2, 0x0) & 1).toBe(0);
  });

  it('forgets an allocation that waits at RESET', () => {
    const bed = new Bed();
    for (let i = 0; i < 5; i++) bed.allocate();
    bed.set(2, 0x2, 1, 1);
    bed.mmu(MMU.RESET);
    expect(bed.get(2, 0x2)).toBe(0x8000);
    expect(bed.get(0, 0x8)).toBe(0x0404);
    expect(bed.interrupts).toBe(INT.TX_EMPTY);
    expect(bed.allocate()).toBe(0);
    expect(bed.get(0, 0x8)).toBe(0x0304);
  });

  it('survives numbers that name no packet', () => {
    const bed = new Bed();
    bed.open();
    const before = bed.chip.state.fields.memory.slice();
    bed.set(2, 0x2, 0x3f, 1);
    for (const command of [MMU.FREE, MMU.ENQUEUE, MMU.RELEASE_RX, MMU.REMOVE]) bed.mmu(command);
    bed.set(2, 0x6, AUTO_INCR | 0x7ff);
    bed.bus.write(0x8, 0xffffffff, 4);
    expect(bed.bus.read(0x8, 4)).toBe(0);
    bed.set(2, 0x6, 0x8000);
    expect(bed.bus.read(0x8, 4)).toBe(0);
    expect(bed.chip.state.fields.memory).toEqual(before);
    expect(bed.sent).toEqual([]);
    expect(bed.get(0, 0x8)).toBe(0x0404);
    expect(bed.bench.messages.length).toBeGreaterThan(3);
  });

  it('moves the pointer by the bytes transferred, around the page', () => {
    const bed = new Bed();
    bed.set(2, 0x2, bed.allocate(), 1);
    bed.set(2, 0x6, AUTO_INCR | 0x7fd);
    bed.bus.write(0x8, 0x11, 1);
    bed.bus.write(0xa, 0x3322, 2);
    bed.bus.write(0x8, 0x77665544, 4);
    expect(bed.bus.read(0x6, 2)).toBe(AUTO_INCR | 0x004);
    bed.set(2, 0x6, AUTO_INCR | READ | 0x7ff);
    expect([bed.bus.read(0x9, 1), bed.bus.read(0x8, 4)]).toEqual([0x33, 0x77665544]);
    bed.set(2, 0x6, AUTO_INCR | READ | 0x7fd);
    expect(bed.bus.read(0xb, 1)).toBe(0x11);
  });

  it('reads the doubleword at a pointer that stays by its lanes', () => {
    const bed = new Bed();
    bed.set(2, 0x2, bed.allocate(), 1);
    bed.set(2, 0x6, 0x10);
    bed.bus.write(0x8, 0x2211, 2);
    bed.bus.write(0xa, 0x4433, 2);
    expect(bed.bus.read(0x8, 4)).toBe(0x44332211);
    expect(bed.bus.read(0x9, 1)).toBe(0x22);
    expect(bed.bus.read(0xa, 2)).toBe(0x4433);
    expect(bed.bus.read(0x6, 2)).toBe(0x10);
  });
});

describe('a saved state with numbers that the chip cannot have', () => {
  it('is survived', () => {
    const bed = new Bed();
    const { fields } = bed.chip.state;
    bed.open({ tcr: 0 });
    for (const fifo of [fields.rxFifo, fields.txFifo, fields.doneFifo]) fifo.fill(0xff);
    Object.assign(fields, { rxCount: 0xff, txCount: 0xff, doneCount: 0xff, miiBits: 0xff, miiOnes: 0xff, ARR: 0xff, PNR: 0xff, BSR: 0xffff });
    fields.PTR = 0xffff;
    bed.set(0, 0x0, TXENA | 0x2800);
    for (let bank = 0; bank < 8; bank++) {
      for (let offset = 0; offset < 16; offset += 4) {
        const value = bed.get(bank, offset, 4);
        expect(Number.isInteger(value) && value >= 0 && value <= 0xffffffff).toBe(true);
      }
    }
    bed.take();
    expect(bed.phyRead(2)).toBe(0x0016);
    expect(fields.txCount).toBe(0);
    expect(fields.memory).toHaveLength(8192);
  });
});
