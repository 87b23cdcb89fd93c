/**
 * Regions of ARM code: which instructions of a page belong together, in which blocks, and their translation. Only what
 * has been executed before is taken, so that paths to errors cost nothing.
 */
import { emitBlocks, type RegionBlock } from '../../../jit/control-flow.ts';
import { RegionCode } from '../../../jit/region-code.ts';
import type { CodePage } from '../code-cache.ts';
import type { JitOptions } from './arm-jit.ts';
import { planArm } from './arm-plans.ts';
import { flagsRead, pushCondition } from './condition.ts';
import { ALL, Context, type FlagSource, NZCV, type Plan, STATE } from './context.ts';

/** A region has at most so many blocks: V8's optimising compiler takes ever longer for large functions. */
const MAX_BLOCKS = 40;
const PAGE_WORDS = 1024;
/** Bits of `Region.words`. */
export const EXECUTED = 1;
export const TAKEN = 2;

export const REGISTERS = { pc: STATE.r + 60, registers: Array.from({ length: 15 }, (_, n) => STATE.r + 4 * n) };

export type RegionOptions = Pick<JitOptions, 'maxInstructions' | 'unexecuted'>;

/** A compiled region, before it is in a module. */
export interface Region {
  readonly code: RegionCode;
  /** Places where it can be entered, by the index of the instruction in the page. */
  readonly places: ReadonlyMap<number, number>;
  /** What it was made from, by index: words that are executed (1), taken for constants (2), or both. */
  readonly words: ReadonlyMap<number, number>;
  readonly sites: readonly number[];
}

/** What the interpreter needs to execute an instruction in the middle of a block. */
export interface Site {
  readonly insn: number;
  /** R15 as the instruction reads it. */
  readonly pc: number;
  /** Instructions of the block from this one to its end, which are paid for. */
  readonly rest: number;
}

interface Block {
  readonly first: number;
  /** Index behind the last instruction. */
  end: number;
}

/** What the code of the page is like, as far as it is looked at. */
class Survey {
  readonly page: CodePage;
  readonly words: Int32Array;
  readonly plans = new Map<number, Plan>();
  /** Indices where blocks begin, and those where the region is entered. */
  readonly leaders = new Set<number>();
  readonly entries = new Set<number>();
  /** Leaders that the region has no room for. */
  readonly outside = new Set<number>();

  private readonly options: RegionOptions;

  constructor(page: CodePage, words: Int32Array, root: number, options: RegionOptions) {
    this.page = page;
    this.options = options;
    this.words = words;
    this.entries.add(root);
    const work = [root];
    while (work.length > 0) {
      const leader = work.shift()!;
      if (this.leaders.has(leader)) continue;
      if (this.leaders.size >= MAX_BLOCKS || this.plans.size >= options.maxInstructions) {
        this.outside.add(leader);
        continue;
      }
      this.leaders.add(leader);
      this.scan(leader, work);
    }
  }

  /** Whether code at an index is to be part of this region. */
  private isOurs(index: number): boolean {
    return index >= 0 && index < PAGE_WORDS && this.wasExecuted(index) && this.page.armHeat[index] >= 0;
  }

  private wasExecuted(index: number): boolean {
    return this.options.unexecuted || this.page.arm[index] !== undefined;
  }

  private scan(leader: number, work: number[]): void {
    const { page, plans, words } = this;
    for (let index = leader; index < PAGE_WORDS && this.wasExecuted(index) && !plans.has(index); index++) {
      if (index > leader && page.armHeat[index] < 0) return;
      if (plans.size >= this.options.maxInstructions) {
        this.outside.add(index);
        return;
      }
      const insn = words[(page.offset >> 2) + index];
      const address = page.address + 4 * index;
      const plan = planArm(insn, address, (word) => page.varying[(word >>> 2) & 1023] === 0);
      plans.set(index, plan);
      if (plan.target !== undefined) {
        const to = (plan.target - page.address) >> 2;
        if (this.isOurs(to)) work.push(to);
      }
      if (plan.ends === 'no') continue;
      // Behind a call, and where the interpreter often comes back.
      const returns = plan.ends === 'likely' || plan.opaque || ((insn >>> 24) & 15) === 11 || (insn & 0x0ffffff0) === 0x012fff30;
      if (plan.ends === 'always' && !returns && insn >>> 28 < 14) continue;
      if (returns && this.isOurs(index + 1)) {
        work.push(index + 1);
        this.entries.add(index + 1);
      }
      return;
    }
  }

  /** Blocks in the order of their addresses. */
  blocks(): Block[] {
    const { plans, leaders, page, words } = this;
    const blocks: Block[] = [];
    for (const first of [...leaders].sort((a, b) => a - b)) {
      let end = first;
      while (plans.has(end) && (end === first || !leaders.has(end))) {
        const plan = plans.get(end)!;
        end++;
        if (plan.ends === 'likely' || (plan.ends === 'always' && words[(page.offset >> 2) + end - 1] >>> 28 >= 14)) break;
      }
      blocks.push({ first, end });
    }
    return blocks;
  }
}

