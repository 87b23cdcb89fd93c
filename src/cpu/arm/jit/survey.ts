/**
 * Which instructions of a page make a region, in which blocks. Only what has been executed before is taken, so that paths
 * to errors cost nothing.
 */
import type { CodePage } from '../code-cache.ts';
import type { JitOptions } from './arm-jit.ts';
import type { Instruction, InstructionSet } from './instruction-set.ts';

/** A region has at most so many blocks: V8's optimising compiler takes ever longer for large functions. */
const MAX_BLOCKS = 40;

export type RegionOptions = Pick<JitOptions, 'maxInstructions' | 'unexecuted'>;

/** Straight code, which may be left in the middle but not entered; indices of instructions in the page. */
export interface Block {
  readonly first: number;
  readonly end: number;
}

export class Survey {
  readonly page: CodePage;
  readonly instructions = new Map<number, Instruction>();
  /** Indices where the region is entered. */
  readonly entries = new Set<number>();
  /** Where blocks would begin that the region has no room for. */
  readonly outside = new Set<number>();
  private readonly set: InstructionSet;
  private readonly words: Int32Array;
  private readonly options: RegionOptions;
  private readonly leaders = new Set<number>();

  /**
   * @param words the WebAssembly memory
   * @param root the index that was found to be hot
   */
  constructor(page: CodePage, set: InstructionSet, words: Int32Array, root: number, options: RegionOptions) {
    this.page = page;
    this.set = set;
    this.words = words;
    this.options = options;
    this.entries.add(root);
    const work = [root];
    for (let leader = work.shift(); leader !== undefined; leader = work.shift()) {
      if (this.leaders.has(leader)) continue;
      if (this.leaders.size >= MAX_BLOCKS || this.instructions.size >= options.maxInstructions) {
        this.outside.add(leader);
        continue;
      }
      this.leaders.add(leader);
      this.scan(leader, work);
    }
  }

  /** The index in the page of an address. */
  indexOf(address: number): number {
    return (address - this.page.address) / this.set.size;
  }

  /** Whether code at an index is to be part of this region. */
  private isOurs(index: number): boolean {
    return index >= 0 && index < this.set.count && this.wasExecuted(index) && this.set.heat(this.page)[index] >= 0;
  }

  private wasExecuted(index: number): boolean {
    return this.options.unexecuted || this.set.ops(this.page)[index] !== undefined;
  }

  /** Takes in straight code, and notes where it may go on. */
  private scan(leader: number, work: number[]): void {
    const { page, set, instructions } = this;
    for (let index = leader; index < set.count && this.wasExecuted(index) && !instructions.has(index); index++) {
      if (index > leader && set.heat(page)[index] < 0) return;
      if (instructions.size >= this.options.maxInstructions) {
        this.outside.add(index);
        return;
      }
      const instruction = set.instruction(page, this.words, index);
      const { plan } = instruction;
      instructions.set(index, instruction);
      if (plan.target !== undefined && this.isOurs(this.indexOf(plan.target))) work.push(this.indexOf(plan.target));
      if (plan.ends === 'no') continue;
      if (plan.ends === 'comesBack') {
        if (!this.isOurs(index + 1)) return;
        work.push(index + 1);
        this.entries.add(index + 1);
        return;
      }
      if (instruction.form >>> 28 >= 14) return;
    }
  }

  /** Blocks in the order of their addresses. */
  blocks(): Block[] {
    const { instructions, leaders } = this;
    return [...leaders]
      .sort((a, b) => a - b)
      .map((first) => {
        let end = first + 1;
        while (instructions.has(end) && !leaders.has(end) && !endsBlock(instructions.get(end - 1)!)) end++;
        return { first, end };
      });
  }
}

/** Whether nothing can follow in the same block. */
const endsBlock = ({ plan, form }: Instruction): boolean => plan.ends === 'comesBack' || (plan.ends === 'always' && form >>> 28 >= 14);
