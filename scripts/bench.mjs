// Speed, size and memory of Reprise side by side with QEMU, as ratios: `npm run bench [-- --rounds N] [--guest FOLDER]`.
// The guest is a folder with zImage, integratorcp.dtb and initrd.gz (default: ../shared/guests/integratorcp); the run is
// its `bench` (sha256, gzip, awk, 100 processes). Whole processes are timed by GNU time; the rounds alternate, because
// machines drift, and medians are compared.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const option = (name, fallback) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : process.argv[at + 1];
};
const guest = resolve(option('--guest', join(root, '..', 'shared', 'guests', 'integratorcp')));
const rounds = Number(option('--rounds', '3'));
const has = (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;

if (!existsSync(join(guest, 'zImage'))) {
  console.log(`bench skipped: no guest in ${guest}`);
  process.exit(0);
}
if (!has('/usr/bin/time')) {
  console.error('bench needs GNU time (Debian: apt-get install time)');
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), 'reprise-bench-'));
const recording = join(folder, 'bench.rec');
const machine = ['-M', 'integratorcp', '-m', '128', '-display', 'none', '-no-reboot', '-rtc', 'base=2026-01-01'];
const software = [
  '-kernel',
  join(guest, 'zImage'),
  '-dtb',
  join(guest, 'integratorcp.dtb'),
  '-initrd',
  join(guest, 'initrd.gz'),
  '-append',
  'console=ttyAMA0 autooff bench',
];
const reprise = [process.execPath, join(root, 'dist', 'cli', 'reprise.js')];
const subjects = {
  run: [...reprise, 'run', ...machine, '-serial', 'stdio', ...software],
  record: [...reprise, 'record', '--force', '-o', recording, ...machine, '-serial', 'stdio', ...software],
  replay: [...reprise, 'replay', recording, '-serial', 'stdio'],
};
if (has('qemu-system-arm')) {
  subjects.qemu = [
    'qemu-system-arm',
    ...machine,
    '-serial',
    'stdio',
    '-monitor',
    'none',
    '-net',
    'none',
    '-icount',
    `shift=3,rr=record,rrfile=${join(folder, 'qemu.bin')}`,
    ...software,
  ];
} else console.log('qemu-system-arm is not installed: no comparison with it (Debian: apt-get install qemu-system-arm)');

/** CPU seconds, wall seconds and peak memory of one run. */
function measure(command) {
  const report = join(folder, 'time');
  const { status, stdout } = spawnSync('/usr/bin/time', ['-o', report, '-f', '%U %S %e %M', ...command], {
    encoding: 'latin1',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (status !== 0 || !stdout.includes('@@ done')) throw new Error(`failed (${status}): ${command.join(' ')}`);
  const [user, system, wall, kilobytes] = readFileSync(report, 'utf8').trim().split(/\s+/).map(Number);
  return { cpu: user + system, wall, memory: kilobytes / 1024 };
}
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

try {
  const results = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [name, command] of Object.entries(subjects)) {
      results[name].push(measure(command));
      console.error(`round ${round} of ${rounds}: ${name} ${results[name].at(-1).cpu.toFixed(1)} s CPU`);
    }
  }
  const info = JSON.parse(spawnSync(reprise[0], [reprise[1], 'info', recording, '--json'], { encoding: 'utf8' }).stdout);
  const cpu = Object.fromEntries(Object.entries(results).map(([name, runs]) => [name, median(runs.map((run) => run.cpu))]));
  const wall = Object.fromEntries(Object.entries(results).map(([name, runs]) => [name, median(runs.map((run) => run.wall))]));
  const inputs = info.inputs.reduce((sum, { size }) => sum + size, 0);
  console.log(`\n${(info.final.icount / 1e6).toFixed(0)} million guest instructions; medians of ${rounds} rounds, CPU seconds of whole processes\n`);
  for (const [name, runs] of Object.entries(results)) {
    console.log(
      `${name.padEnd(8)} ${cpu[name].toFixed(2).padStart(7)} s  (${Math.min(...runs.map((r) => r.cpu)).toFixed(2)} to ${Math.max(...runs.map((r) => r.cpu)).toFixed(2)})  peak memory ${Math.max(...runs.map((r) => r.memory)).toFixed(0)} MiB`,
    );
  }
  console.log('');
  const ratio = (what, value, bound) => console.log(`${what.padEnd(46)} ${value.toFixed(2).padStart(7)}   ${bound}`);
  if (cpu.qemu) ratio('record / QEMU rr=record, CPU time', cpu.record / cpu.qemu, 'at most 1.5');
  if (cpu.qemu) ratio('record / QEMU rr=record, wall time', wall.record / wall.qemu, 'at most 1.2');
  ratio('record / run, CPU time', cpu.record / cpu.run, 'at most 1.03');
  ratio('replay / record, CPU time', cpu.replay / cpu.record, 'at most 1');
  ratio('speed of recording, million instructions/s', info.final.icount / cpu.record / 1e6, '');
  ratio('recording without its inputs, KiB', (statSync(recording).size - inputs) / 1024, 'at most 64');
  ratio('peak memory beyond guest RAM, MiB', Math.max(...results.record.map((r) => r.memory)) - 128, 'at most 350');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
