/** Translates straight code: conditions, and what of each instruction's results must be in memory. */
import { flagsRead, pushCondition } from './condition.ts';
import { ALL, type Context, type FlagSource, NZCV } from './context.ts';
import type { Instruction } from './instruction-set.ts';

/** Translates a block that begins at `address`, of instructions of `size` bytes. */
export function translateBlock(context: Context, instructions: readonly Instruction[], address: number, size: number): void {
  const { code } = context;
  const count = instructions.length;
  const conditionOf = (n: number): number => instructions[n].form >>> 28;
  const sources = flagSources(instructions);
  const needs = needed(instructions, sources);
  const emit = (n: number): void => {
    context.insn = instructions[n].form;
    context.original = instructions[n].insn;
    context.address = address + size * n;
    context.pc = context.address + 2 * size;
    context.rest = count - n;
    context.stored = needs[n].registers;
    context.flags = needs[n].flags;
    instructions[n].plan.emit(context);
  };
  for (let n = 0; n < count; n++) {
    const condition = conditionOf(n);
    context.source = sources[n];
    if (condition >= 14) {
      emit(n);
      continue;
    }
    pushCondition(context, condition);
    let opaque = false;
    code.conditional(() => {
      // As long as the flags stay, instructions with the same condition go together.
      for (;;) {
        emit(n);
        const { plan } = instructions[n];
        opaque ||= plan.opaque === true;
        if (plan.sets !== 0 || plan.opaque || n + 1 >= count || conditionOf(n + 1) !== condition) return;
        n++;
      }
    });
    if (opaque) code.forget(ALL);
  }
}

/** Where the flags can be had from before each instruction. */
function flagSources(instructions: readonly Instruction[]): FlagSource[] {
  let source: FlagSource = 'memory';
  return instructions.map(({ plan, form }) => {
    const before = source;
    if (plan.source !== undefined) source = form >>> 28 >= 14 ? plan.source : 'memory';
    return before;
  });
}

interface Needs {
  readonly registers: number;
  readonly flags: number;
}

/** What of each instruction's results must be in memory: what may be seen before it is set again. */
function needed(instructions: readonly Instruction[], sources: readonly FlagSource[]): Needs[] {
  let registers = ALL;
  let flags = NZCV;
  const needs: Needs[] = [];
  for (let n = instructions.length - 1; n >= 0; n--) {
    const { plan, form } = instructions[n];
    const condition = form >>> 28;
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
