import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NEVER, ns } from '../../time/units.ts';
import { type Bench, deviceContract } from '../contract.suite.ts';
import { EMPTY_SLOT, type SdCardPort } from '../sd-card/sd-bus.ts';
import { bitsOf, GiB, MiB } from '../sd-card/sd-card.fixture.ts';
import { MCLK_HZ, MmciBed, REG, S } from './pl181.fixture.ts';
import { PL181 } from './pl181.regs.ts';
import { Pl181 } from './pl181.ts';

const SIZE = 8 * MiB;
const { Interrupt: INTERRUPT, Pending: PENDING, Enable: ENABLE, Response: RESPONSE } = PL181.mask.MCICommand;
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, n) => (n * 7 + (n >> 8)) & 0xff);
const wired = (bench: Bench, card: SdCardPort): Pl181 =>
  new Pl181('mmci', { mclkHz: MCLK_HZ }, { irq: [bench.line('irq0'), bench.line('irq1')], card, clock: bench, log: bench.log });

/** A card without state, so that the contract sees the controller's alone: it always answers, sends and takes. */
const eager: SdCardPort = {
  command: (index) =>
    index % 3 === 0 ? undefined : index % 3 === 1 ? { kind: 'short', index, value: 0x900 } : { kind: 'long', words: [1, 2, 3, 5] },
  nextBlock: () => {},
  readable: () => 3,
  take: () => 0x5a,
  writable: () => 1,
  put: () => {},
  busy: () => false,
  nextWakeup: () => NEVER,
};
deviceContract('PL181 with a card', (bench) => wired(bench, eager), { window: 0x100 });
deviceContract('PL181 with a card that is never ready', (bench) => wired(bench, { ...eager, readable: () => 0, busy: () => true }), {
  window: 0x100,
});
deviceContract('PL181 without a card', (bench) => wired(bench, EMPTY_SLOT), { window: 0x100 });

