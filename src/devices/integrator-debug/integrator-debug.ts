/**
 * Debug LEDs, alphanumeric display and DIP switches of the Integrator/CP baseboard.
 *
 * Source: ARM DUI 0159B, Integrator/CP user guide. What is shown stays in the state, for whoever wants to draw it. Not
 * modelled: the time that the display takes to shift characters in; it is always ready.
 */
import { type AccessSize, Device, type GuestLog } from '../../bus/device.ts';
import { lanesRead, lanesWritten } from '../../registers/narrow.ts';
import { defineState } from '../../state/layout.ts';
import { DEBUG } from './integrator-debug.regs.ts';

export const integratorDebugState = defineState('integrator-debug', 1, { ...DEBUG.stored });

interface Config {
  /** Bit n: DIP switch n is on; 0 to 15. */
  readonly switches: number;
}

interface Wiring {
  readonly log: GuestLog;
}

const { LED_ALPHA, LED_SWITCHES } = DEBUG.mask;

export class IntegratorDebug extends Device<typeof integratorDebugState.schema, Config, Wiring> {
  constructor(name: string, wiring: Wiring, config: Config = { switches: 0 }) {
    super(name, integratorDebugState, config, wiring);
  }

  override read(offset: number, size: AccessSize): number {
    return lanesRead(this.register(offset & ~3), offset, size);
  }

  override write(offset: number, size: AccessSize, written: number): void {
    const { s } = this;
    const value = lanesWritten(written, offset, size);
    switch (DEBUG.at(offset & ~3)) {
      case 'LED_ALPHA':
        s.LED_ALPHA = value & LED_ALPHA.CHARACTERS;
        break;
      case 'LED_LIGHTS':
        s.LED_LIGHTS = DEBUG.merge('LED_LIGHTS', s.LED_LIGHTS, value);
        break;
      default:
        this.wiring.log.guestError(this.name, `write to offset 0x${offset.toString(16)}, where there is no writable register`);
    }
  }

  private register(offset: number): number {
    switch (DEBUG.at(offset)) {
      case 'LED_ALPHA':
        return this.s.LED_ALPHA & LED_ALPHA.STATUS;
      case 'LED_LIGHTS':
        return this.s.LED_LIGHTS;
      case 'LED_SWITCHES':
        return this.config.switches & LED_SWITCHES.SWITCHES;
      default:
        this.wiring.log.guestError(this.name, `read of offset 0x${offset.toString(16)}, where there is no readable register`);
        return 0;
    }
  }
}
