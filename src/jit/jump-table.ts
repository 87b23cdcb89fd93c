/**
 * How compiled code finds what is compiled for a guest address: a direct-mapped table in the WebAssembly memory, and the
 * one module that looks it up and calls what it finds. The module also owns the table of functions: on Node 20 and 22 a
 * module that imported a shared one would never be freed.
 *
 * An entry has four words: the address it is for, the epoch in which it was entered, and what to call: the number of
 * the place in the function where to begin, and the function's slot. Changing the epoch empties the table.
 */
import { type GuestMemory, JUMP_BASE, RUN, RUN_BASE } from '../bus/memory.ts';
import { OP, WasmCode } from './wasm-code.ts';
import { instantiate, type WasmFunction } from './wasm-host.ts';
import { encodeModule } from './wasm-module.ts';

const ENTRIES = 16384;
const ENTRY_WORDS = 4;

/** Slots for functions. */
export const SLOTS = 1 << 16;

/** Why compiled code comes back. */
export const RESULT = {
  /** Nothing is compiled for the address that execution goes on at. */
  MISSING: 0,
  /** An interrupt, a wait, or anything else has to be looked at between two instructions. */
  LOOK: 1,
  /** Fewer instructions are left than the next block has. */
  BUDGET: 2,
} as const;

/** What a compiled function returns: 0 to go on at the new address, or a `RESULT` other than MISSING. */
export const GO_ON = 0;

/** Byte offsets in the WebAssembly memory of what tells where execution is. */
export interface Location {
  /** The program counter. */
  readonly pc: number;
  /** A word that is or-ed to it: which instruction set the code is of. */
  readonly state: number;
}

/** Contexts differ in bits that keep the same address of several apart. */
const index = (key: number, context: number): number => ((key >>> 2) ^ (key >>> 14) ^ context) & (ENTRIES - 1);

export class JumpTable {
  /** Runs compiled code from the current location, as far as it goes. */
  readonly run: () => number;
  private readonly functions: { set(slot: number, value: WasmFunction | null): void };
  private readonly words: Int32Array;
  private readonly shared: Int32Array;

  constructor(memory: GuestMemory, location: Location) {
    const { exports } = instantiate(memory, encodeModule(dispatcher(memory, location)), {});
    this.run = exports.f0 as unknown as () => number;
    this.functions = exports.table as unknown as JumpTable['functions'];
    this.words = new Int32Array(memory.wasm.buffer, JUMP_BASE, ENTRIES * ENTRY_WORDS);
    this.words.fill(-1);
    this.shared = memory.run;
    Object.freeze(this);
  }

  setFunction(slot: number, value: WasmFunction | null): void {
    this.functions.set(slot, value);
  }

  /** Says what is compiled for the address `key` (the state or-ed to it), for as long as the epoch lasts. */
  enter(key: number, place: number, slot: number): void {
    const { words, shared } = this;
    const at = index(key, shared[RUN.CONTEXT]) * ENTRY_WORDS;
    words[at] = key;
    words[at + 1] = shared[RUN.EPOCH];
    words[at + 2] = place;
    words[at + 3] = slot;
  }

  /** Forgets everything, in whatever epoch it was entered. */
  clear(): void {
    this.words.fill(-1);
  }
}

/** The module with the loop that goes from region to region. */
function dispatcher(memory: GuestMemory, location: Location): Parameters<typeof encodeModule>[0] {
  const code = new WasmCode();
  const key = 0;
  const entry = 1;
  const again = code.loop();
  code.loadAt(location.pc);
  code.loadAt(location.state);
  code.op(OP.i32Or);
  code.tee(key);
  code.i32(2);
  code.op(OP.i32ShrU);
  code.get(key);
  code.i32(14);
  code.op(OP.i32ShrU);
  code.op(OP.i32Xor);
  code.loadAt(RUN_BASE + 4 * RUN.CONTEXT);
  code.op(OP.i32Xor);
  code.i32(ENTRIES - 1);
  code.op(OP.i32And);
  code.i32(4);
  code.op(OP.i32Shl);
  code.tee(entry);
  code.access(OP.i32Load, JUMP_BASE);
  code.get(key);
  code.op(OP.i32Eq);
  code.get(entry);
  code.access(OP.i32Load, JUMP_BASE + 4);
  code.loadAt(RUN_BASE + 4 * RUN.EPOCH);
  code.op(OP.i32Eq);
  code.op(OP.i32And);
  code.if();
  code.get(entry);
  code.access(OP.i32Load, JUMP_BASE + 8);
  code.get(entry);
  code.access(OP.i32Load, JUMP_BASE + 12);
  code.op(OP.callIndirect);
  code.unsigned(0);
  code.unsigned(0);
  code.tee(key);
  code.op(OP.i32Eqz);
  code.brIf(again);
  code.get(key);
  code.op(OP.return);
  code.end();
  code.end();
  code.i32(RESULT.MISSING);
  return {
    memoryPages: memory.bytes.length / 0x10000,
    imports: [],
    functions: [{ signature: { parameters: 0, results: 1 }, i32Locals: 2, i64Locals: 0, code }],
    tableSize: SLOTS,
    types: [REGION_SIGNATURE],
  };
}

/** A compiled function takes the number of the place where to begin. */
export const REGION_SIGNATURE = { parameters: 1, results: 1 } as const;
