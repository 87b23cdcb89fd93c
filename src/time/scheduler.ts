/**
 * Who wakes up next. Devices say when something will happen by themselves (`nextWakeup`); the machine runs the CPU up
 * to the earliest of these, exactly. Nothing here is state: it is all computed from the devices.
 */
import { type Nanoseconds, NEVER } from './units.ts';

/** The part of a device that time is about. */
export interface Sleeper {
  evaluate(now: Nanoseconds): void;
  nextWakeup(): Nanoseconds;
}

/** The CPU's slice, as the scheduler sees it. */
export interface Slice {
  /** Ends the running slice after the current instruction. Harmless when none runs. */
  end(): void;
}

export class Scheduler {
  private readonly sleepers: readonly Sleeper[];
  private readonly slice: Slice;
  /** [0]: the wake-up that the running slice was cut for. Derived: set at the start of each slice. */
  private readonly horizon = new Float64Array(1);

  constructor(sleepers: readonly Sleeper[], slice: Slice) {
    this.sleepers = sleepers;
    this.slice = slice;
    Object.freeze(this);
  }

  /** The earliest wake-up of all devices; the coming slice is to be cut for it. */
  plan(): Nanoseconds {
    let next = NEVER;
    for (const sleeper of this.sleepers) {
      const wakeup = sleeper.nextWakeup();
      if (wakeup < next) next = wakeup;
    }
    this.horizon[0] = next;
    return next;
  }

  /** After an access to a device: if it will now wake up earlier than the slice was cut for, the slice ends. */
  touched(sleeper: Sleeper): void {
    if (sleeper.nextWakeup() < this.horizon[0]) this.slice.end();
  }

  /** Brings every device up to `now`. */
  evaluate(now: Nanoseconds): void {
    for (const sleeper of this.sleepers) sleeper.evaluate(now);
  }
}
