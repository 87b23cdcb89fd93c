/**
 * Interface to an AC '97 audio codec: ARM PrimeCell PL041, in the form that ARM's boards have: one channel of four,
 * with a FIFO of 512 samples instead of 8 (AACIPERIPHID3 tells).
 *
 * Source: ARM DDI 0173B. Samples leave the FIFO at the codec's rate in virtual time, while the guest can see that,
 * and are thrown away. Codec registers are read and written in no time.
 *
 * Not modelled: capture (the receive FIFO stays empty), slot 12, slot interrupts and codec wake-up, loopback, low
 * power mode, DMA requests, the test registers.
 */
import { type AccessSize, type Clock, Device, type GuestLog, type Line } from '../../bus/device.ts';
import { lanesRead, lanesWritten } from '../../registers/narrow.ts';
import { bool, f64, u16 } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import { type Nanoseconds, NEVER, ns, nsForTicks, ticksIn } from '../../time/units.ts';
import type { Ac97Codec } from './lm4549.ts';
import { DATA_WINDOW, PL041 } from './pl041.regs.ts';

const FIFO_DEPTH = 512;
const READ_COMMAND = 1 << 19;
const { AACITXCR1: TXCR, AACISR1: SR, AACIISR1: ISR, AACISLFR: SLFR, AACIMAINCR: MAINCR, AACIRESET: RESET, AACIINTCLR: INTCLR } = PL041.mask;

export const pl041State = defineState('pl041', 1, {
  ...PL041.stored,
  samples: u16(0, 'samples in the transmit FIFO'),
  underrun: bool(false, 'TXU of AACISR1'),
  slot1Waits: bool(false, 'AACISL1TX was not sent'),
  slot2Waits: bool(false, 'AACISL2TX was not sent'),
  slot1Valid: bool(false, 'AACISL1RX was not read'),
  slot2Valid: bool(false, 'AACISL2RX was not read'),
  rate: u16(0, 'frames that take samples in a second; 0 while nothing plays'),
  playSince: f64<Nanoseconds>(NEVER, 'when frames began to be taken at this rate'),
  framesPlayed: f64<number>(0, 'frames since then'),
});

interface Wiring {
  /** AACIINTR, all interrupts combined. */
  readonly irq: Line;
  readonly codec: Ac97Codec;
  readonly clock: Clock;
  readonly log: GuestLog;
}

export class Pl041 extends Device<typeof pl041State.schema, object, Wiring> {
  constructor(name: string, wiring: Wiring) {
    super(name, pl041State, {}, wiring);
  }

  override evaluate(now: Nanoseconds): void {
    const { s } = this;
    if (s.rate === 0) return;
    const frames = ticksIn(now - s.playSince, s.rate);
    const wanted = (frames - s.framesPlayed) * this.samplesPerFrame();
    s.framesPlayed = frames;
    if (wanted > s.samples) s.underrun = true;
    s.samples = Math.max(0, s.samples - wanted);
    this.sync();
  }

  override nextWakeup(): Nanoseconds {
    const { s } = this;
    if (s.rate === 0) return NEVER;
    const awaited = s.AACIIE1 & ~this.sources();
    const perFrame = this.samplesPerFrame();
    let frames = Number.POSITIVE_INFINITY;
    if (awaited & ISR.TXINTR) frames = Math.min(frames, Math.ceil((s.samples - this.depth() / 2) / perFrame));
    if (awaited & ISR.TXCINTR) frames = Math.min(frames, Math.ceil(s.samples / perFrame));
    if (awaited & ISR.URINTR) frames = Math.min(frames, Math.floor(s.samples / perFrame) + 1);
    if (frames === Number.POSITIVE_INFINITY) return NEVER;
    return ns(s.playSince + nsForTicks(s.framesPlayed + frames, s.rate));
  }

  override read(offset: number, size: AccessSize): number {
    return lanesRead(this.register(offset & ~3), offset, size);
  }

