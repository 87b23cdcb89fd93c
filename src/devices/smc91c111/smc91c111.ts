/**
 * 10/100 Ethernet controller with its PHY, 8 KiB of packet memory and a serial EEPROM: SMSC LAN91C111.
 *
 * Source: SMSC LAN91C111 datasheet, revision 1.92. Everything happens in no time, inside the access that starts it: MMU
 * commands, EEPROM accesses, negotiation, and the sending of a frame when its packet is enqueued. A packet stays
 * queued while the transmitter is off or the link is down. The wire is always free, so frames fail only when the guest
 * arranges it: no carrier under MON_CSN, FORCOL, the PHY's collision test, STP_SQET. Frames shorter than Ethernet's
 * header, longer than 1518 bytes or with a CRC by software that is wrong do not reach the network.
 *
 * The EEPROM (selected by pins IOS2:0 = 0) holds the defaults of CR and BAR, and the station address at words 0x20 to
 * 0x22. A system reset gives it these contents again.
 *
 * Not modelled: the wire's time and the other stations' traffic on it (deferral, random collisions, RCV_DISCRD), the
 * data FIFO (reads may follow writes without a new pointer), the PHY's MII_DIS, the external PHY and pin LBK, external
 * registers in bank 7, LEDs, the bus interface (BAR, wait states).
 */
import { type AccessSize, Device, type GuestLog, type Line } from '../../bus/device.ts';
import { lanesRead } from '../../registers/narrow.ts';
import type { Nanoseconds } from '../../time/units.ts';
import { type Cable, clearErrors, ephInterrupts, ephStatus, hears, receiveFrame, transmit } from './eph.ts';
import { clockMii, miiOutput } from './mii.ts';
import { ADDRESS_BYTES, allocate, freePackets, head, pop, push, releasePacket } from './packets.ts';
import { linkIsUp, observeMedia, writePhy } from './phy.ts';
import { SMC91C111 } from './smc91c111.regs.ts';
import { PACKETS, PAGE_BYTES, smc91c111State } from './state.ts';

const { TCR, RCR, CTR, MMUCR, PNR, ARR, FIFO, PTR, IST, MGMT, BSR } = SMC91C111.mask;
const DATA_PORT = { from: 0x8, to: 0xc } as const;
/** A doubleword written here is meant for BSR only (8.4). */
const BSR_DOUBLEWORD = 0xc;
const LAST_BANK = 3;
/** Operation codes of MMUCR. */
const COMMAND = {
  ALLOCATE: 1,
  RESET_MMU: 2,
  REMOVE_RX: 3,
  REMOVE_AND_RELEASE_RX: 4,
  RELEASE_SPECIFIC: 5,
  ENQUEUE: 6,
  RESET_TX_FIFOS: 7,
} as const;
const EEPROM = { CR: 0, BAR: 1, IA: 0x20, addressMask: 0x3f } as const;
/** What a software reset leaves alone. */
const SOFT_RESET_KEEPS: readonly string[] = ['CR', 'BAR'];
const SOFT_RESET = (Object.keys(SMC91C111.stored) as (keyof typeof SMC91C111.stored)[]).filter((key) => !SOFT_RESET_KEEPS.includes(key));

interface Config {
  /** Station address in the EEPROM, six bytes. */
  readonly mac: readonly number[];
}

/** Where frames go, without their FCS. */
export interface FrameSink {
  /** The frame is the receiver's to keep. */
  put(frame: Uint8Array): void;
}

interface Wiring {
  /** INTR0. */
  readonly irq: Line;
  /** The network. */
  readonly transmit: FrameSink;
  readonly log: GuestLog;
}

export class Smc91c111 extends Device<typeof smc91c111State.schema, Config, Wiring> {
  private readonly cable: Cable;

  constructor(name: string, { mac }: { readonly mac: ArrayLike<number> }, wiring: Wiring) {
    super(name, smc91c111State, { mac: Object.freeze(Array.from({ length: ADDRESS_BYTES }, (_, i) => mac[i])) }, wiring);
    this.cable = Object.freeze({
      put: (frame: Uint8Array) => wiring.transmit.put(frame),
      drop: (why: string) => wiring.log.guestError(name, `frame that no network passes on: ${why}`),
    });
    this.loadFactoryEeprom();
  }

  override reset(now: Nanoseconds): void {
    super.reset(now);
    this.loadFactoryEeprom();
  }

