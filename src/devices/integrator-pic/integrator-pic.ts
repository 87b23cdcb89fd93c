/**
 * Interrupt controller of the Integrator/CP baseboard and core module: 32 level-sensitive inputs, an IRQ and a FIQ
 * half with a mask each. The board has two, the secondary one feeding an input of the primary.
 *
 * Source: ARM DUI 0159B, interrupt controllers. Bits 31:1 of the software interrupt register are not modelled.
 */
import { type AccessSize, Device, type GuestLog, type Line } from '../../bus/device.ts';
import { lanesRead, lanesWritten } from '../../registers/narrow.ts';
import { u32 } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import { PIC } from './integrator-pic.regs.ts';

export const integratorPicState = defineState('integrator-pic', 1, {
  ...PIC.stored,
  level: u32(0, 'levels of the 32 inputs; input 0 is the software interrupt'),
});

interface Wiring {
  readonly irq: Line;
  readonly fiq: Line;
  readonly log: GuestLog;
}

export class IntegratorPic extends Device<typeof integratorPicState.schema, object, Wiring> {
  constructor(name: string, wiring: Wiring) {
    super(name, integratorPicState, {}, wiring);
  }

  /** The wire into input `number`, 0 to 31. */
  input(number: number): Line {
    const bit = (1 << number) >>> 0;
    return Object.freeze({ set: (level: boolean) => this.setLevel(level ? this.s.level | bit : this.s.level & ~bit) });
  }

  override read(offset: number, size: AccessSize): number {
    return lanesRead(this.register(offset & ~3), offset, size);
  }

  override write(offset: number, size: AccessSize, written: number): void {
    const value = lanesWritten(written, offset, size);
    switch (PIC.at(offset & ~3)) {
      case 'IRQ_ENABLESET':
        this.s.IRQ_ENABLESET |= value;
        break;
      case 'IRQ_ENABLECLR':
        this.s.IRQ_ENABLESET &= ~value;
        break;
      case 'INT_SOFTSET':
        this.setLevel(this.s.level | (value & PIC.mask.INT_SOFTSET.SOFT));
        break;
      case 'INT_SOFTCLR':
        this.setLevel(this.s.level & ~(value & PIC.mask.INT_SOFTCLR.SOFT));
        break;
      case 'FIQ_ENABLESET':
        this.s.FIQ_ENABLESET |= value;
        break;
      case 'FIQ_ENABLECLR':
        this.s.FIQ_ENABLESET &= ~value;
        break;
      default:
        this.wiring.log.guestError(this.name, `write to offset 0x${offset.toString(16)}, where there is no writable register`);
    }
    this.sync();
  }

  private register(offset: number): number {
    const { s } = this;
    switch (PIC.at(offset)) {
      case 'IRQ_STATUS':
        return s.level & s.IRQ_ENABLESET;
      case 'FIQ_STATUS':
        return s.level & s.FIQ_ENABLESET;
      case 'IRQ_RAWSTAT':
      case 'FIQ_RAWSTAT':
        return s.level;
      case 'IRQ_ENABLESET':
        return s.IRQ_ENABLESET;
      case 'FIQ_ENABLESET':
        return s.FIQ_ENABLESET;
      case 'INT_SOFTSET':
        return s.level & PIC.mask.INT_SOFTSET.SOFT;
      default:
        this.wiring.log.guestError(this.name, `read of offset 0x${offset.toString(16)}, where there is no readable register`);
        return 0;
    }
  }

  private setLevel(level: number): void {
    this.s.level = level >>> 0;
    this.sync();
  }

  private sync(): void {
    this.wiring.irq.set((this.s.level & this.s.IRQ_ENABLESET) !== 0);
    this.wiring.fiq.set((this.s.level & this.s.FIQ_ENABLESET) !== 0);
  }
}
