/**
 * SD memory card on an SD bus: of standard capacity up to 2 GiB, addressed in bytes, or of high or extended capacity
 * beyond, addressed in blocks. Its disk is read and written one block of 512 bytes at a time.
 *
 * Source: SD Specifications Part 1, Physical Layer Simplified Specification, version 2.00 (3.01 where it is newer).
 * A response comes in no time, and so do registers read through the data lines; blocks take what `LATENCY` says. Of a
 * transfer of several blocks the next one begins when the host waits for it. A block that is not whole when a command
 * ends the transfer is forgotten.
 *
 * Not modelled: SPI mode, lock and password (CMD42), write protection of groups (CMD28 to 30: the CSD says so), changes
 * to the CSD (CMD27 takes it and accepts what it has), DSR, UHS-I, SET_BLOCK_COUNT and the security commands.
 */
import { SECTOR_BYTES } from '../../bus/disk.ts';
import { NEVER, ns } from '../../time/units.ts';
import { isHighCapacity } from './capacity.ts';
import { cid, scr, sdStatus, switchFunction } from './card-registers.ts';
import { type CardState, STATE, STATUS, shortStatus } from './card-status.ts';
import { ACMD, CMD, isApplicationCommand, isLegal } from './commands.ts';
import type { SdResponse } from './sd-bus.ts';
import { ERASE_UNIT, LATENCY, NO_ADDRESS, REQUEST, SdStorage, TRANSFER } from './sd-storage.ts';

/** OCR: 2.7 to 3.6 V; powered up; card capacity status. */
const OCR = { voltages: 0x00ff8000, powered: 0x80000000, capacity: 0x40000000 } as const;
/** Commands that leave a sequence of erase commands as it is. */
const DURING_ERASE: readonly number[] = [CMD.ERASE_WR_BLK_START, CMD.ERASE_WR_BLK_END, CMD.ERASE, CMD.SEND_STATUS];

export class SdCard extends SdStorage {
  override command(index: number, argument: number): SdResponse | undefined {
    const { s } = this;
    if (s.state === STATE.INACTIVE) return undefined;
    const application = s.application && isApplicationCommand(index);
    s.application = false;
    if (!isLegal(index, application, s.state as CardState)) return this.illegal();
    if (application) return this.applicationCommand(index, argument);
    if (s.eraseFrom !== NO_ADDRESS && s.state === STATE.TRAN && !DURING_ERASE.includes(index)) this.resetErase(STATUS.ERASE_RESET);
    return this.basicCommand(index, argument);
  }

  private illegal(): undefined {
    this.s.status |= STATUS.ILLEGAL_COMMAND;
  }

  private basicCommand(index: number, argument: number): SdResponse | undefined {
    const { s } = this;
    const before = s.state;
    const addressed = argument >>> 16 === s.rca;
    switch (index) {
      case CMD.GO_IDLE_STATE:
        this.state.reset();
        return undefined;
      case CMD.ALL_SEND_CID:
        s.state = STATE.IDENT;
        return long(cid());
      case CMD.SEND_RELATIVE_ADDR:
        s.state = STATE.STBY;
        s.rca = (s.rca % 0xffff) + 1;
        return { kind: 'short', index, value: ((s.rca << 16) | shortStatus(this.takeStatus(before))) >>> 0 };
      case CMD.SELECT_CARD:
        return this.select(index, addressed && argument >>> 16 !== 0);
      case CMD.SEND_IF_COND:
        // The only voltage there is: 2.7 to 3.6 V.
        if (((argument >>> 8) & 0xf) !== 1) return undefined;
        s.interfaceCondition = true;
        return { kind: 'short', index, value: argument & 0xfff };
      case CMD.SEND_CSD:
        return addressed ? long(this.csd()) : undefined;
      case CMD.SEND_CID:
        return addressed ? long(cid()) : undefined;
      case CMD.SEND_STATUS:
        return addressed ? this.r1(index, before) : undefined;
      case CMD.GO_INACTIVE_STATE:
        if (addressed) {
          this.endTransfer(STATE.INACTIVE);
          this.dropRequest();
        }
        return undefined;
      case CMD.APP_CMD:
        if (!addressed) return undefined;
        s.application = true;
        return this.r1(index, before);
      case CMD.SWITCH_FUNC:
        this.switch(argument);
        break;
      case CMD.STOP_TRANSMISSION:
        this.stop();
        break;
      case CMD.SET_BLOCKLEN:
        this.setBlockLength(argument);
        break;
      case CMD.READ_SINGLE_BLOCK:
      case CMD.READ_MULTIPLE_BLOCK:
        this.beginRead(argument, index === CMD.READ_MULTIPLE_BLOCK);
        break;
      case CMD.WRITE_BLOCK:
      case CMD.WRITE_MULTIPLE_BLOCK:
        this.beginWrite(argument, index === CMD.WRITE_MULTIPLE_BLOCK);
        break;
      case CMD.PROGRAM_CSD:
        this.beginTransfer(TRANSFER.RECEIVE_CSD, STATE.RCV, 16);
        break;
      case CMD.ERASE_WR_BLK_START:
      case CMD.ERASE_WR_BLK_END:
        this.setErase(argument, index === CMD.ERASE_WR_BLK_START);
        break;
      case CMD.ERASE:
        this.erase();
        break;
    }
    return this.r1(index, before);
  }

