/** Which parts of a disk are known to be zeros without reading them; lets copies skip the holes of large disks. */
import type { BlockNode } from './node.ts';

export interface Extent {
  /** Whether it surely reads as zeros. */
  readonly zero: boolean;
  /** Bytes from the offset asked for; at least 1, and within the disk. */
  readonly length: number;
}

/** A node that keeps track of its holes. */
export interface SparseNode extends BlockNode {
  /** @param offset within the disk */
  extent(offset: number): Promise<Extent>;
}

export function extentOf(node: BlockNode, offset: number): Promise<Extent> {
  if ('extent' in node) return (node as SparseNode).extent(offset);
  return Promise.resolve({ zero: false, length: node.size - offset });
}
