/** A qcow2 image as a block node, with its snapshots. One operation at a time: what comes meanwhile waits. */
import type { Extent, SparseNode } from '../extents.ts';
import type { BlockFile, BlockNode } from '../node.ts';
import { checkRange } from '../range.ts';
import { repairRefcounts } from './check.ts';
import { Clusters } from './clusters.ts';
import { isTree } from './entries.ts';
import { type Header, readHeader, viewOf } from './header.ts';
import { checkRefcountTable, readRefcountTable } from './refcounts.ts';
import type { SnapshotDescription, SnapshotInfo } from './snapshot-table.ts';
import { type SnapshotFork, type SnapshotKey, Snapshots } from './snapshots.ts';
import { Storage } from './storage.ts';

export interface Qcow2OpenOptions {
  /**
   * Opens the backing file that the image names, read-only.
   * @param format as the image has it, undefined when it does not say
   */
  openBacking(name: string, format: string | undefined): Promise<BlockNode | undefined>;
}

export class Qcow2Image implements SparseNode {
  readonly size: number;
  readonly readOnly: boolean;
  private readonly clusters: Clusters;
  private readonly snapshots: Snapshots;
  /** Done when all operations so far are. */
  private last: Promise<unknown> = Promise.resolve();

  private constructor(clusters: Clusters, snapshots: Snapshots) {
    this.clusters = clusters;
    this.snapshots = snapshots;
    this.size = clusters.header.size;
    this.readOnly = clusters.storage.file.readOnly;
  }

  /**
   * Takes the file over: closing the image closes it, and its backing files.
   * @throws RepriseError IMAGE_DAMAGED, IMAGE_UNSUPPORTED, and what opening the backing file throws
   */
  static async open(file: BlockFile, options: Qcow2OpenOptions): Promise<Qcow2Image> {
    const storage = new Storage(file, await file.size());
    const header = await readHeader(storage);
    if (header.corrupt && !file.readOnly) throw storage.damaged('it is marked as corrupt and can only be read');
    const table = await readRefcountTable(storage, header);
    const l1 = await storage.read(header.l1Offset, header.l1Entries * 8);
    if (!isTree(viewOf(l1))) throw storage.damaged('two entries of its L1 table lead to the same L2 table');
    if (!file.readOnly) checkRefcountTable(storage, header, table);
    const backing = header.backingFile === undefined ? undefined : await options.openBacking(header.backingFile, header.backingFormat);
    try {
      const clusters = new Clusters(storage, header, l1, table, backing);
      const snapshots = await Snapshots.open(clusters);
      if (!file.readOnly) clusters.refuseOverlaps();
      if (header.dirty && !file.readOnly) await repairRefcounts(clusters);
      return new Qcow2Image(clusters, snapshots);
    } catch (error) {
      await backing?.close();
      throw error;
    }
  }

  get header(): Header {
    return this.clusters.header;
  }

