/** Translates a region: blocks of one page that begin at a hot place, as one function. */
import { emitBlocks, type RegionBlock } from '../../../jit/control-flow.ts';
import { RegionCode } from '../../../jit/region-code.ts';
import type { CodePage } from '../code-cache.ts';
import { translateBlock } from './block.ts';
import { Context, STATE } from './context.ts';
import type { InstructionSet } from './instruction-set.ts';
import { type RegionOptions, Survey } from './survey.ts';

/** Where R0 to R14 are. */
const REGISTERS = Array.from({ length: 15 }, (_, n) => STATE.r + 4 * n);

/** Bits of `Region.words`. */
export const EXECUTED = 1;
export const TAKEN = 2;

/** A region before it is in a module. */
export interface Region {
  readonly set: InstructionSet;
  readonly code: RegionCode;
  /** Places where it can be entered, by the index of the instruction in the page. */
  readonly places: ReadonlyMap<number, number>;
  /** What it was made from, by index: words that are executed (1), taken for constants (2), or both. */
  readonly words: ReadonlyMap<number, number>;
  readonly sites: readonly number[];
  /** Indices of code that it had no room for. */
  readonly outside: ReadonlySet<number>;
}

/** What the interpreter needs to execute an instruction in the middle of a block. */
export interface Site {
  readonly set: InstructionSet;
  readonly insn: number;
  /** R15 as the instruction reads it. */
  readonly pc: number;
  /** Instructions of the block from this one to its end, which are paid for. */
  readonly rest: number;
}

/**
 * @param memory the WebAssembly memory
 * @param root the index that was found to be hot
 * @param newSite numbers what the interpreter has to do
 */
export function translateRegion(
  page: CodePage,
  set: InstructionSet,
  memory: Int32Array,
  root: number,
  options: RegionOptions,
  newSite: (site: Site) => number,
): Region {
  const survey = new Survey(page, set, memory, root, options);
  const { size } = set;
  const code = new RegionCode(REGISTERS);
  const words = new Map<number, number>();
  const madeFrom = (word: number, how: number): void => void words.set(word, (words.get(word) ?? 0) | how);
  const sites: number[] = [];
  const all = survey.blocks();
  const numbers = new Map(all.map(({ first }, n) => [first, n]));
  const resolve = (address: number): number | undefined => numbers.get(survey.indexOf(address));
  const context = new Context(code, set.thumb, {
    constant: (address) => {
      const word = (address - page.address) >> 2;
      madeFrom(word, TAKEN);
      return memory[(page.offset >> 2) + word];
    },
    newSite: ({ original, pc, rest }) => {
      const site = newSite({ set, insn: original, pc, rest });
      sites.push(site);
      return site;
    },
    resolve,
  });
  const blocks = all.map(({ first, end }): RegionBlock => {
    const address = page.address + size * first;
    const instructions = Array.from({ length: end - first }, (_, n) => survey.instructions.get(first + n)!);
    for (let index = first; index < end; index++) madeFrom((index * size) >> 2, EXECUTED);
    const { plan, form } = instructions[instructions.length - 1];
    // What the interpreter executes may turn out to do nothing.
    const stops = plan.ends !== 'no' && form >>> 28 >= 14 && !plan.opaque && !plan.mayGoOn;
    return {
      targets: instructions.flatMap(({ plan: { target } }) => (target === undefined ? [] : (resolve(target) ?? []))),
      runsOn: !stops,
      entry: survey.entries.has(first),
      emit: () => {
        code.pay(instructions.length, address | set.thumb);
        translateBlock(context, instructions, address, size);
        // The block that it runs on into follows, if it is part of the region at all.
        if (!stops && numbers.get(end) === undefined) code.leaveTo((page.address + size * end) | set.thumb);
      },
    };
  });
  code.begin();
  const places = new Map([...emitBlocks(code, blocks)].map(([block, place]) => [all[block].first, place]));
  return { set, code, places, words, sites, outside: survey.outside };
}
