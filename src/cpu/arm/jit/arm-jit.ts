/**
 * The second tier: finds what is hot, has it translated, and runs it. All of it is derived data; compiled code may be
 * dropped at any moment, and does exactly what the interpreter would do.
 */
import { type GuestMemory, RUN } from '../../../bus/memory.ts';
import { CodeStore, type StoreStatistics } from '../../../jit/code-store.ts';
import { callOf, JumpTable, RESULT, WAY } from '../../../jit/jump-table.ts';
import type { CodePage, CompiledCode } from '../code-cache.ts';
import type { Arm926 } from '../cpu.ts';
import { DATA_ABORT, dataAbort } from '../exceptions.ts';
import { decodeArm, decodeThumb } from '../isa/decode.ts';
import { NEXT, type Op } from '../op.ts';
import { STATE } from './context.ts';
import { ARM, type InstructionSet, THUMB } from './instruction-set.ts';
import { EXECUTED, type Region, type Site, translateRegion } from './region.ts';

/** What is compiled when. */
export interface JitOptions {
  /** Executions of a place that make it hot, and that make compiling it urgent. */
  readonly hot: number;
  readonly urgent: number;
  /** So many hot places are compiled together if none is urgent. */
  readonly batch: number;
  /** A region has at most so many instructions. */
  readonly maxInstructions: number;
  /** Whether code is taken into a region that was never executed. */
  readonly unexecuted: boolean;
  /** WebAssembly bytes in use at most; when there are more, all compiled code is dropped. */
  readonly maxBytes: number;
  /** Milliseconds, for statistics alone. */
  readonly stopwatch?: (() => number) | undefined;
}

/** @param hot executions that make code hot: the default is where compiling and interpreting longer cost about the same */
export const jitOptions = (hot = 300, stopwatch?: () => number): JitOptions =>
  Object.freeze({ hot, urgent: 4 * hot, batch: 24, maxInstructions: 256, unexecuted: false, maxBytes: 12 << 20, stopwatch });

/** As long as nothing is compiled the translator is cold itself, and takes milliseconds: only what is so much more urgent is worth that. */
const FIRST = 16;
/** Code that changed so often is left to the interpreter for good. */
const MAX_CHANGES = 8;

/** A region in use. */
export interface CompiledRegion {
  readonly slot: number;
  readonly region: Region;
}

interface Request {
  readonly page: CodePage;
  readonly set: InstructionSet;
  readonly index: number;
}

export type JitStatistics = StoreStatistics & {
  /** Regions translated. */
  readonly regions: number;
  /** Milliseconds that the run loop waited for translation and compilation. */
  readonly waited: number;
  /** Times that the run loop entered compiled code, and why it came back. */
  readonly entered: number;
  readonly missing: number;
  readonly look: number;
  readonly budget: number;
  /** Instructions that compiled code left to the interpreter. */
  readonly interpreted: number;
  /** Instructions executed in compiled code. */
  readonly instructions: number;
};

/** A class, and all numbers 32-bit integers, so that the engine sees one kind of object. */
class LiveSite {
  readonly op: Op;
  readonly insn: number;
  readonly pc: number;
  readonly rest: number;
  readonly size: number;
  constructor({ set, insn, pc, rest }: Site) {
    this.op = set.thumb ? decodeThumb(insn) : decodeArm(insn);
    this.insn = insn | 0;
    this.pc = pc | 0;
    this.rest = rest;
    this.size = set.size;
  }
}

export class ArmJit implements CompiledCode {
  private readonly options: JitOptions;
  private readonly cpu: Arm926;
  private readonly memory: GuestMemory;
  private readonly run: Int32Array;
  private readonly jumps: JumpTable;
  private readonly store: CodeStore;
  private readonly sites: (LiveSite | undefined)[] = [];
  private readonly freeSites: number[] = [];
  private readonly queue: Request[] = [];
  private readonly compiled = new Set<CodePage>();
  private readonly counts = { regions: 0, waited: 0, entered: 0, missing: 0, look: 0, budget: 0, interpreted: 0, instructions: 0 };

  constructor(cpu: Arm926, memory: GuestMemory, options: JitOptions) {
    this.options = options;
    this.cpu = cpu;
    this.memory = memory;
    this.run = memory.run;
    this.jumps = new JumpTable(memory, { pc: STATE.r + 4 * 15, state: STATE.t });
    this.store = new CodeStore(memory, this.jumps, (site) => this.interpret(site), options.maxBytes);
    Object.freeze(this);
  }

  /** ARM code at `index`, which is not compiled, is executed once more. */
  warmArm(page: CodePage, index: number): void {
    const heat = ++page.armHeat[index];
    if (heat === this.options.hot || heat === this.urgent()) this.request({ page, set: ARM, index }, heat);
  }

  warmThumb(page: CodePage, index: number): void {
    const heat = ++page.thumbHeat[index];
    if (heat === this.options.hot || heat === this.urgent()) this.request({ page, set: THUMB, index }, heat);
  }

  /** So many executions of a place make compiling it urgent. */
  private urgent(): number {
    return this.counts.regions === 0 ? FIRST * this.options.urgent : this.options.urgent;
  }

  private request(request: Request, heat: number): void {
    const { hot, batch } = this.options;
    if (heat === hot) this.queue.push(request);
    if (heat !== this.urgent() && this.queue.length < batch) return;
    const { stopwatch = () => 0 } = this.options;
    const began = stopwatch();
    this.compile();
    this.counts.waited += stopwatch() - began;
  }

