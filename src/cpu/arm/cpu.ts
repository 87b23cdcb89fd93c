/**
 * The ARM926EJ-S: an interpreter that executes exactly as many instructions as it is told to.
 *
 * Every instruction that is begun counts as one, also when it ends in an exception, so that a fault that repeats for
 * ever cannot make a slice endless. Taking an interrupt counts as none.
 *
 * Not modelled: big-endian operation (control register bit B), the Java state beyond a trivial BXJ, debug hardware, the
 * caches' contents, tightly coupled memory.
 */
import type { AddressSpace } from '../../bus/address-space.ts';
import type { Line } from '../../bus/device.ts';
import { CPU_BASE, type GuestMemory, RUN, RUN_BASE } from '../../bus/memory.ts';
import { assert } from '../../errors/errors.ts';
import { RESULT } from '../../jit/jump-table.ts';
import type { StateOf } from '../../state/fields.ts';
import type { State } from '../../state/layout.ts';
import { type Icount, icount } from '../../time/units.ts';
import { CodeCache, type CodePage } from './code-cache.ts';
import { conditionPassed } from './condition.ts';
import { ArmDebug, BREAKPOINT } from './debug.ts';
import { DATA_ABORT, dataAbort, prefetchAbort, takeInterrupt } from './exceptions.ts';
import { ArmInspector } from './inspect.ts';
import { decodeArm, decodeThumb } from './isa/decode.ts';
import { disassembleArm, disassembleThumb } from './isa/disassemble.ts';
import { ArmJit, type JitOptions, type JitStatistics } from './jit/arm-jit.ts';
import { Mmu, TLB_INDEX_MASK } from './mmu.ts';
import { BRANCH, NEXT, type Op } from './op.ts';
import { MODE } from './psr.ts';
import { armState } from './state.ts';
import { type Translation, translate } from './translation.ts';
import type { VfpHost } from './vfp/vfp.ts';
import { vfpHost } from './vfp-host.ts';

const { LEFT, STOP, FROM, CONTEXT } = RUN;
/** `FROM` while no stretch runs: nothing of `LEFT` has been used up. */
const NOWHERE = -1;

/** What a fetch found: decoded code, a page to execute one instruction at a time (not RAM, or with 1 KiB permissions), or an abort. */
type Fetched = CodePage | 'uncached' | 'aborted';

export class Arm926 {
  readonly name = 'cpu';
  readonly state: State<typeof armState.schema>;
  readonly s: StateOf<typeof armState.schema>;
  /** R0 to R15 of the current mode. */
  readonly r: Int32Array;
  /** N, Z, C, V. */
  readonly nzcv: Int32Array;
  readonly mmu: Mmu;
  readonly vfp: VfpHost;
  readonly debug: ArmDebug;
  readonly inspector: ArmInspector;
  /** The second tier, if there is one. */
  readonly jit: ArmJit | undefined;
  readonly irq: Line;
  readonly fiq: Line;
  private readonly bus: AddressSpace;
  private readonly memory: GuestMemory;
  private readonly code: CodeCache;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly halves: Uint16Array;
  private readonly tlb: Int32Array;
  /** The words that the run loop works on, `RUN` by name. */
  private readonly slice: Int32Array;
  private readonly tier = { compiled: true };
  /** [0]: the instruction count at which the running slice ends. */
  private readonly sliceEnd = new Float64Array(1);

  /** @param jit what is compiled when; nothing if it is undefined */
  constructor(memory: GuestMemory, bus: AddressSpace, jit?: JitOptions) {
    assert(armState.bytes <= RUN_BASE, 'the CPU state fits into the header of the memory');
    this.state = armState.create(memory.wasm.buffer, CPU_BASE);
    this.s = this.state.fields;
    this.r = this.s.r;
    this.nzcv = this.s.nzcv;
    this.bus = bus;
    this.memory = memory;
    this.words = memory.words;
    this.bytes = memory.bytes;
    this.halves = memory.halves;
    this.slice = memory.run;
    this.slice[FROM] = NOWHERE;
    this.code = new CodeCache(memory, () => this.jit);
    this.debug = new ArmDebug(this, memory, bus);
    this.mmu = new Mmu(this.s, memory, bus, this.code, this.debug, () => this.lookUp());
    this.vfp = vfpHost(this);
    this.inspector = new ArmInspector(this);
    this.jit = jit && new ArmJit(this, memory, jit);
    this.tlb = this.mmu.tlb;
    this.irq = Object.freeze({ set: (level: boolean) => this.setLine('irqLine', level) });
    this.fiq = Object.freeze({ set: (level: boolean) => this.setLine('fiqLine', level) });
    this.mmu.selectContext();
    Object.freeze(this);
  }

