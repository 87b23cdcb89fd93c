/**
 * iperf3 of Debian's armel, inside the guest, against the one of this computer: throughput of the user-mode network,
 * ours and that of QEMU, one after the other. Transfers are measured out in bytes: a guest's seconds may be longer than
 * the server on this computer is ready to wait.
 *
 * It needs iperf3 and apt-get on this computer (which fetches the guest's packages, without touching the system's own
 * lists), and is skipped, with a printed line, where something is missing.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { hasTool } from '../support/outside.ts';
import { freePort, type Running, start, startCommand, temporaryFolder } from '../support/program.ts';
import { hasLinux, linux, linuxFile } from '../support/recordings.ts';

const WHAT = 'throughput with iperf3';
const MINUTES = 60_000;
/** To the guest QEMU 7.2's controller loses most frames, and some 15 kB/s are left. */
const BYTES = { up: '4M', down: '4M', downUnderQemu: '256K' };
const PACKAGES = ['iperf3', 'libiperf0', 'libsctp1', 'libssl3', 'libc6', 'libgcc-s1', 'libatomic1'];
/** What of the packages the guest gets. */
const WANTED = /\/(iperf3|ld-linux\.so\.3|lib(iperf|sctp|crypto|ssl|c|m|gcc_s|atomic|pthread|dl)\.so(\.\d+)*)$/;

const folder = temporaryFolder(afterAll);

/** Fetches Debian's packages for the guest and unpacks them; undefined when that cannot be. */
function unpacked(): string | undefined {
  const [lists, cache, packages, root] = ['lists', 'cache', 'packages', 'root'].map((name) => join(folder, name));
  for (const path of [join(lists, 'partial'), join(cache, 'archives/partial'), packages, root]) mkdirSync(path, { recursive: true });
  const options = [`Dir::State::Lists=${lists}`, `Dir::Cache=${cache}`, 'APT::Architectures=armel', 'APT::Architecture=armel'].flatMap((o) => [
    '-o',
    o,
  ]);
  const apt = (...words: string[]): boolean => spawnSync('apt-get', ['-q', ...options, ...words], { cwd: packages, stdio: 'ignore' }).status === 0;
  if (!apt('update') || !apt('download', ...PACKAGES)) return undefined;
  const unpack = (name: string): boolean => spawnSync('dpkg-deb', ['-x', join(packages, name), root]).status === 0;
  return readdirSync(packages).every(unpack) ? root : undefined;
}

/** One entry of a cpio archive in the `newc` format (cpio(5)). */
function cpioEntry(name: string, mode: number, data: Uint8Array): Buffer {
  const path = Buffer.from(`${name}\0`);
  const fields = [0, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, path.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  const padding = (length: number) => Buffer.alloc(-length & 3);
  return Buffer.concat([header, path, padding(header.length + path.length), data, padding(data.length)]);
}

/** The guests' initial RAM disk, with a second archive behind it, as the kernel takes them. */
function initrd(root: string): string {
  const entries: Buffer[] = [];
  const folders = new Set<string>();
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => WANTED.test(`/${path}`))) {
    const file = join(root, name);
    if (!statSync(file).isFile()) continue;
    const parts = relative(root, file).split('/');
    for (let depth = 1; depth < parts.length; depth++) folders.add(parts.slice(0, depth).join('/'));
    entries.push(cpioEntry(parts.join('/'), 0o100755, readFileSync(file)));
  }
  const archive = [
    ...[...folders].map((path) => cpioEntry(path, 0o040755, Buffer.alloc(0))),
    ...entries,
    cpioEntry('TRAILER!!!', 0, Buffer.alloc(0)),
  ];
  const path = join(folder, 'initrd.gz');
  writeFileSync(path, Buffer.concat([readFileSync(linuxFile('initrd.gz')), gzipSync(Buffer.concat(archive), { level: 1 })]));
  return path;
}

interface Sum {
  readonly bytes: number;
  readonly seconds: number;
}

