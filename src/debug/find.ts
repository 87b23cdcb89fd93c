/** When was that? */
import { type Icount, icount } from '../time/units.ts';
import type { FrameFilter } from './frame-filter.ts';
import { stopsUntil } from './reverse.ts';
import type { Moment, Witness, WitnessedRun } from './witnessed.ts';

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

/** Makes a witness of someone who waits for something to happen. */
export type Detector<T> = (happened: (what: T) => void) => Witness;

/** Instructions that are run at once. */
const STRETCH = 1 << 20;

/** Everything that a detector tells in [from, to), in order. The machine may be moved between two of them. */
export async function* detections<T>(
  machine: WitnessedRun,
  detector: Detector<T>,
  from: Icount = machine.start,
  to: Icount = machine.end,
): AsyncGenerator<T, void> {
  let found: T[] = [];
  const witness = detector((what) => void found.push(what));
  for (let at = from; at < to; ) {
    await machine.seek(at);
    const deaf = machine.listen(witness);
    try {
      // Nobody sees the machine before something has happened.
      while (at < to && found.length === 0) {
        at = icount(Math.min(at + STRETCH, to));
        const stop = await machine.runForward(at);
        if (stop.kind === 'interrupted') return;
      }
    } finally {
      deaf();
    }
    yield* found;
    found = [];
  }
}

export interface SerialByte extends Moment {
  readonly byte: number;
}

/** What the guest sends on a serial port. */
export const serialBytes =
  (port: number): Detector<SerialByte> =>
  (happened) => ({
    serial(from, byte, at) {
      if (from === port) happened({ ...at, byte });
    },
  });

export interface Frame extends Moment {
  /** As the guest sees it. */
  readonly direction: 'sent' | 'received';
  readonly bytes: Uint8Array;
}

/** Frames that the guest sends or gets. */
export const frames =
  (filter: FrameFilter): Detector<Frame> =>
  (happened) => ({
    frame(bytes, direction, at) {
      if (filter(bytes)) happened({ ...at, direction, bytes: bytes.slice() });
    },
  });

export interface DiskAccess extends Moment {
  /** Name of the disk, such as `sd0`. */
  readonly device: string;
  readonly kind: 'read' | 'write' | 'discard' | 'flush';
  /** In bytes; 0 for a flush. */
  readonly offset: number;
  readonly length: number;
}

/** Requests of the guest to its disks, as they are done. */
export const diskAccesses: Detector<DiskAccess> = (happened) => ({
  disk(device, request, at) {
    const [offset, length] = request.kind === 'flush' ? [0, 0] : [request.offset, request.kind === 'write' ? request.bytes.length : request.length];
    happened({ ...at, device, kind: request.kind, offset, length });
  },
});

/** Each time that a text has been sent: the moment of its last byte. @param text at least one byte */
export async function* textEnds(bytes: AsyncIterable<SerialByte>, text: Uint8Array): AsyncGenerator<Moment, void> {
  const search = new StreamSearch(text);
  for await (const { byte, ...moment } of bytes) if (search.push(byte)) yield moment;
}

/** Finds a text in a stream of bytes (Knuth, Morris and Pratt's way: no byte is looked at twice). */
export class StreamSearch {
  private readonly text: Uint8Array;
  /** For each length of a match: the longest shorter match that it ends with. */
  private readonly fallback: Int32Array;
  /** Bytes of the text that the stream ends with so far. */
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

  /** Takes the next byte; returns whether it is the last one of the text. Matches may overlap. */
  push(byte: number): boolean {
    while (this.matched > 0 && byte !== this.text[this.matched]) this.matched = this.fallback[this.matched];
    if (byte === this.text[this.matched]) this.matched++;
    if (this.matched < this.text.length) return false;
    this.matched = this.fallback[this.matched];
    return true;
  }
}

export const momentText = ({ icount: at, guestTime }: Moment): string => `instruction ${at} (${(guestTime / 1e9).toFixed(9)} s)`;
export const momentJson = ({ icount: at, guestTime }: Moment): object => ({ icount: at, nanoseconds: guestTime });
