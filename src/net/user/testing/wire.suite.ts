/** The way between the network and the guest of a test, with the faults that real ones have. */

export interface Faults {
  /** Probabilities, each frame by itself. */
  readonly loss?: number;
  readonly duplication?: number;
  readonly reordering?: number;
}

/** Numbers in [0, 1), the same for each seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One direction. Frames arrive later, in another turn of the event loop. */
export class Wire {
  lost = 0;
  private readonly faults: Faults;
  private readonly random: () => number;
  private readonly deliver: (frame: Uint8Array) => void;
  private queue: Uint8Array[] = [];
  /** A frame that the ones after it overtake. */
  private late: { readonly frame: Uint8Array; overtakenBy: number } | undefined;

  constructor(deliver: (frame: Uint8Array) => void, faults: Faults = {}, seed = 1) {
    this.deliver = deliver;
    this.faults = faults;
    this.random = randomNumbers(seed);
  }

  put(frame: Uint8Array): void {
    const { loss = 0, duplication = 0, reordering = 0 } = this.faults;
    if (this.random() < loss) {
      this.lost++;
      return;
    }
    if (this.late === undefined && this.random() < reordering) {
      this.late = { frame, overtakenBy: 0 };
      setTimeout(() => this.release(), 5);
      return;
    }
    this.enqueue(frame);
    if (this.random() < duplication) this.enqueue(frame.slice());
    if (this.late !== undefined && ++this.late.overtakenBy === 3) this.release();
  }

  private release(): void {
    const { late } = this;
    this.late = undefined;
    if (late !== undefined) this.enqueue(late.frame);
  }

  private enqueue(frame: Uint8Array): void {
    if (this.queue.push(frame) > 1) return;
    setImmediate(() => {
      const frames = this.queue;
      this.queue = [];
      for (const arrived of frames) this.deliver(arrived);
    });
  }
}
