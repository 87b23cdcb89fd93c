import type { FrameSink } from '../net/net.ts';

/** Frames that a network interface has sent and nobody has taken yet. An output, not state: it follows from the run. */
export class FrameOutput implements FrameSink {
  private frames: Uint8Array[] = [];

  put(frame: Uint8Array): void {
    this.frames.push(frame);
  }

  /** Everything sent since the last call, in order. */
  take(): readonly Uint8Array[] {
    const taken = this.frames;
    if (taken.length > 0) this.frames = [];
    return taken;
  }
}
