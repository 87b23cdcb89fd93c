/**
 * Compiled functions and what becomes of them: batches of regions are compiled into one module each, every function has a
 * slot in the jump table until it is dropped. When there are too many, all are dropped: what is still hot comes back soon,
 * and the engine gets whole modules back, which it can free.
 */
import type { GuestMemory } from '../bus/memory.ts';
import { type JumpTable, REGION_SIGNATURE, SLOTS } from './jump-table.ts';
import type { RegionCode } from './region-code.ts';
import { instantiate } from './wasm-host.ts';
import { encodeModule } from './wasm-module.ts';

export type StoreStatistics = {
  /** Modules, functions and bytes since the machine was built, and functions that were dropped again. */
  readonly modules: number;
  readonly functions: number;
  readonly bytes: number;
  readonly dropped: number;
  /** Functions in use. */
  readonly live: number;
};

export class CodeStore {
  private readonly memory: GuestMemory;
  private readonly jumps: JumpTable;
  private readonly interpret: (site: number) => number;
  private readonly maxBytes: number;
  private readonly free: number[] = [];
  private readonly counts = { modules: 0, functions: 0, bytes: 0, dropped: 0, slots: 0, bytesInUse: 0 };

  /**
   * @param interpret what functions call to have the interpreter execute an instruction; see `RegionCode.interpret`
   * @param maxBytes of WebAssembly in use at most; machine code takes several times as much
   */
  constructor(memory: GuestMemory, jumps: JumpTable, interpret: (site: number) => number, maxBytes: number) {
    this.maxBytes = maxBytes;
    this.memory = memory;
    this.jumps = jumps;
    this.interpret = interpret;
    Object.freeze(this);
  }

  /** Whether everything should be dropped before more is compiled. */
  isFull(more: number): boolean {
    const { counts, free } = this;
    return counts.bytesInUse > this.maxBytes || counts.slots - free.length + more > SLOTS;
  }

  /** Compiles functions together; returns their slots. */
  add(codes: readonly RegionCode[]): number[] {
    const { memory, counts } = this;
    const bytes = encodeModule({
      memoryPages: memory.bytes.length / 0x10000,
      imports: [{ name: 'interpret', signature: { parameters: 1, results: 1 } }],
      functions: codes.map((code) => ({ signature: REGION_SIGNATURE, i32Locals: code.i32Locals, i64Locals: 1, code })),
      tableSize: 0,
      types: [],
    });
    const { exports } = instantiate(memory, bytes, { interpret: this.interpret });
    counts.modules++;
    counts.functions += codes.length;
    counts.bytes += bytes.length;
    counts.bytesInUse += bytes.length;
    return codes.map((_, n) => {
      const slot = this.free.pop() ?? counts.slots++;
      this.jumps.setFunction(slot, exports[`f${n}`]);
      return slot;
    });
  }

  /** The function in this slot is not called any more; it may be running. */
  drop(slot: number): void {
    this.jumps.setFunction(slot, null);
    this.free.push(slot);
    this.counts.dropped++;
  }

  /** To be told when all functions were dropped. */
  emptied(): void {
    this.counts.bytesInUse = 0;
  }

  statistics(): StoreStatistics {
    const { modules, functions, bytes, dropped, slots } = this.counts;
    return { modules, functions, bytes, dropped, live: slots - this.free.length };
  }
}
