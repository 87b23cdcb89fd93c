/** How long to wait for an acknowledgment: RFC 6298, with Linux's shortest wait and a longest one that suits a wire of no length. */
const FIRST_MS = 1000;
const MIN_MS = 200;
const MAX_MS = 10_000;

export class RoundTrip {
  private smoothed: number | undefined;
  private variation = 0;
  private doublings = 0;

  /** Times that the wait was doubled since the last answer. */
  get backoffs(): number {
    return this.doublings;
  }

  get timeout(): number {
    const plain = this.smoothed === undefined ? FIRST_MS : this.smoothed + 4 * this.variation;
    return Math.min(Math.max(plain, MIN_MS) * 2 ** this.doublings, MAX_MS);
  }

  measured(ms: number): void {
    if (this.smoothed === undefined) {
      this.smoothed = ms;
      this.variation = ms / 2;
      return;
    }
    this.variation += (Math.abs(this.smoothed - ms) - this.variation) / 4;
    this.smoothed += (ms - this.smoothed) / 8;
  }

  /** Nobody answered in time. */
  backOff(): void {
    // Any more would exceed the longest wait.
    if (this.doublings < 10) this.doublings++;
  }

  answered(): void {
    this.doublings = 0;
  }
}
