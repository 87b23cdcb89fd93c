/**
 * Virtual time: `instructions * 2^shift + bias` nanoseconds. `bias` grows only while the CPU idles. Every clock that
 * the guest can see is a function of this one, so that clock reads need no log.
 */
import { assert } from '../errors/errors.ts';
import { f64 } from '../state/fields.ts';
import { defineState } from '../state/layout.ts';
import { type Icount, LIMIT, type Nanoseconds, ns } from './units.ts';

export const virtualClockState = defineState('virtual-clock', 1, {
  bias: f64<Nanoseconds>(ns(0), 'virtual nanoseconds spent idle since power-on'),
});

/** Counts instructions; exact at any moment that something outside the CPU can see. */
export interface InstructionCounter {
  icount(): Icount;
}

export class VirtualClock {
  readonly state = virtualClockState.create();
  /** Nanoseconds per instruction, a power of two. */
  readonly scale: number;
  private readonly counter: InstructionCounter;

  /** @param shift 0 to 10: an instruction takes 2^shift virtual nanoseconds. */
  constructor(counter: InstructionCounter, shift: number) {
    assert(Number.isInteger(shift) && shift >= 0 && shift <= 10, 'icount shift is 0 to 10');
    this.counter = counter;
    this.scale = 2 ** shift;
    Object.freeze(this);
  }

  now(): Nanoseconds {
    return ns(this.counter.icount() * this.scale + this.state.fields.bias);
  }

  /** How many instructions may run before `deadline` is reached; 0 when it is now or past. Never beyond the limit of exact time. */
  instructionsUntil(deadline: Nanoseconds): number {
    const wait = Math.min(deadline, LIMIT) - this.now();
    return wait <= 0 ? 0 : Math.ceil(wait / this.scale);
  }

  /** Idle time passes: virtual time moves on to `target` without an instruction. */
  idleUntil(target: Nanoseconds): void {
    const wait = target - this.now();
    assert(wait >= 0, 'virtual time does not run backwards');
    this.state.fields.bias = ns(this.state.fields.bias + wait);
  }
}