  private applicationCommand(index: number, argument: number): SdResponse | undefined {
    const { s, config } = this;
    const before = s.state;
    switch (index) {
      case ACMD.SD_SEND_OP_COND:
        return this.powerUp(argument);
      case ACMD.SET_BUS_WIDTH:
        if ((argument & 3) === 0 || (argument & 3) === 2) s.wideBus = (argument & 3) === 2;
        else s.status |= STATUS.OUT_OF_RANGE;
        break;
      case ACMD.SD_STATUS:
        this.send(sdStatus(config.bytes, s.wideBus));
        break;
      case ACMD.SEND_NUM_WR_BLOCKS:
        this.send(Uint8Array.of(s.written >>> 24, s.written >>> 16, s.written >>> 8, s.written));
        break;
      case ACMD.SEND_SCR:
        this.send(scr(config.bytes));
        break;
    }
    return this.r1(index, before, STATUS.APP_CMD);
  }

  /** Tells the operating conditions; a voltage that the host offers starts the card, and one that it cannot use ends it. */
  private powerUp(argument: number): SdResponse | undefined {
    const { s, config, wiring } = this;
    const offered = argument & 0x00ffffff;
    if (offered !== 0 && (offered & OCR.voltages) === 0) {
      s.state = STATE.INACTIVE;
      return undefined;
    }
    const high = isHighCapacity(config.bytes);
    const known = !high || (s.interfaceCondition && (argument & OCR.capacity) !== 0);
    let value: number = OCR.voltages;
    if (offered !== 0 && known) {
      if (s.readyAt === NEVER) s.readyAt = ns(wiring.clock.now() + LATENCY.powerUp);
      if (s.readyAt <= wiring.clock.now()) {
        s.state = STATE.READY;
        value |= OCR.powered | (high ? OCR.capacity : 0);
      }
    }
    return { kind: 'short', index: 0x3f, value: value >>> 0 };
  }

  private select(index: number, addressed: boolean): SdResponse | undefined {
    const { s } = this;
    const before = s.state;
    if (addressed) {
      if (before === STATE.STBY) s.state = STATE.TRAN;
      else if (before === STATE.DIS) s.state = STATE.PRG;
      else return this.illegal();
      return this.r1(index, before);
    }
    if (before === STATE.PRG) s.state = STATE.DIS;
    else if (before !== STATE.DIS) {
      this.endTransfer(STATE.STBY);
      this.dropRequest();
    }
    return undefined;
  }

  private switch(argument: number): void {
    const { s } = this;
    const { status, highSpeed } = switchFunction(argument, s.highSpeed);
    if (argument & 0x80000000 && highSpeed !== undefined) s.highSpeed = highSpeed;
    this.send(status);
  }

