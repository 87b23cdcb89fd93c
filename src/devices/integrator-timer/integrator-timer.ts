/**
 * The three counter/timers of the Integrator/CP baseboard: 16 or 32 bits, one-shot, periodic or free running.
 *
 * Source: ARM DUI 0159B, section 4.9. What that leaves open follows the same counter in ARM DDI 0271, Dual-Timer
 * (SP804): the length of a period, the background load, a load of zero, the upper half of the count in 16-bit mode.
 *
 * Time: clock edge k of a timer is at k / hz seconds of virtual time, and the prescaler divides that clock from time
 * 0 on, whatever the guest does. A count that is written, and a timer that is enabled or given another prescaler,
 * starts at the next edge of the divided clock. So a count of N is over more than N and at most N + 1 of its periods
 * after the write: never early. Nothing else shifts the phase, and no fraction is ever rounded or lost.
 *
 * The state changes when the guest writes, and when an interrupt that it can see is raised: the count and the masked
 * raw status are computed when they are read.
 */
import { type AccessSize, type Clock, Device, type GuestLog, type Line } from '../../bus/device.ts';
import { lanesRead, lanesWritten } from '../../registers/narrow.ts';
import { f64s, u8s, u32s } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import { type Nanoseconds, NEVER, ns, nsForTicks, ticksIn } from '../../time/units.ts';
import { type Countdown, countAfter, edgesToReload, edgesToZero } from './countdown.ts';
import { TIMER } from './integrator-timer.regs.ts';

export const integratorTimerState = defineState('integrator-timer', 1, {
  load: u32s(3, 'TimerLoad and TimerBGLoad'),
  control: u8s(3, 'TimerControl', TIMER.registers.TimerControl.reset),
  value: u32s(3, 'TimerValue at edge `since`', TIMER.registers.TimerValue.reset),
  since: f64s(3, 'edge of the divided clock at which the count was `value`; the next one, when it has yet to start'),
  raw: u8s(3, '1: the raw interrupt status was set at edge `since`, or has been seen on the line'),
});

interface Config {
  /** Clock of each timer in Hz. */
  readonly hz: readonly [number, number, number];
}

interface Wiring {
  readonly irq: readonly [Line, Line, Line];
  readonly clock: Clock;
  readonly log: GuestLog;
}

const { ONESHOT, SIZE, PRE, IE, MODE, ENABLE } = TIMER.mask.TimerControl;
const DIVISORS = [1, 16, 256, 256];
const ALL = [0, 1, 2] as const;

export class IntegratorTimer extends Device<typeof integratorTimerState.schema, Config, Wiring> {
  constructor(name: string, config: Config, wiring: Wiring) {
    super(name, integratorTimerState, { hz: Object.freeze([...config.hz] as const) }, wiring);
  }

  override evaluate(now: Nanoseconds): void {
    this.sync(now);
  }

  override nextWakeup(): Nanoseconds {
    return ns(Math.min(this.raisedAt(0), this.raisedAt(1), this.raisedAt(2)));
  }

  override read(offset: number, size: AccessSize): number {
    return lanesRead(this.register(offset & ~3, this.wiring.clock.now()), offset, size);
  }

  override write(offset: number, size: AccessSize, written: number): void {
    const { s } = this;
    const value = lanesWritten(written, offset, size);
    const now = this.wiring.clock.now();
    const n = offset >> 8;
    const register = n < 3 ? TIMER.at(offset & 0xfc) : undefined;
    if (register) this.settle(n, now);
    switch (register) {
      case 'TimerLoad':
        s.load[n] = value;
        s.value[n] = value & this.max(n);
        if (s.control[n] & ENABLE) {
          this.start(n, now);
          if (s.value[n] === 0) s.raw[n] = 1;
        }
        break;
      case 'TimerBGLoad':
        s.load[n] = value;
        break;
      case 'TimerControl': {
        const old = s.control[n];
        s.control[n] = TIMER.merge('TimerControl', old, value);
        if ((value & PRE) === PRE) this.wiring.log.guestError(this.name, `timer ${n}: prescaler 3, which is not defined`);
        if ((old & ENABLE) === 0 || ((old ^ value) & PRE) !== 0) this.start(n, now);
        break;
      }
      case 'TimerIntClr':
        s.raw[n] = 0;
        break;
      default:
        this.wiring.log.guestError(this.name, `write to offset 0x${offset.toString(16)}, where there is no writable register`);
    }
    this.sync(now);
  }

