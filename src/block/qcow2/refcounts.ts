/** The refcounts of an image in use: a table of blocks, of which some are in memory, changed or not. */
import { assert, RepriseError } from '../../errors/errors.ts';
import type { MetadataCache } from './cache.ts';
import { checkPlace, type Header, readU64, SECTOR, viewOf, writeU64 } from './header.ts';
import { type RefcountCodec, refcountCodec } from './refcount-codec.ts';
import type { Storage } from './storage.ts';

/** Where the block of each range of clusters lies; 0 for a range that has none, whose clusters are all free. */
export type RefcountTable = number[];

/** Reads the table, not its blocks. @throws RepriseError IMAGE_DAMAGED */
export async function readRefcountTable(
  storage: Storage,
  { refcountTableOffset, refcountTableClusters, clusterSize }: Header,
): Promise<RefcountTable> {
  const view = viewOf(await storage.read(refcountTableOffset, refcountTableClusters * clusterSize));
  return Array.from({ length: view.byteLength / 8 }, (_, n) => readU64(view, n * 8));
}

/** What must hold of a table before anything is allocated by it; that it holds bounds the time that takes. */
export function checkRefcountTable(storage: Storage, { clusterSize }: Header, table: RefcountTable): void {
  const blocks = table.filter((offset) => offset !== 0);
  for (const offset of blocks) checkPlace(storage, { clusterSize }, 'refcount block', offset, clusterSize);
  if (new Set(blocks).size < blocks.length) throw storage.damaged('two entries of its refcount table lead to the same block');
}

export class Refcounts {
  readonly codec: RefcountCodec;
  table: RefcountTable;
  private readonly storage: Storage;
  private readonly cache: MetadataCache;
  private readonly clusterSize: number;
  /** Where the table lies in the file. */
  private tableOffset: number;
  /** Says of a cluster that should be free whether it is known to be something else. */
  private readonly isMetadata: (cluster: number) => boolean;
  /** No cluster before is free. */
  hint = 0;
  /** Sectors of the table that the file has not got. */
  private readonly dirtySectors = new Set<number>();

  constructor(storage: Storage, cache: MetadataCache, header: Header, table: RefcountTable, isMetadata: (cluster: number) => boolean) {
    this.storage = storage;
    this.cache = cache;
    this.clusterSize = header.clusterSize;
    this.codec = refcountCodec(header.refcountOrder, header.clusterSize);
    this.table = table;
    this.tableOffset = header.refcountTableOffset;
    this.isMetadata = isMetadata;
  }

  get dirty(): boolean {
    return this.dirtySectors.size > 0 || this.cache.hasDirty('refcount block');
  }

  /** After the image was switched to other refcounts. */
  replace(table: RefcountTable, offset: number): void {
    assert(!this.dirty, 'refcounts are replaced when all are written');
    this.tableOffset = offset;
    this.table = table;
    this.hint = 0;
  }

  async get(cluster: number): Promise<number> {
    const block = await this.block(Math.floor(cluster / this.codec.perBlock));
    return block === undefined ? 0 : this.codec.get(block.view, cluster % this.codec.perBlock);
  }

  /** Takes one reference to a cluster away. */
  async release(cluster: number): Promise<void> {
    const block = await this.block(Math.floor(cluster / this.codec.perBlock));
    const index = cluster % this.codec.perBlock;
    const count = block === undefined ? 0 : this.codec.get(block.view, index);
    if (block === undefined || count === 0) throw this.storage.damaged(`cluster ${cluster} is in use with a refcount of 0`);
    this.codec.set(block.view, index, count - 1);
    this.cache.mark(block);
    if (count > 1) return;
    this.hint = Math.min(this.hint, cluster);
    this.cache.drop(cluster * this.clusterSize);
  }

  /** A free cluster, with a refcount of 1 from now on; undefined when the table has no room for more. */
  async allocate(): Promise<number | undefined> {
    const { perBlock } = this.codec;
    for (let range = Math.floor(this.hint / perBlock); range < this.table.length; range++) {
      const block = (await this.block(range)) ?? this.addBlock(range);
      for (let index = range === Math.floor(this.hint / perBlock) ? this.hint % perBlock : 0; index < perBlock; index++) {
        if (this.codec.get(block.view, index) !== 0) continue;
        const cluster = range * perBlock + index;
        this.refuseMetadata(cluster);
        this.codec.set(block.view, index, 1);
        this.cache.mark(block);
        this.hint = cluster + 1;
        return cluster;
      }
      this.hint = (range + 1) * perBlock;
    }
    return undefined;
  }

  /** Writes what changed: first the blocks, then, when these are safe, the entries that lead to new ones. */
  async write(): Promise<void> {
    await this.cache.write('refcount block');
    if (this.dirtySectors.size === 0) return;
    await this.storage.sync();
    for (const sector of this.dirtySectors) {
      const first = sector * (SECTOR / 8);
      const bytes = new Uint8Array(SECTOR);
      const view = viewOf(bytes);
      for (let n = 0; n < SECTOR / 8; n++) writeU64(view, n * 8, this.table[first + n]);
      await this.storage.write(this.tableOffset + sector * SECTOR, bytes);
      this.dirtySectors.delete(sector);
    }
  }

  /** @returns undefined when the range has none */
  async block(range: number): Promise<Awaited<ReturnType<MetadataCache['get']>> | undefined> {
    const offset = this.table[range] ?? 0;
    return offset === 0 ? undefined : this.cache.get('refcount block', offset);
  }

  /** A block for a range without one lies at the beginning of that range, which is all free, and counts itself. */
  private addBlock(range: number): ReturnType<MetadataCache['add']> {
    const cluster = range * this.codec.perBlock;
    this.refuseMetadata(cluster);
    const block = this.cache.add('refcount block', cluster * this.clusterSize, new Uint8Array(this.clusterSize));
    this.codec.set(block.view, 0, 1);
    this.table[range] = block.offset;
    this.dirtySectors.add(Math.floor((range * 8) / SECTOR));
    return block;
  }

  /** @throws RepriseError IMAGE_DAMAGED, DISK_FULL */
  refuseMetadata(cluster: number): void {
    if (this.isMetadata(cluster)) throw this.storage.damaged(`cluster ${cluster} holds metadata, but its refcount is 0`);
    if ((cluster + 1) * this.clusterSize > Number.MAX_SAFE_INTEGER)
      throw new RepriseError('DISK_FULL', `disk image '${this.storage.file.name}' is full`);
  }
}
