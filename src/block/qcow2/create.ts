/** New qcow2 images. */
import { RepriseError } from '../../errors/errors.ts';
import type { BlockFile } from '../node.ts';
import { CLUSTER_BITS, EXTENSION, l1EntriesFor, MAGIC, MAX_L1_BYTES, viewOf, writeU64 } from './header.ts';
import { refcountCodec } from './refcount-codec.ts';

declare const TextEncoder: new () => { encode(text: string): Uint8Array };

export interface Qcow2Options {
  /** Bytes of the disk. */
  readonly size: number;
  readonly version?: 2 | 3;
  readonly clusterSize?: number;
  readonly refcountBits?: number;
  /** Readers and writers may leave refcounts for later; kept as a wish, not made use of here. */
  readonly lazyRefcounts?: boolean;
  readonly backing?: { readonly file: string; readonly format: string } | undefined;
}

const V3_LENGTH = 112;
const V2_LENGTH = 72;

/** Makes an empty image of an empty file, safe on the disk. @throws RepriseError BAD_VALUE, DISK_FULL, FILE_UNWRITABLE */
export async function createQcow2(file: BlockFile, options: Qcow2Options): Promise<void> {
  const { size, version = 3, clusterSize = 65_536, refcountBits = 16, backing } = options;
  const clusterBits = Math.log2(clusterSize);
  const order = Math.log2(refcountBits);
  if (!Number.isInteger(clusterBits) || clusterBits < CLUSTER_BITS.min || clusterBits > CLUSTER_BITS.max)
    throw bad('the cluster size must be a power of two from 512 bytes to 2M');
  if (!Number.isInteger(order) || order < 0 || order > 6) throw bad('the width of refcounts must be 1, 2, 4, 8, 16, 32 or 64 bits');
  if (version === 2 && order !== 4) throw bad('version 2 (compat=0.10) has refcounts of 16 bits only');
  if (version === 2 && options.lazyRefcounts === true) throw bad('version 2 (compat=0.10) has no lazy refcounts');
  const l1Entries = l1EntriesFor(size, clusterBits);
  if (l1Entries * 8 > MAX_L1_BYTES) throw bad(`a disk of ${size} bytes is too large for clusters of ${clusterSize} bytes`);

  // Header, refcount table, blocks, L1 table: each begins at a cluster; the blocks count all of these.
  const codec = refcountCodec(order, clusterSize);
  const l1Clusters = Math.ceil((l1Entries * 8) / clusterSize);
  let blocks = 1;
  let tableClusters = 1;
  while (blocks * codec.perBlock < 1 + tableClusters + blocks + l1Clusters) {
    blocks++;
    tableClusters = Math.ceil((blocks * 8) / clusterSize);
  }
  const used = 1 + tableClusters + blocks + l1Clusters;
  const bytes = new Uint8Array(clusterSize * (1 + tableClusters + blocks));
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC);
  view.setUint32(4, version);
  view.setUint32(20, clusterBits);
  writeU64(view, 24, size);
  view.setUint32(36, l1Entries);
  writeU64(view, 40, (used - l1Clusters) * clusterSize);
  writeU64(view, 48, clusterSize);
  view.setUint32(56, tableClusters);
  if (version === 3) {
    view.setUint32(84, options.lazyRefcounts === true ? 1 : 0);
    view.setUint32(96, order);
    view.setUint32(100, V3_LENGTH);
  }
  if (backing !== undefined) writeBacking(bytes.subarray(0, clusterSize), version === 3 ? V3_LENGTH : V2_LENGTH, backing);
  for (let n = 0; n < blocks; n++) {
    const offset = (1 + tableClusters + n) * clusterSize;
    writeU64(view, clusterSize + n * 8, offset);
    const block = viewOf(bytes.subarray(offset, offset + clusterSize));
    for (let index = 0; index < Math.min(codec.perBlock, used - n * codec.perBlock); index++) codec.set(block, index, 1);
  }
  await file.truncate(used * clusterSize);
  // The header last: until it is there, the file is no image.
  await file.write(clusterSize, bytes.subarray(clusterSize));
  await file.sync();
  await file.write(0, bytes.subarray(0, clusterSize));
  await file.sync();
}

function writeBacking(head: Uint8Array, start: number, { file, format }: { readonly file: string; readonly format: string }): void {
  const [name, formatName] = [new TextEncoder().encode(file), new TextEncoder().encode(format)];
  const view = viewOf(head);
  const nameAt = start + 8 + Math.ceil(formatName.length / 8) * 8 + 8;
  if (name.length > 1023 || nameAt + name.length > head.length) throw bad(`the name of the backing file is too long: '${file}'`);
  view.setUint32(start, EXTENSION.backingFormat);
  view.setUint32(start + 4, formatName.length);
  head.set(formatName, start + 8);
  head.set(name, nameAt);
  writeU64(view, 8, nameAt);
  view.setUint32(16, name.length);
}

const bad = (message: string): RepriseError => new RepriseError('BAD_VALUE', message);
