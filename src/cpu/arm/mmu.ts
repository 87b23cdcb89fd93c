/**
 * The CPU's way to memory: a translation cache in front of `translate`, and the slow paths behind it.
 *
 * The cache is derived data and invisible to the guest, because it is kept coherent with the tables: a store into a
 * page that descriptors were read from drops it. (The architecture allows a TLB to forget an entry at any moment, so
 * this is one of the legal behaviours, and the only one that does not depend on when an entry was cached.)
 *
 * A *context* is what translations depend on: privilege, the domain access register and the table base. There are several,
 * so that a kernel that closes the user's domain on each entry (as Linux does), and that changes from process to process,
 * does not start with an empty cache each time.
 *
 * An entry has four words: the page it allows loads from, the page it allows stores to, what to add to a virtual address
 * to get a byte offset in the WebAssembly memory, and where the descriptor is that it was made from. A store tag is only there while the page is dirty
 * and holds neither decoded code nor page tables, so dirty tracking and self-modifying code cost nothing on the fast path.
 */
import type { AddressSpace } from '../../bus/address-space.ts';
import type { AccessSize } from '../../bus/device.ts';
import {
  CACHED,
  CODE,
  DIRTY,
  type GuestMemory,
  PAGE_SHIFT,
  RAM_BASE,
  RUN,
  TABLE,
  TLB_BASE,
  TLB_CONTEXT_BYTES,
  TLB_CONTEXTS,
  TLB_ENTRY,
} from '../../bus/memory.ts';
import type { StateOf } from '../../state/fields.ts';
import type { CodeCache } from './code-cache.ts';
import type { ArmDebug } from './debug.ts';
import { DATA_ABORT } from './exceptions.ts';
import { FAULT } from './fault.ts';
import { MODE } from './psr.ts';
import type { armState } from './state.ts';
import { TableMarks } from './table-marks.ts';
import { modified, type TableListener, type Translation, translate, unlock } from './translation.ts';

const CONTEXTS = TLB_CONTEXTS;
const CONTEXT_WORDS = TLB_CONTEXT_BYTES / 4;
const WORDS = CONTEXTS * CONTEXT_WORDS;
/** The first word of the context that is always empty. */
const EMPTY = WORDS;
const ENTRY_WORDS = TLB_ENTRY.BYTES / 4;
/** Selects the entry's first word: bits 20:12 of the address. */
export const TLB_INDEX_MASK = CONTEXT_WORDS - ENTRY_WORDS;
/** Never equal to an address of which the bits inside the page, but the lowest two, are cleared. */
const INVALID = 0x800;
const PAGE = ~0xfff;
/** No byte offset of a first-level table. */
const NO_TABLE = -2;

const CONTROL_A = 1 << 1;
const LOCK_P = 1;

/** Indices into `scratch`. */
const NEXT_VICTIM = 0;
const LAST_EPOCH = 1;
const DESCRIPTOR = 2;

export class Mmu {
  private readonly s: StateOf<typeof armState.schema>;
  private readonly memory: GuestMemory;
  private readonly bus: AddressSpace;
  private readonly code: CodeCache;
  private readonly debug: ArmDebug;
  /** The cache, in the header of the WebAssembly memory. */
  readonly tlb: Int32Array;
  /** Derived: victim; last epoch; byte offset of the descriptor that the last walk found, -1 for none. */
  private readonly scratch = new Int32Array(3);
  /** The words that compiled code shares: the current context's first word in `tlb`, and its epoch. */
  private readonly run: Int32Array;
  private readonly contextKeys = new Float64Array(CONTEXTS).fill(-1);
  /** Of each context: its epoch, and whether anything may have been cached in it since it was emptied. */
  private readonly filled = new Uint8Array(CONTEXTS);
  private readonly epochs = new Int32Array(CONTEXTS);
  private readonly marks: TableMarks;
  /** Of each context: byte offset of its first-level table, and those of the descriptors that instructions were found by. */
  private readonly tables = new Int32Array(CONTEXTS);
  private readonly fetchDescriptors: readonly Set<number>[] = Array.from({ length: CONTEXTS }, () => new Set<number>());
  private readonly found: Translation = { fault: 0, physical: 0, readable: false, writable: false, permissionFault: 0, uniform: false };
  private readonly onTable: TableListener;
  /** Asks the CPU to fetch anew after the running instruction. */
  private readonly refetch: () => void;