  /** Whether compiled code is used. A debugger that wants to see each instruction says no; it may be said between slices. */
  useCompiled(allowed: boolean): void {
    this.tier.compiled = allowed;
  }

  /** What the second tier has done; undefined if there is none. */
  jitStatistics(): JitStatistics | undefined {
    return this.jit?.statistics();
  }

  /** The next instruction, as text; for messages. */
  nextInstruction(): string {
    const { s, words, halves, r } = this;
    const at = r[15];
    const found: Translation = { fault: 0, physical: 0, readable: false, writable: false, permissionFault: 0, uniform: false };
    translate(s, this.memory, this.bus, at, s.mode !== MODE.usr, false, found, () => {});
    const offset = found.fault ? -1 : this.bus.ramOffset(found.physical);
    const address = `0x${(at >>> 0).toString(16).padStart(8, '0')}`;
    if (offset < 0) return `${address}: not in memory`;
    return `${address}: ${s.t ? disassembleThumb(halves[offset >> 1], at) : disassembleArm(words[offset >> 2], at)}`;
  }

  /** Instructions executed; exact also while one is being executed (it is not counted yet). */
  icount(): Icount {
    const { slice, r, s } = this;
    const used = slice[FROM] === NOWHERE ? 0 : s.t ? (r[15] - 4 - slice[FROM]) >> 1 : (r[15] - 8 - slice[FROM]) >> 2;
    return icount(this.sliceEnd[0] - slice[LEFT] + used);
  }

  /** Waiting for an interrupt. */
  halted(): boolean {
    return this.s.halted;
  }

  /** Power-on and system reset: the count goes on. */
  reset(): void {
    const { icount } = this.s;
    this.state.reset();
    this.s.icount = icount;
    this.dropDerived();
  }

  /**
   * Forgets what is derived from state and memory. To be called when either was changed from outside; harmless at any time.
   * @param pages numbers of the pages that were changed; any may have been if it is left out. Code of all others stays
   */
  dropDerived(pages?: readonly number[]): void {
    if (pages === undefined) this.code.drop();
    else this.code.dropPages(pages);
    this.mmu.flush();
    this.mmu.selectContext();
    this.sliceEnd[0] = this.s.icount;
    this.slice[LEFT] = 0;
    this.slice[FROM] = NOWHERE;
    this.debug.forgetStop();
  }

  /** Instructions at this offset of any page are decoded anew. */
  forgetCode(offset: number): void {
    this.code.forget(offset);
  }

  /** Pages of which the dirty flag was cleared must be tracked anew. */
  dropStores(): void {
    this.mmu.dropStores();
  }

  /** A line is state; a level that asks for an interrupt ends the wait for it, masked or not, and is looked at next. */
  private setLine(line: 'irqLine' | 'fiqLine', level: boolean): void {
    if (this.s[line] === level) return;
    this.s[line] = level;
    if (!level) return;
    this.s.halted = false;
    this.lookUp();
  }

  /** Ends the stretch after this instruction, to look at interrupts and fetch anew; the slice goes on. */
  private lookUp(): void {
    this.slice[STOP] = 0;
  }

  /** Ends the slice after this instruction. */
  endSlice(): void {
    const { slice, sliceEnd } = this;
    const used = this.icount() - sliceEnd[0] + slice[LEFT];
    const surplus = slice[LEFT] - used - 1;
    if (surplus > 0) {
      slice[LEFT] -= surplus;
      sliceEnd[0] -= surplus;
    }
    this.lookUp();
  }

  /** Executes `budget` instructions (below 2^31); fewer only if the CPU halts, `endSlice` is called or `debug` stops it. Returns how many. */
  run(budget: number): number {
    const { s, slice, sliceEnd } = this;
    const before = s.icount;
    sliceEnd[0] = before + budget;
    slice[LEFT] = budget;
    for (;;) {
      try {
        while (slice[LEFT] > 0 && !s.halted) {
          if (takeInterrupt(this)) this.debug.interruptTaken();
          if (s.t) this.executeThumb();
          else this.executeArm();
        }
        break;
      } catch (thrown) {
        if (thrown === BREAKPOINT) {
          this.account(0);
          this.r[15] -= s.t ? 4 : 8;
          break;
        }
        if (thrown !== DATA_ABORT) throw thrown;
        this.account(1);
        dataAbort(this);
      }
    }
    s.icount = this.icount();
    sliceEnd[0] = s.icount;
    slice[LEFT] = 0;
    return s.icount - before;
  }

