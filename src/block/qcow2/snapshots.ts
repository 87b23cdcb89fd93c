/** Internal snapshots: each is an L1 table of its own, whose clusters are shared with the active one until that is written. */
import { assert, RepriseError } from '../../errors/errors.ts';
import type { Extent } from '../extents.ts';
import type { DiskBytes } from '../node.ts';
import type { Clusters } from './clusters.ts';
import { isEmpty, isTree, l2OffsetAt, setCopied, setL1Entry } from './entries.ts';
import { addReferences, ForkedTable, resizedTable } from './fork.ts';
import { MAX_SNAPSHOTS, viewOf } from './header.ts';
import type { Rewrite } from './rewrite.ts';
import {
  checkSnapshotName,
  encodeSnapshotTable,
  readSnapshotTable,
  type SnapshotDescription,
  type SnapshotEntry,
  type SnapshotInfo,
} from './snapshot-table.ts';

/** What a snapshot is made of that is not one of the disk as it is. */
/** How a snapshot is named: by its name or, when none has that, its ID; or by its ID alone. */
export type SnapshotKey = string | { readonly id: string };

export interface SnapshotFork {
  /** The snapshot to begin with; the active disk when undefined. */
  readonly from: SnapshotKey | undefined;
  /** What differs from that: in order of the offsets, without overlaps. */
  readonly changes: AsyncIterable<DiskBytes>;
  /** The machine's state, in pieces. */
  readonly vmState: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

export class Snapshots {
  private readonly clusters: Clusters;
  private entries: readonly SnapshotEntry[];
  /** Bytes of the table in the file. */
  private tableLength: number;

  private constructor(clusters: Clusters, entries: readonly SnapshotEntry[], tableLength: number) {
    this.clusters = clusters;
    this.entries = entries;
    this.tableLength = tableLength;
  }

  static async open(clusters: Clusters): Promise<Snapshots> {
    const { entries, length } = await readSnapshotTable(clusters.storage, clusters.header);
    return new Snapshots(clusters, entries, length);
  }

  list(): SnapshotInfo[] {
    return this.entries.map(({ id, name, date, vmClockNs, icount, vmStateSize, diskSize }) => ({
      id,
      name,
      date,
      vmClockNs,
      icount,
      vmStateSize,
      diskSize,
    }));
  }

  /**
   * Takes a snapshot of the disk, and of what was written as the machine's state, which the active image has no more then.
   * @throws RepriseError IMAGE_UNSUPPORTED when the refcounts are too narrow, or there are too many snapshots
   */
  async create(description: SnapshotDescription, vmStateSize: number): Promise<SnapshotInfo> {
    const { clusters } = this;
    this.refuseNew(description);
    await this.dropVmState(vmStateSize);
    const rewrite = await clusters.beginRewrite();
    const diskEntries = this.diskEntries();
    const frozen = copyTable(clusters.l1);
    const active = copyTable(clusters.l1);
    for (let n = 0; n < active.byteLength / 8; n++) {
      if (n < diskEntries) await this.share(rewrite, active, n, 1);
      else setL1Entry(active, n, 0, false);
    }
    const entry = await this.newEntry(rewrite, frozen, { ...description, vmStateSize, diskSize: clusters.header.size });
    await this.switchTo(rewrite, active, [...this.entries, entry]);
    return entry;
  }

  /** See `Qcow2Image.forkSnapshot`. */
  async fork(description: SnapshotDescription, { from, changes, vmState }: SnapshotFork): Promise<SnapshotInfo> {
    const { clusters } = this;
    this.refuseNew(description);
    const source = from === undefined ? undefined : this.find(from);
    const diskSize = source?.diskSize ?? clusters.header.size;
    const stateOffset = clusters.vmStateOffset(diskSize);
    const rewrite = await clusters.beginRewrite();
    const l1 = resizedTable(source === undefined ? clusters.l1 : await this.l1Of(source), clusters.reader.l1Index(stateOffset));
    const table = new ForkedTable(clusters, rewrite, l1);
    for await (const { offset, bytes } of changes) {
      assert(offset + bytes.length <= diskSize, 'changes of a forked snapshot stay within the disk');
      await table.write(offset, bytes);
    }
    let vmStateSize = 0;
    for await (const bytes of vmState) {
      await table.write(stateOffset + vmStateSize, bytes);
      vmStateSize += bytes.length;
    }
    const entry = await this.newEntry(rewrite, await table.finish(), { ...description, vmStateSize, diskSize });
    await this.switchTo(rewrite, copyTable(clusters.l1), [...this.entries, entry]);
    return entry;
  }

