/**
 * The storage of a card and its data lines: blocks that are read, written and erased, and the registers that are sent
 * the same way. What begins and ends a transfer is in `sd-card.ts`.
 */
import { type AccessSize, type Clock, Device } from '../../bus/device.ts';
import { type DiskRequest, type DiskUser, SECTOR_BYTES } from '../../bus/disk.ts';
import { bool, f64, u8, u8s, u16, u32 } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import { type Nanoseconds, NEVER, ns } from '../../time/units.ts';
import { csd } from './card-registers.ts';
import { type CardState, STATE, STATUS } from './card-status.ts';
import type { SdCardPort, SdHost, SdResponse } from './sd-bus.ts';

/** Nanoseconds, chosen: a card of about 2008 with good flash, 4 data lines at 25 MHz. */
export const LATENCY = {
  powerUp: 2_000_000,
  /** The first block of a read: well below the 1 ms that the CSD promises (TAAC). */
  access: 300_000,
  /** Each further block: the bits of 512 bytes with CRC on four lines. */
  transfer: 42_000,
  /** The busy time behind a block that was written. */
  program: 250_000,
  erase: 1_000_000,
  /** For each started allocation unit of 4 MiB that is erased. */
  eraseUnit: 100_000,
} as const;
export const ERASE_UNIT = 4 * 1024 * 1024;
export const NO_ADDRESS = -1;
export const TRANSFER = { NONE: 0, READ: 1, WRITE: 2, SEND_REGISTER: 3, RECEIVE_CSD: 4 } as const;
export const REQUEST = { NONE: 0, READ: 1, WRITE: 2, ERASE: 3 } as const;

export const sdCardState = defineState('sd-card', 1, {
  state: u8(STATE.IDLE, 'CURRENT_STATE of the card status; 9 is inactive'),
  status: u32(0, 'error bits of the card status that no response has told yet'),
  rca: u16(0, 'relative card address'),
  readyAt: f64<Nanoseconds>(NEVER, 'when the power-up that SD_SEND_OP_COND began is done'),
  interfaceCondition: bool(false, 'SEND_IF_COND was answered: the host knows cards of high capacity'),
  application: bool(false, 'the next command is an application command'),
  blockLength: u16(SECTOR_BYTES, 'bytes of a block that is read, as set by SET_BLOCKLEN'),
  highSpeed: bool(false, 'function 1 of group 1 is selected'),
  wideBus: bool(false, 'four data lines'),
  transfer: u8(TRANSFER.NONE, '1 read, 2 write, 3 a register is sent, 4 the CSD is received'),
  multiple: bool(false, 'the transfer goes on until STOP_TRANSMISSION'),
  address: f64<number>(0, 'byte address of the block that is transferred'),
  buffer: u8s(SECTOR_BYTES, 'the block'),
  position: u16(0, 'place in the buffer of the next byte on the data lines'),
  end: u16(0, 'where the transfer of this block ends'),
  written: u32(0, 'blocks written by the last write command'),
  eraseFrom: f64<number>(NO_ADDRESS, 'byte address set by ERASE_WR_BLK_START, or -1'),
  eraseTo: f64<number>(NO_ADDRESS, 'byte address set by ERASE_WR_BLK_END, or -1'),
  request: u8(REQUEST.NONE, 'what the disk is asked for: 1 to read the block, 2 to write it, 3 to erase'),
  due: f64<Nanoseconds>(NEVER, 'when the disk has done it'),
});

export interface SdCardConfig {
  /** A size without `cardSizeProblem`. */
  readonly bytes: number;
  readonly readOnly: boolean;
}

export interface SdCardWiring {
  readonly host: SdHost;
  readonly clock: Clock;
}

export abstract class SdStorage extends Device<typeof sdCardState.schema, SdCardConfig, SdCardWiring> implements SdCardPort, DiskUser {
  constructor(name: string, config: SdCardConfig, wiring: SdCardWiring) {
    super(name, sdCardState, config, wiring);
  }

  abstract command(index: number, argument: number): SdResponse | undefined;

  /** It sits behind a controller, on no bus. */
  override read(_offset: number, _size: AccessSize): number {
    return 0;
  }

  override write(_offset: number, _size: AccessSize, _value: number): void {}

  override nextWakeup(): Nanoseconds {
    return this.s.due;
  }

  due(): Nanoseconds {
    return this.s.due;
  }