  /** Ends the stretch in the middle: what it has executed and `more` instructions are used up. */
  private account(more: number): void {
    const { slice, sliceEnd } = this;
    slice[LEFT] = sliceEnd[0] - this.icount() - more;
    slice[FROM] = NOWHERE;
  }

  /** Runs ARM code until something else than a branch happens. */
  private executeArm(): void {
    const { r, nzcv, words, slice, jit } = this;
    let pc = r[15];
    let page = this.fetch(pc);
    let compiled = jit !== undefined && this.tier.compiled;
    while (typeof page !== 'string') {
      const ops = page.arm;
      const first = page.offset >> 2;
      const base = (pc & ~0xfff) + 8;
      for (;;) {
        const begin = (pc >>> 2) & 1023;
        if (compiled) {
          if (page.armHeat[begin] >= 0) jit!.warmArm(page, begin);
          if (page.armHeat[begin] < 0) {
            const result = jit!.enter(page, page.armHeat[begin]);
            pc = r[15];
            if (result === RESULT.LOOK || slice[LEFT] <= 0 || this.s.t) return;
            // What is left is less than a block: one instruction after the other.
            if (result === RESULT.BUDGET) compiled = false;
            break;
          }
        }
        let index = begin;
        let result: number;
        slice[FROM] = pc;
        slice[STOP] = Math.min(1024, begin + slice[LEFT]);
        do {
          const insn = words[first + index];
          const op = ops[index] ?? this.decodeArm(ops, index, insn, base + (index << 2));
          r[15] = base + (index << 2);
          result = insn >>> 28 === 14 || conditionPassed(nzcv, insn >>> 28) ? op(this, insn) : NEXT;
          index++;
        } while (result === NEXT && index < slice[STOP]);
        slice[FROM] = NOWHERE;
        slice[LEFT] -= index - begin;
        if (result === NEXT) {
          pc = (base - 8 + (index << 2)) | 0;
          r[15] = pc;
          if (slice[LEFT] <= 0 || slice[STOP] === 0) return;
          break;
        }
        if (result !== BRANCH || slice[LEFT] <= 0 || slice[STOP] === 0) return;
        const crosses = (r[15] ^ pc) & ~0xfff;
        pc = r[15];
        if (crosses !== 0) break;
      }
      page = this.fetch(pc);
    }
    if (page === 'uncached') this.executeUncached(pc);
  }

  /** Runs Thumb code likewise. The loop is written twice because one for both would ask for the state at each instruction. */
  private executeThumb(): void {
    const { r, halves, slice, jit } = this;
    let pc = r[15];
    let page = this.fetch(pc);
    let compiled = jit !== undefined && this.tier.compiled;
    while (typeof page !== 'string') {
      const ops = page.thumb;
      if (ops.length === 0) {
        for (let n = 0; n < 2048; n++) ops.push(undefined);
        for (let n = 0; n < 2048; n++) page.thumbHeat.push(0);
      }
      const first = page.offset >> 1;
      const base = (pc & ~0xfff) + 4;
      for (;;) {
        const begin = (pc >>> 1) & 2047;
        if (compiled) {
          if (page.thumbHeat[begin] >= 0) jit!.warmThumb(page, begin);
          if (page.thumbHeat[begin] < 0) {
            const result = jit!.enter(page, page.thumbHeat[begin]);
            pc = r[15];
            if (result === RESULT.LOOK || slice[LEFT] <= 0 || !this.s.t) return;
            if (result === RESULT.BUDGET) compiled = false;
            break;
          }
        }
        let index = begin;
        let result: number;
        slice[FROM] = pc;
        slice[STOP] = Math.min(2048, begin + slice[LEFT]);
        do {
          const insn = halves[first + index];
          const op = ops[index] ?? this.decodeThumb(ops, index, insn, base + (index << 1));
          r[15] = base + (index << 1);
          result = op(this, insn);
          index++;
        } while (result === NEXT && index < slice[STOP]);
        slice[FROM] = NOWHERE;
        slice[LEFT] -= index - begin;
        if (result === NEXT) {
          pc = (base - 4 + (index << 1)) | 0;
          r[15] = pc;
          if (slice[LEFT] <= 0 || slice[STOP] === 0) return;
          break;
        }
        if (result !== BRANCH || slice[LEFT] <= 0 || slice[STOP] === 0) return;
        const crosses = (r[15] ^ pc) & ~0xfff;
        pc = r[15];
        if (crosses !== 0) break;
      }
      page = this.fetch(pc);
    }
    if (page === 'uncached') this.executeUncached(pc);
  }