  override write(offset: number, size: AccessSize, written: number): void {
    const { s } = this;
    const value = lanesWritten(written, offset, size);
    const register = registerAt(offset);
    switch (register) {
      case 'AACIDR1':
        this.push();
        break;
      case 'AACIMAINCR':
        this.setMainControl(value);
        break;
      case 'AACIRESET':
        s.AACIRESET = PL041.merge(register, s.AACIRESET, value);
        if (!(s.AACIRESET & RESET.RESET)) this.wiring.codec.coldReset();
        this.exchange();
        break;
      case 'AACISL1TX':
        s.AACISL1TX = PL041.merge(register, s.AACISL1TX, value);
        s.slot1Waits = true;
        this.exchange();
        break;
      case 'AACISL2TX':
        s.AACISL2TX = PL041.merge(register, s.AACISL2TX, value);
        s.slot2Waits = true;
        break;
      case 'AACIINTCLR':
        if (value & INTCLR.TXUEC1) s.underrun = false;
        break;
      case 'AACIRXCR1':
      case 'AACITXCR1':
      case 'AACIIE1':
      case 'AACISYNC':
        s[register] = PL041.merge(register, s[register], value);
        break;
      default:
        this.refuse(offset, register, value);
    }
    this.setRate();
    this.sync();
  }

  private register(offset: number): number {
    const { s } = this;
    const register = registerAt(offset);
    switch (register) {
      case undefined:
      case 'AACIINTCLR':
        this.wiring.log.guestError(this.name, `read of offset 0x${offset.toString(16)}, where there is no readable register`);
        return 0;
      case 'AACISR1':
        return this.status();
      case 'AACIISR1':
      case 'AACIALLINTS':
        return this.interrupts();
      case 'AACISL1RX':
        s.slot1Valid = false;
        return s.AACISL1RX;
      case 'AACISL2RX':
        s.slot2Valid = false;
        return s.AACISL2RX;
      case 'AACISLFR':
        return this.slotFlags();
      case 'AACIMAINFR':
        return s.rate !== 0 && s.samples > 0 ? PL041.mask.AACIMAINFR.TXB : 0;
      case 'AACIRXCR1':
      case 'AACITXCR1':
      case 'AACIIE1':
      case 'AACISL1TX':
      case 'AACISL2TX':
      case 'AACIMAINCR':
      case 'AACIRESET':
      case 'AACISYNC':
        return s[register];
      default:
        return PL041.registers[register].reset;
    }
  }

  /** A write that changes nothing. Drivers clear the registers of all four channels: that is no misuse. */
  private refuse(offset: number, register: ReturnType<typeof registerAt>, value: number): void {
    const canBeAbsent = register !== undefined && Object.values(PL041.registers[register].fields).some(({ access }) => access === 'absent');
    if (canBeAbsent) {
      for (const bit of PL041.absentIn(register, 0, value)) this.wiring.log.unmodelled(this.name, bit);
    } else {
      this.wiring.log.guestError(this.name, `write to offset 0x${offset.toString(16)}, where there is no writable register`);
    }
  }

  private depth(): number {
    return this.s.AACITXCR1 & TXCR.TXFEN ? FIFO_DEPTH : 1;
  }

  private samplesPerWord(): number {
    return this.s.AACITXCR1 & TXCR.TXCM ? 2 : 1;
  }

  private samplesPerFrame(): number {
    let slots = 0;
    for (let rest = this.s.AACITXCR1 & TXCR.TX; rest !== 0; rest &= rest - 1) slots++;
    return slots;
  }

  private linkUp(): boolean {
    return (this.s.AACIMAINCR & MAINCR.AACIFE) !== 0 && (this.s.AACIRESET & RESET.RESET) !== 0;
  }

  private playing(): boolean {
    return this.linkUp() && (this.s.AACITXCR1 & TXCR.TXEN) !== 0 && this.samplesPerFrame() > 0;
  }

  /** Where the rate has changed, frames are counted anew from now. */
  private setRate(): void {
    const { s } = this;
    const rate = this.playing() ? this.wiring.codec.dacRate() : 0;
    if (rate === s.rate) return;
    s.rate = rate;
    s.playSince = rate === 0 ? NEVER : this.wiring.clock.now();
    s.framesPlayed = 0;
  }

