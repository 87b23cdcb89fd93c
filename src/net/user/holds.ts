/** Who expects an answer from the host, and for how long idle time should wait for it. */
export class Holds {
  private readonly now: () => number;
  private readonly deadlines = new Map<object, number>();

  constructor(now: () => number) {
    this.now = now;
  }

  /** The owner expects something within `ms` milliseconds; never less than it already does. */
  extend(owner: object, ms: number): void {
    this.deadlines.set(owner, Math.max(this.deadlines.get(owner) ?? 0, this.now() + ms));
  }

  release(owner: object): void {
    this.deadlines.delete(owner);
  }

  get any(): boolean {
    const now = this.now();
    for (const [owner, deadline] of this.deadlines) {
      if (deadline > now) return true;
      this.deadlines.delete(owner);
    }
    return false;
  }
}
