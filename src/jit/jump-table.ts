/**
 * How compiled code finds what is compiled for a guest address: two tables in the WebAssembly memory, and the
 * one module that looks there and calls what it finds. The module also owns the table of functions: on Node 20 and 22 a
 * module that imported a shared one would never be freed.
 *
 * The first table has two places for a guest address, half a table apart, so that two hot places whose addresses collide do
 * not drive each other out. An entry says: the epoch in which it was good, what to call, and the page of code
 * that this is part of. The second says which page of code is at a virtual page, in an epoch. After a change of address
 * space (another epoch) an entry of the first is good again if the second confirms its page: a process that has just
 * begun asks the slow way once for each page, not for each block.
 */
import { FETCH_BASE, type GuestMemory, JUMP_BASE, RUN, RUN_BASE } from '../bus/memory.ts';
import { OP, WasmCode } from './wasm-code.ts';
import { instantiate, type WasmFunction } from './wasm-host.ts';
import { encodeModule } from './wasm-module.ts';

const ENTRIES = 16384;
const FETCH_ENTRIES = 4096;
const ENTRY_WORDS = 4;
/** Distance in words of the two places for a guest address. */
const OTHER_PLACE = (ENTRIES / 2) * ENTRY_WORDS;

/** Slots for functions. */
export const SLOTS = 1 << 16;

/** Why compiled code comes back. */
export const RESULT = {
  /** Nothing is compiled for the address that execution goes on at. */
  MISSING: 0,
  /** An interrupt, a wait, or anything else has to be looked at between two instructions. */
  LOOK: 1,
  /** Fewer instructions are left than the block at the location has. */
  BUDGET: 2,
} as const;

/**
 * What a compiled function returns if it is not the key of the location to go on at, which is its address with the state
 * or-ed to it. No location that is returned as a key may look like one of these; it is left in memory instead.
 */
export const WAY = {
  /** Go on at the location that is in memory. */
  MEMORY: 2,
  /** Come back with `RESULT.LOOK`; the location is in memory. */
  LOOK: 6,
} as const;

/** Byte offsets in the WebAssembly memory of what tells where execution is. */
export interface Location {
  /** The program counter. */
  readonly pc: number;
  /** A word that is or-ed to it: which instruction set the code is of. */
  readonly state: number;
}

/** Bits of what to call that are the place in the function where to begin; the function's slot is above them. */
export const PLACE_BITS = 8;

/** What to call for a place of the function in a slot. */
export const callOf = (slot: number, place: number): number => (slot << PLACE_BITS) | place;

/** What the module exports. */
interface Dispatcher {
  readonly f0: () => number;
  readonly table: { set(slot: number, value: WasmFunction | null): void };
}

export class JumpTable {
  private readonly memory: GuestMemory;
  private readonly location: Location;
  /** The module, from when it is first needed: a guest that has nothing compiled need not wait for it. */
  private readonly module: { exports?: Dispatcher } = {};
  private readonly words: Int32Array;
  private readonly fetches: Int32Array;
  private readonly shared: Int32Array;

  constructor(memory: GuestMemory, location: Location) {
    this.memory = memory;
    this.location = location;
    this.words = new Int32Array(memory.wasm.buffer, JUMP_BASE, ENTRIES * ENTRY_WORDS);
    this.words.fill(-1);
    this.fetches = new Int32Array(memory.wasm.buffer, FETCH_BASE, FETCH_ENTRIES * ENTRY_WORDS);
    this.fetches.fill(-1);
    this.shared = memory.run;
    Object.freeze(this);
  }

  private exports(): Dispatcher {
    const { memory, location, module } = this;
    module.exports ??= instantiate(memory, encodeModule(dispatcher(memory, location)), {}).exports as unknown as Dispatcher;
    return module.exports;
  }

  /** Runs compiled code from the current location, as far as it goes. Returns a `RESULT`. */
  run(): number {
    return this.exports().f0();
  }

  setFunction(slot: number, value: WasmFunction | null): void {
    this.exports().table.set(slot, value);
  }

  /**
   * Says what is compiled for the address `key` (the state or-ed to it), for as long as the epoch lasts.
   * @param call what `callOf` gives
   * @param page the number of the page of code, which is at this address in this epoch
   */
  enter(key: number, call: number, page: number): void {
    const { words, fetches, shared } = this;
    const first = (((key >>> 2) ^ (key >>> 14)) & (ENTRIES - 1)) * ENTRY_WORDS;
    const second = first ^ OTHER_PLACE;
    if (words[first] !== key && words[first] !== -1 && words[second] !== key) words.copyWithin(second, first, first + ENTRY_WORDS);
    const at = words[second] === key ? second : first;
    words[at] = key;
    words[at + 1] = shared[RUN.EPOCH];
    words[at + 2] = call;
    words[at + 3] = page;
    const fetch = (((key >>> 12) ^ (shared[RUN.CONTEXT] >>> 4)) & (FETCH_ENTRIES - 1)) * ENTRY_WORDS;
    fetches[fetch] = key & ~0xfff;
    fetches[fetch + 1] = shared[RUN.EPOCH];
    fetches[fetch + 2] = page;
  }