/** Megabits per second by the guest's clock and by this computer's, start and end of the program included in the latter. */
interface Throughput {
  readonly guest: number;
  readonly host: number;
}

const megabits = ({ bytes, seconds }: Sum): number => (bytes * 8) / seconds / 1e6;

/** What the object that iperf3 prints at its end says of the data that arrived. */
function received(printed: string): Sum {
  const { end, error } = JSON.parse(printed.slice(printed.indexOf('{'), printed.lastIndexOf('}') + 1));
  if (error !== undefined) throw new Error(`iperf3 in the guest: ${error}`);
  return end.sum_received;
}

/** One transfer to the host or, `reverse`, to the guest. */
async function transfer(guest: Running, server: Running, port: number, bytes: string, reverse = false): Promise<Throughput> {
  await server.shows('Server listening on', MINUTES);
  const began = performance.now();
  guest.send(`iperf3 -J -c 10.0.2.2 -p ${port} -n ${bytes}${reverse ? ' -R' : ''}; echo "FINISHED" "$?"\n`);
  const said = await guest.shows('FINISHED ', 3 * MINUTES);
  const seconds = (performance.now() - began) / 1000;
  const sum = received(said);
  return { guest: megabits(sum), host: megabits({ ...sum, seconds }) };
}

async function measure(guest: Running, down: string): Promise<{ up: Throughput; down: Throughput }> {
  await guest.shows('# ', MINUTES);
  guest.send('export PATH=/bin:/usr/bin; mount -t proc p /proc; mount -t devtmpfs d /dev; stty -echo\n');
  guest.send('ip link set lo up; ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; echo "READY"\n');
  await guest.shows('READY\r\n', MINUTES);
  const port = await freePort();
  const server = startCommand(onTestFinished, 'iperf3', ['-s', '--forceflush', '-B', '127.0.0.1', '-p', `${port}`]);
  return { up: await transfer(guest, server, port, BYTES.up), down: await transfer(guest, server, port, down, true) };
}

const print = (name: string, { up, down }: { up: Throughput; down: Throughput }): void => {
  const show = ({ guest, host }: Throughput) => `${guest.toFixed(2)} Mbit/s of guest time, ${host.toFixed(2)} of host time`;
  console.log(`${name}: from the guest ${show(up)}; to the guest ${show(down)}`);
};

describe.skipIf(!hasLinux(WHAT) || !hasTool('iperf3', WHAT) || !hasTool('apt-get', WHAT))('iperf3 in the guest', () => {
  it('gets at least a tenth of what it gets under QEMU', { timeout: 10 * MINUTES }, async ({ skip }) => {
    const root = unpacked();
    if (root === undefined) {
      console.log(`SKIPPED ${WHAT}: Debian's packages for the guest cannot be fetched`);
      return skip();
    }
    const machine = [...linux('rdinit=/bin/sh quiet'), '-initrd', initrd(root), '-serial', 'stdio', '-nic', 'user'];
    const record = ['record', '-o', join(folder, 'iperf.rec'), '-icount', 'shift=3,sleep=on', ...machine];
    const ours = await measure(start(onTestFinished, 'reprise', record, { input: 'open' }), BYTES.down);
    print('Reprise, recording', ours);
    expect(Math.min(ours.up.host, ours.down.host)).toBeGreaterThan(0);
    if (!hasTool('qemu-system-arm', `${WHAT} as a ratio`)) return;
    const theirs = await measure(
      startCommand(onTestFinished, 'qemu-system-arm', [...machine, '-monitor', 'none'], { input: 'open' }),
      BYTES.downUnderQemu,
    );
    print('QEMU', theirs);
    const ratio = { up: ours.up.host / theirs.up.host, down: ours.down.host / theirs.down.host };
    console.log(`ratio by host time: from the guest ${ratio.up.toFixed(2)}, to the guest ${ratio.down.toFixed(2)}`);
    expect(ratio.up).toBeGreaterThan(0.1);
    expect(ratio.down).toBeGreaterThan(0.1);
  });
});
