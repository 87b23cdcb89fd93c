/** What guests do wrong, told once each. Not state: it only explains. */
import type { GuestLog } from '../bus/device.ts';

/** A guest that finds ever new mistakes is told of this many. */
const LIMIT = 200;

export class OnceLog implements GuestLog {
  private readonly told = new Set<string>();
  private readonly listener: (message: string) => void;

  constructor(listener: (message: string) => void) {
    this.listener = listener;
  }

  guestError(device: string, what: string): void {
    this.tell(`${device}: ${what}`);
  }

  unmodelled(device: string, what: string): void {
    this.tell(`${device}: ${what}, which is not modelled`);
  }

  private tell(message: string): void {
    if (this.told.size >= LIMIT || this.told.has(message)) return;
    this.told.add(message);
    this.listener(message);
  }
}
