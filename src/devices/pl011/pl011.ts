/**
 * UART with 16-deep FIFOs: ARM PrimeCell PL011, revision r1p4.
 *
 * Source: ARM DDI 0183F. A character is sent in no time: waiting for a real frame would only burn guest
 * instructions. So the transmit FIFO holds something only while the transmitter is disabled, and every character
 * sent raises TXRIS, as if the FIFO had been filled past its trigger level and had drained. Received characters come
 * from outside when the session gives them; only the receive timeout takes virtual time.
 *
 * Not modelled: the frame format (characters are whole bytes, whatever UARTLCR_H says), parity and framing errors,
 * IrDA, hardware flow control, modem lines other than in loopback, DMA requests, the test registers.
 */
import { type AccessSize, type Clock, Device, type GuestLog, type Line } from '../../bus/device.ts';
import { lanesRead, lanesWritten } from '../../registers/narrow.ts';
import { bool, f64, u8, u8s, u16s, u32 } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import { type Nanoseconds, NEVER, ns, nsForTicks } from '../../time/units.ts';
import { PL011 } from './pl011.regs.ts';

const FIFO_DEPTH = 16;
/** Characters at which a FIFO interrupt triggers, by RXIFLSEL and TXIFLSEL; the reserved codes act as the last one. */
const TRIGGER_LEVELS = [2, 4, 8, 12, 14, 14, 14, 14] as const;
const FIRMWARE_BAUD = 38_400;
const TIMEOUT_BITS = 32;
/** Clocks of the baud rate generator in a bit; times the divisor they are UARTCLKs. */
const CLOCKS_PER_BIT = 16;
const { UARTCR: CR, UARTLCR_H: LCR, UARTFR: FR, UARTRIS: RIS, UARTRSR: RSR, UARTDR: DR } = PL011.mask;

export const pl011State = defineState('pl011', 1, {
  ...PL011.stored,
  divisor: u32(0, 'baud rate divisor in 64ths, taken over from UARTIBRD and UARTFBRD when UARTLCR_H is written'),
  rx: u16s(FIFO_DEPTH, 'received characters with their error bits as in UARTDR, oldest first'),
  rxCount: u8(0, 'characters in rx'),
  rxReached: bool(false, 'the receive FIFO stands at its trigger level or above: RXRIS is set when this becomes true'),
  rxLost: bool(false, 'characters were lost; the next one carries OE'),
  rxTimeout: f64<Nanoseconds>(NEVER, 'when RTRIS will be set unless something happens to the receive FIFO'),
  tx: u8s(FIFO_DEPTH, 'characters that wait for the transmitter to be enabled, oldest first'),
  txCount: u8(0, 'characters in tx'),
});

/** Where a stream of bytes goes. */
export interface ByteSink {
  put(byte: number): void;
}

interface Config {
  /** UARTCLK in hertz, from which the bit rate is divided. */
  readonly clockHz: number;
  /**
   * Reset leaves the UART as the board's firmware hands it over: enabled, 38400 baud, 8 bits, no FIFOs. Where no
   * firmware runs, the first words of Linux (its decompressor, earlycon) and of many bare-metal programs would be lost
   * without it.
   */
  readonly enabledByFirmware: boolean;
}

interface Wiring {
  /** UARTINTR, the interrupts combined. */
  readonly irq: Line;
  readonly tx: ByteSink;
  readonly clock: Clock;
  readonly log: GuestLog;
}

export class Pl011 extends Device<typeof pl011State.schema, Config, Wiring> {
  constructor(name: string, config: Config, wiring: Wiring) {
    super(name, pl011State, config, wiring);
    this.handOver();
  }

  override reset(now: Nanoseconds): void {
    super.reset(now);
    this.handOver();
  }

  /** How many characters can be received now; 0 also while the receiver is disabled, so that input waits for it. */
  receiveRoom(): number {
    return this.listens() && !(this.s.UARTCR & CR.LBE) ? this.depth() - this.s.rxCount : 0;
  }

  /** A character (0 to 255) arrives from outside. It is lost when the receiver is disabled, and overruns a full FIFO. */
  receive(byte: number): void {
    this.arrive(byte & DR.DATA);
  }

  /** A break arrives from outside. */
  receiveBreak(): void {
    this.arrive(DR.BE);
  }

  override evaluate(now: Nanoseconds): void {
    if (now < this.s.rxTimeout) return;
    this.s.rxTimeout = NEVER;
    this.s.UARTRIS |= RIS.RTRIS;
    this.sync();
  }