  /**
   * Runs compiled code from the current location, which is in that page, and what follows. `compiled`: what the page's heat
   * says of the location. Returns a `RESULT`.
   */
  enter(page: CodePage, compiled: number): number {
    const { jumps, cpu, counts } = this;
    jumps.enter(cpu.r[15] | cpu.s.t, ~compiled, page.number);
    const before = cpu.icount();
    const result = jumps.run();
    counts.entered++;
    counts.instructions += cpu.icount() - before;
    if (result === RESULT.MISSING) counts.missing++;
    else if (result === RESULT.LOOK) counts.look++;
    else counts.budget++;
    return result;
  }

  /** What compiled code leaves to the interpreter. Returns 0 to go on, or the `WAY` that the compiled function is to return. */
  private interpret(number: number): number {
    const { cpu, run } = this;
    const { op, insn, pc, rest, size } = this.sites[number]!;
    this.counts.interpreted++;
    cpu.r[15] = pc;
    run[RUN.FROM] = pc + (rest - 2) * size;
    run[RUN.STOP] = 1;
    let result: number;
    try {
      result = op(cpu, insn);
    } catch (thrown) {
      if (thrown !== DATA_ABORT) throw thrown;
      run[RUN.LEFT] += rest - 1;
      run[RUN.FROM] = -1;
      dataAbort(cpu);
      return this.leaves();
    }
    run[RUN.FROM] = -1;
    if (result === NEXT) {
      if (run[RUN.STOP] !== 0) return 0;
      cpu.r[15] = pc - size;
    }
    run[RUN.LEFT] += rest - 1;
    return this.leaves();
  }

  /** What `interpret` returns at the end of an instruction behind which execution goes on elsewhere, or in another context. */
  private leaves(): number {
    const { s } = this.cpu;
    const due = s.halted || (s.irqLine && !s.i) || (s.fiqLine && !s.f);
    return due ? WAY.LOOK : WAY.MEMORY;
  }

  /** Compiles what has become hot. */
  private compile(): void {
    const { queue, store, memory, options } = this;
    if (store.isFull(4 * options.batch)) this.drop();
    const regions: { page: CodePage; region: Region }[] = [];
    for (const { page, set, index } of queue) {
      const heat = set.heat(page);
      if (heat[index] < 0) continue;
      // It was changed since it became hot.
      if (set.ops(page)[index] === undefined && !options.unexecuted) {
        heat[index] = 0;
        continue;
      }
      this.counts.regions++;
      const region = translateRegion(page, set, memory.words, index, options, (site) => this.newSite(site));
      regions.push({ page, region });
      // What comes later in this batch must not take it in again.
      for (const [entry] of region.places) heat[entry] = -1;
      for (const leader of region.outside) if (queue.length < 4 * options.batch) queue.push({ page, set, index: leader });
    }
    queue.length = 0;
    if (regions.length === 0) return;
    const slots = store.add(regions.map(({ region }) => region.code));
    regions.forEach(({ page, region }, n) => {
      for (const [entry, place] of region.places) region.set.heat(page)[entry] = ~callOf(slots[n], place);
      page.regions.push({ slot: slots[n], region });
      for (const [word, how] of region.words) page.covered[word] |= how;
      this.compiled.add(page);
    });
  }

  private newSite(site: Site): number {
    const number = this.freeSites.pop() ?? this.sites.length;
    this.sites[number] = new LiveSite(site);
    return number;
  }

  /** A store has hit a word. Returns whether compiled code was made of it. */
  changed(page: CodePage, word: number): boolean {
    if (page.covered[word] === 0) return false;
    if (page.covered[word] & EXECUTED) page.changes[0]++;
    else page.varying[word] = 1;
    return this.dropWord(page, word);
  }

  dropWord(page: CodePage, word: number): boolean {
    if (page.covered[word] === 0) return false;
    for (let n = page.regions.length - 1; n >= 0; n--) {
      if (page.regions[n].region.words.has(word)) this.dropRegion(page, page.regions.splice(n, 1)[0]);
    }
    page.covered.fill(0);
    for (const { region } of page.regions) for (const [other, how] of region.words) page.covered[other] |= how;
    this.jumps.clear();
    return true;
  }

  private dropRegion(page: CodePage, { slot, region }: CompiledRegion): void {
    for (const [entry] of region.places) region.set.heat(page)[entry] = page.changes[0] < MAX_CHANGES ? 0 : this.options.urgent;
    this.store.drop(slot);
    for (const site of region.sites) {
      this.sites[site] = undefined;
      this.freeSites.push(site);
    }
  }

  dropPage(page: CodePage): void {
    for (const compiled of page.regions) this.dropRegion(page, compiled);
    page.regions.length = 0;
    page.covered.fill(0);
    this.compiled.delete(page);
    this.queue.splice(0, Infinity, ...this.queue.filter((request) => request.page !== page));
    this.jumps.clear();
  }

  /** Forgets what is compiled for which address, but not what is compiled. */
  forgetAddresses(): void {
    this.jumps.clear();
  }

  /** Drops all compiled code. */
  drop(): void {
    for (const page of this.compiled) {
      for (const compiled of page.regions) this.dropRegion(page, compiled);
      page.regions.length = 0;
      page.covered.fill(0);
    }
    this.compiled.clear();
    this.queue.length = 0;
    this.store.emptied();
    this.jumps.clear();
  }

  statistics(): JitStatistics {
    return { ...this.store.statistics(), ...this.counts };
  }
}
