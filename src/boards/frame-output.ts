import type { Clock } from '../bus/device.ts';
import type { FrameSink } from '../net/net.ts';
import type { Nanoseconds } from '../time/units.ts';

export interface SentFrame {
  readonly bytes: Uint8Array;
  /** When the guest sent it. */
  readonly at: Nanoseconds;
}

/** Frames that a network interface has sent and nobody has taken yet. An output, not state: it follows from the run. */
export class FrameOutput implements FrameSink {
  private readonly clock: Clock;
  private frames: SentFrame[] = [];

  constructor(clock: Clock) {
    this.clock = clock;
  }

  put(frame: Uint8Array): void {
    this.frames.push({ bytes: frame, at: this.clock.now() });
  }

  /** Everything sent since the last call, in order. */
  take(): readonly SentFrame[] {
    const taken = this.frames;
    if (taken.length > 0) this.frames = [];
    return taken;
  }
}
