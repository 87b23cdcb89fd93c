/** The L2 tables and refcount blocks in memory: the least recently used clean ones give way. */

import { viewOf } from './header.ts';
import type { Storage } from './storage.ts';

/** How much metadata is held: enough for 16 GiB of disk in clusters of 64 KiB. */
const CACHE_BYTES = 2 ** 22;
/** So many are in use at once in the longest operation, with room. */
const LEAST_CLUSTERS = 16;

export type MetadataKind = 'L2 table' | 'refcount block';

export interface MetadataCluster {
  readonly kind: MetadataKind;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  dirty: boolean;
  /** Nothing in the file leads to it yet, so it may be written before the order of writes matters. */
  fresh: boolean;
}

export class MetadataCache {
  private readonly storage: Storage;
  private readonly clusterSize: number;
  private readonly capacity: number;
  /** By offset, the least recently used first. */
  private readonly clusters = new Map<number, MetadataCluster>();
  private readonly changed = new Set<MetadataCluster>();

  constructor(storage: Storage, clusterSize: number) {
    this.storage = storage;
    this.clusterSize = clusterSize;
    this.capacity = Math.max(LEAST_CLUSTERS, CACHE_BYTES / clusterSize);
  }

  /** Whether the dirty ones should be written soon, because they cannot give way. */
  get crowded(): boolean {
    return this.changed.size > this.capacity / 2;
  }

  /** @throws RepriseError IMAGE_DAMAGED for an offset where no metadata can be */
  async get(kind: MetadataKind, offset: number): Promise<MetadataCluster> {
    const held = this.clusters.get(offset);
    if (held !== undefined) {
      if (held.kind !== kind) throw this.storage.damaged(`a ${kind} and a ${held.kind} overlap at offset ${offset}`);
      this.clusters.delete(offset);
      this.clusters.set(offset, held);
      return held;
    }
    if (offset % this.clusterSize !== 0) throw this.storage.damaged(`a ${kind} is not aligned to a cluster (offset ${offset})`);
    if (offset + this.clusterSize > Math.ceil(this.storage.end / this.clusterSize) * this.clusterSize)
      throw this.storage.damaged(`a ${kind} lies past the end of the file (offset ${offset})`);
    return this.hold(kind, offset, await this.storage.read(offset, this.clusterSize), { dirty: false, fresh: false });
  }

  /** Enters a new cluster, to be written with the others. */
  add(kind: MetadataKind, offset: number, bytes: Uint8Array): MetadataCluster {
    const cluster = this.hold(kind, offset, bytes, { dirty: true, fresh: true });
    this.changed.add(cluster);
    return cluster;
  }

  mark(cluster: MetadataCluster): void {
    cluster.dirty = true;
    this.changed.add(cluster);
  }

  /** A cluster that holds no metadata any more. */
  drop(offset: number): void {
    const held = this.clusters.get(offset);
    if (held === undefined) return;
    this.clusters.delete(offset);
    this.changed.delete(held);
  }

  clear(): void {
    this.clusters.clear();
    this.changed.clear();
  }

  hasDirty(kind: MetadataKind): boolean {
    for (const cluster of this.changed) if (cluster.kind === kind) return true;
    return false;
  }

  /** Writes the dirty clusters of a kind; of those, only the fresh ones if asked. */
  async write(kind: MetadataKind, only?: 'fresh'): Promise<void> {
    for (const cluster of [...this.changed]) {
      if (cluster.kind !== kind || (only === 'fresh' && !cluster.fresh)) continue;
      await this.storage.write(cluster.offset, cluster.bytes);
      cluster.dirty = false;
      cluster.fresh = false;
      this.changed.delete(cluster);
    }
  }

  private hold(kind: MetadataKind, offset: number, bytes: Uint8Array, state: { dirty: boolean; fresh: boolean }): MetadataCluster {
    for (const old of this.clusters.values()) {
      if (this.clusters.size < this.capacity) break;
      if (!old.dirty) this.clusters.delete(old.offset);
    }
    const cluster: MetadataCluster = { kind, offset, bytes, view: viewOf(bytes), ...state };
    this.clusters.set(offset, cluster);
    return cluster;
  }
}