  override nextWakeup(): Nanoseconds {
    return this.s.UARTIMSC & RIS.RTRIS ? this.s.rxTimeout : NEVER;
  }

  override read(offset: number, size: AccessSize): number {
    return lanesRead(this.register(offset & ~3), offset, size);
  }

  override write(offset: number, size: AccessSize, written: number): void {
    const { s } = this;
    const value = lanesWritten(written, offset, size);
    const register = PL011.at(offset & ~3);
    switch (register) {
      case 'UARTDR':
        this.send(value & DR.DATA);
        break;
      case 'UARTRSR':
        s.UARTRSR = 0;
        break;
      case 'UARTLCR_H':
        this.setLineControl(value);
        break;
      case 'UARTCR':
        this.setControl(value);
        break;
      case 'UARTICR':
        s.UARTRIS &= ~value;
        if (value & RIS.RTRIS) this.restartTimeout();
        break;
      case 'UARTILPR':
      case 'UARTIBRD':
      case 'UARTFBRD':
      case 'UARTIFLS':
      case 'UARTIMSC':
      case 'UARTDMACR':
        s[register] = PL011.merge(register, s[register], value);
        break;
      case 'UARTTCR':
      case 'UARTITIP':
      case 'UARTITOP':
      case 'UARTTDR':
        this.wiring.log.unmodelled(this.name, register);
        break;
      default:
        this.wiring.log.guestError(this.name, `write to offset 0x${offset.toString(16)}, where there is no writable register`);
    }
    this.sync();
  }

  private register(offset: number): number {
    const { s } = this;
    const register = PL011.at(offset);
    switch (register) {
      case 'UARTDR':
        return this.take();
      case 'UARTFR':
        return this.flags();
      case 'UARTMIS':
        return s.UARTRIS & s.UARTIMSC;
      case undefined:
      case 'UARTICR':
        this.wiring.log.guestError(this.name, `read of offset 0x${offset.toString(16)}, where there is no readable register`);
        return 0;
      case 'UARTRSR':
      case 'UARTILPR':
      case 'UARTIBRD':
      case 'UARTFBRD':
      case 'UARTLCR_H':
      case 'UARTCR':
      case 'UARTIFLS':
      case 'UARTIMSC':
      case 'UARTRIS':
      case 'UARTDMACR':
        return s[register];
      default:
        return PL011.registers[register].reset;
    }
  }

  private handOver(): void {
    const { s } = this;
    if (!this.config.enabledByFirmware) return;
    s.divisor = Math.round((64 * this.config.clockHz) / (CLOCKS_PER_BIT * FIRMWARE_BAUD));
    s.UARTIBRD = s.divisor >> 6;
    s.UARTFBRD = s.divisor & 0x3f;
    s.UARTLCR_H = LCR.WLEN;
    s.UARTCR |= CR.UARTEN;
  }

  private depth(): number {
    return this.s.UARTLCR_H & LCR.FEN ? FIFO_DEPTH : 1;
  }

  private sends(): boolean {
    return (this.s.UARTCR & CR.UARTEN) !== 0 && (this.s.UARTCR & CR.TXE) !== 0;
  }

  private listens(): boolean {
    return (this.s.UARTCR & CR.UARTEN) !== 0 && (this.s.UARTCR & CR.RXE) !== 0;
  }

  private flags(): number {
    const { s } = this;
    const modem = this.modemInputs();
    let flags = 0;
    if (modem & RIS.CTSRMIS) flags |= FR.CTS;
    if (modem & RIS.DSRRMIS) flags |= FR.DSR;
    if (modem & RIS.DCDRMIS) flags |= FR.DCD;
    if (modem & RIS.RIRMIS) flags |= FR.RI;
    if (s.txCount > 0) flags |= FR.BUSY;
    else flags |= FR.TXFE;
    if (s.txCount >= this.depth()) flags |= FR.TXFF;
    if (s.rxCount >= this.depth()) flags |= FR.RXFF;
    if (s.rxCount === 0) flags |= FR.RXFE;
    return flags;
  }

  /** The asserted modem inputs, at the bits of their interrupts. In loopback they are the modem outputs. */
  private modemInputs(): number {
    const control = this.s.UARTCR;
    if (!(control & CR.LBE)) return 0;
    let inputs = 0;
    if (control & CR.RTS) inputs |= RIS.CTSRMIS;
    if (control & CR.DTR) inputs |= RIS.DSRRMIS;
    if (control & CR.Out1) inputs |= RIS.DCDRMIS;
    if (control & CR.Out2) inputs |= RIS.RIRMIS;
    return inputs;
  }

