/** How much may be under way: slow start and congestion avoidance (RFC 5681), NewReno's recovery (RFC 6582). */
import { advance, ahead } from '../packets/tcp.ts';
import { MAX_WINDOW } from './tcp-limits.ts';

const DUPLICATES = 3;

export class Congestion {
  private mss: number;
  private allowed: number;
  private threshold = MAX_WINDOW;
  private duplicates = 0;
  private recovering = false;
  /** What had been sent when the last loss was seen: acknowledgments up to there say nothing of a new one. */
  private recover: number;

  constructor(mss: number, firstSequence: number) {
    this.mss = mss;
    this.recover = firstSequence;
    this.allowed = initialWindow(mss);
  }

  /** Bytes that may be under way. */
  get window(): number {
    return this.allowed;
  }

  /** The receiver's segment size, known with its SYN. */
  resize(mss: number): void {
    this.mss = mss;
    this.allowed = initialWindow(mss);
  }

  /**
   * `bytes` more are acknowledged, up to `una`.
   * @returns true when what follows `una` is lost too and is to be sent again
   */
  acknowledged(bytes: number, una: number): boolean {
    this.duplicates = 0;
    if (!this.recovering) {
      const step = this.allowed < this.threshold ? Math.min(bytes, this.mss) : Math.max(1, Math.floor((this.mss * this.mss) / this.allowed));
      this.allowed = Math.min(this.allowed + step, 2 * MAX_WINDOW);
      return false;
    }
    if (ahead(una, this.recover) >= 0) {
      this.recovering = false;
      this.allowed = this.threshold;
      return false;
    }
    this.allowed = Math.max(this.allowed - bytes, 0) + this.mss;
    return true;
  }

  /**
   * The same acknowledgment again, with `flight` bytes from `una` to `max` under way.
   * @returns true when what is at `una` is lost and is to be sent again
   */
  duplicate(una: number, max: number, flight: number): boolean {
    if (this.recovering) {
      this.allowed = Math.min(this.allowed + this.mss, 2 * MAX_WINDOW);
      return false;
    }
    if (++this.duplicates !== DUPLICATES || ahead(una, advance(this.recover, 1)) < 0) return false;
    this.halve(flight);
    this.allowed = this.threshold + DUPLICATES * this.mss;
    this.recovering = true;
    this.recover = max;
    return true;
  }

  /** Nothing was acknowledged in time. */
  timedOut(max: number, flight: number): void {
    this.halve(flight);
    this.allowed = this.mss;
    this.duplicates = 0;
    this.recovering = false;
    this.recover = max;
  }

  private halve(flight: number): void {
    this.threshold = Math.max(Math.floor(flight / 2), 2 * this.mss);
  }
}

/** RFC 3390. */
function initialWindow(mss: number): number {
  return Math.min(4 * mss, Math.max(2 * mss, 4380));
}
