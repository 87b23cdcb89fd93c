/**
 * Controller of a socket for MultiMedia and SD cards: ARM PrimeCell PL181.
 *
 * Source: ARM DDI 0205B, and DDI 0172A for its predecessor PL180. Commands take no time: a response is there when
 * the register that sent the command can be read. The data path has no bits and no clock of its own: bytes cross the bus
 * as soon as one side has them and the other has room, so that it waits for the FIFO where the chip would overrun it, and
 * for the card as long as MCIDataTimer allows. Neither power nor clock is needed: programs that were only ever run on
 * emulators leave them off.
 *
 * Not modelled: CRC and start bit errors, DMA requests (nobody takes them), the lines' electrical modes, the test
 * registers.
 */
import { type AccessSize, type Clock, Device, type GuestLog, type Line } from '../../bus/device.ts';
import { lanesRead, lanesWritten } from '../../registers/narrow.ts';
import { bool, f64, u8, u16, u32, u32s } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import { type Nanoseconds, NEVER, ns, nsForTicks } from '../../time/units.ts';
import type { SdCardPort, SdHost } from '../sd-card/sd-bus.ts';
import { FIFO_WINDOW, PL181 } from './pl181.regs.ts';

const FIFO_WORDS = 16;
const HALF = FIFO_WORDS / 2;
const { MCIClock: CLOCK, MCICommand: COMMAND, MCIDataCtrl: CTRL, MCIStatus: STATUS } = PL181.mask;
/** What MCIClear can clear. */
const STATIC_FLAGS = 0x7ff;

/** States of the command path (CPSM). */
const CPSM = { IDLE: 0, PEND: 1, WAIT: 2 } as const;
/** What the data path (DPSM) does. */
const DPSM = { IDLE: 0, SEND: 1, RECEIVE: 2 } as const;

export const pl181State = defineState('pl181', 1, {
  ...PL181.stored,
  flags: u16(0, 'bits 10 to 0 of MCIStatus'),
  cpsm: u8(CPSM.IDLE, 'command path: 0 idle, 1 waits for the end of the data, 2 waits for a response without a timeout'),
  dpsm: u8(DPSM.IDLE, 'data path: 0 idle, 1 sends, 2 receives'),
  fifo: u32s(FIFO_WORDS, 'words, as a ring'),
  fifoHead: u8(0, 'place of the oldest word'),
  fifoLevel: u8(0, 'words in the FIFO'),
  shift: u32(0, 'bytes between FIFO and data lines, the next one lowest'),
  shifted: u8(0, 'bytes in shift'),
  blockSent: bool(false, 'the card has a whole block, and is busy with it'),
  timeoutAt: f64<Nanoseconds>(NEVER, 'when the data path stops waiting for the card'),
});

interface Config {
  /** Frequency of MCLK. */
  readonly mclkHz: number;
}

interface Wiring {
  /** MCIINTR0 and MCIINTR1: what MCIMask0 and MCIMask1 let through. */
  readonly irq: readonly [Line, Line];
  readonly card: SdCardPort;
  readonly clock: Clock;
  readonly log: GuestLog;
}

export class Pl181 extends Device<typeof pl181State.schema, Config, Wiring> implements SdHost {
  constructor(name: string, config: Config, wiring: Wiring) {
    super(name, pl181State, config, wiring);
  }

  override evaluate(now: Nanoseconds): void {
    const { s } = this;
    // A card that is done before the timeout ends the wait, even if its disk is a moment late.
    if (now < s.timeoutAt || this.wiring.card.nextWakeup() <= s.timeoutAt) return;
    s.flags |= STATUS.DataTimeOut;
    this.stopData();
    this.sync();
  }

  /** The card is only reached through here, so an access here may be what makes it wake up. */
  override nextWakeup(): Nanoseconds {
    return ns(Math.min(this.s.timeoutAt, this.wiring.card.nextWakeup()));
  }

  cardChanged(): void {
    this.move();
  }

  override read(offset: number, size: AccessSize): number {
    return lanesRead(this.register(offset & ~3), offset, size);
  }

  override write(offset: number, size: AccessSize, written: number): void {
    const { s } = this;
    const value = lanesWritten(written, offset, size);
    const register = registerAt(offset);
    switch (register) {
      case 'MCICommand':
        s.MCICommand = PL181.merge(register, s.MCICommand, value);
        this.beginCommand();
        break;
      case 'MCIDataCtrl':
        this.setDataControl(value);
        break;
      case 'MCIClear':
        s.flags &= ~(value & STATIC_FLAGS);
        this.sync();
        break;
      case 'MCIFIFO':
        this.push(value);
        break;
      case 'MCIMask0':
      case 'MCIMask1':
        s[register] = PL181.merge(register, s[register], value);
        this.sync();
        break;
      case 'MCIPower':
      case 'MCIClock':
      case 'MCIArgument':
      case 'MCIDataTimer':
      case 'MCIDataLength':
      case 'MCISelect':
        s[register] = PL181.merge(register, s[register], value);
        break;
      default:
        this.wiring.log.guestError(this.name, `write to offset 0x${offset.toString(16)}, where there is no writable register`);
    }
  }

