import { describe, expect, it } from 'vitest';
import { seal } from './checksum.ts';
import { Bed, BROADCAST, frameTo, INT, MAC, MMU, OTHER, PAD_EN, RXEN, STRIP_CRC, TXENA } from './smc91c111.fixture.ts';

const FORCOL = 0x0004;
const NOCRC = 0x0100;
const MON_CSN = 0x0400;
const FDUPLX = 0x0800;
const STP_SQET = 0x1000;
const EPH_LOOP = 0x2000;
const SWFDUP = 0x8000;
const LINK_OK = 0x4000;
const PDN = 0x0800;
const COLST = 0x0080;
/** Frames that the network refuses are told to the log. */
const refused = (bed: Bed): string[] => bed.bench.messages.filter((text) => text.includes('no network'));
const withFcs = (frame: Uint8Array): Uint8Array => {
  const wire = new Uint8Array(frame.length + 4);
  wire.set(frame);
  seal(wire);
  return wire;
};

describe('transmission', () => {
  it('sends each frame when it is enqueued, as it was written', () => {
    const bed = new Bed();
    bed.open();
    const frames = [60, 61, 333, 1513, 1514, 1518].map((length) => frameTo(OTHER, length, MAC));
    for (const frame of frames) bed.send(frame);
    expect(bed.sent).toEqual(frames);
  });

  it('releases packets that were sent, under AUTO_RELEASE: TX_EMPTY_INT, no TX_INT', () => {
    const bed = new Bed();
    bed.open();
    bed.acknowledge(INT.TX_EMPTY);
    bed.send(frameTo(OTHER));
    expect(bed.get(0, 0x8)).toBe(0x0404);
    expect(bed.get(2, 0x4)).toBe(0x8080);
    expect(bed.interrupts & (INT.TX | INT.TX_EMPTY)).toBe(INT.TX_EMPTY);
    bed.mask(INT.TX_EMPTY);
    expect(bed.irq).toBe(true);
    bed.acknowledge(INT.TX_EMPTY);
    expect(bed.irq).toBe(false);
  });

  it('keeps them without AUTO_RELEASE, status in the packet, numbers in the completion FIFO', () => {
    const bed = new Bed();
    bed.open();
    bed.set(1, 0xc, 0x1210);
    const packets = [bed.send(frameTo(OTHER)), bed.send(frameTo(BROADCAST)), bed.send(frameTo([1, 0, 0, 0, 0, 1]))];
    expect(packets).toEqual([0, 1, 2]);
    bed.mask(INT.TX);
    expect(bed.irq).toBe(true);
    const statuses = packets.map((packet) => {
      expect(bed.get(2, 0x4, 1)).toBe(packet);
      const status = bed.statusOf(packet);
      bed.mmu(MMU.FREE);
      bed.acknowledge(INT.TX);
      return status;
    });
    expect(statuses).toEqual([LINK_OK | 0x0001, LINK_OK | 0x0041, LINK_OK | 0x0009]);
    expect(bed.irq).toBe(false);
    expect(bed.get(2, 0x4, 1)).toBe(0x80);
    expect(bed.get(0, 0x8)).toBe(0x0404);
    expect(bed.get(0, 0x2)).toBe(LINK_OK | 0x0009);
  });

  it('sends a packet again that was not released', () => {
    const bed = new Bed();
    bed.open();
    bed.set(1, 0xc, 0x1210);
    bed.send(frameTo(OTHER));
    for (let i = 0; i < 9; i++) bed.mmu(MMU.ENQUEUE);
    expect(bed.sent).toHaveLength(10);
  });

  it('pads with zeros under PAD_EN only', () => {
    const bed = new Bed();
    bed.open();
    bed.send(frameTo(OTHER, 17));
    const padded = new Uint8Array(60);
    padded.set(frameTo(OTHER, 17));
    expect(bed.sent.pop()).toEqual(padded);
    bed.set(0, 0x0, TXENA);
    bed.send(frameTo(OTHER, 17));
    expect(bed.sent.pop()).toEqual(frameTo(OTHER, 17));
  });

  it('queues frames while TXENA is clear, and sends them in order when it is set', () => {
    const bed = new Bed();
    bed.open({ tcr: PAD_EN });
    bed.acknowledge(INT.TX_EMPTY);
    const frames = [60, 61, 62, 63].map((length) => frameTo(OTHER, length));
    for (const frame of frames) bed.send(frame);
    bed.mmu(MMU.ENQUEUE);
    expect(bed.bench.messages.join()).toContain('TX FIFO is full');
    expect(bed.sent).toEqual([]);
    expect(bed.interrupts & INT.TX_EMPTY).toBe(0);
    expect(bed.allocate()).toBe(-1);
    bed.set(0, 0x0, TXENA | PAD_EN);
    expect(bed.sent).toEqual(frames);
    expect(bed.interrupts & (INT.TX_EMPTY | INT.ALLOC)).toBe(INT.TX_EMPTY | INT.ALLOC);
  });

  it('forgets queued frames, not their memory, at RESET TX FIFOS', () => {
    const bed = new Bed();
    bed.open({ tcr: 0 });
    bed.send(frameTo(OTHER));
    bed.mmu(MMU.RESET_TX);
    bed.set(0, 0x0, TXENA);
    expect(bed.sent).toEqual([]);
    expect(bed.get(0, 0x8)).toBe(0x0304);
  });

  it('queues frames while the link is down, until it is up', () => {
    const bed = new Bed();
    bed.open();
    bed.phyWrite(0, PDN);
    expect(bed.get(0, 0x2)).toBe(0);
    bed.send(frameTo(OTHER));
    expect(bed.sent).toEqual([]);
    bed.phyWrite(0, 0);
    expect(bed.sent).toHaveLength(1);
    bed.set(1, 0x0, 0);
    bed.send(frameTo(OTHER));
    expect(bed.sent).toHaveLength(1);
    bed.set(1, 0x0, 0x8000);
    expect(bed.sent).toHaveLength(2);
  });
});