  /** @throws RepriseError NO_SNAPSHOT, BAD_VALUE */
  async rename(id: string, name: string): Promise<void> {
    checkSnapshotName(name);
    const renamed = this.entries.find((entry) => entry.id === id) ?? this.missing(id);
    const rewrite = await this.clusters.beginRewrite();
    const entries = this.entries.map((entry) => (entry === renamed ? { ...entry, name } : entry));
    await this.switchTo(rewrite, copyTable(this.clusters.l1), entries);
  }

  /** Makes the disk what it was at a snapshot. @throws RepriseError NO_SNAPSHOT, IMAGE_UNSUPPORTED */
  async apply(name: SnapshotKey): Promise<void> {
    const { clusters } = this;
    const entry = this.find(name);
    if (entry.diskSize !== clusters.header.size)
      throw clusters.storage.unsupported(
        `snapshot '${entry.name}' is of a disk of ${entry.diskSize} bytes, and the disk has ${clusters.header.size} now`,
      );
    const rewrite = await clusters.beginRewrite();
    const frozen = await this.l1Of(entry);
    const active = viewOf(new Uint8Array(clusters.l1.byteLength));
    for (let n = 0; n < clusters.l1.byteLength / 8; n++) await this.share(rewrite, clusters.l1, n, -1);
    for (let n = 0; n < Math.min(this.diskEntries(), frozen.byteLength / 8); n++) {
      setL1Entry(active, n, l2OffsetAt(frozen, n), false);
      await this.share(rewrite, active, n, 1);
    }
    await this.switchTo(rewrite, active, this.entries);
  }

  /** @throws RepriseError NO_SNAPSHOT */
  async delete(name: SnapshotKey): Promise<void> {
    const entry = this.find(name);
    const rewrite = await this.clusters.beginRewrite();
    const frozen = await this.l1Of(entry);
    for (let n = 0; n < frozen.byteLength / 8; n++) await this.share(rewrite, frozen, n, -1);
    await rewrite.addRange(entry.l1Offset, entry.l1Entries * 8, -1);
    const rest = this.entries.filter((other) => other !== entry);
    await this.switchTo(rewrite, copyTable(this.clusters.l1), rest);
  }

  /** What the disk was at a snapshot. */
  async read(name: SnapshotKey, offset: number, length: number): Promise<Uint8Array> {
    return this.clusters.reader.read(await this.l1Of(this.find(name)), offset, length);
  }

  /** What of that is known without reading. */
  async extent(name: SnapshotKey, offset: number): Promise<Extent> {
    const entry = this.find(name);
    return this.clusters.reader.extent(await this.l1Of(entry), offset, entry.diskSize);
  }

  /** The machine's state of a snapshot, from byte `position` of it on. */
  async readVmState(name: SnapshotKey, position: number, length: number): Promise<Uint8Array> {
    const entry = this.find(name);
    if (position + length > entry.vmStateSize)
      throw this.clusters.storage.damaged(`the machine's state of snapshot '${entry.name}' has ${entry.vmStateSize} bytes, and more are needed`);
    return this.clusters.reader.read(await this.l1Of(entry), this.clusters.vmStateOffset(entry.diskSize) + position, length);
  }

  /** By name or, when there is none of that name, by ID. */
  find(key: SnapshotKey): SnapshotEntry {
    if (typeof key !== 'string') return this.entries.find((entry) => entry.id === key.id) ?? this.missing(key.id);
    const name = key;
    const found = this.entries.find((entry) => entry.name === name) ?? this.entries.find((entry) => entry.id === name);
    return found ?? this.missing(name);
  }

  private missing(name: string): never {
    const names = this.entries.map((entry) => `'${entry.name}'`).join(', ');
    throw new RepriseError(
      'NO_SNAPSHOT',
      `disk image '${this.clusters.storage.file.name}' has no snapshot '${name}'${names === '' ? '' : `; it has ${names}`}`,
    );
  }

