/** Someone who looks on while a machine runs, and is told what leaves and enters it. */
import type { DiskRequest } from '../bus/disk.ts';
import type { Icount, Nanoseconds } from '../time/units.ts';

/** Before the instruction with that count; of several moments with one count, the one at that virtual time. */
export interface Moment {
  readonly icount: Icount;
  readonly guestTime: Nanoseconds;
}

/** Told in order, each with its moment: the instruction that did it, or before which it came. What is left out is of no interest. */
export interface Witness {
  /** A byte that the guest sends on a serial port. */
  serial?(port: number, byte: number, at: Moment): void;
  /** An Ethernet frame that the guest sends or gets. */
  frame?(bytes: Uint8Array, direction: 'sent' | 'received', at: Moment): void;
  /** A request of a disk that is done now. It is only read, and only at once. */
  disk?(device: string, request: DiskRequest, at: Moment): void;
}