describe('what cannot be a frame', () => {
  it.each([0, 2, 4, 5, 0xffff, 0x7ff, 6, 18])('does not leave with a byte count of %i', (count) => {
    const bed = new Bed();
    bed.open({ tcr: TXENA });
    bed.fill(bed.allocate(), new Uint8Array(2000).fill(0xff));
    bed.set(2, 0x6, 0x4002);
    bed.bus.write(0x8, count, 2);
    bed.mmu(MMU.ENQUEUE);
    expect(bed.sent).toEqual([]);
    expect(refused(bed)).toHaveLength(1);
    expect(bed.get(0, 0x8)).toBe(0x0404);
  });

  it('is more than 1518 bytes long', () => {
    const bed = new Bed();
    bed.open();
    bed.send(frameTo(OTHER, 1519));
    expect(bed.sent).toEqual([]);
    expect(refused(bed)).toEqual(['eth: frame that no network passes on: too long']);
  });

  it('has a CRC by software that is wrong', () => {
    const bed = new Bed();
    bed.open({ tcr: TXENA | NOCRC });
    bed.send(withFcs(frameTo(OTHER, 70)));
    expect(bed.sent).toEqual([frameTo(OTHER, 70)]);
    bed.send(frameTo(OTHER, 70));
    expect(bed.sent).toHaveLength(1);
    expect(refused(bed)).toEqual(['eth: frame that no network passes on: wrong CRC']);
    bed.send(frameTo(OTHER, 70), 0x10);
    expect(bed.sent[1]).toEqual(frameTo(OTHER, 70));
  });
});

describe('a transmission that fails', () => {
  const cases: [string, number, number, (bed: Bed) => void][] = [
    ['without carrier, under MON_CSN', MON_CSN, 0x0400, (bed) => bed.phyWrite(0, PDN)],
    ['by FORCOL, with a late collision', FORCOL, LINK_OK | 0x0202, () => {}],
    ["by the PHY's collision test, after 16 collisions", 0, LINK_OK | 0x0014, (bed) => bed.phyWrite(0, COLST)],
    ['without an SQE test pulse, under STP_SQET', STP_SQET, LINK_OK | 0x0020, () => {}],
  ];
  it.each(cases)('%s', (_, tcr, status, prepare) => {
    const bed = new Bed();
    bed.open({ tcr: tcr | PAD_EN });
    prepare(bed);
    const first = bed.send(frameTo(OTHER));
    bed.send(frameTo(OTHER, 61));
    bed.set(1, 0xc, 0x1a30);
    expect(bed.interrupts & (INT.TX | INT.EPH)).toBe(0);
    bed.set(0, 0x0, tcr | PAD_EN | TXENA);
    expect(bed.get(0, 0x0)).toBe(tcr | PAD_EN);
    expect(bed.get(0, 0x2)).toBe(status);
    expect(bed.interrupts & (INT.TX | INT.EPH | INT.TX_EMPTY)).toBe(INT.TX | INT.EPH | INT.TX_EMPTY);
    expect(bed.get(2, 0x4, 1)).toBe(first);
    expect(bed.statusOf(first)).toBe(status);
    expect(bed.get(0, 0x8)).toBe(0x0204);
    expect(bed.sent).toHaveLength(tcr === STP_SQET ? 1 : 0);
    bed.acknowledge(INT.TX);
    bed.phyWrite(0, 0);
    bed.set(0, 0x0, TXENA | PAD_EN);
    expect(bed.interrupts & (INT.TX | INT.EPH)).toBe(0);
    expect(bed.sent.at(-1)).toEqual(frameTo(OTHER, 61));
    expect(bed.get(0, 0x8)).toBe(0x0304);
  });

  it('never does in full duplex', () => {
    const bed = new Bed();
    bed.open({ tcr: TXENA | SWFDUP | FORCOL | STP_SQET | MON_CSN });
    bed.phyWrite(0, COLST);
    bed.send(frameTo(OTHER));
    expect(bed.sent).toHaveLength(1);
    expect(bed.get(0, 0x2)).toBe(LINK_OK | 0x0001);
  });

  it('is counted up to 15; CTR_ROL interrupts until the counters are read', () => {
    const bed = new Bed();
    bed.open({ tcr: FORCOL });
    bed.set(1, 0xc, 0x1250);
    bed.send(frameTo(OTHER));
    const fail = (): void => {
      bed.set(0, 0x0, FORCOL | TXENA);
      bed.acknowledge(INT.TX);
      bed.mmu(MMU.ENQUEUE);
    };
    for (let i = 0; i < 14; i++) fail();
    expect(bed.interrupts & INT.EPH).toBe(0);
    expect(bed.get(0, 0x6)).toBe(14);
    expect(bed.get(0, 0x6)).toBe(0);
    for (let i = 0; i < 17; i++) fail();
    expect(bed.interrupts & INT.EPH).toBe(INT.EPH);
    expect(bed.get(0, 0x2) & 0x1000).toBe(0x1000);
    bed.mask(INT.EPH);
    expect(bed.irq).toBe(true);
    expect(bed.get(0, 0x6)).toBe(15);
    expect(bed.irq).toBe(false);
    expect(bed.get(0, 0x2) & 0x1000).toBe(0);
    bed.phyWrite(0, COLST);
    bed.set(0, 0x0, TXENA);
    expect(bed.get(0, 0x6)).toBe(0x10);
  });
});

