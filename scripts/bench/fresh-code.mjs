// Whether memory stays flat while a guest makes ever more code (fresh-code.S): peaks of a run and of longer ones.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, COMPILER } from './bare.mjs';
import { has, measure } from './measure.mjs';
import { table } from './table.mjs';

/** Functions of the runs. */
const COUNTS = [10_000, 30_000];
const RAM_MIB = 16;
/** Compiled much earlier than usual, so that the time goes into compiling. */
const HOT = 'REPRISE_JIT_HOT=20';

/** @returns the lines of the table, or one that says why there is none */
export async function benchFreshCode(reprise) {
  if (!has(COMPILER)) return [`Fresh code skipped: no ${COMPILER} (Debian: apt-get install gcc-arm-none-eabi).`];
  const folder = mkdtempSync(join(tmpdir(), 'reprise-fresh-'));
  try {
    const rows = [];
    for (const count of COUNTS) {
      const image = join(folder, `${count}.elf`);
      build('fresh-code.S', image, [`COUNT=${count}`]);
      const machine = ['-M', 'integratorcp', '-m', `${RAM_MIB}`, '-display', 'none', '-no-reboot', '-serial', 'none', '-kernel', image];
      const run = await measure(['env', HOT, ...reprise, 'run', ...machine], folder);
      rows.push([`${count}`, run.wall.toFixed(1), run.memory.toFixed(0)]);
      console.error(`fresh code: ${count} functions, ${run.memory.toFixed(0)} MiB`);
    }
    return [
      `A guest of ${RAM_MIB} MiB that writes a function of 200 instructions, calls it 100 times (${HOT}), and writes the next.`,
      'These are seconds; [jit.md](jit.md) tells of millions. Flat means that the peak does not grow with the run.',
      '',
      ...table(['functions', 'wall s', 'peak MiB'], rows),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
