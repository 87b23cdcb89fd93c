/** A timer that is set anew far more often than it goes off: it lets the host's own timer run and looks again then. */
import type { NetworkHost } from '../../host/network.ts';

export class Alarm {
  private readonly host: NetworkHost;
  private readonly expired: () => void;
  private deadline = Number.POSITIVE_INFINITY;
  private running: { readonly until: number; readonly cancel: () => void } | undefined;

  constructor(host: NetworkHost, expired: () => void) {
    this.host = host;
    this.expired = expired;
  }

  get isSet(): boolean {
    return this.deadline !== Number.POSITIVE_INFINITY;
  }

  /** Goes off once in `ms` milliseconds, whatever it was set to before. */
  set(ms: number): void {
    this.deadline = this.host.milliseconds() + ms;
    if (this.running !== undefined && this.running.until <= this.deadline) return;
    this.running?.cancel();
    this.run(ms);
  }

  clear(): void {
    this.deadline = Number.POSITIVE_INFINITY;
  }

  /** Clears it and lets go of the host's timer. */
  stop(): void {
    this.clear();
    this.running?.cancel();
    this.running = undefined;
  }

  private run(ms: number): void {
    this.running = { until: this.host.milliseconds() + ms, cancel: this.host.timer(ms, () => this.look()) };
  }

  private look(): void {
    this.running = undefined;
    if (!this.isSet) return;
    const left = this.deadline - this.host.milliseconds();
    if (left > 0) return this.run(left);
    this.clear();
    this.expired();
  }
}
