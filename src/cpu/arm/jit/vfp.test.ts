/** VFP arithmetic in compiled code: the same registers and flags as the interpreter, whatever the operands and modes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CpuBench, EAGERLY } from '../testing/cpu-bench.suite.ts';
import { assemble } from '../vfp/vfp.suite.ts';
import { FPEXC } from '../vfp/vfp.ts';

/** Ends the block, so that it is not larger than the slice. */
const BRANCH_TO_SELF = 0xeafffffe;
const NAMES = ['FADD', 'FSUB', 'FMUL', 'FDIV'];
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
);
const modes = fc.constantFrom(0, 0x10, 0x10, 0x10, 0x10, 0x01000010, 0x02000010, 0x00400010, 0x00c00010, 0x00010010, 0x1010, 0x810);

describe('VFP arithmetic in compiled code', () => {
  it('gives what the interpreter gives', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 8, maxLength: 8 }), modes, (registers, fpscr) => {
        const states = [undefined, EAGERLY].map((tier) => {
          const bench = new CpuBench(0x100000, tier);
          const { cpu } = bench;
          cpu.s.fpexc = FPEXC.EN;
          cpu.s.fpscr = fpscr;
          registers.forEach((value, n) => {
            cpu.s.vfp[n] = value;
          });
          bench.words(
            0x8000,
            ...NAMES.flatMap((name, n) => [
              assemble(`${name}S`, { Sd: 8 + n, Sn: 1, Sm: 3 }),
              assemble(`${name}D`, { Dd: 8 + n, Dn: 0, Dm: 1 }),
              assemble(`${name}D`, { Dd: 12 + n, Dn: 2, Dm: 3 }),
            ]),
            BRANCH_TO_SELF,
          );
          bench.pc = 0x8000;
          bench.run(20);
          return { vfp: [...cpu.s.vfp], fpscr: cpu.s.fpscr, fpexc: cpu.s.fpexc, fpinst: cpu.s.fpinst, pc: bench.pc, icount: cpu.icount() };
        });
        expect(states[1]).toEqual(states[0]);
      }),
      { numRuns: 400 },
    );
  });
});
