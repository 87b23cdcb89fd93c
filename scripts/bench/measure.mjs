// Times whole processes from outside: CPU seconds of all threads and peak memory by GNU time, and when lines of output came.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Whether a program can be started. */
export const has = (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;

/** The first line of what a program says of its version. */
export const versionOf = (program) => spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0];

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/**
 * Runs a command to its end. Returns CPU and wall seconds, peak memory in MiB, and for each line that begins with `@@` the
 * word behind it and the seconds since the one before (or since the start).
 * @param folder for a temporary file @param expected exit status
 * @throws Error if the command fails
 */
export async function measure(command, folder, expected = 0) {
  const report = join(folder, 'time');
  const begin = performance.now();
  const child = spawn('/usr/bin/time', ['-o', report, '-f', '%U %S %e %M', ...command], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  const stages = {};
  let last = begin;
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('@@ ')) continue;
    const now = performance.now();
    stages[line.split(' ')[1]] = (now - last) / 1000;
    last = now;
  }
  const status = await ended;
  if (status !== expected) throw new Error(`failed (${status}): ${command.join(' ')}`);
  const [user, system, wall, kilobytes] = readFileSync(report, 'utf8').trim().split('\n').at(-1).split(' ').map(Number);
  return { cpu: user + system, wall, memory: kilobytes / 1024, stages };
}

/** Runs all commands in turn, `rounds` times: machines drift, and what is compared must have drifted alike. */
export async function alternate(subjects, rounds, folder) {
  const results = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [name, command] of Object.entries(subjects)) {
      const run = await measure(command, folder);
      results[name].push(run);
      console.error(`round ${round} of ${rounds}: ${name} ${run.cpu.toFixed(2)} s CPU`);
    }
  }
  return results;
}
