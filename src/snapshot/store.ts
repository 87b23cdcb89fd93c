/** Where snapshots are kept: in a disk image, or in a recording. */
import type { Position } from '../replay/model.ts';

/** What a list of snapshots shows of one. */
export interface StoredSnapshot {
  readonly id: string;
  readonly name: string;
  /** Bytes of the machine's state. */
  readonly bytes: number;
  /** Host's time when it was taken. */
  readonly date: { readonly seconds: number; readonly nanoseconds: number };
  readonly vmClockNs: number;
  readonly icount: number | undefined;
}

export interface NewSnapshot {
  readonly name: string;
  readonly date: { readonly seconds: number; readonly nanoseconds: number };
  readonly vmClockNs: number;
  readonly position: Position;
}

export interface SnapshotStore {
  list(): readonly StoredSnapshot[];
  /**
   * Keeps the blocks, and with them the disks as they are now. It is safe on the host's disk when this resolves.
   * @throws RepriseError DISK_FULL and others: then there is no such snapshot
   */
  save(snapshot: NewSnapshot, blocks: AsyncIterable<Uint8Array>): Promise<StoredSnapshot>;
  /** @throws RepriseError SNAPSHOT_DAMAGED while it is read */
  read(id: string): AsyncIterable<Uint8Array>;
  /** Makes the disks what they were; undefined where a snapshot's blocks hold all there is of them. */
  readonly applyDisks: ((id: string) => Promise<void>) | undefined;
  /** @throws RepriseError SNAPSHOT_IN_USE: the run, or its replays, cannot do without this snapshot */
  checkDeletable(id: string): void;
  /** @throws RepriseError of the store; see `checkDeletable` */
  delete(id: string): Promise<void>;
}
