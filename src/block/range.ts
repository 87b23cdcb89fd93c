/** What every node demands of its callers. */
import { assert } from '../errors/errors.ts';
import type { BlockNode } from './node.ts';

/** Devices check what the guest asks for; an access outside of the disk, or a write to a read-only one, is a fault of ours. */
export function checkRange(node: Pick<BlockNode, 'size' | 'readOnly'>, offset: number, length: number, access: 'read' | 'write' = 'read'): void {
  assert(Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0, 'block offsets and lengths are whole numbers');
  assert(offset + length <= node.size, 'block accesses stay within the disk');
  assert(access === 'read' || !node.readOnly, 'a read-only disk is not written');
}
