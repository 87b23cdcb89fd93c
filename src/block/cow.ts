/**
 * A private copy-on-write layer over a disk that is only read. What is written goes to a scratch file; memory holds an
 * index of some bytes for each block written. The whole disk can be captured and restored at the cost of a few pointers.
 */
import { assert } from '../errors/errors.ts';
import { BASE, COW_BLOCK, CowIndex, type CowRoot, isSlot, LEAF_BLOCKS, slotPosition, ZERO } from './cow-index.ts';
import { type Extent, extentOf, type SparseNode } from './extents.ts';
import type { BlockFile, BlockNode, DiskBytes } from './node.ts';
import { checkRange } from './range.ts';

/** The disk at one moment. It stays what it is until it is released. */
export interface CowState {
  readonly base: BlockNode;
  /** Undefined once released. */
  root: CowRoot | undefined;
}

/** Consecutive bytes that come from one place. */
interface Segment {
  readonly from: 'base' | 'scratch' | 'nowhere';
  readonly position: number;
  length: number;
}

/** The most that `contents` reads at once. */
const STEP = 2 ** 20;
const LEAF_BYTES = LEAF_BLOCKS * COW_BLOCK;

export class CowDisk implements SparseNode {
  readonly size: number;
  readonly readOnly = false;
  private base: BlockNode;
  private readonly scratch: BlockFile;
  private readonly index: CowIndex;
  /** Done when all operations so far are. */
  private last: Promise<unknown> = Promise.resolve();
  private underWay = 0;

