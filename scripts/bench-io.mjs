// What recording costs where disks and networks are at work: `npm run bench:io [-- --rounds N] [--guest FOLDER]`.
// The guest boots, fetches 5 MB over HTTP from this program, reads and writes its SD card, and resets; once as it is and once
// recorded, in alternating rounds. CPU seconds of whole processes by GNU time, medians.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { alternate, median } from './bench/measure.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const option = (name, fallback) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : process.argv[at + 1];
};
const guests = resolve(option('--guest', join(root, '..', 'shared', 'guests')));
const guest = join(guests, 'integratorcp');
const rounds = Number(option('--rounds', '5'));
if (!existsSync(join(guest, 'zImage')) || !existsSync(join(guests, 'disk.qcow2'))) {
  console.log(`bench:io skipped: no guest in ${guests}`);
  process.exit(0);
}
const reprise = [process.execPath, join(root, 'dist', 'bin', 'reprise.js')];
const folder = mkdtempSync(join(tmpdir(), 'reprise-bench-'));
const [image, recording, dump] = ['disk.qcow2', 'io.rec', 'io.pcap'].map((name) => join(folder, name));
copyFileSync(join(guests, 'disk.qcow2'), image);
const blob = randomBytes(5_000_000);
const server = createServer((_request, response) => response.end(blob));
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const machine = [
  ...['-M', 'integratorcp', '-m', '128', '-display', 'none', '-no-reboot', '-serial', 'stdio', '-rtc', 'base=2026-01-01', '-seed', '1'],
  ...['-kernel', join(guest, 'zImage'), '-dtb', join(guest, 'integratorcp.dtb'), '-initrd', join(guest, 'initrd.gz')],
  ...['-append', `console=ttyAMA0 autooff url=http://10.0.2.2:${server.address().port}/blob`],
  ...['-netdev', 'user,id=net1', '-net', 'nic,netdev=net1'],
];
const subjects = {
  run: [...reprise, 'run', ...machine, '-drive', `file=${image},if=sd,snapshot=on`],
  record: [...reprise, 'record', '--force', '-o', recording, ...machine, '-drive', `file=${image},if=sd`],
};

/** Bytes of the frames that the guest got. */
function received() {
  spawnSync(reprise[0], [reprise[1], 'export', recording, '--pcap', dump, '--force'], { stdio: 'ignore' });
  const bytes = readFileSync(dump);
  let sum = 0;
  for (let at = 24; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 8))
    if (bytes.subarray(at + 22, at + 28).toString('hex') !== '525400123456') sum += bytes.readUInt32LE(at + 12);
  return sum;
}

try {
  const results = await alternate(subjects, rounds, folder);
  for (const run of Object.values(results).flat()) if (run.stages.done === undefined) throw new Error('a guest did not come to its end');
  const { bytes } = JSON.parse(spawnSync(reprise[0], [reprise[1], 'info', recording, '--json'], { encoding: 'utf8' }).stdout);
  const [run, record] = [results.run, results.record].map((runs) => median(runs.map(({ cpu }) => cpu)));
  console.log(`run ${run.toFixed(2)} s, record ${record.toFixed(2)} s of CPU time, medians of ${rounds} rounds`);
  console.log(`record / run ${(record / run).toFixed(3)}   at most 1.05`);
  console.log(`log / bytes of the frames that the guest got ${(bytes.log / received()).toFixed(3)}   at most 1.1`);
} finally {
  server.close();
  rmSync(folder, { recursive: true, force: true });
}
