/**
 * Decoded instructions, by physical page, and the fetch side of the translation cache. Derived data: it may be dropped
 * between any two instructions.
 */
import { CODE, type GuestMemory, PAGE_SHIFT, RAM_BASE } from '../../bus/memory.ts';
import type { Op } from './op.ts';

/** The decoded instructions of one page of RAM; an undefined slot is not decoded yet. */
export class CodePage {
  /** Byte offset of the page in the WebAssembly memory. */
  readonly offset: number;
  readonly arm: (Op | undefined)[];
  readonly thumb: (Op | undefined)[];
  constructor(offset: number) {
    this.offset = offset;
    this.arm = new Array<Op | undefined>(1024).fill(undefined);
    this.thumb = [];
    Object.freeze(this);
  }
}

const CONTEXTS = 4;
const ENTRIES = 256;
const NOTHING = -1;
/** A guest that executes more pages than this starts over: 8 KiB each, or 24 with Thumb code. */
const MAX_PAGES = 3000;

export class CodeCache {
  private readonly memory: GuestMemory;
  /** By page of RAM. */
  private readonly pages: (CodePage | undefined)[];
  private readonly known: number[] = [];
  /** Fetch translations: virtual page, or NOTHING; direct mapped, per context. */
  readonly tags = new Int32Array(CONTEXTS * ENTRIES).fill(NOTHING);
  readonly found: (CodePage | undefined)[] = new Array(CONTEXTS * ENTRIES).fill(undefined);

  constructor(memory: GuestMemory) {
    this.memory = memory;
    this.pages = new Array(memory.flags.length).fill(undefined);
    Object.freeze(this);
  }

  /** The decoded page at this byte offset, if it is known to be what `address` fetches from in `context`. */
  lookup(address: number, context: number): CodePage | undefined {
    const slot = context * ENTRIES + ((address >>> PAGE_SHIFT) & (ENTRIES - 1));
    return this.tags[slot] === (address & ~0xfff) ? this.found[slot] : undefined;
  }

  /** Remembers that `address` fetches from `page` in `context`. */
  remember(address: number, context: number, page: CodePage): void {
    const slot = context * ENTRIES + ((address >>> PAGE_SHIFT) & (ENTRIES - 1));
    this.tags[slot] = address & ~0xfff;
    this.found[slot] = page;
  }

  forgetContext(context: number): void {
    this.tags.fill(NOTHING, context * ENTRIES, (context + 1) * ENTRIES);
  }

  /** The decoded page for a byte offset; `created` when the page must be taken off the fast path of stores. */
  page(offset: number, created: (page: number) => void): CodePage {
    const number = (offset - RAM_BASE) >>> PAGE_SHIFT;
    const known = this.pages[number];
    if (known !== undefined) return known;
    if (this.known.length >= MAX_PAGES) this.drop();
    const page = new CodePage(offset);
    this.pages[number] = page;
    this.known.push(number);
    created(number);
    this.memory.flags[number] |= CODE;
    return page;
  }

  /** A store has hit the page: the instructions that hold this byte offset are decoded again when they come up. */
  invalidate(page: number, offset: number): void {
    const decoded = this.pages[page];
    if (decoded === undefined) return;
    decoded.arm[offset >>> 2] = undefined;
    if (decoded.thumb.length !== 0) {
      decoded.thumb[(offset & ~3) >>> 1] = undefined;
      decoded.thumb[((offset & ~3) >>> 1) + 1] = undefined;
    }
  }

  /** Instructions at this offset of any page are decoded again when they come up. */
  forget(offset: number): void {
    for (const number of this.known) this.invalidate(number, offset);
  }

  /** Forgets everything. */
  drop(): void {
    for (const number of this.known) {
      this.pages[number] = undefined;
      this.memory.flags[number] &= ~CODE;
    }
    this.known.length = 0;
    this.tags.fill(NOTHING);
    this.found.fill(undefined);
  }
}