  /**
   * @param base never written; stays open when the layer is closed
   * @param scratch an empty file that nobody else has; closed with the layer
   */
  constructor(base: BlockNode, scratch: BlockFile) {
    this.base = base;
    this.scratch = scratch;
    this.size = base.size;
    this.index = new CowIndex(Math.ceil(base.size / COW_BLOCK));
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this, offset, length);
    return this.serially(() => this.fetch(offset, length));
  }

  /** @throws RepriseError DISK_FULL, FILE_UNWRITABLE; the same write may be repeated then */
  write(offset: number, bytes: Uint8Array): Promise<void> {
    checkRange(this, offset, bytes.length, 'write');
    return this.serially(() => this.store(offset, bytes));
  }

  /** The layer ends with the process, so there is nothing to bring to safety. */
  flush(): Promise<void> {
    return this.serially(async () => {});
  }

  discard(offset: number, length: number): Promise<void> {
    checkRange(this, offset, length, 'write');
    return this.serially(() => this.clear(offset, length));
  }

  extent(offset: number): Promise<Extent> {
    return this.serially(async () => {
      const first = Math.floor(offset / COW_BLOCK);
      const kind = (block: number): number => Math.min(this.index.get(block), ZERO + 1);
      const end = Math.min((Math.floor(first / LEAF_BLOCKS) + 1) * LEAF_BLOCKS, Math.ceil(this.size / COW_BLOCK));
      let next = first + 1;
      while (next < end && kind(next) === kind(first)) next++;
      const length = Math.min(this.size, next * COW_BLOCK) - offset;
      if (kind(first) !== BASE) return { zero: kind(first) === ZERO, length };
      const below = await extentOf(this.base, offset);
      return { zero: below.zero, length: Math.min(length, below.length) };
    });
  }

  /** The disk as it is now, between two operations. To be released when it is needed no more. */
  capture(): CowState {
    assert(this.underWay === 0, 'a disk is captured between two operations');
    return { base: this.base, root: this.index.capture() };
  }

  /** Makes the disk what it was, between two operations. The state can be restored again. */
  restore(state: CowState): void {
    assert(this.underWay === 0, 'a disk is restored between two operations');
    this.index.restore(this.rootOf(state));
    this.base = state.base;
  }

  /** What the layer lies over: what `changes` are relative to. */
  get below(): BlockNode {
    return this.base;
  }

  /** Makes the disk what another one of its size is, between two operations. Captures keep the base that they have. */
  rebase(base: BlockNode): void {
    assert(this.underWay === 0, 'a disk is exchanged between two operations');
    assert(base.size === this.size, 'a disk keeps its size');
    this.index.clear();
    this.base = base;
  }

  /** Lets go of a state; the room that only it had is used again. */
  release(state: CowState): void {
    this.index.release(this.rootOf(state));
    state.root = undefined;
  }

  /** What differs from the base (or was written with the same bytes): ranges in order, as long as they can be. */
  *changes(state?: CowState): Generator<readonly [offset: number, length: number]> {
    let [start, end] = [0, 0];
    for (const block of this.index.changed(state && this.rootOf(state))) {
      const offset = block * COW_BLOCK;
      if (offset !== end) {
        if (end > start) yield [start, end - start];
        start = offset;
      }
      end = Math.min(this.size, offset + COW_BLOCK);
    }
    if (end > start) yield [start, end - start];
  }

  /** The bytes of `changes`, in pieces. Reads nothing from the base; the disk may be used meanwhile. */
  async *contents(state?: CowState): AsyncGenerator<DiskBytes> {
    const held = state === undefined ? this.capture() : { base: state.base, root: this.index.capture(this.rootOf(state)) };
    try {
      for (const [start, length] of this.changes(held)) {
        for (let done = 0; done < length; done += STEP) {
          const offset = start + done;
          yield { offset, bytes: await this.fetch(offset, Math.min(STEP, length - done), this.rootOf(held)) };
        }
      }
    } finally {
      this.release(held);
    }
  }

  /** Closes the scratch file. */
  close(): Promise<void> {
    return this.serially(() => this.scratch.close());
  }

  private rootOf({ root }: CowState): CowRoot {
    assert(root !== undefined, 'a state that was released is gone');
    return root;
  }

  /** @param root of a state, for blocks that differ from its base */
  private async fetch(offset: number, length: number, root?: CowRoot): Promise<Uint8Array> {
    const out = new Uint8Array(length);
    let pending: Segment | undefined;
    let start = 0;
    for (let done = 0; done < length; ) {
      const at = offset + done;
      const within = at % COW_BLOCK;
      const part = Math.min(COW_BLOCK - within, length - done);
      const next = this.segment(this.index.get((at - within) / COW_BLOCK, root), at, within, part);
      if (pending?.from === next.from && pending.position + pending.length === next.position) pending.length += part;
      else {
        if (pending !== undefined) await this.fill(out.subarray(start, done), pending);
        pending = next;
        start = done;
      }
      done += part;
    }
    if (pending !== undefined) await this.fill(out.subarray(start), pending);
    return out;
  }

  private segment(entry: number, at: number, within: number, length: number): Segment {
    if (isSlot(entry)) return { from: 'scratch', position: slotPosition(entry) + within, length };
    return { from: entry === BASE ? 'base' : 'nowhere', position: at, length };
  }

  private async fill(out: Uint8Array, { from, position, length }: Segment): Promise<void> {
    if (from === 'base') out.set(await this.base.read(position, length));
    if (from === 'scratch') out.set(await this.scratch.read(position, length));
  }

  private async store(offset: number, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const within = (offset + done) % COW_BLOCK;
      const left = bytes.length - done;
      if (within === 0 && left >= COW_BLOCK)
        done += await this.storeBlocks((offset + done) / COW_BLOCK, bytes.subarray(done, bytes.length - (left % COW_BLOCK)));
      else {
        const part = bytes.subarray(done, done + COW_BLOCK - within);
        await this.storePart(offset + done, part);
        done += part.length;
      }
    }
  }

  /** Writes whole blocks as far as their slots lie side by side. @returns bytes written, at least a block */
  private async storeBlocks(first: number, bytes: Uint8Array): Promise<number> {
    const slots: { readonly entry: number; readonly fresh: boolean }[] = [];
    for (let block = first; slots.length * COW_BLOCK < bytes.length; block++) {
      const own = this.index.own(block);
      const entry = own ?? this.index.allocate();
      if (slots.length > 0 && entry !== slots[0].entry + slots.length) {
        if (own === undefined) this.index.giveBack(entry);
        break;
      }
      slots.push({ entry, fresh: own === undefined });
    }
    const length = slots.length * COW_BLOCK;
    try {
      await this.scratch.write(slotPosition(slots[0].entry), bytes.subarray(0, length));
    } catch (error) {
      for (const { entry, fresh } of slots) if (fresh) this.index.giveBack(entry);
      throw error;
    }
    slots.forEach(({ entry }, n) => {
      this.index.set(first + n, entry);
    });
    return length;
  }

  /** Writes within one block. */
  private async storePart(offset: number, part: Uint8Array): Promise<void> {
    const within = offset % COW_BLOCK;
    const block = (offset - within) / COW_BLOCK;
    const own = this.index.own(block);
    if (own !== undefined) return this.scratch.write(slotPosition(own) + within, part);
    const content = new Uint8Array(COW_BLOCK);
    content.set(await this.fetch(offset - within, Math.min(COW_BLOCK, this.size - (offset - within))));
    content.set(part, within);
    await this.storeBlocks(block, content);
  }

  private async clear(offset: number, length: number): Promise<void> {
    const end = offset + length;
    for (let at = offset; at < end; ) {
      const within = at % COW_BLOCK;
      if (at % LEAF_BYTES === 0 && (end - at >= LEAF_BYTES || end === this.size)) {
        this.index.zeroLeaf(at / LEAF_BYTES);
        at += LEAF_BYTES;
        continue;
      }
      const to = Math.min(end, at - within + COW_BLOCK);
      const block = (at - within) / COW_BLOCK;
      if (this.index.get(block) !== ZERO) {
        // The last block may end after the disk does.
        if (within === 0 && (to - at === COW_BLOCK || to === this.size)) this.index.set(block, ZERO);
        else await this.storePart(at, new Uint8Array(to - at));
      }
      at = to;
    }
  }

  private serially<T>(operation: () => Promise<T>): Promise<T> {
    this.underWay++;
    const result = this.last.then(operation).finally(() => this.underWay--);
    // A failure is the caller's to see; those who come later go on.
    this.last = result.catch(() => {});
    return result;
  }
}
