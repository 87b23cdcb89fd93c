/**
 * The clusters of an image in use: reading, writing, allocating.
 *
 * Whenever the host dies, the file is a valid image: no cluster in use ever has a refcount that is too low, and the copied
 * bits of the active tables are right. At worst clusters are leaked. For that, changes reach the file in this order, each
 * step safe on the disk before the next: data, new tables and raised refcounts; the entries that lead to them; lowered
 * refcounts. What cannot be done in that way (moving tables, snapshots) is a `Rewrite`.
 */
import { assert, RepriseError } from '../../errors/errors.ts';
import type { BlockNode } from '../node.ts';
import { isZero } from '../zeros.ts';
import { MetadataCache, type MetadataCluster } from './cache.ts';
import { isCopied, l2OffsetAt, type Mapping, setL1Entry, writeMapping } from './entries.ts';
import { type Header, l1EntriesFor, MAX_L1_BYTES, type Pointers, SECTOR, viewOf, writePointers } from './header.ts';
import { ClusterReader } from './reader.ts';
import { Refcounts, type RefcountTable } from './refcounts.ts';
import { Rewrite } from './rewrite.ts';
import type { Storage } from './storage.ts';

/** References that wait to be given up take memory: more are not gathered. */
const MAX_RELEASED = 65_536;

export class Clusters {
  readonly storage: Storage;
  readonly cache: MetadataCache;
  readonly reader: ClusterReader;
  readonly refcounts: Refcounts;
  header: Header;
  /** The active L1 table. */
  l1: DataView;
  private readonly dirtyL1Sectors = new Set<number>();
  /** Clusters to give up one reference to, once the file has no entry any more that leads there. */
  private readonly released: number[] = [];
  /** The header was being switched when the host failed: which one the file has is unknown. */
  private broken = false;

  constructor(storage: Storage, header: Header, l1: Uint8Array, table: RefcountTable, backing: BlockNode | undefined) {
    this.storage = storage;
    this.header = header;
    this.l1 = viewOf(l1);
    this.cache = new MetadataCache(storage, header.clusterSize);
    this.reader = new ClusterReader(storage, this.cache, header, backing);
    this.refcounts = new Refcounts(storage, this.cache, header, table, (cluster) => this.isMetadata(cluster));
  }

  /** Refuses an image whose tables overlap, before it is written. @throws RepriseError IMAGE_DAMAGED */
  refuseOverlaps(): void {
    const blocks = new Set(this.refcounts.table);
    for (let index = 0; index < this.header.l1Entries; index++) {
      const offset = l2OffsetAt(this.l1, index);
      if (offset !== 0 && (blocks.has(offset) || this.isMetadata(offset / this.header.clusterSize)))
        throw this.storage.damaged(`an L2 table and other metadata overlap (offset ${offset})`);
    }
  }

  /** Writes at an offset of the disk, or past its end where the states of machines are kept. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    await this.prepare();
    const { clusterSize } = this.header;
    for (let done = 0; done < bytes.length; ) {
      const within = (offset + done) % clusterSize;
      const part = bytes.subarray(done, done + clusterSize - within);
      await this.writeCluster(offset + done - within, within, part);
      done += part.length;
      await this.relieve();
    }
  }

  /** Makes a range read as zeros, and gives up its clusters where it covers all of them. */
  async discard(offset: number, length: number): Promise<void> {
    await this.prepare();
    const { clusterSize, size } = this.header;
    const backingEnd = Math.min(this.reader.backing?.size ?? 0, size);
    const end = offset + length;
    for (let at = offset; at < end; ) {
      const start = at - (at % clusterSize);
      const tableEnd = (this.reader.l1Index(at) + 1) * this.reader.coverage;
      if (at >= backingEnd && (await this.reader.l2(this.l1, at)) === undefined) {
        at = Math.min(end, tableEnd);
        continue;
      }
      const to = Math.min(end, start + clusterSize);
      // The last cluster may end after the disk does.
      if (at === start && (to === start + clusterSize || to === size)) await this.discardCluster(start, start >= backingEnd);
      else await this.writeZeros(at, to);
      at = to;
      await this.relieve();
    }
  }

  /** Everything written is on the host's disk afterwards, and the file leads to it. */
  async flush(): Promise<void> {
    await this.commit();
    await this.storage.sync();
  }