  private register(offset: number): number {
    const { s } = this;
    const register = registerAt(offset);
    switch (register) {
      case undefined:
      case 'MCIClear':
        this.wiring.log.guestError(this.name, `read of offset 0x${offset.toString(16)}, where there is no readable register`);
        return 0;
      case 'MCIStatus':
        return this.status();
      case 'MCIFifoCnt':
        return this.wordsLeft();
      case 'MCIFIFO':
        return this.pop();
      case 'MCIPower':
      case 'MCIClock':
      case 'MCIArgument':
      case 'MCICommand':
      case 'MCIRespCommand':
      case 'MCIResponse0':
      case 'MCIResponse1':
      case 'MCIResponse2':
      case 'MCIResponse3':
      case 'MCIDataTimer':
      case 'MCIDataLength':
      case 'MCIDataCtrl':
      case 'MCIDataCnt':
      case 'MCIMask0':
      case 'MCIMask1':
      case 'MCISelect':
        return s[register];
      default:
        return PL181.registers[register].reset;
    }
  }

  private beginCommand(): void {
    const { s } = this;
    s.cpsm = CPSM.IDLE;
    if (s.MCICommand & COMMAND.Enable) {
      if (s.MCICommand & COMMAND.Pending) s.cpsm = CPSM.PEND;
      else this.sendCommand();
    }
    this.move();
  }

  private sendCommand(): void {
    const { s } = this;
    const command = s.MCICommand;
    s.cpsm = CPSM.IDLE;
    const response = this.wiring.card.command(command & COMMAND.CmdIndex, s.MCIArgument);
    if (!(command & COMMAND.Response)) s.flags |= STATUS.CmdSent;
    else if (response === undefined) {
      if (command & COMMAND.Interrupt) s.cpsm = CPSM.WAIT;
      else s.flags |= STATUS.CmdTimeOut;
    } else if ((response.kind === 'long') !== ((command & COMMAND.LongRsp) !== 0)) s.flags |= STATUS.CmdCrcFail;
    else {
      if (response.kind === 'short') {
        s.MCIRespCommand = response.index;
        s.MCIResponse0 = response.value;
      } else {
        s.MCIRespCommand = COMMAND.CmdIndex;
        [s.MCIResponse0, s.MCIResponse1, s.MCIResponse2] = response.words;
        s.MCIResponse3 = response.words[3] & ~1;
      }
      s.flags |= STATUS.CmdRespEnd;
    }
  }

  private setDataControl(value: number): void {
    const { s } = this;
    s.MCIDataCtrl = PL181.merge('MCIDataCtrl', s.MCIDataCtrl, value);
    if (!(s.MCIDataCtrl & CTRL.Enable)) this.stopData();
    else if (s.dpsm === DPSM.IDLE) {
      this.stopData();
      s.MCIDataCnt = s.MCIDataLength;
      s.dpsm = s.MCIDataCtrl & CTRL.Direction ? DPSM.RECEIVE : DPSM.SEND;
      if (s.MCIDataCnt === 0) s.flags |= STATUS.DataEnd;
    }
    this.move();
  }

  private stopData(): void {
    const { s } = this;
    s.dpsm = DPSM.IDLE;
    s.fifoLevel = 0;
    s.shifted = 0;
    s.blockSent = false;
    s.timeoutAt = NEVER;
  }

  /** All that can move moves; what happened shows in flags and lines. */
  private move(): void {
    const { s } = this;
    const before = s.MCIDataCnt;
    if (s.dpsm === DPSM.RECEIVE) this.receive();
    else if (s.dpsm === DPSM.SEND) this.send();
    this.watch(s.MCIDataCnt !== before);
    if (s.cpsm === CPSM.PEND && s.MCIDataCnt === 0) {
      this.sendCommand();
      this.move();
    }
    this.sync();
  }

  private receive(): void {
    const { s, wiring } = this;
    while (s.MCIDataCnt > 0 && s.fifoLevel < FIFO_WORDS) {
      if (wiring.card.readable() === 0) {
        wiring.card.nextBlock();
        break;
      }
      s.shift = (s.shifted === 0 ? 0 : s.shift) | (wiring.card.take() << (8 * s.shifted));
      s.shifted++;
      s.MCIDataCnt--;
      if (this.atBlockEnd()) s.flags |= STATUS.DataBlockEnd;
      if (s.shifted === 4 || s.MCIDataCnt === 0) {
        s.fifo[(s.fifoHead + s.fifoLevel++) % FIFO_WORDS] = s.shift;
        s.shifted = 0;
      }
      if (s.MCIDataCnt === 0) s.flags |= STATUS.DataEnd;
    }
    if (s.MCIDataCnt === 0 && s.fifoLevel === 0) s.dpsm = DPSM.IDLE;
  }

