/**
 * Audio codec at the far end of an AC-link: National Semiconductor LM4549.
 *
 * Source: its datasheet and the AC '97 component specification 2.1. Nothing is heard and nothing recorded: registers
 * keep their values, and of what they mean only the sample rate and the readiness of the powered sections exist.
 * Powering sections up takes no time; powering down the link (PR4) or the clocks (PR5) does nothing.
 */
import { type AccessSize, Device, type GuestLog } from '../../bus/device.ts';
import { defineState } from '../../state/layout.ts';
import { LM4549 } from './lm4549.regs.ts';

/** A codec as its controller sees it through the AC-link. */
export interface Ac97Codec {
  /** `index` is even, 0 to 0x7e; the value has 16 bits. */
  readRegister(index: number): number;
  writeRegister(index: number, value: number): void;
  /** The link's reset line is low. */
  coldReset(): void;
  /** Samples of each channel that the codec asks for in a second. */
  dacRate(): number;
}

const RATE = { lowest: 4_000, highest: 48_000 } as const;
const { Powerdown: PD, Extended_Audio_Control: EXTENDED, Master_Volume: VOLUME } = LM4549.mask;

export const lm4549State = defineState('lm4549', 1, { ...LM4549.stored });

interface Wiring {
  readonly log: GuestLog;
}

export class Lm4549 extends Device<typeof lm4549State.schema, object, Wiring> implements Ac97Codec {
  constructor(name: string, wiring: Wiring) {
    super(name, lm4549State, {}, wiring);
  }

  /** It sits on the AC-link, on no bus. */
  override read(_offset: number, _size: AccessSize): number {
    return 0;
  }

  override write(_offset: number, _size: AccessSize, _value: number): void {}

  coldReset(): void {
    this.state.reset();
  }

  dacRate(): number {
    return this.s.PCM_DAC_Rate;
  }

  readRegister(index: number): number {
    const register = LM4549.at(index);
    switch (register) {
      case undefined:
        this.wiring.log.guestError(this.name, `read of register 0x${index.toString(16)}, which is reserved`);
        return 0;
      case 'Powerdown':
        return this.s.Powerdown | this.readySections();
      case 'Reset':
      case '3D_Control':
      case 'Extended_Audio_ID':
      case 'Vendor_ID1':
      case 'Vendor_ID2':
        return LM4549.registers[register].reset;
      default:
        return this.s[register];
    }
  }

  writeRegister(index: number, value: number): void {
    const { s } = this;
    const register = LM4549.at(index);
    switch (register) {
      case 'Reset':
        this.state.reset();
        break;
      case 'Master_Volume':
      case 'Line_Level_Volume':
      case 'Mono_Volume':
        s[register] = LM4549.merge(register, s[register], limited(value));
        break;
      case 'PCM_DAC_Rate':
      case 'PCM_ADC_Rate':
        if (s.Extended_Audio_Control & EXTENDED.VRA) s[register] = Math.min(Math.max(value, RATE.lowest), RATE.highest);
        break;
      case 'Extended_Audio_Control':
        s.Extended_Audio_Control = LM4549.merge(register, s.Extended_Audio_Control, value);
        if (!(s.Extended_Audio_Control & EXTENDED.VRA)) {
          s.PCM_DAC_Rate = RATE.highest;
          s.PCM_ADC_Rate = RATE.highest;
        }
        break;
      case undefined:
      case '3D_Control':
      case 'Extended_Audio_ID':
      case 'Vendor_ID1':
      case 'Vendor_ID2':
        this.wiring.log.guestError(this.name, `write to register 0x${index.toString(16)}, which cannot be written`);
        break;
      default:
        s[register] = LM4549.merge(register, s[register], value);
    }
  }

  private readySections(): number {
    const off = this.s.Powerdown;
    let ready = 0;
    if (!(off & PD.PR0)) ready |= PD.ADC;
    if (!(off & PD.PR1)) ready |= PD.DAC;
    if (!(off & (PD.PR2 | PD.PR3))) ready |= PD.ANL;
    if (!(off & PD.PR3)) ready |= PD.REF;
    return ready;
  }
}

/** A volume with the sixth bit set is the least that five bits can say. */
const limited = (value: number): number => value | (value & VOLUME.rightMax ? VOLUME.right : 0) | (value & VOLUME.leftMax ? VOLUME.left : 0);
