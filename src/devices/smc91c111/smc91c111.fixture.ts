/** A LAN91C111 on a bench, and what a driver does with it: in the order and with the access widths of Linux's smc91x. */
import type { AccessSize } from '../../bus/device.ts';
import { Bench, Driver } from '../contract.suite.ts';
import { Smc91c111 } from './smc91c111.ts';

export const MAC = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56] as const;
export const OTHER = [0x02, 0x00, 0x5e, 0x10, 0x20, 0x30] as const;
export const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] as const;

/** Bits as the datasheet has them, written out so that a wrong table is found. */
export const TXENA = 0x0001;
export const PAD_EN = 0x0080;
export const RXEN = 0x0100;
export const STRIP_CRC = 0x0200;
export const SOFT_RST = 0x8000;
export const INT = { RCV: 0x01, TX: 0x02, TX_EMPTY: 0x04, ALLOC: 0x08, RX_OVRN: 0x10, EPH: 0x20, MD: 0x80 } as const;
export const MMU = { ALLOC: 0x20, RESET: 0x40, REMOVE: 0x60, RELEASE_RX: 0x80, FREE: 0xa0, ENQUEUE: 0xc0, RESET_TX: 0xe0 } as const;
export const AUTO_INCR = 0x4000;
export const READ = 0x2000;
export const RCV = 0x8000;

export const make = (bench: Bench, sent: Uint8Array[] = []): Smc91c111 =>
  new Smc91c111('eth', { mac: MAC }, { irq: bench.line('irq'), transmit: { put: (frame) => void sent.push(frame) }, log: bench.log });

/** A frame with a payload of counting bytes; `length` is without FCS. */
export function frameTo(destination: readonly number[], length = 60, source: readonly number[] = OTHER): Uint8Array {
  const frame = Uint8Array.from({ length }, (_, i) => i & 0xff);
  frame.set(destination);
  frame.set(source, 6);
  frame.set([0x08, 0x00], 12);
  return frame;
}

export class Bed {
  readonly bench = new Bench();
  readonly sent: Uint8Array[] = [];
  readonly chip: Smc91c111 = make(this.bench, this.sent);
  readonly bus = new Driver(this.bench, this.chip);

  bank(number: number): void {
    this.bus.write(0xe, number, 2);
  }
  get(bank: number, offset: number, size: AccessSize = 2): number {
    this.bank(bank);
    return this.bus.read(offset, size);
  }
  set(bank: number, offset: number, value: number, size: AccessSize = 2): void {
    this.bank(bank);
    this.bus.write(offset, value, size);
  }
  get irq(): boolean {
    return this.bench.lines.get('irq') === true;
  }
  get interrupts(): number {
    return this.get(2, 0xc, 1);
  }
  acknowledge(bits: number): void {
    this.set(2, 0xc, bits, 1);
  }
  mask(bits: number): void {
    this.set(2, 0xd, bits, 1);
  }
  mmu(command: number): void {
    this.set(2, 0x0, command);
  }

  /** What smc_reset and smc_enable do. */
  open({ tcr = TXENA | PAD_EN, rcr = RXEN | STRIP_CRC, mask = INT.EPH | INT.RX_OVRN | INT.RCV | INT.MD } = {}): void {
    this.mask(0);
    this.set(0, 0x4, SOFT_RST);
    this.set(1, 0x0, 0x8000);
    this.set(0, 0x4, 0);
    this.set(0, 0x0, 0);
    this.set(1, 0xc, this.get(1, 0xc) | 0x0880);
    this.mmu(MMU.RESET);
    this.set(0, 0x0, tcr);
    this.set(0, 0x4, rcr);
    for (let i = 0; i < 6; i += 2) this.set(1, 0x4 + i, MAC[i] | (MAC[i + 1] << 8));
    this.mask(mask);
  }

  /** Asks for a packet; the number, or -1 when there is none. */
  allocate(): number {
    this.mmu(MMU.ALLOC);
    return this.interrupts & INT.ALLOC ? this.get(2, 0x3, 1) : -1;
  }

  /** Fills a packet as smc_hardware_send_pkt does, with 16-bit accesses. */
  fill(packet: number, frame: Uint8Array, control = 0): void {
    this.set(2, 0x2, packet, 1);
    this.set(2, 0x6, AUTO_INCR);
    const words = [0, frame.length + 6];
    for (let i = 0; i + 1 < frame.length; i += 2) words.push(frame[i] | (frame[i + 1] << 8));
    words.push(frame.length & 1 ? ((control | 0x20) << 8) | frame[frame.length - 1] : control << 8);
    for (const word of words) this.set(2, 0x8, word);
  }

  /** Allocates, fills and enqueues; the packet's number. */
  send(frame: Uint8Array, control = 0): number {
    const packet = this.allocate();
    this.fill(packet, frame, control);
    this.mmu(MMU.ENQUEUE);
    return packet;
  }

  /** Reads the oldest received packet as smc_rcv does, with 32-bit accesses, and releases it. */
  take(): { status: number; count: number; control: number; data: Uint8Array } {
    this.set(2, 0x6, RCV | AUTO_INCR | READ);
    const header = this.bus.read(0x8, 4);
    const count = header >>> 16;
    const bytes = new Uint8Array(count);
    for (let i = 4; i < count; i += 4) {
      const word = this.bus.read(0x8, 4);
      for (let k = 0; k < 4 && i + k < count; k++) bytes[i + k] = word >>> (8 * k);
    }
    this.mmu(MMU.RELEASE_RX);
    const status = header & 0xffff;
    const control = bytes[count - 1];
    return { status, count, control, data: bytes.slice(4, status & 0x1000 ? count - 1 : count - 2) };
  }

  /** Status word of a packet, as smc_tx reads it. */
  statusOf(packet: number): number {
    this.set(2, 0x2, packet, 1);
    this.set(2, 0x6, AUTO_INCR | READ);
    return this.bus.read(0x8, 2);
  }

  private mgmt(bits: number): void {
    this.bus.write(0x8, 0x3330 | bits, 2);
  }
  private mdiOut(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) {
      const bit = (value >>> i) & 1;
      this.mgmt(0x8 | bit);
      this.mgmt(0xc | bit);
    }
  }
  /** smc_phy_read: 14 bits of header, then 18 clocks with turnaround and data. */
  phyRead(register: number, phy = 0): number {
    this.bank(3);
    this.mdiOut(0xffffffff, 32);
    this.mdiOut((0b0110 << 10) | (phy << 5) | register, 14);
    let value = 0;
    for (let i = 0; i < 18; i++) {
      value = (value << 1) | ((this.bus.read(0x8, 2) >> 1) & 1);
      this.mgmt(0x0);
      this.mgmt(0x4);
    }
    this.mgmt(0x0);
    return value;
  }
  /** smc_phy_write. */
  phyWrite(register: number, value: number, { phy = 0, preamble = 32 } = {}): void {
    this.bank(3);
    this.mdiOut(0xffffffff, preamble);
    this.mdiOut((0b0101 << 28) | (phy << 23) | (register << 18) | (0b10 << 16) | value, 32);
    this.mgmt(0x0);
  }
}
