/** What questions need of a run beyond going through it: its time, and what leaves and enters the machine. */
import type { Nanoseconds } from '../time/units.ts';
import type { TimeMachine } from './time-machine.ts';

/** Told in order; what is left out is of no interest. */
export interface Witness {
  serial?(port: number, bytes: Uint8Array): void;
  /** An Ethernet frame that the guest sends or gets. */
  frame?(bytes: Uint8Array): void;
}

export interface WitnessedRun extends TimeMachine {
  /** Virtual time at the present moment. */
  guestTime(): Nanoseconds;
  /** Has `witness` told of all that happens while `runForward` goes on, at the latest when it comes back; not while seeking. Returns how to stop that. */
  listen(witness: Witness): () => void;
}
