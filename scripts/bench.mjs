// Speed, size and memory of Reprise side by side with QEMU: `npm run bench [-- --rounds N] [--guest FOLDER]`. The guest's
// folder is ../shared/guests/integratorcp unless something else is said. The last results are kept in docs/performance.md.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchDebugging } from './bench/debugging.mjs';
import { benchFreshCode } from './bench/fresh-code.mjs';
import { benchLinux } from './bench/linux.mjs';
import { benchLoops } from './bench/loops.mjs';
import { has, versionOf } from './bench/measure.mjs';
import { benchStartUp } from './bench/start-up.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const option = (name, fallback) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : process.argv[at + 1];
};
const guest = resolve(option('--guest', join(root, '..', 'shared', 'guests', 'integratorcp')));
const rounds = Number(option('--rounds', '3'));

if (!has('/usr/bin/time')) {
  console.error('bench needs GNU time (Debian: apt-get install time)');
  process.exit(1);
}
const reprise = [process.execPath, join(root, 'dist', 'bin', 'reprise.js')];
/** The parts, in the order of the page: each gives the lines of a section. */
const sections = [
  ['Linux', await benchLinux(reprise, guest, rounds)],
  ['Start-up', await benchStartUp(reprise, guest, rounds)],
  ['Going back', await benchDebugging(reprise, guest, rounds)],
  ['Tight loops', await benchLoops(reprise, rounds)],
  ['Fresh code', await benchFreshCode(reprise)],
];
const qemu = has('qemu-system-arm') ? versionOf('qemu-system-arm') : 'no QEMU';
const page = [
  '# Performance',
  'Written by `npm run bench`; figures of another machine, or of a busy one, differ.',
  '',
  `${new Date().toISOString().slice(0, 10)}; ${cpus().length} cores, ${cpus()[0].model}; Node ${process.version}; ${qemu}.`,
  ...sections.flatMap(([title, lines]) => ['', `## ${title}`, ...lines]),
  '',
].join('\n');
console.log(page);
writeFileSync(join(root, 'docs', 'performance.md'), page);
