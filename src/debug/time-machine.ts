/** What debugging needs of a run, wherever it comes from: a recording that is replayed, or a machine that runs live. */
import type { CpuDebug, DebugStop } from '../bus/debug.ts';
import type { Icount } from '../time/units.ts';

/** Why a run forwards has come back. */
export type RunStop =
  | DebugStop
  /** The count that was asked for is reached; nothing has happened at it yet. */
  | { readonly kind: 'limit' }
  /** There is no more: the recording or the machine has come to its end. */
  | { readonly kind: 'end' }
  | { readonly kind: 'interrupted' };

export interface Runner {
  readonly cpu: CpuDebug;
  now(): Icount;
  /**
   * Goes on until instruction count `limit`, or a stop of `cpu`, which it takes; idle time passes. With a stop at the limit
   * itself, the stop is what counts. @throws RepriseError
   */
  runForward(limit: Icount): Promise<RunStop>;
  /** Makes a `runForward` that is under way come back soon; one that has not begun comes back at once. */
  interrupt(): void;
}

/** A run that can be gone through in both directions. A count stands for the moment before the instruction with that number, and before an interrupt that is taken there. */
export interface TimeMachine extends Runner {
  /** The first and the last moment that can be reached. */
  readonly start: Icount;
  readonly end: Icount;
  /** Goes to that moment, which is between `start` and `end`; nothing stops it. `interrupt` does not. */
  seek(icount: Icount): Promise<void>;
  /** A moment before `icount`, which is after `start`, that is quickly reached. */
  checkpointBefore(icount: Icount): Icount;
}