  private setControl(value: number): void {
    const { s } = this;
    for (const bit of PL011.absentIn('UARTCR', s.UARTCR, value)) this.wiring.log.unmodelled(this.name, bit);
    const modem = this.modemInputs();
    s.UARTCR = PL011.merge('UARTCR', s.UARTCR, value);
    s.UARTRIS |= modem ^ this.modemInputs();
    this.transmit();
  }

  private setLineControl(value: number): void {
    const { s } = this;
    const changed = s.UARTLCR_H ^ value;
    s.UARTLCR_H = value;
    s.divisor = s.UARTIBRD * 64 + s.UARTFBRD;
    if (changed & LCR.FEN) {
      s.txCount = 0;
      s.rxCount = 0;
      this.restartTimeout();
    }
    if (changed & value & LCR.BRK && s.UARTCR & CR.LBE) this.accept(DR.BE);
  }

  private send(byte: number): void {
    const { s } = this;
    if (s.txCount >= this.depth()) {
      this.wiring.log.guestError(this.name, 'write to UARTDR while the transmit FIFO is full');
      return;
    }
    s.tx[s.txCount++] = byte;
    const trigger = s.UARTLCR_H & LCR.FEN ? TRIGGER_LEVELS[s.UARTIFLS & 7] : 0;
    if (s.txCount > trigger) s.UARTRIS &= ~RIS.TXRIS;
    this.transmit();
  }

  /** Sends all that waits, if the transmitter is enabled. */
  private transmit(): void {
    const { s } = this;
    if (s.txCount === 0 || !this.sends()) return;
    for (const byte of s.tx.subarray(0, s.txCount)) {
      if (s.UARTCR & CR.LBE) this.accept(byte);
      else this.wiring.tx.put(byte);
    }
    s.txCount = 0;
    s.UARTRIS |= RIS.TXRIS;
  }

  /** Something comes in at the receive pin, which loopback disconnects. */
  private arrive(character: number): void {
    this.evaluate(this.wiring.clock.now());
    if (!(this.s.UARTCR & CR.LBE)) this.accept(character);
    this.sync();
  }

  /** The receiver gets a character, in the format of UARTDR. */
  private accept(character: number): void {
    const { s } = this;
    if (!this.listens()) return;
    if (s.rxCount >= this.depth()) {
      s.rxLost = true;
      s.UARTRSR |= RSR.OE;
      s.UARTRIS |= RIS.OERIS;
      return;
    }
    s.rx[s.rxCount++] = s.rxLost ? character | DR.OE : character;
    s.rxLost = false;
    if (character & DR.BE) s.UARTRIS |= RIS.BERIS;
    this.restartTimeout();
  }

  /** The guest takes the oldest character, and its error bits into UARTRSR. */
  private take(): number {
    const { s } = this;
    if (s.rxCount === 0) return 0;
    const character = s.rx[0];
    s.rx.copyWithin(0, 1, s.rxCount);
    s.rxCount--;
    s.UARTRSR = (s.UARTRSR & RSR.OE) | (character >> 8);
    this.restartTimeout();
    this.sync();
    return character;
  }

  /**
   * The datasheet has the timeout run from the last character received, and says nothing of a FIFO that is read in
   * part: here it starts anew, so that a guest that takes one character for each interrupt is not left waiting.
   */
  private restartTimeout(): void {
    const { s } = this;
    s.rxTimeout = NEVER;
    if (s.rxCount === 0) s.UARTRIS &= ~RIS.RTRIS;
    else if (s.divisor === 0) s.UARTRIS |= RIS.RTRIS;
    else s.rxTimeout = ns(this.wiring.clock.now() + nsForTicks(TIMEOUT_BITS * CLOCKS_PER_BIT * (s.divisor / 64), this.config.clockHz));
  }

  private sync(): void {
    const { s } = this;
    const trigger = s.UARTLCR_H & LCR.FEN ? TRIGGER_LEVELS[(s.UARTIFLS >> 3) & 7] : 1;
    const reached = s.rxCount >= trigger;
    if (!reached) s.UARTRIS &= ~RIS.RXRIS;
    else if (!s.rxReached) s.UARTRIS |= RIS.RXRIS;
    s.rxReached = reached;
    this.wiring.irq.set((s.UARTRIS & s.UARTIMSC) !== 0);
  }
}