  private setBlockLength(length: number): void {
    const { s, config } = this;
    if (length === 0 || length > SECTOR_BYTES) s.status |= STATUS.BLOCK_LEN_ERROR;
    else if (!isHighCapacity(config.bytes)) s.blockLength = length;
  }

  private beginRead(argument: number, multiple: boolean): void {
    const address = this.byteAddress(argument);
    if (!this.canRead(address)) return;
    this.beginTransfer(TRANSFER.READ, STATE.DATA, 0);
    this.s.address = address;
    this.s.multiple = multiple;
    this.start(REQUEST.READ, LATENCY.access);
  }

  private beginWrite(argument: number, multiple: boolean): void {
    const { s, config } = this;
    const address = this.byteAddress(argument);
    s.written = 0;
    if (config.readOnly) s.status |= STATUS.WP_VIOLATION;
    else if (s.blockLength !== SECTOR_BYTES) s.status |= STATUS.BLOCK_LEN_ERROR;
    else if (address % SECTOR_BYTES !== 0) s.status |= STATUS.ADDRESS_ERROR;
    else if (this.isWithin(address)) {
      this.beginTransfer(TRANSFER.WRITE, STATE.RCV, SECTOR_BYTES);
      s.address = address;
      s.multiple = multiple;
    }
  }

  private byteAddress(argument: number): number {
    return isHighCapacity(this.config.bytes) ? argument * SECTOR_BYTES : argument;
  }

  private setErase(argument: number, first: boolean): void {
    const { s } = this;
    const address = this.byteAddress(argument);
    if (first) s.eraseTo = NO_ADDRESS;
    else if (s.eraseFrom === NO_ADDRESS) {
      this.resetErase(STATUS.ERASE_SEQ_ERROR);
      return;
    }
    if (!this.isWithin(address)) this.resetErase(0);
    else if (first) s.eraseFrom = address - (address % SECTOR_BYTES);
    else s.eraseTo = address - (address % SECTOR_BYTES) + SECTOR_BYTES;
  }

  private erase(): void {
    const { s } = this;
    if (s.eraseFrom === NO_ADDRESS || s.eraseTo === NO_ADDRESS) this.resetErase(STATUS.ERASE_SEQ_ERROR);
    else if (s.eraseTo <= s.eraseFrom) this.resetErase(STATUS.ERASE_PARAM);
    else if (this.config.readOnly) this.resetErase(STATUS.WP_VIOLATION);
    else {
      s.state = STATE.PRG;
      this.start(REQUEST.ERASE, LATENCY.erase + Math.ceil((s.eraseTo - s.eraseFrom) / ERASE_UNIT) * LATENCY.eraseUnit);
    }
  }

  private resetErase(why: number): void {
    const { s } = this;
    s.status |= why;
    s.eraseFrom = NO_ADDRESS;
    s.eraseTo = NO_ADDRESS;
  }

  /** STOP_TRANSMISSION: what was written is still programmed. */
  private stop(): void {
    if (this.busy()) this.s.state = STATE.PRG;
    else {
      this.endTransfer(STATE.TRAN);
      this.dropRequest();
    }
  }

  private send(register: Uint8Array): void {
    this.s.buffer.set(register);
    this.beginTransfer(TRANSFER.SEND_REGISTER, STATE.DATA, register.length);
  }

  private r1(index: number, before: number, more = 0): SdResponse {
    return { kind: 'short', index, value: (this.takeStatus(before) | more) >>> 0 };
  }

  /** The card status, with the state in which the command came. Errors are told once. */
  private takeStatus(before: number): number {
    const { s } = this;
    const value = s.status | (before << 9) | (this.busy() ? 0 : STATUS.READY_FOR_DATA) | (s.application ? STATUS.APP_CMD : 0);
    s.status = 0;
    return value;
  }
}

function long(register: Uint8Array): SdResponse {
  const view = new DataView(register.buffer);
  return { kind: 'long', words: [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)] };
}
