/**
 * Decoded instructions, by physical page, and the fetch side of the translation cache. Derived data: it may be dropped
 * between any two instructions.
 */
import { CODE, type GuestMemory, PAGE_SHIFT, RAM_BASE, TLB_CONTEXTS } from '../../bus/memory.ts';
import type { CompiledRegion } from './jit/arm-jit.ts';
import type { Op } from './op.ts';

/** The decoded instructions of one page of RAM, as it is seen at one virtual address; an undefined slot is not decoded yet. */
export class CodePage {
  /** No other page that is or was has the same. */
  readonly number: number;
  /** Byte offset of the page in the WebAssembly memory. */
  readonly offset: number;
  /** Virtual address of the page. */
  readonly address: number;
  readonly arm: (Op | undefined)[];
  readonly thumb: (Op | undefined)[];
  /** How often the interpreter has begun at each ARM instruction; or, below 0, what is compiled for it (`jit/arm-jit.ts`). */
  readonly armHeat = new Int32Array(1024);
  /** The same of each Thumb instruction, once there are any. */
  readonly thumbHeat: number[] = [];
  readonly regions: CompiledRegion[] = [];
  /** For each word: 1 if compiled code executes it, 2 if it takes it for a constant, or both. */
  readonly covered = new Uint8Array(1024);
  /** 1 for each word that was taken for a constant, and was not. */
  readonly varying = new Uint8Array(1024);
  /** [0]: how often stores have hit such words. */
  readonly changes = new Int32Array(1);
  constructor(number: number, offset: number, address: number) {
    this.number = number;
    this.offset = offset;
    this.address = address;
    this.arm = new Array<Op | undefined>(1024).fill(undefined);
    this.thumb = [];
    Object.freeze(this);
  }
}

/** Compiled code, which is to be told what has become of the code that it was made of. */
export interface CompiledCode {
  /** A store has hit a word of the page. Returns whether compiled code was dropped. */
  changed(page: CodePage, word: number): boolean;
  /** Code that was made of a word of the page must not be used any more, although the word is the same. Returns whether there was any. */
  dropWord(page: CodePage, word: number): boolean;
  /** The page is not code any more. */
  dropPage(page: CodePage): void;
  forgetAddresses(): void;
  drop(): void;
}

const ENTRIES = 256;
const NOTHING = -1;
/** A guest that executes more pages than this starts over: 8 KiB each, or 24 with Thumb code. */
const MAX_PAGES = 3000;
/** Stores that a page of code takes before it is taken for data, the first time; it doubles so often at most. */
const FEW_STORES = 64;
const MAX_DOUBLINGS = 20;

export class CodeCache {
  private readonly memory: GuestMemory;
  /** By page of RAM: one for each virtual address that it was executed at. */
  private readonly pages: (CodePage[] | undefined)[];
  private readonly known: number[] = [];
  /** [0]: the last number that a page was given; a double, so that numbers never come again. */
  private readonly counter = new Float64Array(1);
  private readonly compiled: () => CompiledCode | undefined;
  /** By page of RAM: stores since instructions were decoded there, and how often that became too many. */
  private readonly stores: Uint32Array;
  private readonly forgotten: Uint8Array;
  /** Fetch translations: virtual page, or NOTHING; direct mapped, per context. */
  readonly tags = new Int32Array(TLB_CONTEXTS * ENTRIES).fill(NOTHING);
  readonly found: (CodePage | undefined)[] = new Array(TLB_CONTEXTS * ENTRIES).fill(undefined);

  /** @param compiled the second tier, if there is one */
  constructor(memory: GuestMemory, compiled: () => CompiledCode | undefined) {
    this.memory = memory;
    this.compiled = compiled;
    this.pages = new Array(memory.flags.length).fill(undefined);
    this.stores = new Uint32Array(memory.flags.length);
    this.forgotten = new Uint8Array(memory.flags.length);
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

  /** The decoded page for a byte offset, seen at `address`; `created` when the page must be taken off the fast path of stores. */
  page(offset: number, address: number, created: (page: number) => void): CodePage {
    const number = (offset - RAM_BASE) >>> PAGE_SHIFT;
    const virtual = address & ~0xfff;
    const known = this.pages[number]?.find((page) => page.address === virtual);
    if (known !== undefined) return known;
    if (this.known.length >= MAX_PAGES) this.drop();
    const page = new CodePage(++this.counter[0], offset, virtual);
    if (this.pages[number] === undefined) this.pages[number] = [page];
    else this.pages[number].push(page);
    this.known.push(number);
    created(number);
    this.memory.flags[number] |= CODE;
    return page;
  }

  /**
   * A store has hit the page. A page
   * that is stored to again and again is data by now, and forgotten, so that stores to it are fast; twice as late each
   * time. Returns whether what is running may be gone.
   */
  stored(page: number, offset: number): boolean {
    if (++this.stores[page] > FEW_STORES << this.forgotten[page]) {
      this.forgetPage(page);
      return true;
    }
    return this.invalidate(page, offset);
  }

  /** The instructions that hold this byte offset are decoded again when they come up. Returns whether compiled code was dropped. */
  invalidate(page: number, offset: number): boolean {
    let dropped = false;
    for (const decoded of this.pages[page] ?? []) {
      forgetWord(decoded, offset);
      if (this.compiled()?.changed(decoded, offset >>> 2)) dropped = true;
    }
    return dropped;
  }

  private forgetPage(page: number): void {
    this.dropPages([page]);
    this.stores[page] = 0;
    if (this.forgotten[page] < MAX_DOUBLINGS) this.forgotten[page]++;
  }

  /** What is compiled may be at other addresses now. */
  forgetAddresses(): void {
    this.compiled()?.forgetAddresses();
  }

  /** Instructions at this offset of any page are decoded again when they come up. */
  forget(offset: number): void {
    for (const number of this.known) {
      for (const decoded of this.pages[number] ?? []) {
        forgetWord(decoded, offset);
        this.compiled()?.dropWord(decoded, offset >>> 2);
      }
    }
  }

  /** Forgets the code of some pages. */
  dropPages(numbers: readonly number[]): void {
    for (const number of numbers) {
      for (const decoded of this.pages[number] ?? []) this.compiled()?.dropPage(decoded);
      this.pages[number] = undefined;
      this.memory.flags[number] &= ~CODE;
    }
    this.known.splice(0, Infinity, ...this.known.filter((number) => this.pages[number] !== undefined));
    this.tags.fill(NOTHING);
    this.found.fill(undefined);
  }

  /** Forgets everything. */
  drop(): void {
    this.compiled()?.drop();
    for (const number of this.known) {
      this.pages[number] = undefined;
      this.memory.flags[number] &= ~CODE;
    }
    this.known.length = 0;
    this.tags.fill(NOTHING);
    this.found.fill(undefined);
  }
}

/** What was decoded of a word. */
function forgetWord({ arm, thumb }: CodePage, offset: number): void {
  arm[offset >>> 2] = undefined;
  if (thumb.length === 0) return;
  thumb[(offset & ~3) >>> 1] = undefined;
  thumb[((offset & ~3) >>> 1) + 1] = undefined;
}
