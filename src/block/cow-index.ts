/**
 * Which blocks of a disk differ from its base, and in which slots of a scratch file they are. A table of two levels that
 * is copied on write: a capture shares all of it, and later changes copy the root and the leaves they touch.
 */
import { assert } from '../errors/errors.ts';

/** Bytes of a block, and of a slot of the scratch file. */
export const COW_BLOCK = 4096;
/** Blocks of a leaf. */
export const LEAF_BLOCKS = 1024;

/** What a block is: as in the base, zeros, or (from `FIRST_SLOT` on) what a slot holds. */
export const BASE = 0;
export const ZERO = 1;
const FIRST_SLOT = 2;

export const isSlot = (entry: number): boolean => entry >= FIRST_SLOT;
/** Where the bytes of an entry's slot begin in the scratch file. */
export const slotPosition = (entry: number): number => (entry - FIRST_SLOT) * COW_BLOCK;

interface Leaf {
  readonly entries: Uint32Array;
  /** Roots that have it. */
  holders: number;
}

/** The whole index at one moment. */
export interface CowRoot {
  readonly leaves: (Leaf | undefined)[];
  /** The disk, if it is as this says, and the captures. */
  holders: number;
}

export class CowIndex {
  private root: CowRoot;
  /** For each slot: the leaves that lead to it. */
  private uses = new Uint32Array(1024);
  /** Slots that have been handed out so far. */
  private slots = 0;
  private readonly free: number[] = [];
  /** Stands wherever all of a leaf is zeros; held by the index itself, so it is never written. */
  private readonly zeros: Leaf = { entries: new Uint32Array(LEAF_BLOCKS).fill(ZERO), holders: 1 };

  /** @param blocks of the disk */
  constructor(blocks: number) {
    this.root = { leaves: new Array(Math.ceil(blocks / LEAF_BLOCKS)), holders: 1 };
  }

  /** Makes all blocks as in the base. */
  clear(): void {
    const leaves = new Array(this.root.leaves.length);
    this.release(this.root);
    this.root = { leaves, holders: 1 };
  }

  get(block: number, root = this.root): number {
    return root.leaves[Math.floor(block / LEAF_BLOCKS)]?.entries[block % LEAF_BLOCKS] ?? BASE;
  }

  /** An entry whose slot nobody else has, so that it may be written in place. */
  own(block: number): number | undefined {
    const leaf = this.root.leaves[Math.floor(block / LEAF_BLOCKS)];
    if (this.root.holders > 1 || leaf === undefined || leaf.holders > 1) return undefined;
    const entry = leaf.entries[block % LEAF_BLOCKS];
    return isSlot(entry) && this.uses[entry - FIRST_SLOT] === 1 ? entry : undefined;
  }

  /** An entry for a slot that is free; `set` enters it, or `giveBack` frees it again. */
  allocate(): number {
    const slot = this.free.pop() ?? this.slots++;
    if (slot === this.uses.length) {
      const larger = new Uint32Array(this.uses.length * 2);
      larger.set(this.uses);
      this.uses = larger;
    }
    this.uses[slot] = 1;
    return slot + FIRST_SLOT;
  }

  giveBack(entry: number): void {
    if (isSlot(entry) && --this.uses[entry - FIRST_SLOT] === 0) this.free.push(entry - FIRST_SLOT);
  }

  set(block: number, entry: number): void {
    const { entries } = this.leafForWrite(Math.floor(block / LEAF_BLOCKS));
    const old = entries[block % LEAF_BLOCKS];
    entries[block % LEAF_BLOCKS] = entry;
    if (old !== entry) this.giveBack(old);
  }

  /** Makes all blocks of a leaf zeros. */
  zeroLeaf(number: number): void {
    const { leaves } = this.rootForWrite();
    const old = leaves[number];
    if (old === this.zeros) return;
    leaves[number] = this.zeros;
    this.zeros.holders++;
    if (old !== undefined) this.dropLeaf(old);
  }

  /** The index as it is now, or another holder of a capture; counts as one until `release`. */
  capture(root = this.root): CowRoot {
    root.holders++;
    return root;
  }

  /** Makes the index what it was. */
  restore(root: CowRoot): void {
    assert(root.holders > 0, 'only a capture that is held can be restored');
    root.holders++;
    this.release(this.root);
    this.root = root;
  }

  release(root: CowRoot): void {
    assert(root.holders > 0, 'a capture is released once');
    if (--root.holders > 0) return;
    for (const leaf of root.leaves) if (leaf !== undefined) this.dropLeaf(leaf);
  }

  /** The blocks that are not as in the base, in order. */
  *changed(root = this.root): Generator<number> {
    for (const [number, leaf] of root.leaves.entries()) {
      if (leaf === undefined) continue;
      for (let n = 0; n < LEAF_BLOCKS; n++) if (leaf.entries[n] !== BASE) yield number * LEAF_BLOCKS + n;
    }
  }

  private rootForWrite(): CowRoot {
    if (this.root.holders === 1) return this.root;
    for (const leaf of this.root.leaves) if (leaf !== undefined) leaf.holders++;
    this.root.holders--;
    this.root = { leaves: this.root.leaves.slice(), holders: 1 };
    return this.root;
  }

  private leafForWrite(number: number): Leaf {
    const { leaves } = this.rootForWrite();
    const leaf = leaves[number];
    if (leaf?.holders === 1) return leaf;
    const own: Leaf = { entries: leaf?.entries.slice() ?? new Uint32Array(LEAF_BLOCKS), holders: 1 };
    for (const entry of own.entries) if (isSlot(entry)) this.uses[entry - FIRST_SLOT]++;
    if (leaf !== undefined) leaf.holders--;
    leaves[number] = own;
    return own;
  }

  private dropLeaf(leaf: Leaf): void {
    if (--leaf.holders > 0) return;
    for (const entry of leaf.entries) this.giveBack(entry);
  }
}
