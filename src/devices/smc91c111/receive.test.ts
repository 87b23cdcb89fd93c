import { describe, expect, it } from 'vitest';
import { seal } from './checksum.ts';
import { Bed, BROADCAST, frameTo, INT, MAC, MMU, OTHER, RXEN, STRIP_CRC } from './smc91c111.fixture.ts';

const PRMS = 0x0002;
const ALMUL = 0x0004;
const GROUP = [0x01, 0, 0, 0, 0, 0] as const;

describe('reception', () => {
  it.each([
    [60, 66, 0x40],
    [61, 66, 0x60],
    [333, 338, 0x60],
    [1514, 1520, 0x40],
  ])('stores a frame of %i bytes with status, byte count %i and control byte', (length, count, control) => {
    const bed = new Bed();
    bed.open();
    expect(bed.chip.receiveRoom()).toBe(true);
    bed.chip.receive(frameTo(MAC, length));
    expect(bed.irq).toBe(true);
    expect(bed.get(2, 0x5, 1)).toBe(0);
    expect(bed.get(0, 0x8)).toBe(0x0304);
    const packet = bed.take();
    expect(packet).toMatchObject({ count, control, data: frameTo(MAC, length) });
    expect(packet.status & 0xfc01).toBe(length & 1 ? 0x1000 : 0);
    expect(bed.irq).toBe(false);
    expect(bed.get(2, 0x5, 1)).toBe(0x80);
    expect(bed.get(0, 0x8)).toBe(0x0404);
  });

  it.each([60, 61])('stores the CRC unless STRIP_CRC is set: frame of %i bytes', (length) => {
    const bed = new Bed();
    bed.open({ rcr: RXEN });
    bed.chip.receive(frameTo(MAC, length));
    const wire = new Uint8Array(length + 4);
    wire.set(frameTo(MAC, length));
    seal(wire);
    expect(bed.take()).toMatchObject({ count: 70, data: wire });
  });

  it('pads short frames, and marks long ones, VLAN tag or not', () => {
    const bed = new Bed();
    bed.open();
    bed.chip.receive(frameTo(MAC, 42));
    const padded = new Uint8Array(60);
    padded.set(frameTo(MAC, 42));
    const short = bed.take();
    expect(short.data).toEqual(padded);
    expect(short.status & 0x0c00).toBe(0);
    bed.chip.receive(frameTo(MAC, 1518));
    const long = bed.take();
    expect(long.status & 0x0c00).toBe(0x0800);
    expect(long.data).toEqual(frameTo(MAC, 1518));
  });

  it('is off without RXEN, without power and without link', () => {
    const bed = new Bed();
    bed.open({ rcr: STRIP_CRC });
    const deaf = (): void => {
      expect(bed.chip.receiveRoom()).toBe(false);
      bed.chip.receive(frameTo(MAC));
      expect(bed.interrupts & (INT.RCV | INT.RX_OVRN)).toBe(0);
    };
    deaf();
    bed.set(0, 0x4, RXEN);
    expect(bed.chip.receiveRoom()).toBe(true);
    bed.set(1, 0x0, 0);
    deaf();
    bed.set(1, 0x0, 0x8200);
    deaf();
    bed.set(1, 0x0, 0x8000);
    bed.phyWrite(0, 0x0800);
    deaf();
    bed.phyWrite(0, 0);
    expect(bed.chip.receiveRoom()).toBe(true);
  });

  it('keeps frames in order; REMOVE takes one from the FIFO and leaves its memory', () => {
    const bed = new Bed();
    bed.open();
    for (const length of [60, 62, 64]) bed.chip.receive(frameTo(MAC, length));
    bed.mmu(MMU.REMOVE);
    expect(bed.get(2, 0x5, 1)).toBe(1);
    expect(bed.take().data).toEqual(frameTo(MAC, 62));
    expect(bed.get(0, 0x8)).toBe(0x0204);
    bed.set(2, 0x2, 0, 1);
    bed.mmu(MMU.FREE);
    bed.chip.receive(frameTo(MAC, 66));
    expect([bed.take().data.length, bed.take().data.length]).toEqual([64, 66]);
    expect(bed.get(0, 0x8)).toBe(0x0404);
  });

  it('overruns when there is no memory: RX_OVRN_INT until it is acknowledged', () => {
    const bed = new Bed();
    bed.open();
    for (let i = 0; i < 4; i++) bed.chip.receive(frameTo(MAC, 60 + i));
    expect(bed.chip.receiveRoom()).toBe(false);
    expect(bed.interrupts & INT.RX_OVRN).toBe(0);
    bed.chip.receive(frameTo(OTHER));
    expect(bed.interrupts & INT.RX_OVRN).toBe(0);
    bed.chip.receive(frameTo(MAC, 100));
    expect(bed.interrupts & INT.RX_OVRN).toBe(INT.RX_OVRN);
    expect([0, 1, 2, 3].map(() => bed.take().data.length)).toEqual([60, 61, 62, 63]);
    expect(bed.irq).toBe(true);
    bed.acknowledge(INT.RX_OVRN);
    expect(bed.irq).toBe(false);
    expect(bed.chip.receiveRoom()).toBe(true);
  });

  it('serves an allocation that waits before the next frame', () => {
    const bed = new Bed();
    bed.open();
    for (let i = 0; i < 4; i++) bed.chip.receive(frameTo(MAC));
    bed.mask(INT.ALLOC);
    expect(bed.allocate()).toBe(-1);
    bed.take();
    expect(bed.irq).toBe(true);
    expect(bed.get(2, 0x3, 1)).toBe(0);
    expect(bed.chip.receiveRoom()).toBe(false);
  });

  it('never holds more than four packets in the FIFO, even if their memory is freed behind its back', () => {
    const bed = new Bed();
    bed.open();
    for (let i = 0; i < 4; i++) bed.chip.receive(frameTo(MAC));
    bed.set(2, 0x2, 2, 1);
    bed.mmu(MMU.FREE);
    expect(bed.chip.receiveRoom()).toBe(false);
    bed.chip.receive(frameTo(MAC));
    expect(bed.interrupts & INT.RX_OVRN).toBe(INT.RX_OVRN);
    for (let i = 0; i < 4; i++) bed.take();
    expect(bed.interrupts & INT.RCV).toBe(0);
    expect(bed.get(0, 0x8)).toBe(0x0404);
  });

  it('leaves the receive area at a pointer of the transmit area alone', () => {
    const bed = new Bed();
    bed.open();
    bed.chip.receive(frameTo(MAC, 64));
    bed.fill(bed.allocate(), frameTo(OTHER, 64));
    expect(bed.take().data).toEqual(frameTo(MAC, 64));
  });
});

