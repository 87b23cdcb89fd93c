import { it } from 'vitest';
import { armRows } from '/work/main/src/cpu/arm/isa/arm.rows.ts';
import { armRow, thumbRow } from '/work/main/src/cpu/arm/isa/decode.ts';
import { disassembleArm, disassembleThumb } from '/work/main/src/cpu/arm/isa/disassemble.ts';
import { thumbRows } from '/work/main/src/cpu/arm/isa/thumb.rows.ts';
import { capstone } from '/work/main/src/cpu/arm/testing/capstone.suite.ts';
import { Random } from '/work/main/src/cpu/arm/testing/random.suite.ts';

it('x', async () => {
  const ref = await capstone();
  const rng = new Random(1);
  for (const [rows, rowOf, dis, cs] of [
    [armRows, armRow, disassembleArm, ref.arm],
    [thumbRows, thumbRow, disassembleThumb, ref.thumb],
  ] as const) {
    for (const row of rows) {
      let ok = 0,
        bad = 0,
        none = 0;
      const ex: string[] = [];
      for (let i = 0; i < 400; i++) {
        const w = rng.wordOf(row);
        if (rowOf(w) !== row) continue;
        const a = dis(w, 0x8000),
          b = cs(w, 0x8000);
        if (b === undefined) {
          none++;
          continue;
        }
        if (a === b) ok++;
        else {
          bad++;
          if (ex.length < 6) ex.push(`   ${w.toString(16)} ${a} | ${b}`);
        }
      }
      if (bad || !ok) console.log(`${row.name}: ok ${ok} bad ${bad} none ${none}\n${ex.join('\n')}`);
    }
  }
});