  /** Brings the metadata to the file, in the order that keeps it valid. May be repeated when it failed. */
  async commit(): Promise<void> {
    this.refuseBroken();
    if (!this.refcounts.dirty && !this.cache.hasDirty('L2 table') && this.dirtyL1Sectors.size === 0 && this.released.length === 0) return;
    await this.cache.write('L2 table', 'fresh');
    await this.refcounts.write();
    await this.storage.sync();
    await this.cache.write('L2 table');
    await this.writeL1();
    if (this.released.length === 0) return;
    await this.storage.sync();
    for (; this.released.length > 0; this.released.pop()) await this.refcounts.release(this.released[this.released.length - 1]);
    await this.refcounts.write();
  }

  /** Everything is written when it begins. */
  async beginRewrite(): Promise<Rewrite> {
    await this.prepare();
    await this.flush();
    return new Rewrite(this.storage, this.refcounts, this.header.clusterSize);
  }

  /** Puts a rewrite into effect. @param l1 the new active table, which the rewrite has placed */
  async switchTo(rewrite: Rewrite, change: Partial<Pointers>, l1: DataView, leastRanges = 0): Promise<void> {
    const table = await rewrite.finish(this.header, leastRanges);
    const { l1Offset, l1Entries, snapshotCount, snapshotsOffset, clusterSize } = this.header;
    const refcountTableClusters = (table.length * 8) / clusterSize;
    const pointers = { l1Offset, l1Entries, snapshotCount, snapshotsOffset, dirty: false, ...change };
    this.broken = true;
    this.header = await writePointers(this.storage, this.header, { ...pointers, refcountTableOffset: rewrite.tableOffset, refcountTableClusters });
    await this.storage.sync();
    this.broken = false;
    this.l1 = l1;
    this.cache.clear();
    this.refcounts.replace(table, rewrite.tableOffset);
  }

  /** Makes room for entries of the L1 table past those that the disk needs. */
  async growL1(entries: number): Promise<void> {
    if (entries <= this.header.l1Entries) return;
    this.refuseLongL1(entries);
    const rewrite = await this.beginRewrite();
    const bytes = new Uint8Array(entries * 8);
    bytes.set(new Uint8Array(this.l1.buffer, this.l1.byteOffset, this.l1.byteLength));
    const l1Offset = await rewrite.place(bytes);
    await rewrite.addRange(this.header.l1Offset, this.header.l1Entries * 8, -1);
    await this.switchTo(rewrite, { l1Offset, l1Entries: entries }, viewOf(bytes));
  }

  /** @throws RepriseError IMAGE_UNSUPPORTED */
  refuseLongL1(entries: number): void {
    if (entries * 8 > MAX_L1_BYTES)
      throw this.storage.unsupported(`the state of a machine at the end of the disk needs ${entries} L1 entries; use larger clusters`);
  }

  /** Where the state of a machine begins: after all that L2 tables of the disk, of `size` bytes, can map. */
  vmStateOffset(size = this.header.size): number {
    return l1EntriesFor(size, this.header.clusterBits) * this.reader.coverage;
  }

  /** Once before the first change. */
  private async prepare(): Promise<void> {
    this.refuseBroken();
    if (!this.header.autoclear) return;
    this.header = await writePointers(this.storage, this.header, this.header);
    await this.storage.sync();
  }

  private refuseBroken(): void {
    if (this.broken)
      throw new RepriseError('FILE_UNWRITABLE', `disk image '${this.storage.file.name}' could not be written at a decisive place; open it again`);
  }

  private async relieve(): Promise<void> {
    if (this.cache.crowded || this.released.length > MAX_RELEASED) await this.commit();
  }

  private async writeCluster(start: number, within: number, bytes: Uint8Array): Promise<void> {
    const { clusterSize } = this.header;
    const index = this.reader.l2Index(start);
    const mapping = this.reader.mapping((await this.l2ForWrite(start)).view, index);
    if (mapping.kind === 'data' && mapping.copied) {
      if (this.isMetadata(mapping.offset / clusterSize)) throw this.storage.damaged(`a data cluster overlaps metadata (offset ${mapping.offset})`);
      await this.storage.write(mapping.offset + within, bytes);
      return;
    }
    let content = bytes;
    if (bytes.length < clusterSize) {
      content = await this.reader.readCluster(mapping, start);
      content.set(bytes, within);
    }
    const kept = mapping.kind === 'zero' && mapping.copied && mapping.offset !== 0;
    const offset = kept ? mapping.offset : await this.allocate();
    try {
      await this.storage.write(offset, content);
    } catch (error) {
      if (!kept) await this.refcounts.release(offset / clusterSize);
      throw error;
    }
    await this.map(start, { kind: 'data', offset, copied: true });
    if (!kept) this.releaseMapping(mapping);
  }

