/** When was that? */
import type { Icount, Nanoseconds } from '../time/units.ts';
import { stopsUntil } from './reverse.ts';
import type { TimeMachine } from './time-machine.ts';

/** A moment that was looked for. */
export interface Moment {
  readonly icount: Icount;
  readonly guestTime: Nanoseconds;
}

/** Every execution of the instruction at a virtual address, in [from, to). The machine stands before each of them. */
export async function* executions(
  machine: TimeMachine,
  address: number,
  from: Icount = machine.start,
  to: Icount = machine.end,
): AsyncGenerator<Moment, void> {
  await machine.seek(from);
  const own = machine.cpu.addBreakpoint(address);
  try {
    for await (const stop of stopsUntil(machine, to)) {
      if (stop.kind === 'breakpoint' && stop.pc === address) yield { icount: stop.icount, guestTime: machine.guestTime() };
    }
  } finally {
    if (own) machine.cpu.removeBreakpoint(address);
  }
}

/** Finds a text in a stream of bytes that comes in pieces (Knuth, Morris and Pratt's way: no byte is looked at twice). */
export class StreamSearch {
  private readonly text: Uint8Array;
  /** For each length of a match: the longest shorter match that it ends with. */
  private readonly fallback: Int32Array;
  private matched = 0;

  /** @param text at least one byte */
  constructor(text: Uint8Array) {
    this.text = text;
    this.fallback = new Int32Array(text.length + 1);
    for (let n = 2, k = 0; n <= text.length; n++) {
      while (k > 0 && text[n - 1] !== text[k]) k = this.fallback[k];
      if (text[n - 1] === text[k]) k++;
      this.fallback[n] = k;
    }
  }

  /** Takes the next bytes; yields the offset in them behind each match. Matches may overlap. */
  *push(bytes: Uint8Array): Generator<number> {
    for (let n = 0; n < bytes.length; n++) {
      while (this.matched > 0 && bytes[n] !== this.text[this.matched]) this.matched = this.fallback[this.matched];
      if (bytes[n] === this.text[this.matched]) this.matched++;
      if (this.matched === this.text.length) {
        this.matched = this.fallback[this.matched];
        yield n + 1;
      }
    }
  }
}

export const momentText = ({ icount: at, guestTime }: Moment): string => `instruction ${at} (${(guestTime / 1e9).toFixed(9)} s)`;
export const momentJson = ({ icount: at, guestTime }: Moment): object => ({ icount: at, nanoseconds: guestTime });
