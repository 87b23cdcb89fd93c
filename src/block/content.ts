/**
 * What is on a disk, independent of the format that it is kept in: its blocks that are not all zeros. Two images with the
 * same bytes have the same blocks and the same hash.
 */
import { extentOf } from './extents.ts';
import type { BlockNode, DiskBytes } from './node.ts';
import { isZero } from './zeros.ts';

/** Bytes of a block; the last of a disk may be shorter. */
export const CONTENT_BLOCK = 65_536;
/** Blocks that are read at once. */
const READ_BLOCKS = 16;

/** @param done bytes of the disk that have been looked at, of `size` */
export type ContentProgress = (done: number, size: number) => void;

/** The blocks that are not all zeros, in order; each is valid until the next one is asked for. Holes are not read. */
export async function* usedBlocks(node: BlockNode, progress: ContentProgress = () => {}): AsyncGenerator<DiskBytes> {
  for (let at = 0; at < node.size; ) {
    const { zero, length } = await extentOf(node, at);
    const end = at + length;
    // The end of the disk ends its last block.
    const whole = end === node.size ? end : end - (end % CONTENT_BLOCK);
    if (zero && whole > at) at = whole;
    else {
      const wanted = zero ? CONTENT_BLOCK : Math.min(Math.ceil(length / CONTENT_BLOCK), READ_BLOCKS) * CONTENT_BLOCK;
      const bytes = await node.read(at, Math.min(wanted, node.size - at));
      for (let from = 0; from < bytes.length; from += CONTENT_BLOCK) {
        const block = bytes.subarray(from, from + CONTENT_BLOCK);
        if (!isZero(block)) yield { offset: at + from, bytes: block };
      }
      at += bytes.length;
    }
    progress(at, node.size);
  }
}

/**
 * Feeds a hash with what is on a disk: its size, then the offset and the bytes of each block that is not all zeros
 * (numbers as 8 bytes, little-endian).
 * @param hash such as the host's SHA-256
 */
export async function hashContent(node: BlockNode, hash: { update(bytes: Uint8Array): void }, progress?: ContentProgress): Promise<void> {
  hash.update(encodeNumber(node.size));
  for await (const { offset, bytes } of usedBlocks(node, progress)) {
    hash.update(encodeNumber(offset));
    hash.update(bytes);
  }
}

function encodeNumber(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}