  constructor(s: StateOf<typeof armState.schema>, memory: GuestMemory, bus: AddressSpace, code: CodeCache, debug: ArmDebug, refetch: () => void) {
    this.s = s;
    this.memory = memory;
    this.bus = bus;
    this.code = code;
    this.debug = debug;
    this.refetch = refetch;
    this.run = memory.run;
    this.tlb = new Int32Array(memory.wasm.buffer, TLB_BASE, WORDS + CONTEXT_WORDS);
    this.tlb.fill(INVALID);
    this.marks = new TableMarks(memory);
    this.onTable = (offset, firstLevel) => {
      this.scratch[DESCRIPTOR] = offset;
      this.marks.mark(offset, firstLevel, (page) => this.forbidStores(page));
    };
    Object.freeze(this);
  }

  /** To be called when the mode, the domain access register or the table base has changed. */
  selectContext(): void {
    const context = this.contextFor(this.s.mode !== MODE.usr);
    this.filled[context] = 1;
    this.run[RUN.CONTEXT] = context * CONTEXT_WORDS;
    this.run[RUN.EPOCH] = this.epochs[context];
    this.findUserContext();
  }

  private findUserContext(): void {
    this.run[RUN.USER_CONTEXT] = EMPTY;
    const key = this.keyFor(false);
    for (let n = 0; n < CONTEXTS; n++) {
      if (this.contextKeys[n] !== key) continue;
      this.run[RUN.USER_CONTEXT] = n * CONTEXT_WORDS;
      this.filled[n] = 1;
    }
  }

  /** All that a context depends on, as one number: 18 bits of the table base, 32 of the domain access register, privilege. */
  private keyFor(privileged: boolean): number {
    const { ttbr, dacr } = this.s;
    return (ttbr >>> 14) * 2 ** 33 + dacr * 2 + (privileged ? 1 : 0);
  }

  /** The context of an access as the user. */
  private userContext(): number {
    if (this.run[RUN.USER_CONTEXT] === EMPTY) {
      this.contextFor(false);
      this.findUserContext();
    }
    return this.run[RUN.USER_CONTEXT];
  }

  /** What was found by virtual address in this context counts no more. */
  private forgetContext(context: number): void {
    this.tlb.fill(INVALID, context * CONTEXT_WORDS, (context + 1) * CONTEXT_WORDS);
    this.forgetCode(context);
  }

  /** The same of instructions alone. */
  private forgetCode(context: number): void {
    const { scratch } = this;
    this.code.forgetContext(context);
    this.fetchDescriptors[context].clear();
    if (scratch[LAST_EPOCH] === 0x7fffffff) {
      scratch[LAST_EPOCH] = 0;
      this.code.forgetAddresses();
    }
    this.epochs[context] = ++scratch[LAST_EPOCH];
  }

  private contextFor(privileged: boolean): number {
    const key = this.keyFor(privileged);
    const { contextKeys, scratch } = this;
    for (let n = 0; n < CONTEXTS; n++) if (contextKeys[n] === key) return n;
    let victim = scratch[NEXT_VICTIM];
    if (victim === this.context()) victim = (victim + 1) % CONTEXTS;
    scratch[NEXT_VICTIM] = (victim + 1) % CONTEXTS;
    contextKeys[victim] = key;
    this.tables[victim] = this.bus.ramOffset(this.s.ttbr);
    this.forgetContext(victim);
    return victim;
  }

  /** Number of the current context, for the fetch side. */
  context(): number {
    return (this.run[RUN.CONTEXT] / CONTEXT_WORDS) | 0;
  }

  /** Drops every cached translation. */
  flush(): void {
    const { filled } = this;
    for (let n = 0; n < CONTEXTS; n++) {
      if (filled[n]) this.forgetContext(n);
      filled[n] = 0;
    }
    // No store tag is left, so pages with tables need no marks.
    this.marks.clear();
    this.selectContext();
  }

  /** Drops every store tag: pages are to be tracked anew. */
  dropStores(): void {
    const { tlb, memory } = this;
    for (let n = 1; n < WORDS; n += ENTRY_WORDS) tlb[n] = INVALID;
    const { flags } = memory;
    for (let n = 0; n < flags.length; n++) flags[n] &= ~CACHED;
  }

  /** Drops what was found by a descriptor, in every `step`-th word from `first` to `end`. */
  private forgetEntries(descriptor: number, first: number, step: number, end: number): void {
    const { tlb } = this;
    for (let n = first; n < end; n += step) if (tlb[n + 3] === descriptor) tlb[n] = tlb[n + 1] = INVALID;
  }

