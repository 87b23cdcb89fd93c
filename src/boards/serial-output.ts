import type { Clock } from '../bus/device.ts';

/** Bytes in order, and for each the virtual time at which the guest sent it, in nanoseconds. */
export interface SentBytes {
  readonly bytes: Uint8Array;
  readonly times: Float64Array;
}

/** What a serial port has sent and nobody has taken yet. An output, not state: it follows from the run. */
export class SerialOutput {
  private readonly clock: Clock;
  private chunk = new Uint8Array(4096);
  private times = new Float64Array(4096);
  private length = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  put(byte: number): void {
    if (this.length === this.chunk.length) {
      const [larger, longer] = [new Uint8Array(this.chunk.length * 2), new Float64Array(this.chunk.length * 2)];
      larger.set(this.chunk);
      longer.set(this.times);
      [this.chunk, this.times] = [larger, longer];
    }
    this.times[this.length] = this.clock.now();
    this.chunk[this.length++] = byte;
  }

  /** Everything sent since the last call. */
  take(): SentBytes {
    const taken = { bytes: this.chunk.slice(0, this.length), times: this.times.slice(0, this.length) };
    this.length = 0;
    return taken;
  }
}