  /** Forgets everything, in whatever epoch it was entered. */
  clear(): void {
    this.words.fill(-1);
    this.fetches.fill(-1);
  }
}

/** The module with the loop that goes from region to region. */
function dispatcher(memory: GuestMemory, location: Location): Parameters<typeof encodeModule>[0] {
  const code = new WasmCode();
  const [key, entry, fetch, epoch, left] = [0, 1, 2, 3, 4];
  /** Pushes the address of an entry: of what two shifted words give, in a table of `entries`. */
  const slotOf = (entries: number): void => {
    code.op(OP.i32Xor);
    code.i32(entries - 1);
    code.op(OP.i32And);
    code.i32(4);
    code.op(OP.i32Shl);
  };
  const shiftedRight = (bits: number): void => {
    code.i32(bits);
    code.op(OP.i32ShrU);
  };
  const loadLocation = (): void => {
    code.loadAt(location.pc);
    code.loadAt(location.state);
    code.op(OP.i32Or);
    code.set(key);
  };
  const storeLocation = (): void => {
    code.i32(0);
    code.get(key);
    code.loadAt(location.state);
    code.op(OP.i32Xor);
    code.access(OP.i32Store, location.pc);
  };
  loadLocation();
  const missing = code.block();
  const again = code.loop();
  code.get(key);
  shiftedRight(2);
  code.get(key);
  shiftedRight(14);
  slotOf(ENTRIES);
  code.tee(entry);
  code.access(OP.i32Load, JUMP_BASE);
  code.get(key);
  code.op(OP.i32Ne);
  code.if();
  code.get(entry);
  code.i32(4 * OTHER_PLACE);
  code.op(OP.i32Xor);
  code.tee(entry);
  code.access(OP.i32Load, JUMP_BASE);
  code.get(key);
  code.op(OP.i32Ne);
  code.brIf(missing);
  code.end();
  code.get(entry);
  code.access(OP.i32Load, JUMP_BASE + 4);
  code.loadAt(RUN_BASE + 4 * RUN.EPOCH);
  code.tee(epoch);
  code.op(OP.i32Ne);
  code.if();
  // Good in another epoch: is it the same page of code in this one?
  code.get(key);
  shiftedRight(12);
  code.loadAt(RUN_BASE + 4 * RUN.CONTEXT);
  shiftedRight(4);
  slotOf(FETCH_ENTRIES);
  code.tee(fetch);
  code.access(OP.i32Load, FETCH_BASE);
  code.get(key);
  code.i32(-4096);
  code.op(OP.i32And);
  code.op(OP.i32Ne);
  code.brIf(missing);
  code.get(fetch);
  code.access(OP.i32Load, FETCH_BASE + 4);
  code.get(epoch);
  code.op(OP.i32Ne);
  code.brIf(missing);
  code.get(fetch);
  code.access(OP.i32Load, FETCH_BASE + 8);
  code.get(entry);
  code.access(OP.i32Load, JUMP_BASE + 12);
  code.op(OP.i32Ne);
  code.brIf(missing);
  code.get(entry);
  code.get(epoch);
  code.access(OP.i32Store, JUMP_BASE + 4);
  code.end();
  code.loadAt(RUN_BASE + 4 * RUN.LEFT);
  code.set(left);
  code.get(entry);
  code.access(OP.i32Load, JUMP_BASE + 8);
  code.tee(entry);
  code.i32((1 << PLACE_BITS) - 1);
  code.op(OP.i32And);
  code.get(entry);
  shiftedRight(PLACE_BITS);
  code.op(OP.callIndirect);
  code.unsigned(0);
  code.unsigned(0);
  code.tee(entry);
  code.i32(3);
  code.op(OP.i32And);
  code.i32(WAY.MEMORY);
  code.op(OP.i32Eq);
  code.if();
  loadLocation();
  code.get(entry);
  code.i32(WAY.MEMORY);
  code.op(OP.i32Eq);
  code.brIf(again);
  code.i32(RESULT.LOOK);
  code.op(OP.return);
  code.end();
  // A function that is left where it was entered, with nothing executed: it had no budget.
  code.get(entry);
  code.get(key);
  code.op(OP.i32Eq);
  code.if();
  code.get(left);
  code.loadAt(RUN_BASE + 4 * RUN.LEFT);
  code.op(OP.i32Eq);
  code.if();
  storeLocation();
  code.i32(RESULT.BUDGET);
  code.op(OP.return);
  code.end();
  code.end();
  code.get(entry);
  code.set(key);
  code.br(again);
  code.end();
  code.end();
  storeLocation();
  code.i32(RESULT.MISSING);
  return {
    memoryPages: memory.bytes.length / 0x10000,
    imports: [],
    functions: [{ signature: { parameters: 0, results: 1 }, i32Locals: 5, i64Locals: 0, code }],
    tableSize: SLOTS,
    types: [REGION_SIGNATURE],
  };
}

/** A compiled function takes the number of the place where to begin, and returns a key or a `WAY`. */
export const REGION_SIGNATURE = { parameters: 1, results: 1 } as const;