  /** A frame could be received now: the receiver is on, connected to a live link, and has memory. */
  receiveRoom(): boolean {
    return hears(this.s) && this.s.rxCount < PACKETS && freePackets(this.s) > 0;
  }

  /**
   * A frame arrives, without its FCS. Short ones are padded, as their sender would have done. It is lost when the
   * receiver does not hear it, when its address is filtered out, and, with RX_OVRN_INT, when there is no memory.
   */
  receive(frame: Uint8Array): void {
    receiveFrame(this.s, frame);
    this.sync();
  }

  override read(offset: number, size: AccessSize): number {
    const at = offset & 0xf;
    if (this.isDataPort(at)) return this.readData(at & 3, size);
    if (size === 4) return (this.word(at) | (this.word(at + 2) << 16)) >>> 0;
    return lanesRead(this.word(at & ~1), at & 1, size);
  }

  override write(offset: number, size: AccessSize, value: number): void {
    const at = offset & 0xf;
    if (this.isDataPort(at)) this.writeData(at & 3, size, value);
    else if (size === 4) {
      if (at !== BSR_DOUBLEWORD) this.setWord(at, value & 0xffff, 0xffff);
      this.setWord(at + 2, value >>> 16, 0xffff);
    } else if (size === 2) this.setWord(at, value, 0xffff);
    else this.setWord(at & ~1, value << (8 * (at & 1)), 0xff << (8 * (at & 1)));
    this.sync();
  }

  private bank(): number {
    return this.s.BSR & BSR.BS;
  }

  private isDataPort(at: number): boolean {
    return this.bank() === 2 && at >= DATA_PORT.from && at < DATA_PORT.to;
  }

  /** The name of the register at an even offset of the present bank; that of the first byte where there are two. */
  private registerAt(at: number) {
    if (at === 0xe) return 'BSR';
    return this.bank() > LAST_BANK ? undefined : SMC91C111.at((this.bank() << 4) | at);
  }

  /** The guest reads the word at an even offset. */
  private word(at: number): number {
    const { s } = this;
    const register = this.registerAt(at);
    switch (register) {
      case 'TCR':
      case 'RCR':
      case 'RPCR':
      case 'BSR':
      case 'CR':
      case 'BAR':
      case 'GPR':
      case 'CTR':
      case 'PTR':
        return s[register];
      case 'EPHSR':
        return ephStatus(s);
      case 'ECR': {
        const counters = s.ECR;
        s.ECR = 0;
        this.sync();
        return counters;
      }
      case 'MIR':
        return (freePackets(s) << 8) | PACKETS;
      case 'IA0':
      case 'IA2':
      case 'IA4':
        return s.IA[at - 0x4] | (s.IA[at - 0x3] << 8);
      case 'PNR':
        return s.PNR | (s.ARR << 8);
      case 'FIFO': {
        const [done, received] = [head(s, 'done'), head(s, 'rx')];
        return (done < 0 ? FIFO.TEMPTY : done) | (received < 0 ? FIFO.REMPTY : received << 8);
      }
      case 'IST':
        return this.interrupts() | (s.MSK << 8);
      case 'MT0':
      case 'MT2':
      case 'MT4':
      case 'MT6':
        return s.MT[at] | (s.MT[at + 1] << 8);
      case 'MGMT':
        return miiOutput(s) ? s.MGMT | MGMT.MDI : s.MGMT;
      case 'MMUCR':
      case 'REV':
      case 'RCV':
        return SMC91C111.registers[register].reset;
      default:
        this.wiring.log.guestError(this.name, `read of offset 0x${at.toString(16)} of bank ${this.bank()}, where there is no register`);
        return 0;
    }
  }

