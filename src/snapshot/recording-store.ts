/** Snapshots inside a recording: for machines without a disk image that could keep them. */

import { RepriseError } from '../errors/errors.ts';
import type { Cursor } from '../replay/chunks.ts';
import { encodeBegin, encodeBlock, encodeDelete, encodeEnd, type RecordedSnapshot } from '../replay/snapshot-chunks.ts';
import type { NewSnapshot, SnapshotStore, StoredSnapshot } from './store.ts';

/** Number of the snapshot that a recording begins with, where it holds that. */
export const INITIAL_NUMBER = 1;

/** The recording, as far as it takes and gives snapshots. */
export interface SnapshotFile {
  /** Those that it holds already. */
  readonly snapshots: readonly RecordedSnapshot[];
  /** Number of the one that it begins with, if it holds that. */
  readonly initial: number | undefined;
  /** Opens it for appending, if it is not open yet. @throws RepriseError when it cannot be */
  append(): SnapshotAppender | Promise<SnapshotAppender>;
  blocks(from: Cursor): Iterable<Uint8Array>;
}

export interface SnapshotAppender {
  /** Appends a part of a snapshot. @throws RepriseError DISK_FULL and others */
  snapshot(payload: Uint8Array): void;
  sync(): void;
  /** Where the next chunk will stand. */
  readonly end: Cursor;
}

const described = ({ number, name, bytes, date, vmClockNs, icount }: RecordedSnapshot): StoredSnapshot => ({
  id: String(number),
  name,
  bytes,
  date,
  vmClockNs,
  icount,
});

export class RecordingStore implements SnapshotStore {
  private readonly file: SnapshotFile;
  private readonly known: RecordedSnapshot[];
  /** Numbers are given in the order of beginning, to those, too, that were never finished. */
  private last: number;
  readonly applyDisks = undefined;

  constructor(file: SnapshotFile, begun: number) {
    this.file = file;
    this.known = [...file.snapshots];
    this.last = begun;
  }

  list(): StoredSnapshot[] {
    return this.known.map(described);
  }

  async save({ name, date, vmClockNs, position }: NewSnapshot, blocks: AsyncIterable<Uint8Array>): Promise<StoredSnapshot> {
    const appender = await this.file.append();
    const start = appender.end;
    const title = { name, date, vmClockNs, icount: position.icount };
    appender.snapshot(encodeBegin(title));
    const number = ++this.last;
    const at = appender.end;
    for await (const block of blocks) appender.snapshot(encodeBlock(block));
    appender.snapshot(encodeEnd());
    appender.sync();
    const saved: RecordedSnapshot = { ...title, number, at, bytes: appender.end.offset - start.offset };
    this.known.push(saved);
    return described(saved);
  }

  async *read(id: string): AsyncGenerator<Uint8Array> {
    yield* this.file.blocks(this.find(id).at);
  }

  checkDeletable(id: string): void {
    if (this.find(id).number === this.file.initial)
      throw new RepriseError('SNAPSHOT_IN_USE', 'the recording begins with this snapshot, and so do its replays; use another name');
  }

  /** What it takes in the file stays taken: a recording is only ever appended to. */
  async delete(id: string): Promise<void> {
    const { number } = this.find(id);
    const appender = await this.file.append();
    appender.snapshot(encodeDelete(number));
    appender.sync();
    this.known.splice(
      this.known.findIndex((snapshot) => snapshot.number === number),
      1,
    );
  }

  private find(id: string): RecordedSnapshot {
    const found = this.known.find(({ number }) => String(number) === id);
    if (found === undefined) throw new RepriseError('NO_SNAPSHOT', `the recording has no snapshot number ${id}`);
    return found;
  }
}