describe('address filter', () => {
  const hears = (bed: Bed, destination: readonly number[]): boolean => {
    bed.chip.receive(frameTo(destination));
    const heard = (bed.interrupts & INT.RCV) !== 0;
    if (heard) bed.take();
    return heard;
  };

  it('passes its own address and broadcasts', () => {
    const bed = new Bed();
    bed.open();
    expect([MAC, BROADCAST, OTHER, GROUP, [...MAC.slice(0, 5), 0x57]].map((to) => hears(bed, to))).toEqual([true, true, false, false, false]);
    bed.set(1, 0x8, OTHER[4] | (OTHER[5] << 8));
    expect(hears(bed, MAC)).toBe(false);
  });

  it('passes everything under PRMS, every multicast under ALMUL', () => {
    const bed = new Bed();
    bed.open({ rcr: RXEN | PRMS });
    expect([OTHER, GROUP].map((to) => hears(bed, to))).toEqual([true, true]);
    bed.set(0, 0x4, RXEN | ALMUL);
    expect([OTHER, GROUP].map((to) => hears(bed, to))).toEqual([false, true]);
  });

  it.each([
    [0xed, 0, 0, 0x00],
    [0x0d, 2, 0, 0x10],
    [0x01, 4, 7, 0x27],
    [0x2f, 7, 7, 0x3f],
  ])('passes multicasts whose bit in the table is set: %i is bit %i.%i', (first, byte, bit, hash) => {
    const bed = new Bed();
    bed.open();
    const group = [first, 0, 0, 0, 0, 0];
    for (let i = 0; i < 8; i++) bed.set(3, i, i === byte ? ~(1 << bit) & 0xff : 0xff, 1);
    expect(hears(bed, group)).toBe(false);
    for (let i = 0; i < 8; i++) bed.set(3, i, i === byte ? 1 << bit : 0, 1);
    bed.chip.receive(frameTo(group));
    expect(bed.take().status).toBe((hash << 1) | 1);
  });

  it('tells broadcasts from multicasts', () => {
    const bed = new Bed();
    bed.open();
    bed.chip.receive(frameTo(BROADCAST));
    expect(bed.take().status & 0xfc01).toBe(0x4000);
  });
});
