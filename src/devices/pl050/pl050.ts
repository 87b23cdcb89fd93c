/**
 * Controller for a PS/2 keyboard or mouse: ARM PrimeCell PL050.
 *
 * Source: ARM DDI 0143C. A byte crosses the cable in no time, in both directions; the next one follows when KMIDATA
 * is read. KmiEn gates nothing: programs that were only ever run on emulators leave it clear.
 *
 * Not modelled: bits on the lines (parity and frame errors, lines driven by hand), the reference clock, the test
 * registers.
 */
import { type AccessSize, Device, type GuestLog, type Line } from '../../bus/device.ts';
import { lanesRead, lanesWritten } from '../../registers/narrow.ts';
import { bool, u8 } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import type { Ps2Host, Ps2Port } from '../ps2/ps2-device.ts';
import { PL050 } from './pl050.regs.ts';

const { KMICR: CR, KMISTAT: STAT, KMIIR: IR } = PL050.mask;

export const pl050State = defineState('pl050', 1, {
  ...PL050.stored,
  received: bool(false, 'KMIDATA holds a byte that was not read'),
  parity: bool(false, 'parity bit of the last byte received'),
  unsent: u8(0, 'byte that waits while the clock line is held low'),
  sending: bool(false, 'unsent waits'),
});

interface Wiring {
  /** KMIINTR, both interrupts combined. */
  readonly irq: Line;
  /** The device at the other end of the cable. */
  readonly port: Ps2Port;
  readonly log: GuestLog;
}

const oddParity = (byte: number): boolean => {
  let parity = true;
  for (let rest = byte; rest !== 0; rest >>= 1) if (rest & 1) parity = !parity;
  return parity;
};

export class Pl050 extends Device<typeof pl050State.schema, object, Wiring> implements Ps2Host {
  constructor(name: string, wiring: Wiring) {
    super(name, pl050State, {}, wiring);
  }

  /** The device has bytes: one is taken if KMIDATA is free. */
  offered(): void {
    this.receive();
    this.sync();
  }

  override read(offset: number, size: AccessSize): number {
    return lanesRead(this.register(offset & ~3), offset, size);
  }

  override write(offset: number, size: AccessSize, written: number): void {
    const { s } = this;
    const value = lanesWritten(written, offset, size);
    switch (PL050.at(offset & ~3)) {
      case 'KMICR':
        s.KMICR = PL050.merge('KMICR', s.KMICR, value);
        this.transmit();
        this.receive();
        break;
      case 'KMIDATA':
        this.expectEnabled();
        s.unsent = value;
        s.sending = true;
        this.transmit();
        break;
      case 'KMICLKDIV':
        s.KMICLKDIV = PL050.merge('KMICLKDIV', s.KMICLKDIV, value);
        break;
      default:
        this.wiring.log.guestError(this.name, `write to offset 0x${offset.toString(16)}, where there is no writable register`);
    }
    this.sync();
  }

  private register(offset: number): number {
    const { s } = this;
    const register = PL050.at(offset);
    switch (register) {
      case 'KMICR':
      case 'KMICLKDIV':
        return s[register];
      case 'KMISTAT':
        return this.status();
      case 'KMIDATA':
        return this.take();
      case 'KMIIR':
        return this.pending();
      case undefined:
        this.wiring.log.guestError(this.name, `read of offset 0x${offset.toString(16)}, where there is no readable register`);
        return 0;
      default:
        return PL050.registers[register].reset;
    }
  }

  private status(): number {
    const { s } = this;
    let status = s.sending ? STAT.TXBUSY : STAT.TXEMPTY;
    if (s.received) status |= STAT.RXFULL;
    if (s.parity) status |= STAT.RXPARITY;
    if (!(s.KMICR & CR.FKMIC)) status |= STAT.KMIC;
    if (!(s.KMICR & CR.FKMID)) status |= STAT.KMID;
    return status;
  }

  private pending(): number {
    return (this.s.received ? IR.KMIRXINTR : 0) | (this.s.sending ? 0 : IR.KMITXINTR);
  }

  private take(): number {
    const { s } = this;
    this.expectEnabled();
    const byte = s.KMIDATA;
    s.received = false;
    this.receive();
    this.sync();
    return byte;
  }

  private receive(): void {
    const { s } = this;
    if (s.received || s.KMICR & CR.FKMIC || !this.wiring.port.ready()) return;
    s.KMIDATA = this.wiring.port.take();
    s.parity = oddParity(s.KMIDATA);
    s.received = true;
  }

  private transmit(): void {
    const { s } = this;
    if (!s.sending || s.KMICR & CR.FKMIC) return;
    s.sending = false;
    this.wiring.port.put(s.unsent);
  }

  private expectEnabled(): void {
    if (!(this.s.KMICR & CR.KmiEn)) this.wiring.log.guestError(this.name, 'access to KMIDATA while KmiEn is 0');
  }

  private sync(): void {
    const { s } = this;
    this.wiring.irq.set((s.received && (s.KMICR & CR.KMIRXINTREn) !== 0) || (!s.sending && (s.KMICR & CR.KMITXINTREn) !== 0));
  }
}