  request(): DiskRequest | undefined {
    const { s } = this;
    switch (s.request) {
      case REQUEST.READ:
        return { kind: 'read', offset: this.blockOffset(), length: SECTOR_BYTES };
      case REQUEST.WRITE:
        return { kind: 'write', offset: this.blockOffset(), bytes: s.buffer };
      case REQUEST.ERASE:
        return { kind: 'discard', offset: s.eraseFrom, length: s.eraseTo - s.eraseFrom };
      default:
        return undefined;
    }
  }

  complete(data?: Uint8Array): void {
    const { s } = this;
    const done = s.request;
    this.dropRequest();
    switch (done) {
      case REQUEST.READ:
        s.buffer.set(data!);
        s.position = s.address % SECTOR_BYTES;
        s.end = s.position + s.blockLength;
        break;
      case REQUEST.WRITE:
        s.written++;
        s.address += SECTOR_BYTES;
        s.position = 0;
        this.programmed();
        break;
      case REQUEST.ERASE:
        s.eraseFrom = NO_ADDRESS;
        s.eraseTo = NO_ADDRESS;
        this.programmed();
        break;
    }
    this.wiring.host.cardChanged();
  }

  readable(): number {
    const { s } = this;
    return s.state === STATE.DATA && s.request === REQUEST.NONE ? s.end - s.position : 0;
  }

  take(): number {
    const { s } = this;
    const byte = s.buffer[s.position++];
    if (s.position === s.end) {
      s.address += s.blockLength;
      if (!s.multiple) this.endTransfer(STATE.TRAN);
    }
    return byte;
  }

  writable(): number {
    const { s } = this;
    return s.state === STATE.RCV && s.request === REQUEST.NONE ? s.end - s.position : 0;
  }

  put(byte: number): void {
    const { s } = this;
    s.buffer[s.position++] = byte;
    if (s.position < s.end) return;
    if (s.transfer === TRANSFER.RECEIVE_CSD) {
      if (this.csd().some((own, n) => own !== s.buffer[n])) s.status |= STATUS.CSD_OVERWRITE;
      this.endTransfer(STATE.TRAN);
      return;
    }
    if (!s.multiple) s.state = STATE.PRG;
    this.start(REQUEST.WRITE, LATENCY.program);
  }

  busy(): boolean {
    return this.s.request === REQUEST.WRITE || this.s.request === REQUEST.ERASE;
  }

  nextBlock(): void {
    const { s } = this;
    if (!s.multiple || s.request !== REQUEST.NONE) return;
    if (s.transfer === TRANSFER.READ && s.position === s.end) {
      if (this.canRead(s.address)) this.start(REQUEST.READ, LATENCY.transfer);
      else s.transfer = TRANSFER.NONE;
    } else if (s.transfer === TRANSFER.WRITE && s.end === 0) {
      if (this.isWithin(s.address)) s.end = SECTOR_BYTES;
      else s.transfer = TRANSFER.NONE;
    }
  }

  /** Whether a block can be read there; if not, the status tells why. A block does not cross the blocks of the disk. */
  protected canRead(address: number): boolean {
    const { s } = this;
    if (!this.isWithin(address)) return false;
    if ((address % SECTOR_BYTES) + s.blockLength <= SECTOR_BYTES) return true;
    s.status |= STATUS.ADDRESS_ERROR;
    return false;
  }

  protected isWithin(address: number): boolean {
    if (address < this.config.bytes) return true;
    this.s.status |= STATUS.OUT_OF_RANGE;
    return false;
  }

  private blockOffset(): number {
    return this.s.address - (this.s.address % SECTOR_BYTES);
  }

  /** Programming is over. A write of several blocks then takes the next one, when the host has it. */
  private programmed(): void {
    const { s } = this;
    if (s.state === STATE.RCV) s.end = 0;
    else this.endTransfer(s.state === STATE.DIS ? STATE.STBY : STATE.TRAN);
  }

  protected beginTransfer(transfer: number, state: CardState, bytes: number): void {
    const { s } = this;
    s.transfer = transfer;
    s.state = state;
    s.multiple = false;
    s.position = 0;
    s.end = bytes;
  }

  protected endTransfer(state: CardState): void {
    this.beginTransfer(TRANSFER.NONE, state, 0);
  }

  protected start(request: number, latency: number): void {
    this.s.request = request;
    this.s.due = ns(this.wiring.clock.now() + latency);
  }

  protected dropRequest(): void {
    this.s.request = REQUEST.NONE;
    this.s.due = NEVER;
  }

  protected csd(): Uint8Array {
    return csd(this.config.bytes, this.config.readOnly, this.s.highSpeed);
  }
}
