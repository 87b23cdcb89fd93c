// What going back costs in a recording of the Linux guest's `bench`, and what checkpoints cost. CPU time of all threads, since
// machines are shared; each figure also as a ratio to a replay of the whole recording, the same work without a debugger.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { random } from '../random.mjs';
import { benchGdb } from './gdb.mjs';
import { bench } from './linux.mjs';
import { alternate, measure, median } from './measure.mjs';
import { table } from './table.mjs';

const { Replay } = await import(pathToFileURL(join(fileURLToPath(new URL('../..', import.meta.url)), 'dist', 'index.js')).href);
const SEEKS = 60;
/** An address where no code is, nor anything that is written. */
const NOWHERE = 0xfffffff0;
const BUDGETS = ['16M', '512M'];

/** Milliseconds of CPU time that something takes. */
async function cost(act) {
  const before = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
const at = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];

/** @param guest a folder with zImage, integratorcp.dtb and initrd.gz @returns the lines of the tables */
export async function benchDebugging(reprise, guest, rounds) {
  if (!existsSync(join(guest, 'zImage'))) return [`Going back skipped: no guest in ${guest}.`];
  const folder = mkdtempSync(join(tmpdir(), 'reprise-bench-'));
  try {
    const [plain, stored] = ['plain.rec', 'stored.rec'].map((name) => join(folder, name));
    const record = (path, ...more) => [...reprise, 'record', '--force', '-o', path, ...more, ...bench(guest)];
    const subjects = { plain: record(plain), checkpoints: record(stored, '--store-checkpoints') };
    const runs = await alternate(subjects, rounds, folder);
    const [without, having] = Object.values(runs).map((all) => median(all.map(({ cpu }) => cpu)));
    return [
      ...(await travels(plain)),
      '',
      `Checkpoints while recording (\`--store-checkpoints\`): ${(having / without).toFixed(3)} times the CPU time of a recording without them; at most 1.05.`,
      '',
      ...(await budgets(reprise, plain, folder)),
      '',
      ...(await benchGdb(reprise, guest, plain, folder)),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function travels(path) {
  const replay = await Replay.open(path);
  try {
    const whole = await cost(() => replay.forward({}));
    const { below } = random(1);
    const seeks = [];
    for (let n = 0; n < SEEKS; n++) {
      const moment = below(replay.end);
      seeks.push(await cost(() => replay.seek(moment)));
    }
    const steps = [];
    for (let seek = 0; seek < SEEKS / 6; seek++) {
      await replay.seek(below(replay.end));
      for (let n = 0; n < 6; n++) steps.push(await cost(() => replay.seek(replay.icount - 1)));
    }
    // What the machine executes in the middle, and surely executed before.
    await replay.seek(Math.floor(replay.end / 2));
    const pc = Number(replay.register('pc'));
    await replay.seek(replay.end);
    const hit = await cost(() => replay.backward({ breakpoints: [pc] }));
    await replay.seek(replay.end);
    const fruitless = await cost(() => replay.backward({ breakpoints: [NOWHERE] }));
    const row = (what, ms, bound = '') => [what, ms.toFixed(1), (ms / whole).toFixed(4), bound];
    return table(
      ['what', 'CPU ms', 'ratio to a whole replay', 'bound'],
      [
        row('whole replay, with checkpoints', whole),
        row('reverse-stepi, median', at(steps, 0.5)),
        row('reverse-stepi, 95 of 100', at(steps, 0.95), 'at most 0.0500'),
        row('seek to a random moment, median', at(seeks, 0.5)),
        row('seek to a random moment, 95 of 100', at(seeks, 0.95), 'at most 0.0667'),
        row('reverse-continue from the end, with a hit', hit),
        row('reverse-continue from the end, fruitless', fruitless, 'at most 2.5'),
      ],
    );
  } finally {
    await replay.close();
  }
}

/** The peaks of a search over everything, backwards, which keeps checkpoints. */
async function budgets(reprise, path, folder) {
  const question = (budget) => [...reprise, 'last-write', path, `${NOWHERE}`, '--physical', '--checkpoint-memory', budget];
  const rows = [];
  // Status 4: it never happened.
  for (const budget of BUDGETS) rows.push([budget, (await measure(question(budget), folder, 4)).memory.toFixed(0)]);
  return table(['--checkpoint-memory', 'peak MiB of a fruitless last-write'], rows);
}