  /** No room for another word. Without FIFO and in compact mode, a word goes into the one place that there is. */
  private full(): boolean {
    return this.s.samples > 0 && this.s.samples + this.samplesPerWord() > this.depth();
  }

  private push(): void {
    if (this.full()) this.wiring.log.guestError(this.name, 'write to AACIDR1 while the transmit FIFO is full');
    else this.s.samples += this.samplesPerWord();
  }

  private setMainControl(value: number): void {
    const { s } = this;
    for (const bit of PL041.absentIn('AACIMAINCR', s.AACIMAINCR, value)) this.wiring.log.unmodelled(this.name, bit);
    s.AACIMAINCR = PL041.merge('AACIMAINCR', s.AACIMAINCR, value);
    if (!(s.AACIMAINCR & MAINCR.AACIFE)) {
      s.samples = 0;
      s.underrun = false;
      s.slot1Waits = false;
      s.slot2Waits = false;
      s.slot1Valid = false;
      s.slot2Valid = false;
    }
    this.exchange();
  }

  /** Sends slots 1 and 2, if they wait and may go, and takes the answer: one access to a codec register. */
  private exchange(): void {
    const { s } = this;
    if (!s.slot1Waits || !this.linkUp() || !(s.AACIMAINCR & MAINCR.SL1TXEN)) return;
    const index = (s.AACISL1TX >> 12) & 0x7e;
    const hasValue = s.slot2Waits && (s.AACIMAINCR & MAINCR.SL2TXEN) !== 0;
    s.slot1Waits = false;
    if (hasValue) s.slot2Waits = false;
    if (s.AACIMAINCR & MAINCR.SCRA) return;
    if (!(s.AACISL1TX & READ_COMMAND)) {
      if (hasValue) this.wiring.codec.writeRegister(index, s.AACISL2TX >> 4);
      return;
    }
    const value = this.wiring.codec.readRegister(index);
    if (s.AACIMAINCR & MAINCR.SL1RXEN) {
      s.AACISL1RX = index << 12;
      s.slot1Valid = true;
    }
    if (s.AACIMAINCR & MAINCR.SL2RXEN) {
      s.AACISL2RX = value << 4;
      s.slot2Valid = true;
    }
  }

  private status(): number {
    const { s } = this;
    let status = SR.RXFE;
    if (s.samples === 0) status |= SR.TXFE;
    if (s.samples <= this.depth() / 2) status |= SR.TXHE;
    if (this.full()) status |= SR.TXFF;
    if (s.samples > 0 && s.rate !== 0) status |= SR.TXB;
    if (s.underrun) status |= SR.TXU;
    return status;
  }

  private slotFlags(): number {
    const { s } = this;
    let flags = SLFR.SL12TXEMPTY;
    flags |= s.slot1Waits ? SLFR.SL1TXBUSY : SLFR.SL1TXEMPTY;
    flags |= s.slot2Waits ? SLFR.SL2TXBUSY : SLFR.SL2TXEMPTY;
    if (s.slot1Valid) flags |= SLFR.SL1RXVALID;
    if (s.slot2Valid) flags |= SLFR.SL2RXVALID;
    return flags;
  }

  /** Interrupts that there would be if all were enabled. */
  private sources(): number {
    const { s } = this;
    let sources = 0;
    if (s.samples === 0) sources |= ISR.TXCINTR;
    if (s.samples <= this.depth() / 2) sources |= ISR.TXINTR;
    if (s.underrun) sources |= ISR.URINTR;
    return sources;
  }

  private interrupts(): number {
    return this.sources() & this.s.AACIIE1;
  }

  private sync(): void {
    this.wiring.irq.set(this.interrupts() !== 0);
  }
}

const registerAt = (offset: number) => (offset >= DATA_WINDOW.from && offset < DATA_WINDOW.to ? 'AACIDR1' : PL041.at(offset & ~3));
