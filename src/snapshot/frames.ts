/**
 * Blocks in a stream of bytes that has no structure of its own: each with its length in front and a check behind, which
 * is seeded with the one before. A block of no bytes ends the stream.
 */
import type { Hasher } from '../replay/hasher.ts';
import { MAX_BLOCK } from './blocks.ts';
import { damaged } from './damage.ts';

const LENGTH_BYTES = 4;
const CHECK_BYTES = 8;
/** "RPR state", so that nothing else is taken for one; version in the last byte. */
const MAGIC = Uint8Array.of(0x52, 0x50, 0x52, 0x53, 0x54, 0x41, 0x54, 1);

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

export async function* frame(blocks: AsyncIterable<Uint8Array>, hasher: Hasher): AsyncGenerator<Uint8Array> {
  yield MAGIC;
  let check = hasher.h64(MAGIC, 0n);
  const framed = (block: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(LENGTH_BYTES + block.length + CHECK_BYTES);
    viewOf(bytes).setUint32(0, block.length, true);
    bytes.set(block, LENGTH_BYTES);
    check = hasher.h64(bytes.subarray(0, LENGTH_BYTES + block.length), check);
    viewOf(bytes).setBigUint64(LENGTH_BYTES + block.length, check, true);
    return bytes;
  };
  for await (const block of blocks) yield framed(block);
  yield framed(new Uint8Array(0));
}

/** @param read exactly `length` bytes at `position` @throws RepriseError SNAPSHOT_DAMAGED, and what `read` throws */
export async function* unframe(
  read: (position: number, length: number) => Promise<Uint8Array>,
  size: number,
  hasher: Hasher,
): AsyncGenerator<Uint8Array> {
  let position = 0;
  const take = async (length: number): Promise<Uint8Array> => {
    if (position + length > size) throw damaged('it ends too early');
    const bytes = await read(position, length);
    position += length;
    return bytes;
  };
  const magic = await take(MAGIC.length);
  if (MAGIC.some((byte, n) => magic[n] !== byte)) throw damaged('it was not made by Reprise, or by another version of it');
  let check = hasher.h64(MAGIC, 0n);
  for (;;) {
    const head = await take(LENGTH_BYTES);
    const length = viewOf(head).getUint32(0, true);
    if (length > MAX_BLOCK) throw damaged('a block is longer than any can be');
    const rest = await take(length + CHECK_BYTES);
    const bytes = new Uint8Array(LENGTH_BYTES + length);
    bytes.set(head);
    bytes.set(rest.subarray(0, length), LENGTH_BYTES);
    check = hasher.h64(bytes, check);
    if (viewOf(rest).getBigUint64(length, true) !== check) throw damaged('a block does not match its check');
    if (length === 0) return;
    yield bytes.subarray(LENGTH_BYTES);
  }
}