describe('loopback', () => {
  it.each([
    ['inside the chip', EPH_LOOP, 0],
    ['in the PHY', 0, 0x4000],
  ])('%s gives the frame back, and the network nothing', (_, tcr, control) => {
    const bed = new Bed();
    bed.open({ tcr: TXENA | PAD_EN | FDUPLX | tcr });
    bed.phyWrite(0, control);
    expect(bed.chip.receiveRoom()).toBe(false);
    bed.chip.receive(frameTo(BROADCAST));
    expect(bed.interrupts & INT.RCV).toBe(0);
    bed.send(frameTo(MAC, 77, MAC));
    expect(bed.sent).toEqual([]);
    expect(bed.interrupts & INT.RCV).toBe(INT.RCV);
    const { data, status } = bed.take();
    expect(data).toEqual(frameTo(MAC, 77, MAC));
    expect(status & 0xfc01).toBe(0x1000);
    bed.set(0, 0x0, TXENA | tcr);
    bed.send(frameTo(MAC, 77, MAC));
    expect(bed.interrupts & INT.RCV).toBe(0);
    bed.set(0, 0x0, TXENA | SWFDUP | tcr);
    bed.send(frameTo(OTHER, 77, MAC));
    expect(bed.interrupts & INT.RCV).toBe(0);
    bed.send(frameTo(MAC, 77, MAC));
    expect(bed.interrupts & INT.RCV).toBe(INT.RCV);
  });

  it('shows frames that no network would pass: short, long, with a bad CRC', () => {
    const bed = new Bed();
    bed.open({ tcr: TXENA | FDUPLX | EPH_LOOP | NOCRC, rcr: RXEN });
    bed.send(frameTo(MAC, 40), 0x10);
    expect(bed.take()).toMatchObject({ status: expect.toSatisfy((s: number) => (s & 0xfc01) === 0x0400), count: 50 });
    bed.send(frameTo(MAC, 1600), 0x10);
    expect(bed.take()).toMatchObject({ status: expect.toSatisfy((s: number) => (s & 0xfc01) === 0x0800), count: 1610 });
    bed.send(frameTo(MAC, 100));
    expect(bed.interrupts & INT.RCV).toBe(0);
    bed.set(1, 0xc, 0x5a10);
    bed.send(frameTo(MAC, 100));
    expect(bed.take()).toMatchObject({ status: expect.toSatisfy((s: number) => (s & 0xfc01) === 0x2000), count: 106 });
  });

  it('aborts a frame that does not fit into a page', () => {
    const bed = new Bed();
    bed.open({ tcr: TXENA | FDUPLX | EPH_LOOP, rcr: RXEN });
    bed.send(frameTo(MAC, 2037));
    expect(bed.take()).toMatchObject({ count: 2046, control: 0x60 });
    expect(bed.interrupts & INT.RX_OVRN).toBe(0);
    bed.send(frameTo(MAC, 2038));
    expect(bed.interrupts & (INT.RCV | INT.RX_OVRN)).toBe(INT.RX_OVRN);
    expect(bed.get(0, 0x4)).toBe(RXEN | 1);
    bed.set(0, 0x4, RXEN | 1);
    expect(bed.get(0, 0x4)).toBe(RXEN | 1);
    bed.set(0, 0x4, RXEN);
    bed.set(0, 0x4, RXEN | STRIP_CRC | 1);
    expect(bed.get(0, 0x4)).toBe(RXEN | STRIP_CRC);
    expect(bed.get(0, 0x8)).toBe(0x0404);
  });
});
