/** VFP instructions in compiled code: the same registers, flags, memory and exceptions as in the interpreter. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CpuBench, EAGERLY } from '../testing/cpu-bench.suite.ts';
import { VFP_ROWS } from '../vfp/vfp.rows.ts';
import { fixedBits } from '../vfp/vfp.suite.ts';
import { FPEXC } from '../vfp/vfp.ts';
import type { JitOptions } from './arm-jit.ts';

/** Ends the block, so that it is not larger than the slice. */
const BRANCH_TO_SELF = 0xeafffffe;
/** Words that are the top of ordinary numbers, of the smallest and largest, of zeros, infinities and NaNs. */
const word = fc.oneof(
  fc.integer(),
  fc.constantFrom(
    0,
    1,
    0x80000000,
    0x3ff00000,
    0x3f800000,
    0x00100000,
    0x00200000,
    0x00800000,
    0x01000000,
    0x7fefffff,
    0x7f7fffff,
    0x7ff00000,
    0x7f800000,
    0x7fc00000,
    0x7ff80000,
  ),
  fc.integer({ min: -0x200000, max: 0x200000 }).map((n) => 0x3ff00000 + n),
  fc.integer({ min: 0, max: 0x2000000 }),
  // Around 2^31 and 2^32.
  fc.tuple(fc.constantFrom(0x41e00000, 0xc1e00000, 0x41f00000, 0x4f000000, 0xcf000000, 0x4f800000), fc.nat(3)).map(([top, n]) => top - 1 + n),
);
const modes = fc.constantFrom(0, 0x10, 0x10, 0x10, 0x10, 0x01000010, 0x02000010, 0x00400010, 0x00c00010, 0x00010010, 0x1010, 0x810);

/** Any instruction of the table, always executed, with any operands. */
const instruction = fc.tuple(fc.constantFrom(...VFP_ROWS), fc.integer()).map(([row, operands]) => {
  const { mask, value } = fixedBits(row);
  return ((value | (operands & ~mask)) & 0x0fffffff) | (14 << 28);
});
/** Where memory is that loads and stores mostly find: in the middle and at the ends of pages, now and then not at a word. */
const DATA = 0x40000;
const address = fc.tuple(fc.constantFrom(0, 0, 0, 1, 2), fc.integer({ min: -0x300, max: 0x300 })).map(([odd, n]) => DATA + 4 * n + odd);

interface Start {
  readonly program: readonly number[];
  readonly vfp: readonly number[];
  readonly core: readonly number[];
  readonly fpscr: number;
  readonly enabled: boolean;
}
const start: fc.Arbitrary<Start> = fc.record({
  program: fc.array(instruction, { minLength: 1, maxLength: 12 }),
  vfp: fc.array(word, { minLength: 32, maxLength: 32 }),
  core: fc.array(address, { minLength: 15, maxLength: 15 }),
  fpscr: modes,
  enabled: fc.nat(9).map((n) => n > 0),
});

function run({ program, vfp, core, fpscr, enabled }: Start, tier?: JitOptions) {
  const bench = new CpuBench(0x100000, tier);
  const { cpu } = bench;
  const { s } = cpu;
  s.fpexc = enabled ? FPEXC.EN : 0;
  s.fpscr = fpscr;
  vfp.forEach((value, n) => {
    s.vfp[n] = value;
    bench.words(DATA + 4 * (n - 16), value);
  });
  core.forEach((value, n) => {
    cpu.r[n] = value;
  });
  bench.words(0x8000, ...program, BRANCH_TO_SELF);
  bench.pc = 0x8000;
  bench.run(20);
  const memory = Array.from({ length: 0x800 }, (_, n) => bench.word(DATA + 4 * (n - 0x400)));
  const core15 = [...cpu.r.subarray(0, 15)];
  return {
    state: {
      vfp: [...s.vfp],
      core15,
      nzcv: [...cpu.nzcv],
      fpscr: s.fpscr,
      fpexc: s.fpexc,
      fpinst: s.fpinst,
      pc: bench.pc,
      icount: cpu.icount(),
      memory,
    },
    statistics: cpu.jitStatistics(),
  };
}

describe('VFP in compiled code', () => {
  it('gives what the interpreter gives, and mostly by itself', () => {
    let executed = 0;
    let interpreted = 0;
    fc.assert(
      fc.property(start, (from) => {
        const compiled = run(from, EAGERLY);
        expect(compiled.state).toEqual(run(from).state);
        executed += compiled.statistics!.instructions;
        interpreted += compiled.statistics!.interpreted;
      }),
      { numRuns: 1000 },
    );
    expect(interpreted / executed).toBeLessThan(0.5);
  });
});
