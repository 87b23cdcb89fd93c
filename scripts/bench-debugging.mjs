// What going back costs: node scripts/bench-debugging.mjs RECORDING. CPU time of this process, all threads, since machines
// are shared; each figure also as a ratio to a replay of the whole recording, which is the same work without a debugger.
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { Replay } = await import(pathToFileURL(join(root, 'dist', 'index.js')).href);

/** Milliseconds of CPU time that something takes. */
async function cost(act) {
  const before = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
/** The same moments each time (Marsaglia's xorshift). */
function* moments(end, count) {
  for (let n = 0, state = 0x2545f491; n < count; n++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield Math.floor(((state >>> 0) / 2 ** 32) * end);
  }
}
const at = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];

/**
 * Measures a recording.
 * @param path its file @param samples how many seeks and steps
 * @returns rows of what was measured, milliseconds, the ratio to a whole replay, and the ratio that is allowed, if any
 */
export async function benchDebugging(path, samples = 60) {
  const replay = await Replay.open(path);
  try {
    const whole = await cost(() => replay.forward({}));
    const seeks = [];
    for (const moment of moments(replay.end, samples)) seeks.push(await cost(() => replay.seek(moment)));
    const steps = [];
    for (const moment of moments(replay.end, Math.ceil(samples / 6))) {
      await replay.seek(moment);
      for (let n = 0; n < 6; n++) steps.push(await cost(() => replay.seek(replay.icount - 1)));
    }
    // What the machine executes in the middle, and surely executed before.
    await replay.seek(Math.floor(replay.end / 2));
    const pc = Number(replay.register('pc'));
    await replay.seek(replay.end);
    const hit = await cost(() => replay.backward({ breakpoints: [pc] }));
    await replay.seek(replay.end);
    const fruitless = await cost(() => replay.backward({ breakpoints: [0xfffffff0] }));
    const row = (what, ms, bound) => ({ what, ms, ratio: ms / whole, bound });
    return [
      row('whole replay, with checkpoints', whole),
      row('reverse-stepi, median', at(steps, 0.5)),
      row('reverse-stepi, 95 of 100', at(steps, 0.95), 1 / 20),
      row('seek to a random moment, median', at(seeks, 0.5)),
      row('seek to a random moment, 95 of 100', at(seeks, 0.95), 1 / 15),
      row('reverse-continue from the end, with a hit', hit),
      row('reverse-continue from the end, fruitless', fruitless, 2.5),
    ];
  } finally {
    await replay.close();
  }
}

/** For a person. */
export function describeRow({ what, ms, ratio, bound }) {
  return `${what.padEnd(46)} ${ms.toFixed(1).padStart(9)} ms  ${ratio.toFixed(4).padStart(8)}   ${bound === undefined ? '' : `at most ${bound.toFixed(4)}`}`.trimEnd();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log('going back: CPU time, and its ratio to a whole replay\n');
  for (const row of await benchDebugging(process.argv[2])) console.log(describeRow(row));
}
