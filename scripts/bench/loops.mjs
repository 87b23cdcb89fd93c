// Tight loops without an operating system (loops.S), as ratios to QEMU with and without -icount.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, COMPILER } from './bare.mjs';
import { alternate, has, median } from './measure.mjs';
import { table } from './table.mjs';

/** Rounds of each loop, so that it runs for about a second. */
const LOOPS = { INTEGER: 100_000_000, MEMORY: 60_000_000, CALLS: 40_000_000, VFP: 20_000_000 };

/** @returns the lines of the table, or one that says why there is none */
export async function benchLoops(reprise, rounds) {
  if (!has(COMPILER)) return [`Tight loops skipped: no ${COMPILER} (Debian: apt-get install gcc-arm-none-eabi).`];
  if (!has('qemu-system-arm')) return ['Tight loops skipped: no qemu-system-arm.'];
  const folder = mkdtempSync(join(tmpdir(), 'reprise-loops-'));
  try {
    const rows = [];
    for (const [name, count] of Object.entries(LOOPS)) {
      const seconds = await secondsOfLoop(reprise, name, count, rounds, folder);
      rows.push([name.toLowerCase(), seconds.reprise.toFixed(2), ratio(seconds.reprise, seconds.icount), ratio(seconds.reprise, seconds.plain)]);
    }
    return table(['loop', 'CPU seconds', 'ratio to QEMU -icount shift=3', 'ratio to QEMU without'], rows);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const ratio = (ours, theirs) => (theirs > 0 ? (ours / theirs).toFixed(2) : 'too short to tell');

/** CPU seconds of the loop alone: those of the same program with no round are taken off. */
async function secondsOfLoop(reprise, name, count, rounds, folder) {
  const machine = ['-M', 'integratorcp', '-m', '16', '-display', 'none', '-no-reboot', '-kernel'];
  const qemu = ['qemu-system-arm', ...machine.slice(0, -1), '-serial', 'none', '-monitor', 'none', '-net', 'none'];
  const subjects = {};
  for (const [part, n] of [
    ['', count],
    [' empty', 0],
  ]) {
    const image = join(folder, `${name}-${n}.elf`);
    build('loops.S', image, [name, `COUNT=${n}`]);
    subjects[`reprise${part}`] = [...reprise, 'run', ...machine, image, '-serial', 'none'];
    subjects[`icount${part}`] = [...qemu, '-icount', 'shift=3', '-kernel', image];
    subjects[`plain${part}`] = [...qemu, '-kernel', image];
  }
  const results = await alternate(subjects, rounds, folder);
  const cpu = (subject) => median(results[subject].map((run) => run.cpu));
  return Object.fromEntries(['reprise', 'icount', 'plain'].map((subject) => [subject, cpu(subject) - cpu(`${subject} empty`)]));
}
