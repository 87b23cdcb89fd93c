/** Walks all metadata of an image and reports every reference to a cluster of the file. Trusts nothing of it. */
import { isEmpty, isTree, l2OffsetAt, type Mapping, readMapping } from './entries.ts';
import { type Header, readU64, viewOf } from './header.ts';
import type { RefcountTable } from './refcounts.ts';
import { readSnapshotTable } from './snapshot-table.ts';
import type { Storage } from './storage.ts';

/** As QEMU limits directories and tables of bitmaps. */
const MAX_BITMAP_BYTES = 2 ** 26;

/** What a cluster is used for: several L2 tables may share data, several L1 tables an L2 table; the rest is for itself. */
export type Use = 'metadata' | 'L2 table' | 'data';

export interface ReferenceVisitor {
  reference(use: Use, offset: number, length: number): void;
  /** Something that cannot be followed. */
  problem(message: string): void;
  /** An L1 entry of the active table. */
  activeL1?(index: number, offset: number, l1: DataView): Promise<void>;
  /** An entry of an L2 table that the active L1 table leads to. */
  activeL2?(mapping: Mapping): Promise<void>;
}

export class References {
  private readonly storage: Storage;
  private readonly header: Header;
  private readonly table: RefcountTable;

  constructor(storage: Storage, header: Header, table: RefcountTable) {
    this.storage = storage;
    this.header = header;
    this.table = table;
  }

  async visit(visitor: ReferenceVisitor): Promise<void> {
    const { header, storage } = this;
    const { clusterSize } = header;
    visitor.reference('metadata', 0, clusterSize);
    visitor.reference('metadata', header.refcountTableOffset, header.refcountTableClusters * clusterSize);
    this.table.forEach((offset, range) => {
      if (offset !== 0) this.place(visitor, 'metadata', `refcount block ${range}`, offset);
    });
    const snapshots = await readSnapshotTable(storage, header);
    if (snapshots.length > 0) visitor.reference('metadata', header.snapshotsOffset, snapshots.length);
    await this.visitBitmaps(visitor);
    const l1Bytes = snapshots.entries.reduce((sum, { l1Entries }) => sum + l1Entries * 8, header.l1Entries * 8);
    if (l1Bytes > storage.end) return visitor.problem('the L1 tables of its snapshots overlap');
    await this.visitL1(visitor, header, true);
    for (const entry of snapshots.entries) await this.visitL1(visitor, entry, false);
  }

  private async visitL1(
    visitor: ReferenceVisitor,
    { l1Offset, l1Entries }: { readonly l1Offset: number; readonly l1Entries: number },
    active: boolean,
  ): Promise<void> {
    if (l1Entries === 0) return;
    visitor.reference('metadata', l1Offset, l1Entries * 8);
    const l1 = viewOf(await this.storage.read(l1Offset, l1Entries * 8));
    if (!isTree(l1)) return visitor.problem('two entries of an L1 table lead to the same L2 table');
    for (let index = 0; index < l1Entries; index++) {
      const offset = l2OffsetAt(l1, index);
      if (offset === 0 || !this.place(visitor, 'L2 table', `L2 table ${index}`, offset)) continue;
      if (active) await visitor.activeL1?.(index, offset, l1);
      await this.visitL2(visitor, viewOf(await this.storage.read(offset, this.header.clusterSize)), active);
    }
  }

  private async visitL2(visitor: ReferenceVisitor, l2: DataView, active: boolean): Promise<void> {
    const { clusterBits, clusterSize, version } = this.header;
    for (let n = 0; n < clusterSize / 8; n++) {
      if (isEmpty(l2, n)) continue;
      const mapping = readMapping(l2, n, clusterBits);
      if (mapping.kind === 'unallocated') continue;
      if (mapping.kind === 'zero' && version === 2) visitor.problem('a zero cluster in an image of version 2');
      if (mapping.kind === 'compressed') {
        if (mapping.offset >= this.storage.end) visitor.problem(`a compressed cluster lies past the end of the file (offset ${mapping.offset})`);
        else visitor.reference('data', mapping.offset, mapping.length);
      } else if (mapping.kind === 'zero' && mapping.offset === 0) continue;
      else if (!this.place(visitor, 'data', 'a data cluster', mapping.offset)) continue;
      if (active) await visitor.activeL2?.(mapping);
    }
  }

  /** Bitmaps are not kept up here, but their clusters are theirs. Source: qcow2.txt, "Bitmaps". */
  private async visitBitmaps(visitor: ReferenceVisitor): Promise<void> {
    const directory = this.header.bitmapDirectory;
    if (directory === undefined) return;
    const { clusterSize } = this.header;
    if (directory.length > MAX_BITMAP_BYTES) return visitor.problem(`a bitmap directory of ${directory.length} bytes`);
    if (!this.place(visitor, 'metadata', 'bitmap directory', directory.offset, directory.length)) return;
    const view = viewOf(await this.storage.read(directory.offset, directory.length));
    for (let at = 0; at + 24 <= view.byteLength; ) {
      const [offset, entries] = [readU64(view, at), view.getUint32(at + 8)];
      if (entries * 8 > MAX_BITMAP_BYTES) visitor.problem(`a bitmap table of ${entries} entries`);
      else if (this.place(visitor, 'metadata', 'bitmap table', offset, entries * 8)) {
        const table = viewOf(await this.storage.read(offset, entries * 8));
        for (let n = 0; n < entries; n++) {
          const data = l2OffsetAt(table, n);
          if (data !== 0) this.place(visitor, 'metadata', 'bitmap data', data, clusterSize);
        }
      }
      at += Math.ceil((24 + view.getUint16(at + 18) + view.getUint32(at + 20)) / 8) * 8;
    }
  }

  /** Reports a reference to whole clusters, or why there can be none. */
  private place(visitor: ReferenceVisitor, use: Use, what: string, offset: number, length = this.header.clusterSize): boolean {
    if (offset % this.header.clusterSize !== 0) visitor.problem(`${what} is not aligned to a cluster (offset ${offset})`);
    else if (offset + length > Math.ceil(this.storage.end / this.header.clusterSize) * this.header.clusterSize)
      visitor.problem(`${what} lies past the end of the file (offset ${offset})`);
    else {
      visitor.reference(use, offset, length);
      return true;
    }
    return false;
  }
}
