/**
 * The disk of a new snapshot while it is made: the tables of an existing state of the disk, of which a copy is changed.
 * What changes goes to clusters that are free, in a `Rewrite`; nothing leads there until the header is switched.
 */
import { assert } from '../../errors/errors.ts';
import { isZero } from '../zeros.ts';
import { type Clusters, clustersOf } from './clusters.ts';
import { isEmpty, l2OffsetAt, type Mapping, setL1Entry, writeMapping } from './entries.ts';
import { viewOf } from './header.ts';
import type { Rewrite } from './rewrite.ts';

const UNALLOCATED: Mapping = { kind: 'unallocated' };

export class ForkedTable {
  private readonly clusters: Clusters;
  private readonly rewrite: Rewrite;
  /** The L1 table as it shall be, as far as L2 tables are finished. */
  private l1: DataView;
  /** Indexes of the L2 tables that were changed. */
  private readonly changed = new Set<number>();
  /** The L2 table that is changed at present. */
  private l2: { readonly index: number; readonly view: DataView; readonly bytes: Uint8Array } | undefined;
  /** The cluster that is filled at present. */
  private open: { readonly start: number; readonly content: Uint8Array } | undefined;
  /** Clusters that were allocated for the L2 table that is changed at present; they have its reference already. */
  private readonly fresh = new Set<number>();
  private end = 0;

  /** @param l1 of the state to begin with, without that of a machine; becomes the fork's own */
  constructor(clusters: Clusters, rewrite: Rewrite, l1: DataView) {
    this.clusters = clusters;
    this.rewrite = rewrite;
    this.l1 = l1;
  }

  /** @param offset of the disk or, past its end, of the machine's state; never less than where the last call ended */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    assert(offset >= this.end, 'changes of a forked snapshot come in order');
    this.end = offset + bytes.length;
    const { clusterSize } = this.clusters.header;
    for (let done = 0; done < bytes.length; ) {
      const at = offset + done;
      const start = at - (at % clusterSize);
      const part = bytes.subarray(done, done + start + clusterSize - at);
      if (this.open?.start !== start) {
        await this.closeCluster();
        await this.openTable(this.clusters.reader.l1Index(start));
        const content = part.length < clusterSize ? await this.clusters.reader.readCluster(this.mapping(start), start) : new Uint8Array(clusterSize);
        this.open = { start, content };
      }
      this.open.content.set(part, at - start);
      done += part.length;
    }
  }

  /** Finishes all tables, and adds the references of those that are shared. @returns the L1 table, which has still to be placed */
  async finish(): Promise<DataView> {
    await this.closeCluster();
    await this.closeTable();
    const { cache, header } = this.clusters;
    for (let index = 0; index < this.l1.byteLength / 8; index++) {
      const offset = l2OffsetAt(this.l1, index);
      if (offset === 0 || this.changed.has(index)) continue;
      await addReferences(this.clusters, this.rewrite, (await cache.get('L2 table', offset)).view, 1);
      await this.rewrite.add(offset / header.clusterSize, 1);
    }
    return this.l1;
  }

  private mapping(start: number): Mapping {
    const { reader } = this.clusters;
    return this.l2 === undefined ? UNALLOCATED : reader.mapping(this.l2.view, reader.l2Index(start));
  }

  private async openTable(index: number): Promise<void> {
    if (this.l2?.index === index) return;
    await this.closeTable();
    if (index * 8 >= this.l1.byteLength) {
      this.clusters.refuseLongL1(index + 1);
      this.l1 = resizedTable(this.l1, index + 1);
    }
    const offset = l2OffsetAt(this.l1, index);
    const bytes = offset === 0 ? new Uint8Array(this.clusters.header.clusterSize) : (await this.clusters.cache.get('L2 table', offset)).bytes.slice();
    this.l2 = { index, bytes, view: viewOf(bytes) };
  }

  private async closeTable(): Promise<void> {
    if (this.l2 === undefined) return;
    const { index, view, bytes } = this.l2;
    this.changed.add(index);
    setL1Entry(this.l1, index, await this.rewrite.place(bytes), false);
    await addReferences(this.clusters, this.rewrite, view, 1, this.fresh);
    this.fresh.clear();
    this.l2 = undefined;
  }

  private async closeCluster(): Promise<void> {
    if (this.open === undefined || this.l2 === undefined) return;
    const { start, content } = this.open;
    const { version, clusterSize } = this.clusters.header;
    let mapping: Exclude<Mapping, { kind: 'compressed' }>;
    // Version 2 cannot say that a cluster is zeros where the backing image may have something.
    if (version !== 2 && isZero(content)) mapping = { kind: 'zero', offset: 0, copied: false };
    else {
      const offset = await this.rewrite.allocate();
      await this.clusters.storage.write(offset, content);
      this.fresh.add(offset / clusterSize);
      mapping = { kind: 'data', offset, copied: false };
    }
    writeMapping(this.l2.view, this.clusters.reader.l2Index(start), mapping);
    this.open = undefined;
  }
}

/** Adds a reference to, or takes one from, all clusters that an L2 table leads to. @param except not these */
export async function addReferences(
  { reader, header }: Clusters,
  rewrite: Rewrite,
  l2: DataView,
  delta: 1 | -1,
  except?: ReadonlySet<number>,
): Promise<void> {
  for (let n = 0; n < header.clusterSize / 8; n++) {
    if (isEmpty(l2, n)) continue;
    for (const cluster of clustersOf(reader.mapping(l2, n), header.clusterSize)) if (!except?.has(cluster)) await rewrite.add(cluster, delta);
  }
}

/** A copy of a table, cut or with more entries. */
export function resizedTable(table: DataView, entries: number): DataView {
  const bytes = new Uint8Array(entries * 8);
  bytes.set(new Uint8Array(table.buffer, table.byteOffset, Math.min(table.byteLength, bytes.length)));
  return viewOf(bytes);
}
