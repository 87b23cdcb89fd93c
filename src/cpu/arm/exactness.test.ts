/** However a program is run, in slices of any length and with derived data dropped at any moment, the same happens. */
import { describe, expect, it } from 'vitest';
import type { JitOptions } from './jit/arm-jit.ts';
import { CpuBench, EACH_INSTRUCTION, EAGERLY, SOON } from './testing/cpu-bench.suite.ts';
import { fuzzProgram, RAM_BYTES } from './testing/fuzz.suite.ts';
import { Random } from './testing/random.suite.ts';

/** More with the environment variable, for a long search. */
const PROGRAMS = Number(process.env.FUZZ_PROGRAMS ?? 30);
const FIRST = Number(process.env.FUZZ_FIRST ?? 1);
const CHECKPOINTS = [50, 400, 1500];

type Runner = (bench: CpuBench, limit: number, random: Random) => void;

const WAYS: Readonly<Record<string, Runner>> = {
  'in long slices': (bench, limit) => void bench.advance(limit, 1_000_000),
  'one instruction at a time': (bench, limit) => void bench.advance(limit, 1),
  'in slices at random': (bench, limit, random) => {
    while (bench.cpu.icount() < limit && bench.advance(Math.min(limit, bench.cpu.icount() + 1 + random.below(40)), 1 + random.below(12)));
  },
  'dropping derived data at random': (bench, limit, random) => {
    for (;;) {
      if (bench.cpu.icount() >= limit || !bench.advance(Math.min(limit, bench.cpu.icount() + 1 + random.below(60)), 1000)) return;
      const choice = random.below(4);
      if (choice === 0) bench.cpu.dropDerived();
      if (choice === 1) {
        for (let page = 0; page < bench.memory.flags.length; page++) bench.memory.flags[page] &= ~1;
        bench.cpu.dropStores();
      }
      if (choice === 2) bench.restore(bench.snapshot());
    }
  },
};

const TIERS: Readonly<Record<string, JitOptions | undefined>> = {
  interpreted: undefined,
  'compiled one instruction at a time': EACH_INSTRUCTION,
  'compiled eagerly': EAGERLY,
  'compiled when it is warm': SOON,
};

describe('a random program', () => {
  it.each(Object.keys(TIERS).flatMap((tier) => Object.keys(WAYS).map((way) => [tier, way] as const)))(
    'ends in the same state when it is %s and run %s',
    (tier, way) => {
      const other = new CpuBench(RAM_BYTES, TIERS[tier]);
      for (let seed = FIRST; seed < FIRST + PROGRAMS; seed++) {
        const bench = fuzzProgram(seed);
        other.restore(bench.snapshot());
        const random = new Random(seed);
        for (const limit of CHECKPOINTS) {
          bench.advance(limit, 1_000_000);
          WAYS[way](other, limit, random);
          const different = bench.differences(other.snapshot());
          expect(different, `program ${seed}, ${limit} instructions, pc 0x${bench.pc.toString(16)} and 0x${other.pc.toString(16)}`).toEqual([]);
        }
      }
    },
  );

  it('does much of what can be done', () => {
    const seen = new Set<string>();
    let moved = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const bench = fuzzProgram(seed);
      const ram = bench.memory.ram.slice();
      for (let n = 1; n < 1500; n += 3) {
        if (!bench.advance(n, 1_000_000)) seen.add('waits for ever');
        seen.add(`${bench.mode} ${bench.cpu.s.t ? 'Thumb' : 'ARM'}`);
        seen.add(`data fault ${bench.cpu.s.dfsr & 15}`);
        seen.add(`fetch fault ${bench.cpu.s.ifsr & 15}`);
        if (bench.cpu.s.tlbLockdown) seen.add('locked TLB');
      }
      if (bench.memory.ram.subarray(0x8000, 0xb800).some((byte, n) => byte !== ram[0x8000 + n])) seen.add('changed code');
      if (bench.memory.ram.subarray(0x100000, 0x110000).some((byte, n) => byte !== ram[0x100000 + n])) seen.add('changed tables');
      moved += bench.clock.state.fields.bias;
    }
    expect([...seen]).toEqual(
      expect.arrayContaining(['usr ARM', 'usr Thumb', 'svc ARM', 'svc Thumb', 'irq ARM', 'fiq ARM', 'abt ARM', 'sys ARM', 'und ARM']),
    );
    const faults = [1, 5, 7, 9, 13].map((status) => `data fault ${status}`).concat([2, 5, 9].map((status) => `fetch fault ${status}`));
    expect([...seen]).toEqual(expect.arrayContaining(faults));
    expect([...seen]).toEqual(expect.arrayContaining(['changed code', 'changed tables', 'locked TLB']));
    expect(moved).toBeGreaterThan(0);
  });
});
