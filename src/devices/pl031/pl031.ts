/**
 * PrimeCell real time clock (PL031): seconds since 1970 in 32 bits, and an interrupt at a chosen second.
 *
 * Source: ARM DDI 0224C. As in the chip, the counter of seconds runs freely and is never loaded: a write to RTCLR
 * changes the offset between it and the time, so that the second always changes at whole seconds of virtual time.
 * The counter starts as if a battery had kept it going until power came on. The match interrupt is an event: the time
 * becomes equal to RTCMR, by counting or by a write to either. Cleared within that second it does not come again.
 *
 * A system reset leaves the time alone (counter and offset belong to the power-on reset); a reset at virtual time 0 is
 * the power-on reset. Not modelled: the integration test registers (section 4), and the wait of a few clock cycles
 * before a written time can be read back.
 */
import { type AccessSize, type Clock, Device, type GuestLog, type Line } from '../../bus/device.ts';
import { lanesRead, lanesWritten } from '../../registers/narrow.ts';
import { bool, f64, u32 } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import { type Nanoseconds, NEVER, ns, SECOND } from '../../time/units.ts';
import { PL031 } from './pl031.regs.ts';

export const pl031State = defineState('pl031', 1, {
  ...PL031.stored,
  offset: u32(0, 'the time at virtual time 0 that would have led to the present one'),
  matchAt: f64<Nanoseconds>(NEVER, 'when the time becomes equal to RTCMR'),
  raw: bool(false, 'the raw interrupt status, but for a match at `matchAt`'),
});

interface Config {
  /** Seconds since 1970 at virtual time 0, modulo 2^32. */
  readonly base: number;
}

interface Wiring {
  readonly irq: Line;
  readonly clock: Clock;
  readonly log: GuestLog;
}

export class Pl031 extends Device<typeof pl031State.schema, Config, Wiring> {
  constructor(name: string, config: Config, wiring: Wiring) {
    super(name, pl031State, config, wiring);
    this.reset(ns(0));
  }

  override reset(now: Nanoseconds): void {
    const { offset } = this.s;
    this.state.reset();
    this.s.offset = now === 0 ? this.config.base : offset;
    this.arm(now);
  }

  override evaluate(now: Nanoseconds): void {
    this.sync(now);
  }

  override nextWakeup(): Nanoseconds {
    return this.enabled() && !this.s.raw ? this.s.matchAt : NEVER;
  }

  override read(offset: number, size: AccessSize): number {
    return lanesRead(this.register(offset & ~3), offset, size);
  }

  override write(offset: number, size: AccessSize, written: number): void {
    const { s } = this;
    const value = lanesWritten(written, offset, size);
    const now = this.wiring.clock.now();
    switch (PL031.at(offset & ~3)) {
      case 'RTCMR':
        this.settle(now);
        s.RTCMR = value;
        this.rematch(now);
        break;
      case 'RTCLR':
        this.settle(now);
        s.RTCLR = value;
        s.offset = value - seconds(now);
        this.rematch(now);
        break;
      case 'RTCCR':
        break;
      case 'RTCIMSC':
        s.RTCIMSC = PL031.merge('RTCIMSC', s.RTCIMSC, value);
        break;
      case 'RTCICR':
        this.settle(now);
        s.raw = false;
        break;
      default:
        this.wiring.log.guestError(this.name, `write to offset 0x${offset.toString(16)}, where there is no writable register`);
    }
    this.sync(now);
  }

  private register(offset: number): number {
    const { s } = this;
    const now = this.wiring.clock.now();
    const register = PL031.at(offset);
    switch (register) {
      case 'RTCDR':
        return this.time(now);
      case 'RTCMR':
        return s.RTCMR;
      case 'RTCLR':
        return s.RTCLR;
      case 'RTCIMSC':
        return s.RTCIMSC;
      case 'RTCRIS':
        return this.raised(now) ? 1 : 0;
      case 'RTCMIS':
        return this.enabled() && this.raised(now) ? 1 : 0;
      case undefined:
      case 'RTCICR':
        this.wiring.log.guestError(this.name, `read of offset 0x${offset.toString(16)}, where there is no readable register`);
        return 0;
      default:
        return PL031.registers[register].reset;
    }
  }

  private time(now: Nanoseconds): number {
    return (this.s.offset + seconds(now)) >>> 0;
  }

  private enabled(): boolean {
    return this.s.RTCIMSC !== 0;
  }

  /** The raw interrupt status. */
  private raised(now: Nanoseconds): boolean {
    return this.s.raw || now >= this.s.matchAt;
  }

  /** A match that has come is remembered: the time, RTCMR or the status are about to change, or the guest sees it. */
  private settle(now: Nanoseconds): void {
    if (now < this.s.matchAt) return;
    this.s.raw = true;
    this.s.matchAt = NEVER;
  }

  /** Waits for the next match. The one after it is 2^32 seconds later, beyond the end of virtual time. */
  private arm(now: Nanoseconds): void {
    const wait = (this.s.RTCMR - this.time(now)) >>> 0;
    this.s.matchAt = wait === 0 ? NEVER : ns((seconds(now) + wait) * SECOND);
  }

  /** The time or RTCMR was written. */
  private rematch(now: Nanoseconds): void {
    this.arm(now);
    if (this.time(now) === this.s.RTCMR) this.s.raw = true;
  }

  private sync(now: Nanoseconds): void {
    if (this.enabled()) this.settle(now);
    this.wiring.irq.set(this.enabled() && this.s.raw);
  }
}

/** Whole seconds of virtual time: the counter of the chip. */
const seconds = (now: Nanoseconds): number => (now - (now % SECOND)) / SECOND;
