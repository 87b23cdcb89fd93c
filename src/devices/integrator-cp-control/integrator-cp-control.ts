/**
 * Status and control registers of the Integrator/CP baseboard: identification, flash protection, and the small
 * interrupts of the memory card slot and of the serial connectors' ring indicators.
 *
 * Source: ARM DUI 0159B, Integrator/CP user guide. A card and a ring are latched when they come and stay until the
 * guest writes 1; the card's line must fall before the next insertion is seen. The flash bits protect nothing: there
 * is no flash.
 */
import { type AccessSize, Device, type GuestLog, type Line } from '../../bus/device.ts';
import { lanesRead, lanesWritten } from '../../registers/narrow.ts';
import { u8 } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import { CP_CONTROL } from './integrator-cp-control.regs.ts';

export const integratorCpControlState = defineState('integrator-cp-control', 1, {
  ...CP_CONTROL.stored,
  level: u8(0, 'levels of the inputs, each at the place of its bit in CP_INTREG'),
});

interface Wiring {
  /** Card inserted: input 3 of the secondary interrupt controller. */
  readonly irq: Line;
  /** Ring indicators of UART 0 and 1: inputs 1 and 2 of the secondary interrupt controller. */
  readonly ringIrq: readonly [Line, Line];
  readonly log: GuestLog;
}

const { WPROT, RI0, RI1, CARDIN } = CP_CONTROL.mask.CP_INTREG;

export class IntegratorCpControl extends Device<typeof integratorCpControlState.schema, object, Wiring> {
  constructor(name: string, wiring: Wiring) {
    super(name, integratorCpControlState, {}, wiring);
  }

  /** High while a card is in the slot. */
  cardInserted(): Line {
    return this.input(CARDIN);
  }

  /** High while the card is write protected. */
  writeProtect(): Line {
    return this.input(WPROT);
  }

  /** High while the modem at UART 0 or 1 rings. */
  ringIndicator(uart: 0 | 1): Line {
    return this.input(uart === 0 ? RI0 : RI1);
  }

  override read(offset: number, size: AccessSize): number {
    return lanesRead(this.register(offset & ~3), offset, size);
  }

  override write(offset: number, size: AccessSize, written: number): void {
    const { s } = this;
    const value = lanesWritten(written, offset, size);
    switch (CP_CONTROL.at(offset & ~3)) {
      case 'CP_FLASHPROG':
        s.CP_FLASHPROG = CP_CONTROL.merge('CP_FLASHPROG', s.CP_FLASHPROG, value);
        break;
      case 'CP_INTREG':
        s.CP_INTREG = CP_CONTROL.merge('CP_INTREG', s.CP_INTREG, value);
        break;
      default:
        this.wiring.log.guestError(this.name, `write to offset 0x${offset.toString(16)}, where there is no writable register`);
    }
    this.sync();
  }

  private register(offset: number): number {
    const { s } = this;
    const register = CP_CONTROL.at(offset);
    switch (register) {
      case 'CP_FLASHPROG':
        return s.CP_FLASHPROG;
      case 'CP_INTREG':
        return s.CP_INTREG;
      case undefined:
        this.wiring.log.guestError(this.name, `read of offset 0x${offset.toString(16)}, where there is no readable register`);
        return 0;
      default:
        return CP_CONTROL.registers[register].reset;
    }
  }

  private input(bit: number): Line {
    return Object.freeze({ set: (level: boolean) => this.setLevel(bit, level) });
  }

  private setLevel(bit: number, high: boolean): void {
    const { s } = this;
    const rose = high && (s.level & bit) === 0;
    s.level = high ? s.level | bit : s.level & ~bit;
    if (rose) s.CP_INTREG |= bit;
    if (!high) s.CP_INTREG &= ~(bit & WPROT);
    this.sync();
  }

  private sync(): void {
    const { irq, ringIrq } = this.wiring;
    irq.set((this.s.CP_INTREG & CARDIN) !== 0);
    ringIrq[0].set((this.s.CP_INTREG & RI0) !== 0);
    ringIrq[1].set((this.s.CP_INTREG & RI1) !== 0);
  }
}
