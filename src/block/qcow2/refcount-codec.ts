/** Refcounts of every width in a block of them. Source: QEMU's docs/interop/qcow2.txt, "Host cluster management". */
import { readU64, writeU64 } from './header.ts';

export interface RefcountCodec {
  /** The largest count that can be stored; exact up to 2^53 - 1. */
  readonly max: number;
  /** How many a block of one cluster holds. */
  readonly perBlock: number;
  get(block: DataView, index: number): number;
  set(block: DataView, index: number, count: number): void;
}

/** @param order log2 of the width in bits, 0 to 6 */
export function refcountCodec(order: number, clusterSize: number): RefcountCodec {
  const perBlock = (clusterSize * 8) / 2 ** order;
  switch (order) {
    case 3:
      return { max: 0xff, perBlock, get: (v, n) => v.getUint8(n), set: (v, n, count) => v.setUint8(n, count) };
    case 4:
      return { max: 0xffff, perBlock, get: (v, n) => v.getUint16(2 * n), set: (v, n, count) => v.setUint16(2 * n, count) };
    case 5:
      return { max: 0xffff_ffff, perBlock, get: (v, n) => v.getUint32(4 * n), set: (v, n, count) => v.setUint32(4 * n, count) };
    case 6:
      return {
        max: Number.MAX_SAFE_INTEGER,
        perBlock,
        // What no image can reach counts as the most there is.
        get: (v, n) => Math.min(readU64(v, 8 * n), Number.MAX_SAFE_INTEGER),
        set: (v, n, count) => writeU64(v, 8 * n, count),
      };
    default:
      return narrow(order, perBlock);
  }
}

/** Less than a byte: the lowest bits of a byte hold the first. */
function narrow(order: number, perBlock: number): RefcountCodec {
  const bits = 1 << order;
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  const shift = (index: number): number => (index % perByte) * bits;
  return {
    max: mask,
    perBlock,
    get: (view, index) => (view.getUint8(Math.floor(index / perByte)) >> shift(index)) & mask,
    set: (view, index, count) => {
      const at = Math.floor(index / perByte);
      view.setUint8(at, (view.getUint8(at) & ~(mask << shift(index))) | (count << shift(index)));
    },
  };
}