  /** A descriptor is about to be changed: what was found by it holds no more. */
  private forgetDescriptor(offset: number): void {
    const { fetchDescriptors, marks } = this;
    if (!marks.isUsed(offset)) return;
    this.refetch();
    if (marks.changed(offset)) {
      this.flush();
      return;
    }
    const table = marks.isFirstLevel(offset) ? offset & ~0x3fff : NO_TABLE;
    // A whole table hangs on it: what was found by way of that first-level table is dropped.
    const isTable = marks.isTable(offset);
    // The place of a second-level descriptor in its table, of 256 or of 1024, is address bits 19:12: of the entry's 20:12.
    this.forgetEntries(offset, ((offset >>> 2) & 0xff) * ENTRY_WORDS, 256 * ENTRY_WORDS, WORDS);
    this.forgetEntries(offset, ((offset >>> 4) & 0xff) * ENTRY_WORDS, 256 * ENTRY_WORDS, WORDS);
    for (let n = 0; n < CONTEXTS; n++) {
      const begin = n * CONTEXT_WORDS;
      if (this.tables[n] === table) {
        if (isTable) this.forgetContext(n);
        else this.forgetEntries(offset, begin, ENTRY_WORDS, begin + CONTEXT_WORDS);
      }
      if (fetchDescriptors[n].has(offset)) this.forgetCode(n);
    }
    this.selectContext();
  }

  /** Before a walk, which may mark two pages: if they cannot be kept track of, none are, and nothing that was found through them. */
  private makeRoom(): void {
    if (this.marks.hasRoom()) return;
    this.flush();
    this.refetch();
  }

  /** Takes a page off the fast path of stores. */
  forbidStores(page: number): void {
    const { memory, tlb, filled } = this;
    if (!(memory.flags[page] & CACHED)) return;
    memory.flags[page] &= ~CACHED;
    const offset = RAM_BASE + (page << PAGE_SHIFT);
    for (let context = 0; context < CONTEXTS; context++) {
      if (!filled[context]) continue;
      for (let n = context * CONTEXT_WORDS; n < (context + 1) * CONTEXT_WORDS; n += ENTRY_WORDS) {
        if (tlb[n + 1] !== INVALID && ((tlb[n + 1] + tlb[n + 2]) | 0) === offset) tlb[n + 1] = INVALID;
      }
    }
  }

  unlock(address: number): void {
    if (!unlock(this.s, address)) return;
    this.flush();
    this.refetch();
  }

  /** Data access fault: sets the fault registers and leaves the instruction. */
  private abort(address: number, status: number): never {
    this.s.dfsr = status;
    this.s.far = modified(this.s, address);
    throw DATA_ABORT;
  }

  /** Faults if alignment is checked. */
  checkAlignment(address: number): void {
    if (this.s.control & CONTROL_A) this.abort(address, FAULT.alignment);
  }

  /** LDRD and STRD: a word pair at a multiple of 8; without alignment checking bit 2 may be set. */
  checkDouble(address: number): void {
    if (address & 7) this.checkAlignment(address);
  }

  /** Translates a data access, or aborts. Leaves the result in `found`. */
  private translateData(address: number, privileged: boolean, write: boolean): Translation {
    const { found, s } = this;
    this.makeRoom();
    const { tlbLockdown } = s;
    this.scratch[DESCRIPTOR] = -1;
    translate(s, this.memory, this.bus, address, privileged, true, found, this.onTable);
    // An entry was locked, and what was found by the one that it replaced holds no more.
    if (s.tlbLockdown !== tlbLockdown) {
      this.flush();
      this.refetch();
    }
    if (found.fault) this.abort(address, found.fault);
    if (!(write ? found.writable : found.readable)) this.abort(address, found.permissionFault);
    return found;
  }

  /** Remembers a translation of RAM at byte `offset` (of the page) in the WebAssembly memory. */
  private remember(address: number, contextWord: number, offset: number, t: Translation): void {
    if (!t.uniform || this.s.tlbLockdown & LOCK_P) return;
    const { tlb, memory } = this;
    const page = (offset - RAM_BASE) >>> PAGE_SHIFT;
    const entry = contextWord + ((address >>> 10) & TLB_INDEX_MASK);
    const watching = this.debug.watching();
    tlb[entry] = t.readable && !(watching && this.debug.watches('read', address, t.physical)) ? address & PAGE : INVALID;
    tlb[entry + 1] = INVALID;
    tlb[entry + 2] = offset - (address & PAGE);
    tlb[entry + 3] = this.scratch[DESCRIPTOR];
    if (watching && this.debug.watches('write', address, t.physical)) return;
    if (t.writable && (memory.flags[page] & (DIRTY | CODE | TABLE)) === DIRTY) {
      tlb[entry + 1] = address & PAGE;
      memory.flags[page] |= CACHED;
    }
  }

  /** A load that missed the cache, is not aligned, or is not of RAM. */
  load(address: number, size: AccessSize): number {
    return this.loadIn(address, size, this.run[RUN.CONTEXT], this.s.mode !== MODE.usr);
  }

