/** What an instruction is translated with, and how one describes itself before. */

import type { RegionCode } from '../../../jit/region-code.ts';
import { OP } from '../../../jit/wasm-code.ts';
import { armState } from '../state.ts';

const { offsets } = armState;

/** Byte offsets of the CPU's state in the WebAssembly memory. */
export const STATE = offsets;
/** Flags as bits, as in the CPSR's top nibble. */
export const N = 8;
export const Z = 4;
export const C = 2;
export const V = 1;
export const NZCV = 15;

/** Byte offset of a flag's word. */
export const flagAt = (flag: number): number => offsets.nzcv + (flag === N ? 0 : flag === Z ? 4 : flag === C ? 8 : 12);

/** All cached registers: R0 to R14. */
export const ALL = 0x7fff;

/** What is known of an instruction before it is translated. */
export interface Plan {
  /** Registers that it sets if its condition passes (R15 apart). */
  readonly writes: number;
  /** Flags that it sets if its condition passes, and flags that it reads (its condition apart). */
  readonly sets: number;
  readonly reads: number;
  /** Whether all state may be seen while it is executed: it may fault, leave the region, or be left to the interpreter. */
  readonly seen: boolean;
  /** Whether what follows is not executed next, if the condition passes; `comesBack`: it is entered from elsewhere later. */
  readonly ends: 'no' | 'always' | 'comesBack';
  /** It can run on into what follows in spite of that. */
  readonly mayGoOn?: true;
  /** Where the flags can be had from after it; as before it if that is not said. */
  readonly source?: FlagSource;
  /** It may change any register and flag. */
  readonly opaque?: true;
  /** Where it branches to, if that is known. */
  readonly target?: number;
  readonly emit: (context: Context) => void;
}

/** The same plan with all of its properties, so that the engine finds one kind of object at places that see all plans. */
export const uniform = ({ writes, sets, reads, seen, ends, mayGoOn, source, opaque, target, emit }: Plan): Plan =>
  ({ writes, sets, reads, seen, ends, mayGoOn, source, opaque, target, emit }) as Plan;

/** Where the flags can be had from without memory: operands of the last instruction that set all of them. */
export type FlagSource = 'memory' | 'subtraction' | 'addition' | 'result';

/** What a translation is told about the region that it is part of. */
export interface Surroundings {
  constant(address: number): number;
  /** Numbers the current instruction for the interpreter. */
  newSite(context: Context): number;
  /** The number of the region's block at an address. */
  resolve(address: number): number | undefined;
}

/** Translates the instructions of one block, one after the other. */
export class Context {
  readonly code: RegionCode;
  /** The instruction as an ARM instruction, and as it is in memory. */
  insn = 0;
  original = 0;
  /** Address of the instruction. */
  address = 0;
  /** R15 as the instruction reads it. */
  pc = 0;
  /** Instructions of the block from this one to the end. */
  rest = 0;
  /** Registers and flags that must be in memory after this instruction, if it sets them. */
  stored = ALL;
  flags = NZCV;
  source: FlagSource = 'memory';
  /** Scratch locals; the last three belong to the flags' source. */
  readonly t: readonly number[];
  readonly a: number;
  readonly b: number;
  readonly result: number;
  /** Whether the code is Thumb code. */
  readonly thumb: 0 | 1;
  private readonly surroundings: Surroundings;

  constructor(code: RegionCode, thumb: 0 | 1, surroundings: Surroundings) {
    this.code = code;
    this.thumb = thumb;
    this.t = code.temporary;
    [this.a, this.b, this.result] = code.temporary.slice(4);
    this.surroundings = surroundings;
  }

  /** The word at an address in the page of the code, which the region depends on from now on. */
  constant(address: number): number {
    return this.surroundings.constant(address);
  }

  /** Pushes a register. */
  read(register: number): void {
    if (register === 15) this.code.i32(this.pc);
    else this.code.read(register);
  }

  /** Sets R0 to R14. */
  write(register: number, value: () => void): void {
    this.code.write(register, (this.stored & (1 << register)) !== 0, value);
  }

  /** Leaves the instruction to the interpreter; what it changes is forgotten. */
  interpret(forgotten = ALL): void {
    this.code.interpret(this.surroundings.newSite(this));
    this.code.forget(forgotten);
  }

  /** The same, and `registers` are loaded again. */
  interpretAndReload(registers: number): void {
    this.interpret(registers);
    for (let n = 0; n < 15; n++) {
      if (registers & (1 << n)) this.code.load(n);
    }
  }

  /** Goes to a known address, in the same instruction set. */
  branch(address: number): void {
    this.code.refund(this.rest - 1);
    const block = this.surroundings.resolve(address);
    if (block === undefined) this.code.leaveTo(address | this.thumb);
    else this.code.goTo(block);
  }

  /** Goes to the address that `target` pushes, in that instruction set. */
  branchTo(target: () => void, thumb = this.thumb): void {
    const { code } = this;
    code.refund(this.rest - 1);
    target();
    if (thumb) {
      code.i32(1);
      code.op(OP.i32Or);
    }
    code.leave();
  }

  // --- flags

  /** Stores a flag if memory needs it. */
  setFlag(flag: number, value: () => void): void {
    if (this.flags & flag) this.code.storeAt(flagAt(flag), value);
  }

  readFlag(flag: number): void {
    this.code.loadAt(flagAt(flag));
  }

  /** N and Z of what local `result` holds. */
  setNZ(): void {
    const { code, result } = this;
    this.setFlag(N, () => {
      code.get(result);
      code.i32(31);
      code.op(OP.i32ShrU);
    });
    this.setFlag(Z, () => {
      code.get(result);
      code.op(OP.i32Eqz);
    });
  }
}
