/**
 * Where in RAM the page tables are that translations in use were read from. Pages with tables are taken off the fast path
 * of stores; what a store changes there is found out from the marks. Derived data.
 */
import { CACHED, type GuestMemory, PAGE_SHIFT, RAM_BASE, TABLE } from '../../bus/memory.ts';

/** More pages than this, or more changes in one of them: start over. */
const MAX_PAGES = 1024;
const MAX_CHANGES = 40;
/** Indices into `counts`. */
const PAGES = 0;

/** The bit of a page's parts for a byte offset: one for each 1 KiB, the size of a coarse table. */
const partOf = (offset: number): number => 1 << ((offset >>> 10) & 3);
const pageOf = (offset: number): number => (offset - RAM_BASE) >>> PAGE_SHIFT;

/** All offsets are byte offsets in the WebAssembly memory. */
export class TableMarks {
  private readonly memory: GuestMemory;
  private readonly pages = new Int32Array(MAX_PAGES);
  private readonly counts = new Int32Array(1);
  /** By page of RAM: the parts that descriptors were read from, those of them that were of the first level, changes since. */
  private readonly parts: Uint8Array;
  private readonly firstLevelParts: Uint8Array;
  private readonly changes: Uint8Array;

  constructor(memory: GuestMemory) {
    this.memory = memory;
    this.parts = new Uint8Array(memory.flags.length);
    this.firstLevelParts = new Uint8Array(memory.flags.length);
    this.changes = new Uint8Array(memory.flags.length);
    Object.freeze(this);
  }

  /** Whether there is room for the marks of one more walk. */
  hasRoom(): boolean {
    return this.counts[PAGES] <= MAX_PAGES - 2;
  }

  /** A descriptor was read. `forbid` takes its page off the fast path of stores. */
  mark(offset: number, firstLevel: boolean, forbid: (page: number) => void): void {
    const { memory, counts } = this;
    const page = pageOf(offset);
    this.parts[page] |= partOf(offset);
    if (firstLevel) this.firstLevelParts[page] |= partOf(offset);
    if (memory.flags[page] & TABLE) return;
    forbid(page);
    memory.flags[page] |= TABLE;
    this.pages[counts[PAGES]++] = page;
  }

  /** Whether anything may have been found by the word there, as it is now: by a descriptor that maps nothing, nothing is. */
  isUsed(offset: number): boolean {
    return (this.memory.words[offset >> 2] & 3) !== 0 && (this.parts[pageOf(offset)] & partOf(offset)) !== 0;
  }

  isFirstLevel(offset: number): boolean {
    return (this.firstLevelParts[pageOf(offset)] & partOf(offset)) !== 0;
  }

  /** Whether the word there may have led to a second-level table. */
  isTable(offset: number): boolean {
    return (this.memory.words[offset >> 2] & 3) !== 2 && this.isFirstLevel(offset);
  }

  /** Counts a change of a descriptor that is used. Returns whether the page may well hold something else by now. */
  changed(offset: number): boolean {
    return ++this.changes[pageOf(offset)] > MAX_CHANGES;
  }

  /** Nothing is in use any more; no fast path for stores is left. */
  clear(): void {
    const { memory, pages, counts } = this;
    for (let n = 0; n < counts[PAGES]; n++) {
      const page = pages[n];
      memory.flags[page] &= ~(TABLE | CACHED);
      this.parts[page] = 0;
      this.firstLevelParts[page] = 0;
      this.changes[page] = 0;
    }
    counts[PAGES] = 0;
  }
}
