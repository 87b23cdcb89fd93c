/** Disks in processes of their own: killed, in each other's way, on a full disk, in folders that cannot be written. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { canMount, readOnly, startAfter } from './support/mounts.ts';
import { hasTool } from './support/outside.ts';
import { type Outcome, ROOT, type Running, reprise, startCommand, temporaryFolder } from './support/program.ts';

const MIB = 2 ** 20;
const SCRIPT = join(ROOT, 'tests/support/disk-user.mjs');

let folder = '';
const at = (name: string): string => join(folder, name);
const hashOf = (name: string): string =>
  createHash('sha256')
    .update(readFileSync(at(name)))
    .digest('hex');

/** The seed's lines, with the machine's SD card. */
const lines = (overlay?: string): string[] => [
  '-drive',
  'file=base/disk.img,format=raw,if=none,id=img-direct',
  '-drive',
  `driver=blkreplay,if=sd,image=img-direct,${overlay === undefined ? '' : `overlay=${overlay},`}id=img-blkreplay`,
];

const user = (what: string, options: readonly string[]): Running =>
  startCommand(onTestFinished, process.execPath, [SCRIPT, what, ...options], { cwd: folder });

const userAfter = (mounts: string, what: string, options: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> =>
  startAfter(onTestFinished, mounts, [process.execPath, SCRIPT, what, ...options], { cwd: folder, env }).done;

beforeEach(() => {
  folder = temporaryFolder(onTestFinished);
  mkdirSync(at('base'));
  writeFileSync(at('base/disk.img'), new Uint8Array(4 * MIB).fill(0xee));
});

test('a recorder that is killed while the guest writes: what was flushed is there, and the next one goes on', async () => {
  const before = hashOf('base/disk.img');
  for (let life = 0; life < 4; life++) {
    const writer = user('write', lines('overlay.qcow2'));
    await writer.shows(`flushed ${5 + 11 * life}\n`);
    writer.kill('SIGKILL');
    const { stdout } = await writer.done;
    const flushed = stdout.toString().trim().split('\n').length - 1;
    const check = await reprise(['img', 'check', 'overlay.qcow2'], { cwd: folder });
    expect([0, 3]).toContain(check.status);
    const flat = await reprise(['img', 'convert', '--allow-backing', 'base/disk.img', '--force', 'overlay.qcow2', 'flat.raw'], { cwd: folder });
    expect(flat).toMatchObject({ status: 0, stderr: '' });
    const bytes = readFileSync(at('flat.raw'));
    const place = (flushed * 7 * 20_000) % (4 * MIB - 20_000);
    // The block after it may have been written, too, but lies elsewhere.
    expect(bytes.subarray(place, place + 20_000)).toEqual(Buffer.alloc(20_000, 1 + (flushed % 255)));
  }
  expect(hashOf('base/disk.img')).toBe(before);
});

test.skipIf(!hasTool('flock', 'an overlay in use'))('an overlay in use is refused to everybody else, until its process is killed', async () => {
  const holder = user('hold', lines('overlay.qcow2'));
  await holder.shows('open');
  const inUse = `'overlay.qcow2' is in use by process ${holder.process.pid}`;
  const other = await user('record', lines('overlay.qcow2')).done;
  expect(other).toMatchObject({ status: 1, stderr: expect.stringContaining(`${inUse}; let that end first, or use a copy [IMAGE_IN_USE]`) });
  for (const command of [['info'], ['check'], ['snapshot', '-c', 'x']])
    expect(await reprise(['img', ...command, 'overlay.qcow2'], { cwd: folder })).toMatchObject({ status: 1, stderr: expect.stringContaining(inUse) });
  expect((await reprise(['img', 'info', '-U', 'overlay.qcow2'], { cwd: folder })).status).toBe(0);
  expect((await user('record', lines('another.qcow2')).done).status).toBe(0);
  holder.kill('SIGKILL');
  await holder.done;
  expect(await user('record', lines('overlay.qcow2')).done).toMatchObject({ status: 0, stderr: '' });
  expect(readdirSync(folder).sort()).toEqual(['another.qcow2', 'base', 'overlay.qcow2']);
});

describe.skipIf(!canMount('disks on a full disk and in read-only folders'))('the host', () => {
  test.each([
    ['an overlay', 'small/overlay.qcow2'],
    ['a private layer', undefined],
  ])('has a full disk while the guest writes to %s: the write fails, is done again, and nothing is lost', async (_, overlay) => {
    mkdirSync(at('small'));
    const mounts = 'mount -t tmpfs -o size=5m none small; head -c 3000000 /dev/zero > small/ballast';
    const { stdout, stderr, status } = await userAfter(mounts, 'fill', lines(overlay), { BALLAST: 'small/ballast', TMPDIR: at('small') });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout.toString()).toMatch(/^full: the disk is full: '.*small\/.*' could not take more; make room.*\nwrote 209, full 1 times\n$/);
  });

  test.each([
    ['an overlay', 'overlay.qcow2'],
    ['a private layer', undefined],
  ])('cannot write the folder of the image: it is recorded and replayed with %s', async (_, overlay) => {
    const before = hashOf('base/disk.img');
    const mounts = readOnly('base');
    expect(await userAfter(mounts, 'record', lines(overlay))).toMatchObject({ status: 0, stderr: '', stdout: Buffer.from('recorded\n') });
    const replayed = `${overlay === undefined ? '' : 'could save snapshots\n'}replayed\n`;
    expect(await userAfter(mounts, 'replay', lines(overlay))).toMatchObject({ status: 0, stderr: '', stdout: Buffer.from(replayed) });
    const allReadOnly = `${mounts}; mount --bind . .; mount -o remount,bind,ro .; cd "$PWD"`;
    expect(await userAfter(allReadOnly, 'replay', lines(overlay))).toMatchObject({ status: 0, stderr: '', stdout: Buffer.from('replayed\n') });
    expect(hashOf('base/disk.img')).toBe(before);
  });
});
