/**
 * Guest memory: one WebAssembly memory that never grows. It begins with a header (the CPU's state block, its
 * translation cache and more that compiled code shares, at fixed offsets) and holds the guest's RAM behind it.
 *
 * Each RAM page has flags that make stores cheap: a page is written through the fast path only while it is already
 * dirty, holds no decoded code and no page table in use. The flags are derived data.
 */
import { assert } from '../errors/errors.ts';

/** Host page of bookkeeping: dirty tracking, hashing and code caching all work on these. */
export const PAGE_BYTES = 4096;
export const PAGE_SHIFT = 12;

/** Where the CPU's state block begins. */
export const CPU_BASE = 0;
/** Where the words begin that interpreter and compiled code share while they run; derived data. `RUN` says which they are. */
export const RUN_BASE = 0x3f00;
/** Where the CPU's translation cache begins. */
export const TLB_BASE = 0x4000;
/**
 * The translation cache has so many contexts, and behind them an empty one that nothing is found in. Each is direct
 * mapped, by the address bits above the page.
 */
export const TLB_CONTEXTS = 16;
export const TLB_CONTEXT_BYTES = 0x2000;
/**
 * Byte offsets in an entry: the page that it allows loads from, the page that it allows stores to, what to add to a guest
 * address to get a byte offset in the WebAssembly memory; and its size.
 */
export const TLB_ENTRY = { LOAD: 0, STORE: 4, DELTA: 8, BYTES: 16 } as const;
/** Where the tables begin by which compiled code finds the code at a guest address (`jit/jump-table.ts`). */
export const JUMP_BASE = 0x30000;
export const FETCH_BASE = 0x70000;
/** Where RAM begins in the WebAssembly memory. */
export const RAM_BASE = 0x80000;

/** Indices of the words at `RUN_BASE`. */
export const RUN = {
  /** Instructions left of the slice; those of the running stretch of straight code are in it (interpreter) or not (compiled code). */
  LEFT: 0,
  /** Where in its page the interpreter's stretch ends at the latest; 0 to look at interrupts and fetch anew after this instruction. */
  STOP: 1,
  /** The address that the running stretch's count begins at; -1 while none runs. */
  FROM: 2,
  /** The current context's first word in the translation cache. */
  CONTEXT: 3,
  /** The first word of the context that an access as the user goes by; of the empty one if there is none yet. */
  USER_CONTEXT: 5,
  /** Changes whenever what is found by virtual address may be something else. */
  EPOCH: 4,
  WORDS: 8,
} as const;

/** Written since the flags were last cleared. */
export const DIRTY = 1;
/** Instructions of this page have been decoded. */
export const CODE = 2;
/** Translations in use were read from this page. */
export const TABLE = 4;
/** The CPU may have a fast path for stores to this page. */
export const CACHED = 8;

interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
declare const WebAssembly: { readonly Memory: new (descriptor: { initial: number; maximum: number }) => WasmMemory };

/** Pages written since someone asked last. Everyone who wants to know has one of these. */
export class DirtyPages {
  /** 1 for each page that was written. */
  private readonly marks: Uint8Array;
  private readonly memory: GuestMemory;

  constructor(memory: GuestMemory, marks: Uint8Array) {
    this.memory = memory;
    this.marks = marks;
    Object.freeze(this);
  }

  /** How many pages, as of the last time that anyone took theirs. */
  get count(): number {
    let count = 0;
    for (const mark of this.marks) count += mark;
    return count;
  }

  /** Numbers of the pages, in order; from now on they count as clean. The caller must have the CPU track stores anew (`Cpu.dropStores`). */
  take(): number[] {
    this.memory.harvest();
    const pages: number[] = [];
    const { marks } = this;
    for (let page = marks.indexOf(1); page >= 0; page = marks.indexOf(1, page + 1)) pages.push(page);
    marks.fill(0);
    return pages;
  }
}

export class GuestMemory {
  readonly wasm: WasmMemory;
  readonly ramBytes: number;
  /** The words at `RUN_BASE`. */
  readonly run: Int32Array;
  /** Views of the whole WebAssembly memory. */
  readonly bytes: Uint8Array;
  readonly halves: Uint16Array;
  readonly words: Int32Array;
  /** The RAM alone. */
  readonly ram: Uint8Array;
  /** Flags of each RAM page. */
  readonly flags: Uint8Array;
  /** Of each user of dirty tracking: the pages that it has not been told of. */
  private readonly trackers: Uint8Array[] = [];

  /** @param ramBytes a multiple of 64 KiB. */
  constructor(ramBytes: number) {
    assert(ramBytes > 0 && ramBytes % 0x10000 === 0, 'RAM is a multiple of 64 KiB');
    const pages = (RAM_BASE + ramBytes) / 0x10000;
    this.wasm = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.ramBytes = ramBytes;
    this.run = new Int32Array(this.wasm.buffer, RUN_BASE, RUN.WORDS);
    this.bytes = new Uint8Array(this.wasm.buffer);
    this.halves = new Uint16Array(this.wasm.buffer);
    this.words = new Int32Array(this.wasm.buffer);
    this.ram = new Uint8Array(this.wasm.buffer, RAM_BASE, ramBytes);
    this.flags = new Uint8Array(ramBytes >>> PAGE_SHIFT);
    Object.freeze(this);
  }

  /** @param everything whether all pages count as written at first, or only those that were loaded lately */
  track(everything: boolean): DirtyPages {
    const marks = new Uint8Array(this.flags.length).fill(everything ? 1 : 0);
    this.trackers.push(marks);
    return new DirtyPages(this, marks);
  }

  /** Hands the pages that were written to everyone who tracks them, and marks them clean. */
  harvest(): void {
    const { flags, trackers } = this;
    for (let page = 0; page < flags.length; page++) {
      if (!(flags[page] & DIRTY)) continue;
      flags[page] &= ~DIRTY;
      for (const marks of trackers) marks[page] = 1;
    }
  }

  /** The bytes of a page. */
  page(number: number): Uint8Array {
    return this.ram.subarray(number << PAGE_SHIFT, (number + 1) << PAGE_SHIFT);
  }

  /** Copies `data` into RAM at byte `offset`. The caller must drop what the CPU derived from it (`Cpu.dropDerived`). */
  load(offset: number, data: Uint8Array): void {
    assert(offset >= 0 && offset + data.length <= this.ramBytes, 'a load lies within RAM');
    this.ram.set(data, offset);
    for (let page = offset >>> PAGE_SHIFT; page << PAGE_SHIFT < offset + data.length; page++) this.flags[page] |= DIRTY;
  }
}
