/** From offsets on the disk to bytes: through L1 and L2 tables to clusters of the file, or to the backing image. */
import { type Extent, extentOf } from '../extents.ts';
import type { BlockNode } from '../node.ts';
import type { MetadataCache, MetadataCluster } from './cache.ts';
import { decompressCluster } from './compressed.ts';
import { l2OffsetAt, type Mapping, readMapping } from './entries.ts';
import type { Header } from './header.ts';
import type { Storage } from './storage.ts';

const UNALLOCATED: Mapping = { kind: 'unallocated' };

/** Consecutive bytes that come from one place. */
interface Segment {
  readonly from: 'file' | 'backing' | 'nowhere';
  readonly offset: number;
  length: number;
}

export class ClusterReader {
  readonly backing: BlockNode | undefined;
  private readonly storage: Storage;
  private readonly cache: MetadataCache;
  private readonly header: Pick<Header, 'version' | 'clusterBits' | 'clusterSize' | 'compression' | 'size'>;
  /** Bytes of the disk that one L2 table maps. */
  readonly coverage: number;

  constructor(storage: Storage, cache: MetadataCache, header: Header, backing: BlockNode | undefined) {
    this.storage = storage;
    this.cache = cache;
    this.header = header;
    this.backing = backing;
    this.coverage = 2 ** (2 * header.clusterBits - 3);
  }

  l1Index(offset: number): number {
    return Math.floor(offset / this.coverage);
  }

  l2Index(offset: number): number {
    return Math.floor((offset % this.coverage) / this.header.clusterSize);
  }

  /** The table for an offset of the disk; undefined when there is none. */
  async l2(l1: DataView, offset: number): Promise<MetadataCluster | undefined> {
    const index = this.l1Index(offset);
    const at = index * 8 < l1.byteLength ? l2OffsetAt(l1, index) : 0;
    return at === 0 ? undefined : this.cache.get('L2 table', at);
  }

  /** An entry of an L2 table, checked. @throws RepriseError IMAGE_DAMAGED */
  mapping(l2: DataView, index: number): Mapping {
    const { clusterBits, clusterSize, version } = this.header;
    const mapping = readMapping(l2, index, clusterBits);
    if (mapping.kind === 'unallocated') return mapping;
    if (mapping.kind === 'zero' && version === 2) throw this.storage.damaged('version 2 has no zero clusters, but there is one');
    if (mapping.kind !== 'compressed' && mapping.offset % clusterSize !== 0)
      throw this.storage.damaged(`a data cluster is not aligned (offset ${mapping.offset})`);
    if (mapping.offset !== 0 && mapping.offset >= this.storage.end)
      throw this.storage.damaged(`a data cluster lies past the end of the file (offset ${mapping.offset})`);
    if (mapping.kind === 'data' && mapping.offset === 0) throw this.storage.damaged('a data cluster overlaps the header');
    return mapping;
  }

  /** What `l1` says is at `offset`, past the end of the disk too. */
  async read(l1: DataView, offset: number, length: number): Promise<Uint8Array> {
    const { clusterSize } = this.header;
    const out = new Uint8Array(length);
    let pending: Segment | undefined;
    let start = 0;
    const flush = async (): Promise<void> => {
      if (pending !== undefined) await this.fill(out.subarray(start, start + pending.length), pending);
      pending = undefined;
    };
    for (let done = 0; done < length; ) {
      const at = offset + done;
      const l2 = await this.l2(l1, at);
      const unit = l2 === undefined ? this.coverage : clusterSize;
      const within = at % unit;
      const part = Math.min(unit - within, length - done);
      const mapping = l2 === undefined ? UNALLOCATED : this.mapping(l2.view, this.l2Index(at));
      if (mapping.kind === 'compressed') {
        await flush();
        out.set((await this.decompress(mapping)).subarray(within, within + part), done);
      } else {
        const next = this.segment(mapping, at, within, part);
        if (pending !== undefined && pending.from === next.from && pending.offset + pending.length === next.offset) pending.length += part;
        else {
          await flush();
          pending = next;
          start = done;
        }
      }
      done += part;
    }
    await flush();
    return out;
  }

  /** The whole cluster that a mapping of the cluster at `offset` of the disk stands for. */
  async readCluster(mapping: Mapping, offset: number): Promise<Uint8Array> {
    if (mapping.kind === 'compressed') return this.decompress(mapping);
    const { clusterSize } = this.header;
    const out = new Uint8Array(clusterSize);
    await this.fill(out, this.segment(mapping, offset, 0, clusterSize));
    return out;
  }

  /** What is known without reading, as far as one L2 table tells of a disk of `size` bytes. */
  async extent(l1: DataView, offset: number, size: number): Promise<Extent> {
    const { clusterSize } = this.header;
    const end = Math.min(size, (this.l1Index(offset) + 1) * this.coverage);
    const l2 = await this.l2(l1, offset);
    if (l2 === undefined) return this.backingExtent(offset, end);
    const kindAt = (at: number): Mapping['kind'] => this.mapping(l2.view, this.l2Index(at)).kind;
    const kind = kindAt(offset);
    let to = offset - (offset % clusterSize) + clusterSize;
    while (to < end && kindAt(to) === kind) to += clusterSize;
    to = Math.min(to, end);
    if (kind === 'unallocated') return this.backingExtent(offset, to);
    return { zero: kind === 'zero', length: to - offset };
  }

  private async backingExtent(offset: number, end: number): Promise<Extent> {
    if (this.backing === undefined || offset >= Math.min(this.backing.size, this.header.size)) return { zero: true, length: end - offset };
    const { zero, length } = await extentOf(this.backing, offset);
    return { zero, length: Math.min(length, end - offset) };
  }

  private segment(mapping: Exclude<Mapping, { kind: 'compressed' }>, offset: number, within: number, length: number): Segment {
    if (mapping.kind === 'data') return { from: 'file', offset: mapping.offset + within, length };
    // Its offset only serves to join it with its neighbours.
    return { from: mapping.kind === 'unallocated' && this.backing !== undefined ? 'backing' : 'nowhere', offset, length };
  }

  private async fill(out: Uint8Array, { from, offset, length }: Segment): Promise<void> {
    if (from === 'file') out.set(await this.storage.read(offset, length));
    if (from !== 'backing' || this.backing === undefined) return;
    // A backing image may be smaller than the disk; what it lacks reads as zeros.
    const there = Math.min(length, Math.max(0, Math.min(this.backing.size, this.header.size) - offset));
    if (there > 0) out.set(await this.backing.read(offset, there));
  }

  private async decompress({ offset, length }: { readonly offset: number; readonly length: number }): Promise<Uint8Array> {
    const { clusterSize, compression } = this.header;
    const bytes = decompressCluster(await this.storage.read(offset, length), clusterSize, compression);
    if (bytes === undefined) throw this.storage.damaged(`the compressed cluster at offset ${offset} cannot be decompressed`);
    return bytes;
  }
}