  /** Decodes the instruction during which R15 reads `r15`. @throws BREAKPOINT if it is not to be executed now */
  private decodeArm(ops: (Op | undefined)[], index: number, insn: number, r15: number): Op {
    const op = decodeArm(insn);
    if (!this.debug.decodesEachTime(r15 - 8)) ops[index] = op;
    else this.breakBefore(r15, r15 - 8);
    return op;
  }

  private decodeThumb(ops: (Op | undefined)[], index: number, insn: number, r15: number): Op {
    const op = decodeThumb(insn);
    if (!this.debug.decodesEachTime(r15 - 4)) ops[index] = op;
    else this.breakBefore(r15, r15 - 4);
    return op;
  }

  /** @throws BREAKPOINT if the instruction at `address`, during which R15 reads `r15`, is not to be executed now */
  private breakBefore(r15: number, address: number): void {
    this.r[15] = r15;
    if (this.debug.stopsBefore(address)) throw BREAKPOINT;
  }

  private fetch(pc: number): Fetched {
    const context = this.mmu.context();
    const known = this.code.lookup(pc, context);
    if (known !== undefined) return known;
    const offset = this.mmu.translateFetch(pc);
    if (offset === -2) {
      this.slice[LEFT]--;
      prefetchAbort(this, pc);
      return 'aborted';
    }
    if (offset === -1 || !this.mmu.fetched().uniform) return 'uncached';
    const page = this.code.page(offset, pc, (number) => this.mmu.forbidStores(number));
    this.code.remember(pc, context, page);
    return page;
  }

  /** One instruction from a page that cannot be cached; it was translated just now. */
  private executeUncached(pc: number): void {
    const { r, s } = this;
    const size = s.t ? 2 : 4;
    this.breakBefore(pc + 2 * size, pc);
    const { physical } = this.mmu.fetched();
    const offset = this.bus.ramOffset(physical);
    const insn = offset < 0 ? this.bus.read(physical, size) : size === 4 ? this.words[offset >> 2] : this.halves[offset >> 1];
    const op = s.t ? decodeThumb(insn) : decodeArm(insn);
    const result = s.t || conditionPassed(this.nzcv, insn >>> 28) ? op(this, insn) : NEXT;
    this.slice[LEFT]--;
    if (result === NEXT) r[15] = pc + size;
  }

  load32(address: number): number {
    const entry = this.slice[CONTEXT] + ((address >>> 10) & TLB_INDEX_MASK);
    const { tlb } = this;
    return tlb[entry] === (address & 0xfffff003) ? this.words[(address + tlb[entry + 2]) >> 2] : this.mmu.load(address, 4);
  }

  load16(address: number): number {
    const entry = this.slice[CONTEXT] + ((address >>> 10) & TLB_INDEX_MASK);
    const { tlb } = this;
    return tlb[entry] === (address & 0xfffff001) ? this.halves[(address + tlb[entry + 2]) >> 1] : this.mmu.load(address, 2);
  }

  load8(address: number): number {
    const entry = this.slice[CONTEXT] + ((address >>> 10) & TLB_INDEX_MASK);
    const { tlb } = this;
    return tlb[entry] === (address & 0xfffff000) ? this.bytes[(address + tlb[entry + 2]) | 0] : this.mmu.load(address, 1);
  }

  store32(address: number, value: number): void {
    const entry = this.slice[CONTEXT] + ((address >>> 10) & TLB_INDEX_MASK);
    const { tlb } = this;
    if (tlb[entry + 1] === (address & 0xfffff003)) this.words[(address + tlb[entry + 2]) >> 2] = value;
    else this.mmu.store(address, 4, value);
  }

  store16(address: number, value: number): void {
    const entry = this.slice[CONTEXT] + ((address >>> 10) & TLB_INDEX_MASK);
    const { tlb } = this;
    if (tlb[entry + 1] === (address & 0xfffff001)) this.halves[(address + tlb[entry + 2]) >> 1] = value;
    else this.mmu.store(address, 2, value);
  }

  store8(address: number, value: number): void {
    const entry = this.slice[CONTEXT] + ((address >>> 10) & TLB_INDEX_MASK);
    const { tlb } = this;
    if (tlb[entry + 1] === (address & 0xfffff000)) this.bytes[(address + tlb[entry + 2]) | 0] = value;
    else this.mmu.store(address, 1, value);
  }
}