  /** The guest writes those bits of the word at an even offset that are in `lanes`. */
  private setWord(at: number, value: number, lanes: number): void {
    const { s } = this;
    const register = this.registerAt(at);
    const low = (lanes & 0xff) !== 0;
    const high = (lanes & 0xff00) !== 0;
    const merged = (old: number): number => (old & ~lanes) | (value & lanes);
    switch (register) {
      case 'TCR':
        this.setTransmitControl(merged(s.TCR));
        break;
      case 'RCR':
        this.setReceiveControl(merged(s.RCR));
        break;
      case 'RPCR':
      case 'CR':
        s[register] = SMC91C111.merge(register, s[register], merged(s[register]));
        this.mediaChanged();
        break;
      case 'BSR':
      case 'BAR':
      case 'GPR':
      case 'PTR':
        s[register] = SMC91C111.merge(register, s[register], merged(s[register]));
        break;
      case 'CTR':
        this.setControl(merged(s.CTR));
        break;
      case 'IA0':
      case 'IA2':
      case 'IA4':
        if (low) s.IA[at - 0x4] = value;
        if (high) s.IA[at - 0x3] = value >> 8;
        break;
      case 'MMUCR':
        if (low) this.command((value & MMUCR.COMMAND) >> 5);
        break;
      case 'PNR':
        if (low) s.PNR = SMC91C111.merge('PNR', s.PNR, value);
        break;
      case 'IST':
        if (low) this.acknowledge(value & 0xff);
        if (high) s.MSK = SMC91C111.merge('MSK', s.MSK, value >> 8);
        break;
      case 'MT0':
      case 'MT2':
      case 'MT4':
      case 'MT6':
        if (low) s.MT[at] = value;
        if (high) s.MT[at + 1] = value >> 8;
        break;
      case 'MGMT':
        this.setManagement(merged(s.MGMT));
        break;
      case 'EPHSR':
      case 'ECR':
      case 'MIR':
      case 'FIFO':
      case 'REV':
      case 'RCV':
        break;
      default:
        this.wiring.log.guestError(this.name, `write to offset 0x${at.toString(16)} of bank ${this.bank()}, where there is no register`);
    }
  }

  /** Where in packet memory the packet behind the data port begins; -1 when the guest selects none that exists. */
  private dataBase(): number {
    const { s } = this;
    const packet = s.PTR & PTR.RCV ? head(s, 'rx') : s.PNR & PNR.PACKET;
    if (packet >= 0 && packet < PACKETS) return packet * PAGE_BYTES;
    this.wiring.log.guestError(this.name, 'data access without a packet');
    return -1;
  }

  /** Where in its packet the next byte of a data access lies; `lane` counts only while the pointer does not move. */
  private dataAddress(lane: number): number {
    const { s } = this;
    const pointer = s.PTR & PTR.POINTER;
    if (!(s.PTR & PTR.AUTO_INCR)) return (pointer + lane) & PTR.POINTER;
    s.PTR = (s.PTR & ~PTR.POINTER) | ((pointer + 1) & PTR.POINTER);
    return pointer;
  }

  private readData(lane: number, size: AccessSize): number {
    const base = this.dataBase();
    let value = 0;
    for (let i = 0; i < size; i++) {
      const address = this.dataAddress(lane + i);
      if (base >= 0) value |= this.s.memory[base + address] << (8 * i);
    }
    return value >>> 0;
  }

  private writeData(lane: number, size: AccessSize, value: number): void {
    const base = this.dataBase();
    for (let i = 0; i < size; i++) {
      const address = this.dataAddress(lane + i);
      if (base >= 0) this.s.memory[base + address] = value >>> (8 * i);
    }
  }

  private setTransmitControl(value: number): void {
    const { s } = this;
    if (value & ~s.TCR & TCR.TXENA) clearErrors(s);
    s.TCR = SMC91C111.merge('TCR', s.TCR, value);
    transmit(s, this.cable);
  }

  private setReceiveControl(value: number): void {
    const { s } = this;
    if (value & RCR.SOFT_RST) {
      this.softReset();
      s.RCR = RCR.SOFT_RST;
      return;
    }
    const aborted = s.RCR & value & RCR.RX_ABORT;
    s.RCR = SMC91C111.merge('RCR', s.RCR, value & ~RCR.RX_ABORT) | aborted;
  }

  private setControl(value: number): void {
    const { s } = this;
    s.CTR = SMC91C111.merge('CTR', s.CTR, value);
    if (!(s.CTR & CTR.LE_ENABLE)) s.linkChanged = false;
    const word = s.PTR & EEPROM.addressMask;
    if (value & CTR.RELOAD) {
      if (s.CTR & CTR.EEPROM_SELECT) s.GPR = s.eeprom[word];
      else this.reload();
    } else if (value & CTR.STORE) {
      if (s.CTR & CTR.EEPROM_SELECT) s.eeprom[word] = s.GPR;
      else {
        s.eeprom[EEPROM.CR] = s.CR;
        s.eeprom[EEPROM.BAR] = s.BAR;
      }
    }
  }

