/** Entries of the L1 and L2 tables. Source: QEMU's docs/interop/qcow2.txt, "Cluster mapping". */

/** Bit 63, in the upper word: the cluster's refcount is exactly one, so it may be written in place. */
const COPIED = 0x8000_0000;
/** Bit 62, in the upper word. */
const COMPRESSED = 0x4000_0000;
const OFFSET_HIGH = 0x00ff_ffff;
const OFFSET_LOW = 0xffff_fe00;
/** Bit 0: the cluster reads as zeros, wherever it lies. */
const ZERO = 1;

/** Where a cluster of the disk is. */
export type Mapping =
  /** In the backing file, or nowhere. */
  | { readonly kind: 'unallocated' }
  /** All zeros; `offset` is a cluster kept for it, 0 when there is none. */
  | { readonly kind: 'zero'; readonly offset: number; readonly copied: boolean }
  | { readonly kind: 'data'; readonly offset: number; readonly copied: boolean }
  /** `length` is that of the sectors that hold the compressed data, which may end before. */
  | { readonly kind: 'compressed'; readonly offset: number; readonly length: number };

/** Offset of the L2 table that an L1 entry leads to; 0 for none. */
export const l2OffsetAt = (l1: DataView, index: number): number => offsetAt(l1, index * 8);
export const isCopied = (table: DataView, index: number): boolean => (table.getUint32(index * 8) & COPIED) !== 0;

export function setL1Entry(l1: DataView, index: number, offset: number, copied: boolean): void {
  setWords(l1, index * 8, offset, copied, 0);
}

export function readMapping(l2: DataView, index: number, clusterBits: number): Mapping {
  const at = index * 8;
  const high = l2.getUint32(at);
  const low = l2.getUint32(at + 4);
  if ((high & COMPRESSED) !== 0) return compressedMapping(high, low, clusterBits);
  const offset = offsetAt(l2, at);
  const copied = (high & COPIED) !== 0;
  if ((low & ZERO) !== 0) return { kind: 'zero', offset, copied };
  return offset === 0 ? { kind: 'unallocated' } : { kind: 'data', offset, copied };
}

export function writeMapping(l2: DataView, index: number, mapping: Exclude<Mapping, { kind: 'compressed' }>): void {
  if (mapping.kind === 'unallocated') setWords(l2, index * 8, 0, false, 0);
  else setWords(l2, index * 8, mapping.offset, mapping.copied, mapping.kind === 'zero' ? ZERO : 0);
}

/** Most entries of a sparse disk are, and walks go over all of them. */
export const isEmpty = (table: DataView, index: number): boolean => table.getUint32(index * 8) === 0 && table.getUint32(index * 8 + 4) === 0;

/** Changes the copied bit of an entry that leads to a cluster. */
export function setCopied(table: DataView, index: number, copied: boolean): void {
  const high = table.getUint32(index * 8);
  table.setUint32(index * 8, (copied ? high | COPIED : high & ~COPIED) >>> 0);
}

/** The offset takes the lower bits, as many as a file of the largest size needs; the number of further sectors the rest. */
function compressedMapping(high: number, low: number, clusterBits: number): Mapping {
  const offsetBitsHigh = 62 - (clusterBits - 8) - 32;
  const offset = (high & (2 ** offsetBitsHigh - 1)) * 2 ** 32 + low;
  const sectors = ((high & 0x3fff_ffff) >>> offsetBitsHigh) + 1;
  return { kind: 'compressed', offset, length: sectors * 512 - (offset % 512) };
}

function offsetAt(table: DataView, at: number): number {
  return (table.getUint32(at) & OFFSET_HIGH) * 2 ** 32 + ((table.getUint32(at + 4) & OFFSET_LOW) >>> 0);
}

function setWords(table: DataView, at: number, offset: number, copied: boolean, flags: number): void {
  table.setUint32(at, (Math.floor(offset / 2 ** 32) | (copied ? COPIED : 0)) >>> 0);
  table.setUint32(at + 4, ((offset % 2 ** 32) | flags) >>> 0);
}

/** Whether no L2 table is used twice by one L1 table. What is refused here could make walks of a small image take hours. */
export function isTree(l1: DataView): boolean {
  const offsets = new Float64Array(l1.byteLength / 8).map((_, index) => l2OffsetAt(l1, index)).sort();
  return offsets.every((offset, n) => offset === 0 || offset !== offsets[n - 1]);
}