  /** LDRT and its kin: a load with the permissions of user mode. */
  loadAsUser(address: number, size: AccessSize): number {
    return this.loadIn(address, size, this.userContext(), false);
  }

  private loadIn(address: number, size: AccessSize, contextWord: number, privileged: boolean): number {
    if (address & (size - 1)) {
      this.checkAlignment(address);
      if (size === 4) {
        // An unaligned word is the aligned one, rotated so that the addressed byte comes lowest (ARM ARM A2.8).
        const word = this.loadIn(address & ~3, 4, contextWord, privileged);
        const rotation = (address & 3) * 8;
        return (word >>> rotation) | (word << (32 - rotation));
      }
      return this.loadIn(address & ~1, 2, contextWord, privileged);
    }
    const { tlb } = this;
    const entry = contextWord + ((address >>> 10) & TLB_INDEX_MASK);
    if (tlb[entry] === (address & PAGE)) return this.get((address + tlb[entry + 2]) | 0, size);
    const t = this.translateData(address, privileged, false);
    const { physical } = t;
    const offset = this.bus.ramOffset(physical);
    if (offset >= 0) this.remember(address, contextWord, offset & PAGE, t);
    const value = offset < 0 ? this.bus.read(physical, size) | 0 : this.get(offset, size);
    if (this.debug.watching()) this.debug.accessed('read', address, physical, size, undefined, value);
    return value;
  }

  private get(offset: number, size: AccessSize): number {
    const { memory } = this;
    return size === 4 ? memory.words[offset >> 2] : size === 2 ? memory.halves[offset >> 1] : memory.bytes[offset];
  }

  /** A store that missed the cache, is not aligned, is not to RAM, or is to a page that is watched. */
  store(address: number, size: AccessSize, value: number): void {
    this.storeIn(address, size, value, this.run[RUN.CONTEXT], this.s.mode !== MODE.usr);
  }

  storeAsUser(address: number, size: AccessSize, value: number): void {
    this.storeIn(address, size, value, this.userContext(), false);
  }

  private storeIn(at: number, size: AccessSize, value: number, contextWord: number, privileged: boolean): void {
    if (at & (size - 1)) this.checkAlignment(at);
    const address = at & -size;
    const { memory, tlb } = this;
    const entry = contextWord + ((address >>> 10) & TLB_INDEX_MASK);
    if (tlb[entry + 1] === (address & PAGE)) {
      this.put((address + tlb[entry + 2]) | 0, size, value);
      return;
    }
    const t = this.translateData(address, privileged, true);
    const { physical } = t;
    const offset = this.bus.ramOffset(physical);
    if (this.debug.watching()) this.debug.accessed('write', address, physical, size, offset < 0 ? undefined : this.get(offset, size), value);
    if (offset < 0) {
      this.bus.write(physical, size, size === 4 ? value >>> 0 : value & (size === 2 ? 0xffff : 0xff));
      return;
    }
    const page = (offset - RAM_BASE) >>> PAGE_SHIFT;
    const flags = memory.flags[page];
    if (flags & TABLE) this.forgetDescriptor(offset & ~3);
    memory.flags[page] |= DIRTY;
    this.put(offset, size, value);
    if (flags & CODE && this.code.stored(page, offset & 0xfff)) this.refetch();
    if (!(flags & TABLE)) this.remember(address, contextWord, offset & PAGE, t);
  }

  private put(offset: number, size: AccessSize, value: number): void {
    const { memory } = this;
    if (size === 4) memory.words[offset >> 2] = value;
    else if (size === 2) memory.halves[offset >> 1] = value;
    else memory.bytes[offset] = value;
  }

  /**
   * Translates an instruction fetch. Returns the page's byte offset in the WebAssembly memory; -1 when the address is
   * not RAM (then `fetchedPhysical`), -2 when the fetch aborts (IFSR is set).
   */
  translateFetch(address: number): number {
    const { found, scratch } = this;
    this.makeRoom();
    scratch[DESCRIPTOR] = -1;
    translate(this.s, this.memory, this.bus, address, this.s.mode !== MODE.usr, false, found, this.onTable);
    const fault = found.fault || (found.readable ? 0 : found.permissionFault);
    if (fault) {
      this.s.ifsr = fault;
      return -2;
    }
    if (scratch[DESCRIPTOR] >= 0) this.fetchDescriptors[this.context()].add(scratch[DESCRIPTOR]);
    const offset = this.bus.ramOffset(found.physical);
    return offset < 0 ? -1 : offset & PAGE;
  }

  /** Whether the last fetch translation holds for its whole page, and its physical address. */
  fetched(): Readonly<Translation> {
    return this.found;
  }
}