  get backing(): BlockNode | undefined {
    return this.clusters.reader.backing;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this, offset, length);
    return this.serially(() => this.clusters.reader.read(this.clusters.l1, offset, length));
  }

  write(offset: number, bytes: Uint8Array): Promise<void> {
    checkRange(this, offset, bytes.length, 'write');
    return this.serially(() => this.clusters.write(offset, bytes));
  }

  discard(offset: number, length: number): Promise<void> {
    checkRange(this, offset, length, 'write');
    return this.serially(() => this.clusters.discard(offset, length));
  }

  flush(): Promise<void> {
    return this.serially(async () => {
      if (!this.readOnly) await this.clusters.flush();
    });
  }

  extent(offset: number): Promise<Extent> {
    return this.serially(() => this.clusters.reader.extent(this.clusters.l1, offset, this.size));
  }

  listSnapshots(): SnapshotInfo[] {
    return this.snapshots.list();
  }

  /**
   * Takes a snapshot of the disk. It is safe on the host's disk when this resolves, and there is no moment at which the
   * image has half of it.
   * @param vmStateSize bytes written with `writeVmState` that become the snapshot's
   */
  createSnapshot(description: SnapshotDescription, vmStateSize = 0): Promise<SnapshotInfo> {
    checkRange(this, 0, 0, 'write');
    return this.serially(() => this.snapshots.create(description, vmStateSize));
  }

  /**
   * Adds a snapshot that is not of the disk as it is: what snapshot `from` has (or the active disk), changed, with a
   * machine's state. The active disk stays as it is. The snapshot is there, and safe on the host's disk, when this
   * resolves; whatever happens before, the image is as it was. What the iterables give is written as it comes; they must
   * not wait for operations on this image, which are done afterwards.
   * @throws RepriseError NO_SNAPSHOT, BAD_VALUE (the name), IMAGE_UNSUPPORTED, DISK_FULL, and what the iterables throw
   */
  forkSnapshot(description: SnapshotDescription, fork: SnapshotFork): Promise<SnapshotInfo> {
    checkRange(this, 0, 0, 'write');
    return this.serially(() => this.snapshots.fork(description, fork));
  }

  /** In one step. @param id not the name, which others may have, too @throws RepriseError NO_SNAPSHOT, BAD_VALUE */
  renameSnapshot(id: string, newName: string): Promise<void> {
    checkRange(this, 0, 0, 'write');
    return this.serially(() => this.snapshots.rename(id, newName));
  }

  /** Makes the disk what it was. @throws RepriseError NO_SNAPSHOT, IMAGE_UNSUPPORTED */
  applySnapshot(name: SnapshotKey): Promise<void> {
    checkRange(this, 0, 0, 'write');
    return this.serially(() => this.snapshots.apply(name));
  }

  /** @throws RepriseError NO_SNAPSHOT */
  deleteSnapshot(name: SnapshotKey): Promise<void> {
    checkRange(this, 0, 0, 'write');
    return this.serially(() => this.snapshots.delete(name));
  }

  /** The disk as it was at a snapshot, read-only. Closing it does not close the image. @throws RepriseError NO_SNAPSHOT */
  snapshotNode(name: SnapshotKey): BlockNode {
    const { diskSize: size } = this.snapshots.find(name);
    const node: SparseNode = {
      size,
      extent: (offset) => this.serially(() => this.snapshots.extent(name, offset)),
      readOnly: true,
      read: (offset, length) => {
        checkRange(node, offset, length);
        return this.serially(() => this.snapshots.read(name, offset, length));
      },
      write: async () => checkRange(node, 0, 0, 'write'),
      flush: async () => {},
      discard: async () => checkRange(node, 0, 0, 'write'),
      close: async () => {},
    };
    return node;
  }

  /** Writes a part of the machine's state, for the next snapshot. @param position from the beginning of the state */
  writeVmState(position: number, bytes: Uint8Array): Promise<void> {
    checkRange(this, 0, 0, 'write');
    return this.serially(async () => {
      const { clusters } = this;
      await clusters.growL1(clusters.reader.l1Index(clusters.vmStateOffset() + position + bytes.length - 1) + 1);
      await clusters.write(clusters.vmStateOffset() + position, bytes);
    });
  }

  /** A part of the machine's state at a snapshot. @throws RepriseError NO_SNAPSHOT, IMAGE_DAMAGED (there is less) */
  readVmState(name: SnapshotKey, position: number, length: number): Promise<Uint8Array> {
    return this.serially(() => this.snapshots.readVmState(name, position, length));
  }

  /** Flushes, and closes the file and the backing files. */
  close(): Promise<void> {
    return this.serially(async () => {
      try {
        if (!this.readOnly) await this.clusters.flush();
      } finally {
        await this.clusters.storage.file.close();
        await this.backing?.close();
      }
    });
  }

  private serially<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.last.then(operation);
    // A failure is the caller's to see; those who come later go on.
    this.last = result.catch(() => {});
    return result;
  }
}