  private register(offset: number, now: Nanoseconds): number {
    const { s } = this;
    const n = offset >> 8;
    switch (n < 3 ? TIMER.at(offset & 0xfc) : undefined) {
      case 'TimerLoad':
      case 'TimerBGLoad':
        return s.load[n];
      case 'TimerValue':
        return this.value(n, now);
      case 'TimerControl':
        return s.control[n];
      case 'TimerRIS':
        return this.raised(n, now) ? 1 : 0;
      case 'TimerMIS':
        return (s.control[n] & IE) !== 0 && this.raised(n, now) ? 1 : 0;
      default:
        this.wiring.log.guestError(this.name, `read of offset 0x${offset.toString(16)}, where there is no readable register`);
        return 0;
    }
  }

  /** Highest count of the width that is selected. */
  private max(n: number): number {
    return this.s.control[n] & SIZE ? 0xffffffff : 0xffff;
  }

  private divisor(n: number): number {
    return DIVISORS[(this.s.control[n] & PRE) >> 2];
  }

  /** Number of the last edge of the divided clock. */
  private edge(n: number, now: Nanoseconds): number {
    return Math.floor(ticksIn(now, this.config.hz[n]) / this.divisor(n));
  }

  /** Edges counted since `since`. */
  private elapsed(n: number, now: Nanoseconds): number {
    return this.s.control[n] & ENABLE ? Math.max(this.edge(n, now) - this.s.since[n], 0) : 0;
  }

  private countdown(n: number): Countdown {
    const { s } = this;
    const max = this.max(n);
    const mode = s.control[n] & ONESHOT ? 'one-shot' : s.control[n] & MODE ? 'periodic' : 'free-running';
    return { mode, count: (s.value[n] & max) >>> 0, reload: (s.load[n] & max) >>> 0, max };
  }

  private value(n: number, now: Nanoseconds): number {
    const counter = this.countdown(n);
    const elapsed = this.elapsed(n, now);
    // In 16-bit mode the upper half keeps what it was until the counter is loaded.
    const loaded = counter.mode === 'periodic' && elapsed >= edgesToReload(counter.count);
    const upper = loaded ? 0 : this.s.value[n] & ~counter.max;
    return (upper | countAfter(elapsed, counter)) >>> 0;
  }

  /** The raw interrupt status. */
  private raised(n: number, now: Nanoseconds): boolean {
    return this.s.raw[n] !== 0 || this.elapsed(n, now) >= edgesToZero(this.countdown(n));
  }

  /** When the line of timer `n` will rise, or should have. */
  private raisedAt(n: number): Nanoseconds {
    const { s } = this;
    if ((s.control[n] & (ENABLE | IE)) !== (ENABLE | IE) || s.raw[n] !== 0) return NEVER;
    const edges = edgesToZero(this.countdown(n));
    return edges === Number.POSITIVE_INFINITY ? NEVER : nsForTicks((s.since[n] + edges) * this.divisor(n), this.config.hz[n]);
  }

  /** Makes `now` the moment that the state of timer `n` describes, before its registers change. */
  private settle(n: number, now: Nanoseconds): void {
    const { s } = this;
    const value = this.value(n, now);
    if (this.raised(n, now)) s.raw[n] = 1;
    s.value[n] = value;
    s.since[n] += this.elapsed(n, now);
  }

  private start(n: number, now: Nanoseconds): void {
    this.s.since[n] = this.edge(n, now) + 1;
  }

  private sync(now: Nanoseconds): void {
    const { s } = this;
    for (const n of ALL) {
      const enabled = (s.control[n] & IE) !== 0;
      if (enabled && this.raised(n, now)) s.raw[n] = 1;
      this.wiring.irq[n].set(enabled && s.raw[n] !== 0);
    }
  }
}