  private loadFactoryEeprom(): void {
    const { s } = this;
    s.eeprom[EEPROM.CR] = SMC91C111.registers.CR.reset;
    s.eeprom[EEPROM.BAR] = SMC91C111.registers.BAR.reset;
    for (let i = 0; i < ADDRESS_BYTES; i += 2) s.eeprom[EEPROM.IA + i / 2] = this.config.mac[i] | (this.config.mac[i + 1] << 8);
    this.loadFromEeprom();
  }

  private loadFromEeprom(): void {
    const { s } = this;
    s.CR = SMC91C111.merge('CR', s.CR, s.eeprom[EEPROM.CR]);
    s.BAR = SMC91C111.merge('BAR', s.BAR, s.eeprom[EEPROM.BAR]);
    for (let i = 0; i < ADDRESS_BYTES; i++) s.IA[i] = s.eeprom[EEPROM.IA + (i >> 1)] >> (8 * (i & 1));
  }

  private reload(): void {
    this.loadFromEeprom();
    this.mediaChanged();
  }

  private softReset(): void {
    const { s } = this;
    for (const register of SOFT_RESET) s[register] = SMC91C111.registers[register].reset;
    s.MT.fill(0);
    s.linkChanged = false;
    this.resetMmu();
    this.mediaChanged();
  }

  private command(code: number): void {
    const { s } = this;
    switch (code) {
      case COMMAND.ALLOCATE:
        allocate(s);
        break;
      case COMMAND.RESET_MMU:
        this.resetMmu();
        break;
      case COMMAND.REMOVE_RX:
        pop(s, 'rx');
        break;
      case COMMAND.REMOVE_AND_RELEASE_RX:
        this.release(pop(s, 'rx'));
        break;
      case COMMAND.RELEASE_SPECIFIC:
        this.release(s.PNR & PNR.PACKET);
        break;
      case COMMAND.ENQUEUE:
        this.enqueue(s.PNR & PNR.PACKET);
        break;
      case COMMAND.RESET_TX_FIFOS:
        s.txCount = 0;
        s.doneCount = 0;
        break;
    }
  }

  private resetMmu(): void {
    const { s } = this;
    s.allocated = 0;
    s.allocationWaits = false;
    s.rxCount = 0;
    s.txCount = 0;
    s.doneCount = 0;
    s.PNR = 0;
    s.ARR = ARR.FAILED;
  }

  private release(packet: number): void {
    if (packet < 0 || !releasePacket(this.s, packet)) this.wiring.log.guestError(this.name, 'release of a packet that is not allocated');
  }

  private enqueue(packet: number): void {
    const { s } = this;
    const allocated = packet < PACKETS && ((s.allocated >> packet) & 1) !== 0;
    if (!allocated) this.wiring.log.guestError(this.name, 'packet enqueued that is not allocated');
    else if (!push(s, 'tx', packet)) this.wiring.log.guestError(this.name, 'packet enqueued while the TX FIFO is full');
    else transmit(s, this.cable);
  }

  private acknowledge(value: number): void {
    const { s } = this;
    s.IST = SMC91C111.merge('IST', s.IST, value);
    if (value & IST.TX_INT) pop(s, 'done');
  }

  private setManagement(value: number): void {
    const { s } = this;
    const rises = (value & ~s.MGMT & MGMT.MCLK) !== 0;
    s.MGMT = SMC91C111.merge('MGMT', s.MGMT, value);
    if (!rises) return;
    const drivenLow = (s.MGMT & MGMT.MDOE) !== 0 && !(s.MGMT & MGMT.MDO);
    clockMii(s, drivenLow ? 0 : 1, (register, written) => {
      for (const bit of writePhy(s, register, written)) this.wiring.log.unmodelled(this.name, bit);
      this.mediaChanged();
    });
  }

  /** To be called after any change that may touch the link. */
  private mediaChanged(): void {
    const { s } = this;
    observeMedia(s);
    const up = linkIsUp(s);
    if (up !== s.linkUp && s.CTR & CTR.LE_ENABLE) s.linkChanged = true;
    s.linkUp = up;
    transmit(s, this.cable);
  }

  private interrupts(): number {
    const { s } = this;
    let status = s.IST;
    if (s.rxCount > 0) status |= IST.RCV_INT;
    if (s.doneCount > 0) status |= IST.TX_INT;
    if (!(s.ARR & ARR.FAILED)) status |= IST.ALLOC_INT;
    if (ephInterrupts(s)) status |= IST.EPH_INT;
    return status;
  }

  private sync(): void {
    this.wiring.irq.set((this.interrupts() & this.s.MSK) !== 0);
  }
}
