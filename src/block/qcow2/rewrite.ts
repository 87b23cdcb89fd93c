/**
 * Changes of an image that one write puts into effect. New tables and changed refcount blocks go to clusters that are
 * free; then the first sector of the header switches to all of them at once. Until then the file is the image as it was,
 * afterwards it is the image as it shall be, and nothing is leaked in between.
 */
import { RepriseError } from '../../errors/errors.ts';
import { MAX_REFCOUNT_TABLE_BYTES, type Pointers, viewOf, writeU64 } from './header.ts';
import type { Refcounts, RefcountTable } from './refcounts.ts';
import type { Storage } from './storage.ts';

interface Copy {
  readonly view: DataView;
  readonly bytes: Uint8Array;
}

export class Rewrite {
  private readonly storage: Storage;
  private readonly refcounts: Refcounts;
  private readonly clusterSize: number;
  /** The refcount blocks as they shall be, by range. */
  private readonly copies = new Map<number, Copy>();
  private hint = 0;

  /** The image must be written: what is in the file counts. */
  constructor(storage: Storage, refcounts: Refcounts, clusterSize: number) {
    this.storage = storage;
    this.refcounts = refcounts;
    this.clusterSize = clusterSize;
  }

  /** The refcount that a cluster shall have. */
  async count(cluster: number): Promise<number> {
    const { perBlock, get } = this.refcounts.codec;
    const copy = this.copies.get(Math.floor(cluster / perBlock));
    return copy === undefined ? this.refcounts.get(cluster) : get(copy.view, cluster % perBlock);
  }

  /** @throws RepriseError IMAGE_DAMAGED, IMAGE_UNSUPPORTED (the width of the refcounts is too small) */
  async add(cluster: number, delta: number): Promise<void> {
    const { codec } = this.refcounts;
    const count = (await this.count(cluster)) + delta;
    if (count < 0) throw this.storage.damaged(`cluster ${cluster} is in use with a refcount of 0`);
    if (count > codec.max)
      throw this.storage.unsupported(
        `cluster ${cluster} would be shared ${count} times, and its refcounts end at ${codec.max}; it can take no more snapshots`,
      );
    await this.set(cluster, count);
  }

  async set(cluster: number, count: number): Promise<void> {
    const { codec } = this.refcounts;
    const copy = await this.copy(Math.floor(cluster / codec.perBlock));
    codec.set(copy.view, cluster % codec.perBlock, count);
  }

  /** The range of `length` bytes at `offset`, in whole clusters. */
  async addRange(offset: number, length: number, delta: number): Promise<void> {
    for (let at = offset; at < offset + length; at += this.clusterSize) await this.add(at / this.clusterSize, delta);
  }

  /** Offset of clusters in a row that are free both before and after. Their refcount shall be 1. */
  async allocate(clusters = 1): Promise<number> {
    for (let start = this.hint, run = 0; ; ) {
      if ((await this.refcounts.get(start + run)) !== 0 || (await this.count(start + run)) !== 0) {
        start += run + 1;
        run = 0;
      } else run++;
      if (run < clusters) continue;
      if (clusters === 1) this.hint = start + 1;
      for (let n = 0; n < clusters; n++) await this.set(start + n, 1);
      return start * this.clusterSize;
    }
  }

  /** Writes a table into clusters of its own. @returns where it is; 0 when it is empty */
  async place(bytes: Uint8Array): Promise<number> {
    if (bytes.length === 0) return 0;
    const clusters = Math.ceil(bytes.length / this.clusterSize);
    const offset = await this.allocate(clusters);
    const padded = new Uint8Array(clusters * this.clusterSize);
    padded.set(bytes);
    await this.storage.write(offset, padded);
    return offset;
  }

  /**
   * Writes the refcounts. Everything written is on the disk then, and waits for the switch of the header.
   * @param old the refcount table that is given up
   * @param leastRanges how many ranges of clusters the new table shall have room for
   */
  async finish(old: Pick<Pointers, 'refcountTableOffset' | 'refcountTableClusters'>, leastRanges: number): Promise<RefcountTable> {
    await this.addRange(old.refcountTableOffset, old.refcountTableClusters * this.clusterSize, -1);
    const table: RefcountTable = [...this.refcounts.table];
    const placed = new Set<number>();
    let room = { offset: 0, entries: 0 };
    const perCluster = this.clusterSize / 8;
    // Finding room for blocks and table changes blocks, which then need room; each block is moved once, so it ends.
    for (;;) {
      const range = [...this.copies.keys()].find((candidate) => !placed.has(candidate));
      if (range !== undefined) {
        placed.add(range);
        const before = table[range] ?? 0;
        while (table.length <= range) table.push(0);
        table[range] = await this.allocate();
        if (before !== 0) await this.add(before / this.clusterSize, -1);
        continue;
      }
      const entries = Math.max(table.length, leastRanges);
      if (entries <= room.entries) break;
      if (entries * 8 > MAX_REFCOUNT_TABLE_BYTES)
        throw new RepriseError(
          'DISK_FULL',
          `disk image '${this.storage.file.name}' is full: its refcount table cannot grow any more; use larger clusters`,
        );
      await this.addRange(room.offset, room.entries * 8, -1);
      const clusters = Math.ceil(entries / perCluster);
      room = { offset: await this.allocate(clusters), entries: clusters * perCluster };
    }
    while (table.length < room.entries) table.push(0);
    for (const [range, { bytes }] of this.copies) await this.storage.write(table[range], bytes);
    const bytes = new Uint8Array(room.entries * 8);
    const view = viewOf(bytes);
    table.forEach((offset, n) => {
      writeU64(view, n * 8, offset);
    });
    await this.storage.write(room.offset, bytes);
    await this.storage.sync();
    this.tableOffset = room.offset;
    return table;
  }

  /** Where `finish` put the table. */
  tableOffset = 0;

  private async copy(range: number): Promise<Copy> {
    const held = this.copies.get(range);
    if (held !== undefined) return held;
    const block = await this.refcounts.block(range);
    const bytes = block === undefined ? new Uint8Array(this.clusterSize) : block.bytes.slice();
    const copy = { bytes, view: viewOf(bytes) };
    this.copies.set(range, copy);
    return copy;
  }
}
