import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GuestMemory, RAM_BASE, RUN } from '../bus/memory.ts';
import { CodeStore } from './code-store.ts';
import { emitBlocks } from './control-flow.ts';
import { callOf, JumpTable, RESULT } from './jump-table.ts';
import { RegionCode } from './region-code.ts';
import { OP } from './wasm-code.ts';

/** Where the made-up machine keeps its program counter and its state; the places of its decisions and of its trace in RAM. */
const PC = 0;
const STATE = 4;
const NEXT_DECISION = 8;
const NEXT_TRACE = 12;
const DECISIONS = RAM_BASE;
const TRACE = RAM_BASE + 0x8000;
const LEAVES = 0x7f000000;
/** Where a block lies. */
const keyOf = (block: number): number => block << 2;

interface Shape {
  readonly targets: readonly number[];
  readonly entry: boolean;
  /** Whether a block that branches nowhere runs on, or leaves. */
  readonly runsOn: boolean;
}

const shapes: fc.Arbitrary<readonly Shape[]> = fc.integer({ min: 1, max: 14 }).chain((count) =>
  fc.array(fc.record({ targets: fc.array(fc.nat(count - 1), { maxLength: 3 }), entry: fc.nat(5).map((n) => n === 0), runsOn: fc.boolean() }), {
    minLength: count,
    maxLength: count,
  }),
);

/** The blocks that are passed when each decision picks one of a block's targets, or none. */
function walk(blocks: readonly Shape[], start: number, decisions: readonly number[], budget: number): number[] {
  const trace: number[] = [];
  let at = start;
  for (let n = 0; n < budget; n++) {
    trace.push(at);
    const { targets, runsOn } = blocks[at];
    const decision = decisions[n % decisions.length];
    if (decision < targets.length) at = targets[decision];
    else if (runsOn && at + 1 < blocks.length) at++;
    else break;
  }
  return trace;
}

/** Makes the blocks into a function and runs it. */
function run(blocks: readonly Shape[], start: number, decisions: readonly number[], budget: number): number[] {
  const memory = new GuestMemory(0x10000);
  const jumps = new JumpTable(memory, { pc: PC, state: STATE });
  const store = new CodeStore(memory, jumps, () => 0, 1 << 20);
  const code = new RegionCode([]);
  const [decision] = code.temporary;
  const advance = (pointer: number, modulus: number): void =>
    code.storeAt(pointer, () => {
      code.loadAt(pointer);
      code.i32(4);
      code.op(OP.i32Add);
      code.i32(modulus);
      code.op(OP.i32And);
    });
  code.begin();
  const places = emitBlocks(
    code,
    blocks.map(({ targets, runsOn, entry }, n) => ({
      targets,
      runsOn,
      entry: entry || n === start,
      emit: () => {
        code.pay(1, keyOf(n));
        code.loadAt(NEXT_TRACE);
        code.i32(n);
        code.access(OP.i32Store, TRACE);
        advance(NEXT_TRACE, 0x7fff);
        code.loadAt(NEXT_DECISION);
        code.access(OP.i32Load, DECISIONS);
        code.set(decision);
        advance(NEXT_DECISION, 4 * decisions.length - 1);
        targets.forEach((target, which) => {
          code.get(decision);
          code.i32(which);
          code.op(OP.i32Eq);
          code.conditional(() => code.goTo(target));
        });
        if (!runsOn || n + 1 === blocks.length) code.leaveTo(LEAVES);
      },
    })),
  );
  const [slot] = store.add([code]);
  decisions.forEach((value, n) => {
    memory.words[(DECISIONS >> 2) + n] = value;
  });
  memory.run[RUN.LEFT] = budget;
  memory.words[PC >> 2] = keyOf(start);
  jumps.enter(keyOf(start), callOf(slot, places.get(start)!), 1);
  const result = jumps.run();
  const length = memory.words[NEXT_TRACE >> 2] >> 2;
  expect(memory.run[RUN.LEFT]).toBe(budget - length);
  // Either it left, or the budget was used up and it stands where it would go on: it can be entered at one place alone.
  if (length < budget) expect([result, memory.words[PC >> 2]]).toEqual([RESULT.MISSING, LEAVES]);
  else expect(result).toBe(memory.words[PC >> 2] === keyOf(start) ? RESULT.BUDGET : RESULT.MISSING);
  return [...memory.words.subarray(TRACE >> 2, (TRACE >> 2) + length)];
}

describe('blocks that branch to each other in any way', () => {
  it('are passed in the order that their branches say, whatever loops they make and wherever they are entered', () => {
    const decisions = fc.array(fc.nat(3), { minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(shapes, fc.nat(13), decisions, fc.integer({ min: 1, max: 120 }), (blocks, from, picks, budget) => {
        const start = from % blocks.length;
        expect(run(blocks, start, picks, budget)).toEqual(walk(blocks, start, picks, budget));
      }),
      { numRuns: 300 },
    );
  });
});