  private refuseNew({ name }: SnapshotDescription): void {
    checkSnapshotName(name);
    if (this.entries.length >= MAX_SNAPSHOTS) throw this.clusters.storage.unsupported(`it has ${MAX_SNAPSHOTS} snapshots, the most there can be`);
  }

  private async newEntry(rewrite: Rewrite, l1: DataView, properties: Omit<SnapshotInfo, 'id'>): Promise<SnapshotEntry> {
    const ids = this.entries.map(({ id }) => Number(id)).filter(Number.isSafeInteger);
    return {
      ...properties,
      id: String(Math.max(0, ...ids) + 1),
      l1Offset: await rewrite.place(bytesOf(l1)),
      l1Entries: l1.byteLength / 8,
      unknownExtra: new Uint8Array(0),
    };
  }

  /** What was written for a snapshot that was never taken must not become part of another. */
  private async dropVmState(from: number): Promise<void> {
    const { reader, header } = this.clusters;
    const start = this.clusters.vmStateOffset() + Math.ceil(from / header.clusterSize) * header.clusterSize;
    const end = header.l1Entries * reader.coverage;
    if (end > start) await this.clusters.discard(start, end - start);
  }

  private diskEntries(): number {
    return this.clusters.reader.l1Index(this.clusters.vmStateOffset());
  }

  private async l1Of({ l1Offset, l1Entries }: SnapshotEntry): Promise<DataView> {
    const l1 = viewOf(await this.clusters.storage.read(l1Offset, l1Entries * 8));
    if (!isTree(l1)) throw this.clusters.storage.damaged('two entries of the L1 table of a snapshot lead to the same L2 table');
    return l1;
  }

  /** Adds a reference to, or takes one from, the L2 table of an L1 entry and all that it leads to. */
  private async share(rewrite: Rewrite, l1: DataView, index: number, delta: 1 | -1): Promise<void> {
    const { cache, header } = this.clusters;
    const offset = l2OffsetAt(l1, index);
    if (offset === 0) return;
    await addReferences(this.clusters, rewrite, (await cache.get('L2 table', offset)).view, delta);
    await rewrite.add(offset / header.clusterSize, delta);
  }

  /**
   * Makes the copied bits of the tables that `l1` leads to say what the new refcounts are. A table that must change is
   * copied: the one in the file stays as it is, for the image as it was and for snapshots.
   */
  private async correctCopied(rewrite: Rewrite, l1: DataView): Promise<void> {
    const { reader, cache, header } = this.clusters;
    for (let index = 0; index < l1.byteLength / 8; index++) {
      const offset = l2OffsetAt(l1, index);
      if (offset === 0) continue;
      const bytes = (await cache.get('L2 table', offset)).bytes.slice();
      const view = viewOf(bytes);
      let changed = false;
      for (let n = 0; n < header.clusterSize / 8; n++) {
        if (isEmpty(view, n)) continue;
        const mapping = reader.mapping(view, n);
        if (mapping.kind !== 'data' && mapping.kind !== 'zero') continue;
        const copied = mapping.offset !== 0 && (await rewrite.count(mapping.offset / header.clusterSize)) === 1;
        if (copied === mapping.copied) continue;
        setCopied(view, n, copied);
        changed = true;
      }
      if (changed) {
        await rewrite.add(offset / header.clusterSize, -1);
        setL1Entry(l1, index, await rewrite.place(bytes), true);
      } else setL1Entry(l1, index, offset, (await rewrite.count(offset / header.clusterSize)) === 1);
    }
  }

  private async switchTo(rewrite: Rewrite, active: DataView, entries: readonly SnapshotEntry[]): Promise<void> {
    const { header } = this.clusters;
    await this.correctCopied(rewrite, active);
    const table = encodeSnapshotTable(entries);
    const snapshotsOffset = await rewrite.place(table);
    const l1Offset = await rewrite.place(bytesOf(active));
    await rewrite.addRange(header.snapshotsOffset, this.tableLength, -1);
    await rewrite.addRange(header.l1Offset, header.l1Entries * 8, -1);
    await this.clusters.switchTo(rewrite, { l1Offset, l1Entries: active.byteLength / 8, snapshotsOffset, snapshotCount: entries.length }, active);
    this.entries = entries;
    this.tableLength = table.length;
  }
}

const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const copyTable = (table: DataView): DataView => viewOf(bytesOf(table).slice());
