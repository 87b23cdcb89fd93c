/** When was that? */
import { type Icount, icount, type Nanoseconds } from '../time/units.ts';
import type { FrameFilter } from './frame-filter.ts';
import { stopsUntil } from './reverse.ts';
import type { Witness, WitnessedRun } from './witnessed.ts';

/** A moment that was looked for. */
export interface Moment {
  readonly icount: Icount;
  readonly guestTime: Nanoseconds;
}

/** Every execution of the instruction at a virtual address, in [from, to). The machine stands before each of them. */
export async function* executions(
  machine: WitnessedRun,
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

/** Notices something in what leaves and enters the machine. */
export interface Detector {
  /** All that it remembers of what came before. */
  state: number;
  /** Calls `fire` each time it happens. */
  witness(fire: () => void): Witness;
}

/** Instructions that are run at once. */
const STRETCH = 1 << 20;

/**
 * Every moment in [from, to) at which a detector fires: the instruction whose doing it was, or before which an input came.
 * Where it fires within a stretch, the halves of the stretch are run again, down to one instruction.
 */
export async function* detections(
  machine: WitnessedRun,
  detector: Detector,
  from: Icount = machine.start,
  to: Icount = machine.end,
): AsyncGenerator<Moment, void> {
  /** Runs to `end`, from where the machine is, and counts. */
  const count = async (end: Icount): Promise<number> => {
    let fired = 0;
    const stop = machine.listen(detector.witness(() => void fired++));
    try {
      await machine.runForward(end);
    } finally {
      stop();
    }
    return fired;
  };
  async function* within(begin: Icount, end: Icount, state: number, fired: number): AsyncGenerator<Moment, void> {
    await machine.seek(begin);
    if (end - begin === 1) {
      const moment = { icount: begin, guestTime: machine.guestTime() };
      for (let n = 0; n < fired; n++) yield moment;
      return;
    }
    detector.state = state;
    const middle = icount(begin + Math.floor((end - begin) / 2));
    const first = await count(middle);
    const between = detector.state;
    if (first > 0) yield* within(begin, middle, state, first);
    if (fired > first) yield* within(middle, end, between, fired - first);
  }
  await machine.seek(from);
  for (let at = from; at < to; ) {
    const end = icount(Math.min(at + STRETCH, to));
    const before = detector.state;
    const fired = await count(end);
    const after = detector.state;
    if (fired > 0) {
      yield* within(at, end, before, fired);
      await machine.seek(end);
      detector.state = after;
    }
    at = end;
  }
}

/** A text that the guest sends on a serial port: the moment of its last byte. @param text at least one byte */
export function serialDetector(port: number, text: Uint8Array): Detector {
  const search = new StreamSearch(text);
  return {
    get state() {
      return search.matched;
    },
    set state(matched: number) {
      search.matched = matched;
    },
    witness: (fire) => ({
      serial: (from, bytes) => {
        if (from === port) for (const _ of search.push(bytes)) fire();
      },
    }),
  };
}

export function frameDetector(filter: FrameFilter): Detector {
  return {
    state: 0,
    witness: (fire) => ({
      frame: (bytes) => {
        if (filter(bytes)) fire();
      },
    }),
  };
}

/** Finds a text in a stream of bytes that comes in pieces (Knuth, Morris and Pratt's way: no byte is looked at twice). */
export class StreamSearch {
  private readonly text: Uint8Array;
  /** For each length of a match: the longest shorter match that it ends with. */
  private readonly fallback: Int32Array;
  /** Bytes of the text that the stream ends with so far. */
  matched = 0;

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
