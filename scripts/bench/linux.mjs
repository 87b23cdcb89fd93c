// The Linux guest's `bench` (sha256, gzip, awk, 100 processes): run, recorded, replayed, and recorded by QEMU.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alternate, has, median } from './measure.mjs';
import { table } from './table.mjs';

/** What each stage of the guest is called, by the word that it ends with; `userspace` is everything up to the first process. */
const STAGES = { userspace: 'boot', sha256: 'sha256', gzip: 'gzip', awk: 'awk', fork: 'fork' };
const RAM_MIB = 128;

/** @param guest a folder with zImage, integratorcp.dtb and initrd.gz @returns the lines of the tables */
export async function benchLinux(reprise, guest, rounds) {
  if (!existsSync(join(guest, 'zImage'))) return [`Linux skipped: no guest in ${guest}.`];
  const folder = mkdtempSync(join(tmpdir(), 'reprise-bench-'));
  try {
    const recording = join(folder, 'bench.rec');
    const results = await alternate(subjectsOf(reprise, guest, recording, folder), rounds, folder);
    for (const [name, runs] of Object.entries(results))
      if (!runs.every(({ stages }) => 'done' in stages)) throw new Error(`${name}: the guest did not get to its end`);
    const info = JSON.parse(spawnSync(reprise[0], [...reprise.slice(1), 'info', recording, '--json'], { encoding: 'utf8' }).stdout);
    const inputs = info.inputs.reduce((sum, { size }) => sum + size, 0);
    return [
      `Linux with \`bench\`: ${(info.final.icount / 1e6).toFixed(0)} million guest instructions; medians of ${rounds} rounds, whole processes.`,
      '',
      ...processes(results),
      '',
      ...ratios(results, info.final.icount, (statSync(recording).size - inputs) / 1024),
      '',
      ...stages(results),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The machine and its guest, which ends by itself. */
export function bench(guest) {
  const machine = ['-M', 'integratorcp', '-m', `${RAM_MIB}`, '-display', 'none', '-no-reboot', '-rtc', 'base=2026-01-01', '-serial', 'stdio'];
  const files = ['-kernel', join(guest, 'zImage'), '-dtb', join(guest, 'integratorcp.dtb'), '-initrd', join(guest, 'initrd.gz')];
  return [...machine, ...files, '-append', 'console=ttyAMA0 autooff bench'];
}

function subjectsOf(reprise, guest, recording, folder) {
  const options = bench(guest);
  const subjects = {
    run: [...reprise, 'run', ...options],
    record: [...reprise, 'record', '--force', '-o', recording, ...options],
    replay: [...reprise, 'replay', recording, '-serial', 'stdio'],
  };
  const log = ['-monitor', 'none', '-net', 'none', '-icount', `shift=3,rr=record,rrfile=${join(folder, 'qemu.bin')}`];
  if (has('qemu-system-arm')) subjects.qemu = ['qemu-system-arm', ...options, ...log];
  else console.log('qemu-system-arm is not installed: no comparison with it (Debian: apt-get install qemu-system-arm)');
  return subjects;
}

const of = (runs, what) => median(runs.map((run) => run[what]));

function processes(results) {
  const row = ([name, runs]) => {
    const cpu = runs.map((run) => run.cpu);
    const range = `${Math.min(...cpu).toFixed(2)} to ${Math.max(...cpu).toFixed(2)}`;
    return [name, of(runs, 'cpu').toFixed(2), range, of(runs, 'wall').toFixed(2), Math.max(...runs.map((run) => run.memory)).toFixed(0)];
  };
  return table(['process', 'CPU s', 'range', 'wall s', 'peak MiB'], Object.entries(results).map(row));
}

function ratios({ run, record, replay, qemu }, icount, kilobytes) {
  const rows = [];
  const row = (what, value, bound) => rows.push([what, value.toFixed(2), bound]);
  if (qemu) row('record / QEMU rr=record, CPU time', of(record, 'cpu') / of(qemu, 'cpu'), 'at most 1.5');
  if (qemu) row('record / QEMU rr=record, wall time', of(record, 'wall') / of(qemu, 'wall'), 'at most 1.2');
  row('record / run, CPU time', of(record, 'cpu') / of(run, 'cpu'), 'at most 1.03');
  row('replay / record, CPU time', of(replay, 'cpu') / of(record, 'cpu'), 'at most 1');
  row('million instructions per CPU second, recording', icount / of(record, 'cpu') / 1e6, '');
  row('recording without its inputs, KiB', kilobytes, 'at most 64');
  row('peak memory beyond guest RAM, MiB', Math.max(...record.map((r) => r.memory)) - RAM_MIB, 'at most 350');
  return table(['figure', 'value', 'bound'], rows);
}

/** Wall seconds of each stage, recording. */
function stages({ record, qemu }) {
  const seconds = (runs, word) => median(runs.map((run) => run.stages[word]));
  const row = ([word, name]) => {
    const ours = seconds(record, word);
    return [name, ours.toFixed(3), ...(qemu ? [seconds(qemu, word).toFixed(3), (ours / seconds(qemu, word)).toFixed(2), 'at most 2.5'] : [])];
  };
  return table(['stage', 'wall s', ...(qemu ? ['QEMU', 'ratio', 'bound'] : [])], Object.entries(STAGES).map(row));
}
