/** What guests do wrong, told once each. Not state: it only explains. */
import type { GuestLog } from '../bus/device.ts';

/** The kinds of messages, by QEMU's names for them (`-d`): misuse of a device, and use of what is not modelled. */
export const LOG_ITEMS = ['guest_errors', 'unimp'] as const;
export type LogItem = (typeof LOG_ITEMS)[number];

export type GuestMessageListener = (message: string, item: LogItem) => void;

/** A guest that finds ever new mistakes is told of this many. */
const LIMIT = 200;

export class OnceLog implements GuestLog {
  private readonly told = new Set<string>();
  private readonly listener: GuestMessageListener;

  constructor(listener: GuestMessageListener) {
    this.listener = listener;
  }

  guestError(device: string, what: string): void {
    this.tell(`${device}: ${what}`, 'guest_errors');
  }

  unmodelled(device: string, what: string): void {
    this.tell(`${device}: ${what}, which is not modelled`, 'unimp');
  }

  private tell(message: string, item: LogItem): void {
    if (this.told.size >= LIMIT || this.told.has(message)) return;
    this.told.add(message);
    this.listener(message, item);
  }
}
