/** What questions need of a run beyond going through it: its time, and what leaves and enters the machine. */
import type { Witness } from '../session/witness.ts';
import type { Nanoseconds } from '../time/units.ts';
import type { TimeMachine } from './time-machine.ts';

export type { Moment, Witness } from '../session/witness.ts';

export interface WitnessedRun extends TimeMachine {
  /** Virtual time at the present moment. */
  guestTime(): Nanoseconds;
  /** Has `witness` told of all that happens while `runForward` goes on, at the latest when it comes back; not while seeking. Returns how to stop that. */
  listen(witness: Witness): () => void;
}
