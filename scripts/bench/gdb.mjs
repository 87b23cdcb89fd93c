// Going back with gdb-multiarch, in Reprise and in QEMU: the same guest, the same commands, seconds on a clock.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { bench } from './linux.mjs';
import { has } from './measure.mjs';
import { table } from './table.mjs';

/** What is timed, and the command for it. */
const STEPS = [
  ['continue to the end', 'continue'],
  ['reverse-stepi, the first', 'reverse-stepi'],
  ['reverse-stepi, the second', 'reverse-stepi'],
  ['reverse-stepi, the third', 'reverse-stepi'],
  ['reverse-continue, fruitless', 'reverse-continue'],
];

async function freePort() {
  const server = createServer();
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Runs the commands of a session against a replay that waits for gdb at its start; returns the seconds of each step. */
async function session(command, port, last, folder) {
  const replay = spawn(command[0], command.slice(1), { stdio: 'ignore' });
  try {
    const script = join(folder, 'session.gdb');
    const stamp = 'python print("@@", time.time())';
    writeFileSync(
      script,
      [
        ...['python import time', 'set confirm off', 'set architecture armv5te', 'set tcp connect-timeout 30'],
        ...[`target remote 127.0.0.1:${port}`, `hbreak *${last}`, stamp],
        ...STEPS.flatMap(([, command]) => [
          ...(command === 'reverse-continue' ? ['hbreak *0xfffffff0'] : []),
          command,
          stamp,
          ...(command === 'continue' ? ['delete'] : []),
        ]),
        ...['detach', 'quit'],
      ].join('\n'),
    );
    const { stdout } = spawnSync('gdb-multiarch', ['-q', '-nx', '-batch', '-x', script], { encoding: 'utf8', timeout: 300_000 });
    const stamps = [...stdout.matchAll(/^@@ ([\d.]+)$/gm)].map(([, seconds]) => Number(seconds));
    if (stamps.length !== STEPS.length + 1) throw new Error(`gdb did not get through:\n${stdout.slice(-500)}`);
    return stamps.slice(1).map((at, n) => at - stamps[n]);
  } finally {
    replay.kill();
  }
}

/** @param recording of the guest's `bench` @returns the lines of the table, or one that says why there is none */
export async function benchGdb(reprise, guest, recording, folder) {
  const map = join(guest, 'System.map.gz');
  const missing = ['gdb-multiarch', 'qemu-system-arm', 'qemu-img'].find((program) => !has(program));
  if (missing !== undefined || !existsSync(map)) return [`No comparison with QEMU and gdb: there is no ${missing ?? map}.`];
  const last = `0x${/^(\w+) T kernel_restart$/m.exec(gunzipSync(readFileSync(map)).toString())[1]}`;
  const [overlay, log] = ['empty.qcow2', 'qemu.bin'].map((name) => join(folder, name));
  spawnSync('qemu-img', ['create', '-q', '-f', 'qcow2', overlay, '64M']);
  // Without a disk for its snapshot QEMU cannot go back.
  const qemu = ['qemu-system-arm', ...bench(guest), '-monitor', 'none', '-net', 'none', '-drive', `file=${overlay},if=none,id=rr`, '-icount'];
  spawnSync(qemu[0], [...qemu.slice(1), `shift=3,rr=record,rrfile=${log},rrsnapshot=init`], { stdio: 'ignore' });
  const [here, there] = [await freePort(), await freePort()];
  const ours = await session([...reprise, 'replay', recording, '-serial', 'null', '--gdb', `${here}`], here, last, folder);
  const replay = [...qemu, `shift=3,rr=replay,rrfile=${log},rrsnapshot=init`, '-S', '-gdb', `tcp:127.0.0.1:${there}`];
  const theirs = await session(replay, there, last, folder);
  const rows = STEPS.map(([step], n) => [step, ours[n].toFixed(3), theirs[n].toFixed(3), (ours[n] / theirs[n]).toFixed(3)]);
  return ['With gdb-multiarch, once, seconds on a clock:', '', ...table(['command', 'Reprise', 'QEMU', 'ratio'], rows)];
}
