/**
 * Core module of the Integrator: the board that carries processor and SDRAM. Its registers set clocks and reset
 * configuration, reset the system, keep flags for software, count cycles, interrupt, and show the DIMM's SPD memory.
 *
 * Source: ARM DUI 0138, core module user guide, for the modules with an ARM9x6. Clocks and reset configuration can be
 * written and read, but the processor does not change with them. Not modelled: the debug communications channel as a
 * source of interrupts, the measured voltages.
 *
 * CM_OSC, CM_AUXOSC, CM_INIT, CM_NVFLAGS and the voltages survive a system reset. A reset at virtual time 0 is the
 * power-on reset.
 */
import { type AccessSize, type Clock, Device, type GuestLog, type Line } from '../../bus/device.ts';
import { lanesRead, lanesWritten } from '../../registers/narrow.ts';
import { f64 } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import { type Nanoseconds, ns, ticksIn } from '../../time/units.ts';
import { CM } from './integrator-cm.regs.ts';
import { dimmCode, spdByte } from './spd.ts';

export const integratorCmState = defineState('integrator-cm', 1, {
  ...CM.stored,
  resetAt: f64<Nanoseconds>(ns(0), 'time of the last reset: the cycle counters start there'),
});

/** Where a device asks for a reset of the whole system; it happens after the instruction that asks. */
export interface ResetRequest {
  request(): void;
}

interface Config {
  readonly ramBytes: number;
  /** Clock of the memory bus in Hz, which CM_LMBUSCNT counts. */
  readonly busHz: number;
}

interface Wiring {
  readonly irq: Line;
  readonly fiq: Line;
  readonly resetRequest: ResetRequest;
  readonly clock: Clock;
  readonly log: GuestLog;
}

const KEY = 0xa05f;
const REFERENCE_HZ = 24_000_000;
const SPD = 0x100;
const SPD_END = 0x200;
const { mask } = CM;

export class IntegratorCm extends Device<typeof integratorCmState.schema, Config, Wiring> {
  constructor(name: string, config: Config, wiring: Wiring) {
    super(name, integratorCmState, config, wiring);
    this.reset(ns(0));
  }

  override reset(now: Nanoseconds): void {
    const { s } = this;
    const { CM_OSC, CM_AUXOSC, CM_INIT, CM_NVFLAGS, CM_VOLTAGE_CTL0, CM_VOLTAGE_CTL1, CM_VOLTAGE_CTL2, CM_VOLTAGE_CTL3 } = s;
    this.state.reset();
    s.CM_SDRAM |= dimmCode(this.config.ramBytes) << 2;
    s.resetAt = now;
    if (now === 0) return;
    const { PLLBYPASS, PLLBYPASSED } = mask.CM_INIT;
    Object.assign(s, { CM_OSC, CM_AUXOSC, CM_NVFLAGS, CM_VOLTAGE_CTL0, CM_VOLTAGE_CTL1, CM_VOLTAGE_CTL2, CM_VOLTAGE_CTL3 });
    s.CM_INIT = CM_INIT & PLLBYPASS ? CM_INIT | PLLBYPASSED : CM_INIT & ~PLLBYPASSED;
  }

  override read(offset: number, size: AccessSize): number {
    return lanesRead(this.register(offset & ~3), offset, size);
  }

  override write(offset: number, size: AccessSize, written: number): void {
    const { s } = this;
    const value = lanesWritten(written, offset, size);
    const register = CM.at(offset & ~3);
    switch (register) {
      case 'CM_OSC':
      case 'CM_AUXOSC':
      case 'CM_INIT':
      case 'CM_VOLTAGE_CTL0':
      case 'CM_VOLTAGE_CTL1':
      case 'CM_VOLTAGE_CTL2':
      case 'CM_VOLTAGE_CTL3':
        if (s.CM_LOCK === KEY) s[register] = CM.merge(register, s[register], value);
        else this.wiring.log.guestError(this.name, `write to ${register}, which is locked`);
        break;
      case 'CM_LOCK':
      case 'CM_SDRAM':
        s[register] = CM.merge(register, s[register], value);
        break;
      case 'CM_CTRL':
        s.CM_CTRL = CM.merge('CM_CTRL', s.CM_CTRL, value);
        if (value & mask.CM_CTRL.RESET) this.wiring.resetRequest.request();
        break;
      case 'CM_FLAGS':
      case 'CM_NVFLAGS':
        s[register] |= value;
        break;
      case 'CM_FLAGSC':
        s.CM_FLAGS &= ~value;
        break;
      case 'CM_NVFLAGSC':
        s.CM_NVFLAGS &= ~value;
        break;
      case 'CM_IRQ_ENSET':
      case 'CM_FIQ_ENSET':
      case 'CM_SOFT_INTSET':
        s[register] |= CM.merge(register, 0, value);
        break;
      case 'CM_IRQ_ENCLR':
        s.CM_IRQ_ENSET &= ~value;
        break;
      case 'CM_FIQ_ENCLR':
        s.CM_FIQ_ENSET &= ~value;
        break;
      case 'CM_SOFT_INTCLR':
        s.CM_SOFT_INTSET &= ~value;
        break;
      default:
        this.wiring.log.guestError(this.name, `write to offset 0x${offset.toString(16)}, where there is no writable register`);
    }
    this.sync();
  }

  private register(offset: number): number {
    const { s } = this;
    if (offset >= SPD && offset < SPD_END) return this.spdWord(offset - SPD);
    const register = CM.at(offset);
    switch (register) {
      case 'CM_ID':
      case 'CM_PROC':
      case 'CM_STAT':
        return CM.registers[register].reset;
      case 'CM_LOCK':
        return s.CM_LOCK === KEY ? KEY : s.CM_LOCK | mask.CM_LOCK.LOCKED;
      case 'CM_LMBUSCNT':
        return this.cycles(this.config.busHz);
      case 'CM_REFCNT':
        return this.cycles(REFERENCE_HZ);
      case 'CM_IRQ_STAT':
        return s.CM_SOFT_INTSET & s.CM_IRQ_ENSET;
      case 'CM_FIQ_STAT':
        return s.CM_SOFT_INTSET & s.CM_FIQ_ENSET;
      case 'CM_IRQ_RSTAT':
      case 'CM_FIQ_RSTAT':
        return s.CM_SOFT_INTSET;
      case undefined:
      case 'CM_FLAGSC':
      case 'CM_NVFLAGSC':
      case 'CM_IRQ_ENCLR':
      case 'CM_FIQ_ENCLR':
      case 'CM_SOFT_INTCLR':
        this.wiring.log.guestError(this.name, `read of offset 0x${offset.toString(16)}, where there is no readable register`);
        return 0;
      default:
        return s[register];
    }
  }

  /** Cycles of a clock of `hz` since the last reset, modulo 2^32. */
  private cycles(hz: number): number {
    return (ticksIn(this.wiring.clock.now(), hz) - ticksIn(this.s.resetAt, hz)) >>> 0;
  }

  private spdWord(offset: number): number {
    const code = dimmCode(this.config.ramBytes);
    const byte = (i: number): number => spdByte(code, offset + i) << (8 * i);
    return byte(0) | byte(1) | byte(2) | byte(3);
  }

  private sync(): void {
    const { s } = this;
    this.wiring.irq.set((s.CM_SOFT_INTSET & s.CM_IRQ_ENSET) !== 0);
    this.wiring.fiq.set((s.CM_SOFT_INTSET & s.CM_FIQ_ENSET) !== 0);
  }
}