describe('PL181', () => {
  it('has the reset values and identification of the datasheet', () => {
    const bed = new MmciBed(SIZE);
    bed.mmci.reset(bed.bench.time);
    for (let offset = 0; offset < 0x4c; offset += 4) if (offset !== REG.MCIClear) expect([offset, bed.get(offset)]).toEqual([offset, 0]);
    expect(Array.from({ length: 8 }, (_, i) => bed.get(0xfe0 + 4 * i))).toEqual([0x81, 0x11, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
  });

  it('tells of registers that are not there', () => {
    const bed = new MmciBed(SIZE);
    bed.get(REG.MCIClear);
    bed.set(REG.MCIStatus, 1);
    bed.get(REG.MCIFIFO);
    bed.set(REG.MCIFIFO + 0x3c, 1);
    expect(bed.bench.messages).toEqual([
      'mmci: read of offset 0x38, where there is no readable register',
      'mmci: write to offset 0x34, where there is no writable register',
      'mmci: read of MCIFIFO while nothing is in it',
      'mmci: write to MCIFIFO while it takes nothing',
    ]);
  });
});

describe('a command', () => {
  it('without a response is sent', () => {
    expect(new MmciBed(SIZE).send(0, 0, 'none')).toBe(S.CmdSent);
  });

  it('brings a short response, its index, and an interrupt where that is let through', () => {
    const bed = new MmciBed(SIZE);
    bed.set(REG.MCIMask1, S.CmdRespEnd);
    bed.set(REG.MCIArgument, 0x1aa);
    bed.set(REG.MCICommand, 8 | RESPONSE | ENABLE);
    expect([bed.status(), bed.irqs()]).toEqual([S.CmdRespEnd, [false, true]]);
    expect([bed.get(REG.MCIResponse0), bed.get(REG.MCIRespCommand)]).toEqual([0x1aa, 8]);
    bed.set(REG.MCIMask0, S.CmdRespEnd);
    expect(bed.irqs()).toEqual([true, true]);
    bed.set(REG.MCIClear, S.CmdRespEnd);
    expect([bed.status(), bed.irqs()]).toEqual([0, [false, false]]);
  });

  it('brings a long response without its last bit; that and the OCR have no index', () => {
    const bed = new MmciBed(SIZE);
    const { csd } = bed.probe();
    expect(bitsOf(csd, 127, 126)).toBe(0);
    expect(csd[3] & 0xfe).not.toBe(0);
    expect(csd[3] & 1).toBe(0);
    bed.send(7, 0, 'none');
    bed.long(9, bed.address());
    expect(bed.get(REG.MCIRespCommand)).toBe(0x3f);
  });

  it('has no response from an empty slot, or when the card does not like it', () => {
    expect(new MmciBed(undefined).send(8, 0x1aa, 'short')).toBe(S.CmdTimeOut);
    expect(new MmciBed(SIZE).send(17, 0, 'short')).toBe(S.CmdTimeOut);
  });

  it('whose response has another length fails its CRC', () => {
    expect(new MmciBed(SIZE).send(8, 0x1aa, 'long')).toBe(S.CmdCrcFail);
  });

  it('may wait for its response for ever', () => {
    const bed = new MmciBed(undefined);
    expect(bed.send(40, 0, 'short', INTERRUPT)).toBe(0);
    bed.pass(1e9);
    expect(bed.status()).toBe(S.CmdActive);
    bed.set(REG.MCICommand, 0);
    expect(bed.status()).toBe(0);
  });

  it('may wait for the end of the data', () => {
    const bed = new MmciBed(SIZE);
    bed.probe();
    bed.data(1024, 512, 'read');
    bed.command(18, 0);
    expect(bed.send(12, 0, 'short', PENDING)).toBe(0);
    expect(bed.status() & S.CmdActive).toBe(S.CmdActive);
    bed.readFifo(1024);
    expect(bed.status() & (S.CmdActive | S.CmdRespEnd)).toBe(S.CmdRespEnd);
    expect((bed.command(13, bed.address()) >>> 9) & 15).toBe(4);
  });
});

describe('a driver', () => {
  it.each([
    ['SD', SIZE, 0],
    ['SDHC', 4 * GiB, 1],
  ])('finds out about an %s card as Linux does', (_, bytes, structure) => {
    const bed = new MmciBed(bytes);
    const { cid, csd, scr, switch: switched, status } = bed.probe();
    expect(bitsOf(cid, 119, 104)).toBe(0x5250);
    expect(bitsOf(csd, 127, 126)).toBe(structure);
    expect([...scr]).toEqual([2, 5, 0, 0, 0, 0, 0, 0]);
    expect(bitsOf(switched, 379, 376)).toBe(1);
    expect(status).toHaveLength(64);
    expect(bed.bench.messages).toEqual([]);
  });

  it('reads one block: the data end when all have come, and the path is active until they are read', () => {
    const bed = new MmciBed(SIZE);
    bed.disk.fill(1024, 0xa5);
    bed.probe();
    bed.data(512, 512, 'read');
    bed.command(17, 1024);
    expect(bed.status()).toBe(S.RxActive | S.RxFifoEmpty);
    bed.pass(1_000_000);
    expect(bed.status()).toBe(S.RxActive | S.RxFifoHalfFull | S.RxFifoFull | S.RxDataAvlbl);
    expect([bed.get(REG.MCIDataCnt), bed.get(REG.MCIFifoCnt)]).toEqual([448, 112]);
    expect(bed.readFifo(448).every((byte) => byte === 0xa5)).toBe(true);
    expect(bed.status()).toBe(S.RxActive | S.RxFifoHalfFull | S.RxFifoFull | S.RxDataAvlbl | S.DataEnd | S.DataBlockEnd);
    bed.readFifo(64);
    expect(bed.status()).toBe(S.DataEnd | S.DataBlockEnd);
  });

  it('is interrupted when the FIFO is half full, and when data are over', () => {
    const bed = new MmciBed(SIZE);
    bed.probe();
    bed.set(REG.MCIMask1, S.RxFifoHalfFull);
    bed.set(REG.MCIMask0, S.DataEnd);
    bed.data(512, 512, 'read');
    bed.command(17, 0);
    expect(bed.irqs()).toEqual([false, false]);
    bed.pass(1_000_000);
    expect(bed.irqs()).toEqual([false, true]);
    for (let n = 0; n < 121; n++) bed.get(REG.MCIFIFO);
    expect(bed.irqs()).toEqual([true, false]);
  });

  it('writes and reads many blocks', () => {
    const bed = new MmciBed(SIZE);
    bed.probe();
    const bytes = pattern(16 * 512);
    bed.command(25, 512);
    bed.data(bytes.length, 512, 'write');
    bed.writeFifo(bytes);
    expect(bed.endData()).toBe(S.DataEnd | S.DataBlockEnd);
    bed.command(12);
    expect(bed.disk.done).toEqual(Array.from({ length: 16 }, (_, n) => `write ${n + 1}+1`));
    bed.data(bytes.length, 512, 'read');
    bed.command(18, 512);
    expect(bed.readFifo(bytes.length)).toEqual(bytes);
    expect(bed.endData()).toBe(S.DataEnd | S.DataBlockEnd);
    bed.command(12);
    expect((bed.command(13, bed.address()) >>> 9) & 15).toBe(4);
    expect(bed.disk.done.slice(16)).toEqual(Array.from({ length: 16 }, (_, n) => `read ${n + 1}+1`));
  });

  it('has written when the card has programmed, not before', () => {
    const bed = new MmciBed(SIZE);
    bed.probe();
    bed.command(24, 0);
    bed.data(512, 512, 'write');
    bed.writeFifo(pattern(512));
    expect(bed.status() & (S.DataEnd | S.TxActive | S.TxFifoEmpty)).toBe(S.TxActive | S.TxFifoEmpty);
    expect(bed.get(REG.MCIDataCnt)).toBe(0);
    bed.pass(1_000_000);
    expect(bed.status()).toBe(S.DataEnd | S.DataBlockEnd);
  });

  it('fills the FIFO while the card is busy, and no further', () => {
    const bed = new MmciBed(SIZE);
    bed.probe();
    bed.command(25, 0);
    bed.data(1024, 512, 'write');
    bed.writeFifo(pattern(512));
    expect(bed.status() & S.TxFifoEmpty).toBe(S.TxFifoEmpty);
    for (let n = 0; n < 16; n++) bed.set(REG.MCIFIFO, n);
    expect(bed.status() & (S.TxFifoFull | S.TxFifoHalfEmpty)).toBe(S.TxFifoFull);
    expect(bed.get(REG.MCIFifoCnt)).toBe(128);
    bed.pass(1_000_000);
    expect(bed.status() & (S.TxFifoEmpty | S.DataBlockEnd)).toBe(S.TxFifoEmpty | S.DataBlockEnd);
    expect(bed.get(REG.MCIFifoCnt)).toBe(112);
  });

  it('finds on the card what it wrote and did not erase, whatever it does', () => {
    const BLOCKS = 24;
    const step = fc.record({
      what: fc.constantFrom('read', 'write', 'erase'),
      first: fc.integer({ min: 0, max: BLOCKS - 1 }),
      count: fc.integer({ min: 1, max: 6 }),
      value: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(fc.constantFrom(SIZE, 4 * GiB), fc.array(step, { maxLength: 12 }), (bytes, steps) => {
        const bed = new MmciBed(bytes);
        bed.probe();
        const unit = bytes === SIZE ? 512 : 1;
        const expected = new Uint8Array((BLOCKS + 6) * 512);
        for (const { what, first, count, value } of [...steps, { what: 'read', first: 0, count: BLOCKS + 6, value: 0 }]) {
          const range = expected.subarray(first * 512, (first + count) * 512);
          if (what === 'read') {
            bed.data(range.length, 512, 'read');
            bed.command(count > 1 ? 18 : 17, first * unit);
            expect(bed.readFifo(range.length)).toEqual(range);
            bed.endData();
            if (count > 1) bed.command(12);
          } else if (what === 'write') {
            range.set(range.map((_, n) => value ^ (n & 0xff)));
            bed.command(count > 1 ? 25 : 24, first * unit);
            bed.data(range.length, 512, 'write');
            bed.writeFifo(range);
            bed.endData();
            if (count > 1) bed.command(12);
          } else {
            range.fill(0);
            bed.command(32, first * unit);
            bed.command(33, (first + count - 1) * unit);
            bed.command(38);
            while (((bed.command(13, bed.address()) >>> 9) & 15) === 7) bed.pass(100_000);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it('moves lengths that are no whole words', () => {
    const bed = new MmciBed(SIZE);
    bed.probe();
    bed.command(16, 5);
    bed.disk.fill(0, 0x11);
    bed.data(10, 1, 'read');
    bed.command(18, 0);
    expect(bed.readFifo(10)).toEqual(new Uint8Array(10).fill(0x11));
    expect(bed.endData()).toBe(S.DataEnd | S.DataBlockEnd);
  });
});

describe('the data path', () => {
  it('gives up when the card does not send, after the time of its timer', () => {
    const bed = new MmciBed(undefined);
    bed.set(REG.MCIDataTimer, 1000);
    bed.set(REG.MCIMask0, S.DataTimeOut);
    bed.data(512, 512, 'read');
    bed.pass(100_000);
    expect(bed.status()).toBe(S.RxActive | S.RxFifoEmpty);
    bed.pass(100);
    expect([bed.status(), bed.irqs()[0]]).toEqual([S.DataTimeOut, true]);
  });

  it('gives up when a protected card takes no data', () => {
    const bed = new MmciBed(SIZE, true);
    bed.probe();
    expect(bed.command(24, 0) & 0x04000000).toBe(0x04000000);
    bed.data(512, 512, 'write');
    bed.writeFifo(pattern(512));
    expect(bed.endData() & S.DataTimeOut).toBe(S.DataTimeOut);
    expect(bed.disk.done).toEqual([]);
  });

  it('gives up when a read goes beyond the end of the card, which tells why', () => {
    const bed = new MmciBed(SIZE);
    bed.probe();
    bed.data(1024, 512, 'read');
    bed.command(18, SIZE - 512);
    expect(bed.readFifo(1024)).toHaveLength(512);
    expect(bed.endData() & S.DataTimeOut).toBe(S.DataTimeOut);
    expect(bed.command(12) >>> 31).toBe(1);
  });

  it('counts the timeout with the divided clock, not at all without one, and not while the guest lets it wait', () => {
    const bed = new MmciBed(SIZE);
    bed.probe();
    bed.set(REG.MCIClock, 0x100 | 9);
    bed.set(REG.MCIDataTimer, 99);
    bed.data(512, 512, 'read');
    expect(bed.mmci.nextWakeup() - bed.bench.time).toBe(100 * 2000);
    bed.set(REG.MCIDataCtrl, 0);
    bed.set(REG.MCIClock, 0);
    bed.data(512, 512, 'read');
    expect(bed.mmci.nextWakeup()).toBe(NEVER);
    bed.set(REG.MCIDataCtrl, 0);
    bed.set(REG.MCIClock, 0x500);
    bed.set(REG.MCIDataTimer, 1_000_000);
    bed.data(512, 512, 'read');
    bed.command(17, 0);
    bed.pass(1e9);
    expect(bed.status() & (S.DataTimeOut | S.RxFifoFull)).toBe(S.RxFifoFull);
  });

  it('does not give up a card that is done in time, though the guest comes to see both at once', () => {
    const bed = new MmciBed(SIZE);
    bed.probe();
    bed.command(17, 0);
    const latency = bed.card!.due() - bed.bench.time;
    bed.set(REG.MCIDataTimer, latency / 100 - 1);
    bed.data(512, 512, 'read');
    bed.bench.time = ns(bed.card!.due() + 50);
    expect(bed.status() & S.DataTimeOut).toBe(0);
    bed.disk.serve(bed.card!, bed.bench.time);
    expect(bed.status() & (S.DataTimeOut | S.RxFifoFull)).toBe(S.RxFifoFull);
  });

  it('stops when it is told to, and begins anew', () => {
    const bed = new MmciBed(SIZE);
    bed.probe();
    bed.data(512, 512, 'read');
    bed.command(17, 0);
    bed.pass(1_000_000);
    bed.set(REG.MCIDataCtrl, 0);
    expect(bed.status()).toBe(0);
    expect(bed.command(12)).toBe(0xb00);
    bed.disk.fill(0, 0x77);
    bed.data(512, 512, 'read');
    bed.command(17, 0);
    expect(bed.readFifo(512)).toEqual(new Uint8Array(512).fill(0x77));
  });
});
