/** Every instruction, against QEMU: the cases of `golden.txt`, and that no row of the tables lacks a test. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { armRows } from './isa/arm.rows.ts';
import { armRow, thumbRow } from './isa/decode.ts';
import { thumbRows } from './isa/thumb.rows.ts';
import { CpuBench, EACH_INSTRUCTION } from './testing/cpu-bench.suite.ts';
import { fillMemory, parseGolden, replay } from './testing/golden.suite.ts';
import { VFP_ROWS } from './vfp/vfp.rows.ts';

const groups = parseGolden(readFileSync(new URL('testing/golden.txt', import.meta.url), 'utf8'));

describe.each([
  ['interpreted', undefined],
  ['compiled', EACH_INSTRUCTION],
])('golden cases, %s', (_, jit) => {
  const bench = new CpuBench(0x10000, jit);
  fillMemory(bench);
  for (const { thumb, name, cases } of groups) {
    it(`${thumb ? 'Thumb' : 'ARM'} ${name}`, () => {
      const wrong = cases.flatMap((item) => replay(bench, item, thumb).map((difference) => `${item.text} :: ${difference}`));
      expect(wrong.slice(0, 10)).toEqual([]);
    });
  }
});

describe('the tables', () => {
  /** Rows without golden cases, and where their tests are. */
  const elsewhere = new Map([
    ['MCR', 'cp15.test.ts: QEMU models less of coprocessor 15'],
    ['MRC', 'cp15.test.ts'],
    ...VFP_ROWS.map(({ name }) => [name, 'vfp/'] as const),
  ]);

  it.each([
    ['ARM', armRows, armRow, false],
    ['Thumb', thumbRows, thumbRow, true],
  ] as const)('have a test for every row: %s', (_, rows, rowOf, thumb) => {
    for (const row of rows) {
      if (!thumb && elsewhere.has(row.name)) continue;
      const cases = groups.find((group) => group.thumb === thumb && group.name === row.name)?.cases ?? [];
      expect(cases.length, row.name).toBeGreaterThanOrEqual(40);
      for (const { words } of cases) expect(rowOf(words[0])?.name).toBe(row.name);
      // Cases that change nothing, as when the condition fails, prove little: a third at least must change something.
      const effective = cases.filter(({ text }) => !text.endsWith('>')).length;
      expect(effective, row.name).toBeGreaterThanOrEqual(row.name.startsWith('PLD') ? 0 : cases.length / 3);
    }
  });
});
