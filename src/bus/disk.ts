/**
 * The contract between a device and the disk behind it. A request is not queued anywhere: it *follows from the device's
 * state*, so that a snapshot taken while one is under way has it, and a restored device goes on waiting for it.
 *
 * Nothing about a disk is logged. A request is done by the host when virtual time reaches `due`, which the device computes
 * from the request alone (a latency model); until the host has done it, the machine stands still between two
 * instructions, which the guest cannot tell. So data are transferred at one exact moment, in a recording and in its replay.
 */
import type { Nanoseconds } from '../time/units.ts';

/** Disks are addressed in these. */
export const SECTOR_BYTES = 512;

export type DiskRequest =
  /** Offsets and lengths are in bytes, whole sectors, and within the disk: the device has checked what the guest asked for. */
  | { readonly kind: 'read'; readonly offset: number; readonly length: number }
  /** `bytes` is only read, and only until `complete` is called. */
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  /** The range need not be kept and reads as zeros afterwards. */
  | { readonly kind: 'discard'; readonly offset: number; readonly length: number }
  /** What was written before must survive the death of the host. */
  | { readonly kind: 'flush' };

/** A device with one disk behind it and at most one request at a time. */
export interface DiskUser {
  /** When the request under way is done, as the guest sees it: later than the access that began it. NEVER when there is none. `nextWakeup` includes it. */
  due(): Nanoseconds;
  /** The request under way; undefined exactly when `due()` is NEVER. The same until it is completed, or dropped: by a reset, or by the guest that gives it up (an SD card is told to stop). */
  request(): DiskRequest | undefined;
  /**
   * Called between two instructions, once `due` is reached and the host has done the request: the device stores what was
   * read and goes on.
   * @param data of a `read`: exactly its length
   */
  complete(data?: Uint8Array): void;
}