  private send(): void {
    const { s, wiring } = this;
    while (!wiring.card.busy()) {
      if (s.blockSent) this.endBlock();
      if (s.MCIDataCnt === 0) {
        s.flags |= STATUS.DataEnd;
        this.stopData();
        break;
      }
      if (s.shifted === 0 && s.fifoLevel === 0) break;
      if (wiring.card.writable() === 0) wiring.card.nextBlock();
      if (wiring.card.writable() === 0) break;
      if (s.shifted === 0) {
        s.shift = this.oldest();
        s.shifted = 4;
      }
      wiring.card.put(s.shift & 0xff);
      s.shift >>>= 8;
      s.shifted--;
      s.MCIDataCnt--;
      s.blockSent = this.atBlockEnd();
    }
  }

  private endBlock(): void {
    this.s.blockSent = false;
    this.s.flags |= STATUS.DataBlockEnd;
  }

  private atBlockEnd(): boolean {
    const { s } = this;
    if (s.MCIDataCtrl & CTRL.Mode) return false;
    return (s.MCIDataLength - s.MCIDataCnt) % (1 << ((s.MCIDataCtrl & CTRL.BlockSize) >> 4)) === 0;
  }

  /** While the data path waits for the card, its timer runs: anew for each wait. */
  private watch(moved: boolean): void {
    const { s } = this;
    const receiving = s.dpsm === DPSM.RECEIVE && s.MCIDataCnt > 0 && s.fifoLevel < FIFO_WORDS;
    const sending = s.dpsm === DPSM.SEND && (s.fifoLevel > 0 || s.shifted > 0 || this.wiring.card.busy());
    if (!receiving && !sending) s.timeoutAt = NEVER;
    else if (moved || s.timeoutAt === NEVER) s.timeoutAt = this.timeout();
  }

  private timeout(): Nanoseconds {
    const { s, config, wiring } = this;
    if (!(s.MCIClock & CLOCK.Enable)) return NEVER;
    const divisor = s.MCIClock & CLOCK.Bypass ? 1 : 2 * ((s.MCIClock & CLOCK.ClkDiv) + 1);
    // At the end of the period that is under way, so that it lies in the future.
    return ns(wiring.clock.now() + nsForTicks((s.MCIDataTimer + 1) * divisor, config.mclkHz));
  }

  private wordsLeft(): number {
    const { s } = this;
    const bytes = s.dpsm === DPSM.RECEIVE ? s.MCIDataCnt + s.shifted : s.MCIDataCnt - s.shifted;
    return Math.max(0, (bytes + 3) >> 2);
  }

  private oldest(): number {
    const { s } = this;
    const word = s.fifo[s.fifoHead];
    s.fifoHead = (s.fifoHead + 1) % FIFO_WORDS;
    s.fifoLevel--;
    return word;
  }

  private pop(): number {
    const { s } = this;
    if (s.dpsm !== DPSM.RECEIVE || s.fifoLevel === 0) {
      this.wiring.log.guestError(this.name, 'read of MCIFIFO while nothing is in it');
      return 0;
    }
    const word = this.oldest();
    this.move();
    return word;
  }

  private push(word: number): void {
    const { s } = this;
    if (s.dpsm !== DPSM.SEND || s.fifoLevel === FIFO_WORDS) {
      this.wiring.log.guestError(this.name, 'write to MCIFIFO while it takes nothing');
      return;
    }
    s.fifo[(s.fifoHead + s.fifoLevel++) % FIFO_WORDS] = word;
    this.move();
  }

  private status(): number {
    const { s } = this;
    let status = s.flags;
    if (s.cpsm !== CPSM.IDLE) status |= STATUS.CmdActive;
    if (s.dpsm === DPSM.SEND) {
      status |= STATUS.TxActive;
      if (s.fifoLevel <= HALF) status |= STATUS.TxFifoHalfEmpty;
      if (s.fifoLevel === FIFO_WORDS) status |= STATUS.TxFifoFull;
      status |= s.fifoLevel === 0 ? STATUS.TxFifoEmpty : STATUS.TxDataAvlbl;
    } else if (s.dpsm === DPSM.RECEIVE) {
      status |= STATUS.RxActive;
      if (s.fifoLevel >= HALF) status |= STATUS.RxFifoHalfFull;
      if (s.fifoLevel === FIFO_WORDS) status |= STATUS.RxFifoFull;
      status |= s.fifoLevel === 0 ? STATUS.RxFifoEmpty : STATUS.RxDataAvlbl;
    }
    return status;
  }

  private sync(): void {
    const { s, wiring } = this;
    const status = this.status();
    wiring.irq[0].set((status & s.MCIMask0) !== 0);
    wiring.irq[1].set((status & s.MCIMask1) !== 0);
  }
}

const registerAt = (offset: number) => (offset >= FIFO_WINDOW.from && offset < FIFO_WINDOW.to ? 'MCIFIFO' : PL181.at(offset & ~3));
