/** A PL181 on a bench, with or without a card, and a driver that uses it as Linux does: by polling, without DMA. */
import { ns } from '../../time/units.ts';
import { Bench } from '../contract.suite.ts';
import { EMPTY_SLOT } from '../sd-card/sd-bus.ts';
import { SparseDisk } from '../sd-card/sd-card.fixture.ts';
import { SdCard } from '../sd-card/sd-card.ts';
import { PL181 } from './pl181.regs.ts';
import { Pl181 } from './pl181.ts';

export const MCLK_HZ = 10_000_000;
export const S = PL181.mask.MCIStatus;
const { MCICommand: COMMAND, MCIDataCtrl: CTRL } = PL181.mask;

export const REG = Object.fromEntries(Object.entries(PL181.registers).map(([name, { offset }]) => [name, offset])) as Record<
  keyof typeof PL181.registers,
  number
>;

export type Expect = 'none' | 'short' | 'long';

export class MmciBed {
  readonly bench = new Bench();
  readonly mmci: Pl181;
  readonly card: SdCard | undefined;
  readonly disk: SparseDisk;

  /** @param bytes of the card; undefined: the slot is empty */
  constructor(bytes: number | undefined, readOnly = false) {
    const { bench } = this;
    this.disk = new SparseDisk(bytes ?? 0);
    if (bytes !== undefined) {
      this.card = new SdCard('sd0', { bytes, readOnly }, { host: { cardChanged: () => this.mmci.cardChanged() }, clock: bench });
      this.card.seal();
    }
    const wiring = { irq: [bench.line('irq0'), bench.line('irq1')], card: this.card ?? EMPTY_SLOT, clock: bench, log: bench.log } as const;
    this.mmci = new Pl181('mmci', { mclkHz: MCLK_HZ }, wiring).seal();
    this.set(REG.MCIPower, 3);
    this.set(REG.MCIClock, PL181.mask.MCIClock.Enable | PL181.mask.MCIClock.Bypass);
    this.set(REG.MCIDataTimer, 100_000);
  }

  get(offset: number): number {
    this.mmci.evaluate(this.bench.time);
    return this.mmci.read(offset, 4);
  }

  set(offset: number, value: number): void {
    this.mmci.evaluate(this.bench.time);
    this.mmci.write(offset, 4, value);
  }

  status(): number {
    return this.get(REG.MCIStatus);
  }

  irqs(): readonly boolean[] {
    return [this.bench.lines.get('irq0')!, this.bench.lines.get('irq1')!];
  }

  /** Time passes, up to each wake-up in turn, and the disk does its work. */
  pass(nanoseconds: number): void {
    const target = this.bench.time + nanoseconds;
    while (this.mmci.nextWakeup() <= target) {
      this.bench.time = ns(this.mmci.nextWakeup());
      this.mmci.evaluate(this.bench.time);
      if (this.card !== undefined) this.disk.serve(this.card, this.bench.time);
    }
    this.bench.time = ns(target);
  }

  /** Waits until one of the flags is there; returns the status. */
  await(flags: number): number {
    for (let n = 0; n < 100_000; n++) {
      const status = this.status();
      if (status & flags) return status;
      this.pass(1_000);
    }
    throw new Error('the flag does not come');
  }

  /** Sends a command; returns the flags that it made, which are cleared. */
  send(index: number, argument: number, expect: Expect, more = 0): number {
    this.set(REG.MCIArgument, argument);
    const response = expect === 'none' ? 0 : COMMAND.Response | (expect === 'long' ? COMMAND.LongRsp : 0);
    this.set(REG.MCICommand, index | response | COMMAND.Enable | more);
    const flags = this.status() & (S.CmdSent | S.CmdRespEnd | S.CmdTimeOut | S.CmdCrcFail);
    this.set(REG.MCIClear, flags);
    return flags;
  }

  /** Sends a command with a short response; returns its value. @throws Error when it does not come */
  command(index: number, argument = 0): number {
    if (this.send(index, argument, 'short') !== S.CmdRespEnd) throw new Error(`no response to CMD${index}`);
    return this.get(REG.MCIResponse0);
  }

  /** Sends a command with a long response; returns its words. */
  long(index: number, argument = 0): number[] {
    if (this.send(index, argument, 'long') !== S.CmdRespEnd) throw new Error(`no response to CMD${index}`);
    return [REG.MCIResponse0, REG.MCIResponse1, REG.MCIResponse2, REG.MCIResponse3].map((offset) => this.get(offset));
  }

  acmd(index: number, argument = 0): number {
    this.command(55, this.address());
    return this.command(index, argument);
  }

  address(): number {
    return ((this.card?.state.fields.rca ?? 0) << 16) >>> 0;
  }

  /** Starts the data path. */
  data(length: number, block: number, direction: 'read' | 'write'): void {
    this.set(REG.MCIDataLength, length);
    this.set(REG.MCIDataCtrl, CTRL.Enable | (Math.log2(block) << 4) | (direction === 'read' ? CTRL.Direction : 0));
  }

  /** Takes `length` bytes out of the FIFO: by eights while it is half full, as Linux does. */
  readFifo(length: number): Uint8Array {
    const words: number[] = [];
    while (words.length * 4 < length) {
      const left = length - words.length * 4;
      const status = this.await((left >= 32 ? S.RxFifoHalfFull : S.RxDataAvlbl) | S.DataTimeOut);
      if (status & S.DataTimeOut) break;
      for (let n = left >= 32 ? 8 : 1; n > 0; n--) words.push(this.get(REG.MCIFIFO));
    }
    return new Uint8Array(Uint32Array.from(words).buffer).slice(0, length);
  }

  writeFifo(bytes: Uint8Array): void {
    const words = new Uint32Array(Uint8Array.from({ length: (bytes.length + 3) & ~3 }, (_, n) => bytes[n] ?? 0).buffer);
    for (let at = 0; at < words.length; ) {
      const status = this.await(S.TxFifoHalfEmpty | S.DataTimeOut);
      if (status & S.DataTimeOut) return;
      for (const end = Math.min(at + 8, words.length); at < end; at++) this.set(REG.MCIFIFO, words[at]);
    }
  }

  /** The end of a transfer; returns its flags, which are cleared. */
  endData(): number {
    const flags = this.await(S.DataEnd | S.DataTimeOut) & (S.DataEnd | S.DataTimeOut | S.DataBlockEnd);
    this.set(REG.MCIDataCtrl, 0);
    this.set(REG.MCIClear, 0x7ff);
    return flags;
  }

  /** What Linux's MMC core does with a card that it finds; returns what it learns. */
  probe(): { readonly cid: number[]; readonly csd: number[]; readonly scr: Uint8Array; readonly switch: Uint8Array; readonly status: Uint8Array } {
    this.send(0, 0, 'none');
    this.command(8, 0x1aa);
    while (!(this.acmd(41, 0x40ff8000) & 0x80000000)) this.pass(10_000_000);
    const cid = this.long(2);
    this.command(3);
    const csd = this.long(9, this.address());
    this.command(7, this.address());
    const register = (length: number, send: () => void): Uint8Array => {
      this.data(length, length, 'read');
      send();
      const bytes = this.readFifo(length);
      this.endData();
      return bytes;
    };
    const scr = register(8, () => this.acmd(51));
    const status = register(64, () => this.acmd(13));
    const switched = register(64, () => this.command(6, 0x80fffff1));
    this.acmd(6, 2);
    return { cid, csd, scr, switch: switched, status };
  }
}
