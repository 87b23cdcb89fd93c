/**
 * Colour LCD controller: ARM PrimeCell PL110. What it shows is made by `renderScreen`, from its state and from RAM.
 *
 * Source: ARM DDI 0161E. A frame takes 1/60 s of virtual time from the moment the controller is enabled, whatever the
 * pixel clock; within it the points of vertical timing lie where LCDTiming1 puts them. Bits of LCDStatus are cleared
 * by a write to it and, for programs written for the PL111, to offset 0x28 as well.
 *
 * Not modelled: the position of the beam (LCDUPCURR is the base address, and a new base address shows at once), dual
 * and monochrome panels, FIFO underflow, bus errors, the test registers.
 */
import { type AccessSize, type Clock, Device, type GuestLog, type Line } from '../../bus/device.ts';
import { lanesRead, lanesWritten } from '../../registers/narrow.ts';
import { f64, u32s } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import { type Nanoseconds, NEVER, ns, nsForTicks, ticksIn } from '../../time/units.ts';
import { PL110 } from './pl110.regs.ts';

const FRAMES_PER_SECOND = 60;
const PALETTE = 0x200;
const PALETTE_WORDS = 128;
const { LCDControl: CONTROL, LCDStatus: STATUS } = PL110.mask;

export const pl110State = defineState('pl110', 1, {
  ...PL110.stored,
  palette: u32s(PALETTE_WORDS, '256 colours, two in a word'),
  enabledAt: f64<Nanoseconds>(NEVER, 'when the controller was enabled: the first frame began'),
  nextFrame: f64<Nanoseconds>(NEVER, 'when LNBU will be set next'),
  nextCompare: f64<Nanoseconds>(NEVER, 'when Vcomp will be set next'),
});

interface Wiring {
  /** CLCDINTR, all interrupts combined. */
  readonly irq: Line;
  readonly clock: Clock;
  readonly log: GuestLog;
}

export class Pl110 extends Device<typeof pl110State.schema, object, Wiring> {
  constructor(name: string, wiring: Wiring) {
    super(name, pl110State, {}, wiring);
  }

  override evaluate(now: Nanoseconds): void {
    const { s } = this;
    if (now < s.nextFrame && now < s.nextCompare) return;
    if (now >= s.nextFrame) s.LCDStatus |= STATUS.LNBU;
    if (now >= s.nextCompare) s.LCDStatus |= STATUS.Vcomp;
    this.schedule(now);
    this.sync();
  }

  override nextWakeup(): Nanoseconds {
    const { s } = this;
    const awaited = s.LCDINTRENABLE & ~s.LCDStatus;
    return ns(Math.min(awaited & STATUS.LNBU ? s.nextFrame : NEVER, awaited & STATUS.Vcomp ? s.nextCompare : NEVER));
  }

  override read(offset: number, size: AccessSize): number {
    return lanesRead(this.register(offset & ~3), offset, size);
  }

  override write(offset: number, size: AccessSize, written: number): void {
    const { s } = this;
    const value = lanesWritten(written, offset, size);
    const entry = paletteEntry(offset);
    if (entry !== undefined) {
      s.palette[entry] = value;
      return;
    }
    const register = PL110.at(offset & ~3);
    switch (register) {
      case 'LCDControl':
        this.setControl(value);
        break;
      case 'LCDTiming1':
        s.LCDTiming1 = value;
        this.schedule(this.wiring.clock.now());
        break;
      case 'LCDStatus':
      case 'LCDUPCURR':
        s.LCDStatus &= ~value;
        break;
      case 'LCDTiming0':
      case 'LCDTiming2':
      case 'LCDTiming3':
      case 'LCDUPBASE':
      case 'LCDLPBASE':
      case 'LCDINTRENABLE':
        s[register] = PL110.merge(register, s[register], value);
        break;
      default:
        this.wiring.log.guestError(this.name, `write to offset 0x${offset.toString(16)}, where there is no writable register`);
    }
    this.sync();
  }

  private register(offset: number): number {
    const { s } = this;
    const entry = paletteEntry(offset);
    if (entry !== undefined) return s.palette[entry];
    const register = PL110.at(offset);
    switch (register) {
      case undefined:
        this.wiring.log.guestError(this.name, `read of offset 0x${offset.toString(16)}, where there is no readable register`);
        return 0;
      case 'LCDInterrupt':
        return s.LCDStatus & s.LCDINTRENABLE;
      case 'LCDUPCURR':
        return s.LCDUPBASE;
      case 'LCDLPCURR':
        return s.LCDLPBASE;
      case 'LCDTiming0':
      case 'LCDTiming1':
      case 'LCDTiming2':
      case 'LCDTiming3':
      case 'LCDUPBASE':
      case 'LCDLPBASE':
      case 'LCDINTRENABLE':
      case 'LCDControl':
      case 'LCDStatus':
        return s[register];
      default:
        return PL110.registers[register].reset;
    }
  }

  private setControl(value: number): void {
    const { s } = this;
    const now = this.wiring.clock.now();
    const wasEnabled = s.LCDControl & CONTROL.LcdEn;
    s.LCDControl = PL110.merge('LCDControl', s.LCDControl, value);
    if (!(s.LCDControl & CONTROL.LcdEn)) s.enabledAt = NEVER;
    else if (!wasEnabled) s.enabledAt = now;
    this.schedule(now);
  }

  /** Sets both deadlines to their first point after `now`. */
  private schedule(now: Nanoseconds): void {
    const { s } = this;
    const { lines, compare } = this.verticalTiming();
    s.nextFrame = this.nextPoint(now, 0, 1);
    s.nextCompare = this.nextPoint(now, compare, lines);
  }

  /** When a line of the frame, of so many, is reached next after `now`. */
  private nextPoint(now: Nanoseconds, line: number, lines: number): Nanoseconds {
    const { enabledAt } = this.s;
    if (enabledAt === NEVER) return NEVER;
    const hz = FRAMES_PER_SECOND * lines;
    const passed = Math.floor((ticksIn(now - enabledAt, hz) - line) / lines) + 1;
    return ns(enabledAt + nsForTicks(passed * lines + line, hz));
  }

  /** Lines in a frame, which begins with the synchronization, and the one where LcdVComp points. */
  private verticalTiming(): { readonly lines: number; readonly compare: number } {
    const timing = this.s.LCDTiming1;
    const sync = ((timing >>> 10) & 0x3f) + 1;
    const backPorch = timing >>> 24;
    const picture = (timing & 0x3ff) + 1;
    const frontPorch = (timing >>> 16) & 0xff;
    const starts = [0, sync, sync + backPorch, sync + backPorch + picture];
    const lines = starts[3] + frontPorch;
    // Without a front porch its start is the next frame's.
    return { lines, compare: starts[(this.s.LCDControl >>> 12) & 3] % lines };
  }

  private sync(): void {
    this.wiring.irq.set((this.s.LCDStatus & this.s.LCDINTRENABLE) !== 0);
  }
}

const paletteEntry = (offset: number): number | undefined => {
  const entry = (offset - PALETTE) >> 2;
  return entry >= 0 && entry < PALETTE_WORDS ? entry : undefined;
};
