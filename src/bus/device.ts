/**
 * The contract of everything that sits on a bus. A device owns four kinds of data and nothing else: *config*
 * (frozen), *wiring* (what it is connected to), *state* (the schema object: all that the guest can ever see) and
 * derived data that may be dropped at any moment.
 */
import type { Schema, StateOf } from '../state/fields.ts';
import type { Layout, State } from '../state/layout.ts';
import { type Nanoseconds, NEVER } from '../time/units.ts';

/** Width of a bus access in bytes. */
export type AccessSize = 1 | 2 | 4;

/** A wire. Whoever drives it calls `set`; the level is state of the device at its other end. */
export interface Line {
  set(level: boolean): void;
}

/** Where a device tells of what a guest did that the chip does not do, or that is not modelled. Each text is told once. */
export interface GuestLog {
  /** The guest used the device against its datasheet. */
  guestError(device: string, what: string): void;
  /** The guest used something that the chip has and the model lacks. */
  unmodelled(device: string, what: string): void;
}

/** Virtual time, as a device reads it: exact at the very instruction that accesses the device. */
export interface Clock {
  now(): Nanoseconds;
}

export abstract class Device<S extends Schema = Schema, C = unknown, W = unknown> {
  /** Name of this instance: component of snapshots and of the hash chain. */
  readonly name: string;
  readonly config: Readonly<C>;
  readonly wiring: Readonly<W>;
  readonly state: State<S>;
  /** The live fields of `state`. */
  protected readonly s: StateOf<S>;

  protected constructor(name: string, layout: Layout<S>, config: C, wiring: W) {
    this.name = name;
    this.config = Object.freeze(config);
    this.wiring = Object.freeze(wiring);
    this.state = layout.create();
    this.s = this.state.fields;
  }

  /** Guest reads `size` bytes at `offset`, a multiple of `size`. Returns an unsigned number of that width. Never throws. */
  abstract read(offset: number, size: AccessSize): number;
  /** Guest writes. Never throws. */
  abstract write(offset: number, size: AccessSize, value: number): void;

  /**
   * Brings the state up to virtual time `now`: what has come due happens. Called before every access and whenever
   * `nextWakeup` is reached; once for a long time has the same result as often in between.
   */
  evaluate(_now: Nanoseconds): void {}

  /** When the guest could next see something happen by itself. The bus compares it after each access. */
  nextWakeup(): Nanoseconds {
    return NEVER;
  }

  /** System reset at virtual time `now`. Drives no line: after a reset of all devices every line is low. */
  reset(_now: Nanoseconds): void {
    this.state.reset();
  }

  /** Called once the machine is wired: a field added later throws. */
  seal(): this {
    return Object.freeze(this);
  }
}

/** Any device, whatever its schema. */
// biome-ignore lint/suspicious/noExplicitAny: a schema's type parameter is invariant, so no narrower type takes all.
export type AnyDevice = Device<any, any, any>;
