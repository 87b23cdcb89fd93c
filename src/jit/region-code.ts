/**
 * The code of one region: a WebAssembly function made of guest blocks. This is what instruction sets are translated to:
 * guest registers, the budget, memory, and the ways out.
 *
 * Guest registers live in the WebAssembly memory, where the interpreter has them. Within a block their values are kept in
 * locals too, so that each is loaded once; a store that another one follows before anything could see it is left out.
 * At whatever may be seen from outside (an access that misses the fast path, a way out) memory is up to date.
 */
import { RUN, RUN_BASE, TLB_BASE, TLB_CONTEXT_BYTES, TLB_ENTRY } from '../bus/memory.ts';
import { type Label, OP, WasmCode } from './wasm-code.ts';

/** Function index of the one import, `interpret`. */
const INTERPRET = 0;
const LEFT = RUN_BASE + 4 * RUN.LEFT;

/** Locals: the parameter, then these. */
const PLACE = 0;
const CONTEXT = 1;
const FIRST_REGISTER = 2;
const TEMPORARIES = 8;

export class RegionCode extends WasmCode {
  /** Scratch locals, free at the start of each instruction. */
  readonly temporary: readonly number[];
  /** A 64-bit one. */
  readonly wide: number;
  readonly i32Locals: number;
  /** Where the registers are that are cached in locals, by number: byte offsets in the WebAssembly memory. */
  private readonly registers: readonly number[];
  /** Registers of which the local holds the value, one bit each. */
  private cached = 0;
  /** Open labels of blocks, by number. */
  private readonly labels: (Label | undefined)[] = [];
  /** The loop from which every place can be reached, if there is one, and the numbers of places by block. */
  private top: Label | undefined;
  private places: ReadonlyMap<number, number> = new Map();

  constructor(registers: readonly number[]) {
    super();
    this.registers = registers;
    const first = FIRST_REGISTER + registers.length;
    this.temporary = Array.from({ length: TEMPORARIES }, (_, n) => first + n);
    this.wide = first + TEMPORARIES;
    this.i32Locals = first + TEMPORARIES - 1;
  }

  /** Before the first block. */
  begin(): void {
    this.loadAt(RUN_BASE + 4 * RUN.CONTEXT);
    this.i32(2);
    this.op(OP.i32Shl);
    this.set(CONTEXT);
  }

  // --- registers

  /** Pushes a register's value. */
  read(register: number): void {
    const local = FIRST_REGISTER + register;
    if (this.cached & (1 << register)) {
      this.get(local);
      return;
    }
    this.loadAt(this.registers[register]);
    this.tee(local);
    this.cached |= 1 << register;
  }

  /** Loads a register into its local. */
  load(register: number): void {
    this.loadAt(this.registers[register]);
    this.set(FIRST_REGISTER + register);
    this.cached |= 1 << register;
  }

  /** Sets a register to the value that `value` pushes. `stored` is false if nothing can see it before it is set again. */
  write(register: number, stored: boolean, value: () => void): void {
    const local = FIRST_REGISTER + register;
    if (stored) this.i32(0);
    value();
    if (stored) {
      this.tee(local);
      this.access(OP.i32Store, this.registers[register]);
    } else this.set(local);
    this.cached |= 1 << register;
  }

  /** Stores a word that is not cached. */
  storeAt(address: number, value: () => void): void {
    this.i32(0);
    value();
    this.access(OP.i32Store, address);
  }

  /** What the locals of these registers hold counts no more. */
  forget(registers: number): void {
    this.cached &= ~registers;
  }

  /** Code that is executed only if the value on the stack is not 0. */
  conditional(body: () => void): void {
    const { cached } = this;
    this.if();
    body();
    this.end();
    // What was loaded inside was perhaps not; what was written inside was written to the local as well as to memory.
    this.cached = cached;
  }

  /** Two ways; both leave the same registers cached, apart from those in `forgotten`. */
  either(first: () => void, second: () => void, forgotten: number): void {
    const { cached } = this;
    this.if();
    first();
    const after = this.cached;
    this.cached = cached;
    this.else();
    second();
    this.end();
    this.cached = after & this.cached & ~forgotten;
  }

  // --- blocks and ways out

  /** At the start of the block of `count` instructions at the location of that key: pays for all of them, or leaves. */
  pay(count: number, key: number): void {
    const left = this.temporary[0];
    this.cached = 0;
    this.loadAt(LEFT);
    this.tee(left);
    this.i32(count);
    this.op(OP.i32LtS);
    this.if();
    this.leaveTo(key);
    this.end();
    this.storeAt(LEFT, () => {
      this.get(left);
      this.i32(count);
      this.op(OP.i32Sub);
    });
  }

  /** Gives back what a block has been paid for and will not execute. */
  refund(count: number): void {
    if (count === 0) return;
    this.storeAt(LEFT, () => {
      this.loadAt(LEFT);
      this.i32(count);
      this.op(OP.i32Add);
    });
  }

  /** Leaves to the location with that key; see `jump-table.ts`. */
  leaveTo(key: number): void {
    this.i32(key);
    this.leave();
  }

  /** Leaves to the location whose key is on the stack. */
  leave(): void {
    this.op(OP.return);
  }

  /**
   * Has the interpreter execute the instruction of that site; leaves if anything but the next instruction follows. What
   * the instruction changes must be forgotten.
   */
  interpret(site: number): void {
    this.i32(site);
    this.call(INTERPRET);
    const way = this.temporary[TEMPORARIES - 1];
    this.tee(way);
    this.if();
    this.get(way);
    this.leave();
    this.end();
  }

  // --- control flow between blocks; see `control-flow.ts`

  openLabel(block: number, label: Label | undefined): void {
    this.labels[block] = label;
  }

  openTop(label: Label, places: ReadonlyMap<number, number>): void {
    this.top = label;
    this.places = places;
  }

  pushPlace(): void {
    this.get(PLACE);
  }

  /** Goes on at a block of this region. */
  goTo(block: number): void {
    const label = this.labels[block];
    if (label !== undefined) {
      this.br(label);
      return;
    }
    this.i32(this.places.get(block)!);
    this.set(PLACE);
    this.br(this.top!);
  }

  // --- memory

  /**
   * Pushes whether the fast path is open for the guest address in local `address`, and leaves the translation's entry in
   * local `entry`. `alignment`: the address bits that must be 0. `asUser`: with the permissions of the user.
   */
  probe(access: 'load' | 'store', address: number, entry: number, alignment: number, asUser = false): void {
    this.get(address);
    this.i32(8);
    this.op(OP.i32ShrU);
    this.i32(TLB_CONTEXT_BYTES - TLB_ENTRY.BYTES);
    this.op(OP.i32And);
    if (asUser) {
      this.loadAt(RUN_BASE + 4 * RUN.USER_CONTEXT);
      this.i32(2);
      this.op(OP.i32Shl);
    } else this.get(CONTEXT);
    this.op(OP.i32Add);
    this.tee(entry);
    this.access(OP.i32Load, TLB_BASE + (access === 'load' ? TLB_ENTRY.LOAD : TLB_ENTRY.STORE));
    this.get(address);
    this.i32(-4096 | alignment);
    this.op(OP.i32And);
    this.op(OP.i32Eq);
  }

  /** Pushes the byte offset in the WebAssembly memory, after a probe that was good. */
  translated(address: number, entry: number): void {
    this.get(address);
    this.get(entry);
    this.access(OP.i32Load, TLB_BASE + TLB_ENTRY.DELTA);
    this.op(OP.i32Add);
  }
}