/** Translates what belongs to the code at index `root` of a page; `newSite` numbers what the interpreter has to do. */
export function translateRegion(
  page: CodePage,
  memory: Int32Array,
  root: number,
  options: RegionOptions,
  newSite: (site: Site) => number,
): { region: Region; outside: ReadonlySet<number> } {
  const survey = new Survey(page, memory, root, options);
  const code = new RegionCode(REGISTERS);
  const words = new Map<number, number>();
  const madeFrom = (index: number, how: number): void => void words.set(index, (words.get(index) ?? 0) | how);
  const sites: number[] = [];
  const all = survey.blocks();
  const numbers = new Map(all.map(({ first }, n) => [first, n]));
  const indexOf = (address: number): number => (address - page.address) >> 2;
  const wordAt = (index: number): number => memory[(page.offset >> 2) + index];
  const resolve = (address: number): number | undefined => (((address ^ page.address) & ~0xfff) === 0 ? numbers.get(indexOf(address)) : undefined);
  const context = new Context(
    code,
    (address) => {
      madeFrom(indexOf(address), TAKEN);
      return wordAt(indexOf(address));
    },
    ({ insn, pc, rest }) => {
      const site = newSite({ insn, pc, rest });
      sites.push(site);
      return site;
    },
    resolve,
  );
  const blocks = all.map(({ first, end }): RegionBlock => {
    const indices = Array.from({ length: end - first }, (_, n) => first + n);
    for (const index of indices) madeFrom(index, EXECUTED);
    const plans = indices.map((index) => survey.plans.get(index)!);
    const last = plans[plans.length - 1];
    const stops = last.ends === 'always' && wordAt(end - 1) >>> 28 >= 14 && !last.opaque;
    return {
      targets: plans.flatMap(({ target }) => (target === undefined ? [] : (resolve(target) ?? []))),
      runsOn: !stops,
      entry: survey.entries.has(first),
      emit: () => {
        code.pay(indices.length, page.address + 4 * first);
        translateBlock(context, indices.map(wordAt), plans, page.address + 4 * first);
        if (stops) return;
        const next = numbers.get(end);
        // A block that runs on is followed by the one it runs into, if that is part of the region at all.
        if (next === undefined) code.leaveTo(page.address + 4 * end);
      },
    };
  });
  code.begin();
  const places = emitBlocks(code, blocks);
  const entries = new Map([...places].map(([block, place]) => [all[block].first, place]));
  return { region: { code, places: entries, words, sites }, outside: survey.outside };
}

/** Translates straight code that begins at `address`. */
function translateBlock(context: Context, words: readonly number[], plans: readonly Plan[], address: number): void {
  const { code } = context;
  const count = words.length;
  const conditionOf = (n: number): number => words[n] >>> 28;
  const sources: FlagSource[] = [];
  let source: FlagSource = 'memory';
  plans.forEach((plan, n) => {
    sources.push(source);
    if (plan.source !== undefined) source = conditionOf(n) >= 14 ? plan.source : 'memory';
  });
  const needs = needed(words, plans, sources);
  const emit = (n: number): void => {
    context.insn = words[n];
    context.address = address + 4 * n;
    context.pc = context.address + 8;
    context.rest = count - n;
    context.stored = needs[n].registers;
    context.flags = needs[n].flags;
    context.source = sources[n];
    plans[n].emit(context);
  };
  for (let n = 0; n < count; n++) {
    const condition = conditionOf(n);
    if (condition >= 14) {
      emit(n);
      continue;
    }
    context.source = sources[n];
    pushCondition(context, condition);
    let opaque = false;
    code.conditional(() => {
      for (;;) {
        emit(n);
        opaque ||= plans[n].opaque === true;
        if (plans[n].sets !== 0 || plans[n].opaque || n + 1 >= count || conditionOf(n + 1) !== condition) return;
        n++;
      }
    });
    if (opaque) code.forget(ALL);
  }
}

/** What of each instruction's results must be in memory: what may be seen before it is set again. */
function needed(words: readonly number[], plans: readonly Plan[], sources: readonly FlagSource[]): { registers: number; flags: number }[] {
  let registers = ALL;
  let flags = NZCV;
  const needs: { registers: number; flags: number }[] = [];
  for (let n = plans.length - 1; n >= 0; n--) {
    const plan = plans[n];
    const condition = words[n] >>> 28;
    const always = condition >= 14;
    needs.push({ registers: always ? registers : ALL, flags: flags & plan.sets });
    if (always) {
      registers &= ~plan.writes;
      flags &= ~plan.sets;
    }
    if (plan.seen) {
      registers = ALL;
      flags = NZCV;
    }
    flags |= plan.reads | flagsRead(condition, sources[n]);
  }
  return needs.reverse();
}