  private async writeZeros(from: number, to: number): Promise<void> {
    const current = await this.reader.read(this.l1, from, to - from);
    if (!isZero(current)) await this.write(from, current.fill(0));
  }

  /** @param bare whether the backing image has nothing there */
  private async discardCluster(start: number, bare: boolean): Promise<void> {
    const { clusterSize, version, size } = this.header;
    const l2 = await this.reader.l2(this.l1, start);
    const mapping: Mapping = l2 === undefined ? { kind: 'unallocated' } : this.reader.mapping(l2.view, this.reader.l2Index(start));
    if (mapping.kind === 'unallocated' ? bare : mapping.kind === 'zero' && mapping.offset === 0) return;
    if (!bare && version === 2) {
      await this.writeZeros(start, Math.min(start + clusterSize, size));
      return;
    }
    await this.l2ForWrite(start);
    await this.map(start, bare ? { kind: 'unallocated' } : { kind: 'zero', offset: 0, copied: false });
    this.releaseMapping(mapping);
  }

  /** Enters where a cluster of the disk is, into a table that is there for this image alone. */
  private async map(start: number, mapping: Exclude<Mapping, { kind: 'compressed' }>): Promise<void> {
    // Fetched anew: allocating may have emptied the cache.
    const l2 = await this.l2ForWrite(start);
    writeMapping(l2.view, this.reader.l2Index(start), mapping);
    this.cache.mark(l2);
  }

  /** The L2 table for an offset, made or copied when there is none or when it is shared with a snapshot. */
  private async l2ForWrite(start: number): Promise<MetadataCluster> {
    const index = this.reader.l1Index(start);
    assert(index < this.header.l1Entries, 'the L1 table has an entry for every offset that is written');
    const old = await this.reader.l2(this.l1, start);
    if (old !== undefined && isCopied(this.l1, index)) return old;
    const bytes = old === undefined ? new Uint8Array(this.header.clusterSize) : old.bytes.slice();
    const offset = await this.allocate();
    const l2 = this.cache.add('L2 table', offset, bytes);
    if (old !== undefined) this.released.push(l2OffsetAt(this.l1, index) / this.header.clusterSize);
    setL1Entry(this.l1, index, offset, true);
    this.dirtyL1Sectors.add(Math.floor((index * 8) / SECTOR));
    return l2;
  }

  private releaseMapping(mapping: Mapping): void {
    for (const cluster of clustersOf(mapping, this.header.clusterSize)) this.released.push(cluster);
  }

  /** Offset of a cluster with a refcount of 1 that nothing leads to. */
  private async allocate(): Promise<number> {
    for (;;) {
      const cluster = await this.refcounts.allocate();
      if (cluster !== undefined) return cluster * this.header.clusterSize;
      const rewrite = await this.beginRewrite();
      await this.switchTo(rewrite, {}, this.l1, Math.ceil(this.refcounts.table.length * 1.5) + 1);
    }
  }

  private async writeL1(): Promise<void> {
    for (const sector of this.dirtyL1Sectors) {
      const at = this.l1.byteOffset + sector * SECTOR;
      const length = Math.min(SECTOR, this.l1.byteLength - sector * SECTOR);
      await this.storage.write(this.header.l1Offset + sector * SECTOR, new Uint8Array(this.l1.buffer, at, length));
      this.dirtyL1Sectors.delete(sector);
    }
  }

  /** Whether a cluster is one that the header leads to; guards against refcounts and entries of a damaged image. */
  private isMetadata(cluster: number): boolean {
    const { clusterSize, l1Offset, l1Entries, refcountTableOffset, refcountTableClusters, snapshotsOffset, snapshotCount } = this.header;
    const at = cluster * clusterSize;
    const within = (offset: number, length: number): boolean => at + clusterSize > offset && at < offset + length;
    return (
      cluster === 0 ||
      within(l1Offset, l1Entries * 8) ||
      within(refcountTableOffset, refcountTableClusters * clusterSize) ||
      (snapshotCount > 0 && within(snapshotsOffset, 1))
    );
  }
}

/** The clusters of the file that a mapping holds a reference to. */
export function clustersOf(mapping: Mapping, clusterSize: number): number[] {
  if (mapping.kind === 'unallocated' || mapping.offset === 0) return [];
  const first = Math.floor(mapping.offset / clusterSize);
  if (mapping.kind !== 'compressed') return [first];
  const last = Math.floor((mapping.offset + mapping.length - 1) / clusterSize);
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}
