/** Disks and networks that cannot be recorded or replayed, by QEMU's lines: one clear line, the right exit status, nothing changed. */
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hasTool } from './support/outside.ts';
import { type Outcome, systemArm, temporaryFolder } from './support/program.ts';
import { card, icount, NETWORK } from './support/qemu-lines.ts';
import { type Controlled, startControlled } from './support/qmp.ts';
import { LEDGER } from './support/recordings.ts';

const MIB = 2 ** 20;
let folder: string;
const at = (name: string): string => join(folder, name);
const NIC = ['-netdev', 'user,id=net1', '-net', 'nic,netdev=net1'];
const FILTER = ['-object', 'filter-replay,id=replay,netdev=net1'];
const disk = (image = 'disk.img', overlay = 'overlay.qcow2'): string[] => card(at(image), at(overlay));
const line = (mode: 'record' | 'replay', ...more: readonly string[]): string[] => [
  ...[...LEDGER, '-serial', 'null'],
  ...icount(mode, at('out.rec')),
  ...more,
];

/** A recording with disk and network that is over at once. */
async function record(): Promise<void> {
  const { running, client } = await holding();
  await client.quit();
  expect((await running.done).status).toBe(0);
}
const holding = (): Promise<Controlled> => startControlled(onTestFinished, 'reprise-system-arm', line('record', ...disk(), ...NETWORK));

const contents = (): Map<string, string> => new Map(readdirSync(folder).map((name) => [name, readFileSync(at(name), 'latin1')]));

async function expectRefused(options: readonly string[], status: number, message: string): Promise<void> {
  const before = contents();
  const outcome: Outcome = await systemArm(options);
  expect(outcome.stderr.replaceAll(`${folder}/`, '')).toBe(`reprise-system-arm: ${message}\n`);
  expect(outcome.status).toBe(status);
  expect(outcome.stdout.toString()).toBe('');
  expect(contents()).toEqual(before);
}

beforeEach(() => {
  folder = temporaryFolder(onTestFinished);
  for (const name of ['disk.img', 'other.img']) writeFileSync(at(name), new Uint8Array(MIB).fill(name.length));
});

describe('a network', () => {
  it.each(['record', 'replay'] as const)('without a filter is refused by rr=%s', async (mode) => {
    if (mode === 'replay') await record();
    await expectRefused(
      line(mode, ...NIC),
      2,
      "network 'net1' has no filter, so its frames could not be replayed; add -object filter-replay,id=replay,netdev=net1 [USAGE]",
    );
  });

  it('with two filters is refused', async () => {
    const filters = [...FILTER, '-object', 'filter-replay,id=replay2,netdev=net1'];
    await expectRefused(
      line('record', ...NIC, ...filters),
      2,
      "network 'net1' has two filters of type filter-replay; one records and replays all of it [BAD_VALUE]",
    );
  });
});

describe('a disk', () => {
  it('without blkreplay is refused', async () => {
    const { stderr, status } = await systemArm(line('record', '-drive', `file=${at('disk.img')},format=raw,if=sd`));
    expect(stderr).toMatch(/^reprise-system-arm: .*blkreplay.* \[USAGE\]\n$/);
    expect(status).toBe(2);
    expect(readdirSync(folder).sort()).toEqual(['disk.img', 'other.img']);
  });

  it('whose overlay is based on another image is refused', async () => {
    await record();
    for (const mode of ['record', 'replay'] as const)
      await expectRefused(
        line(mode, ...disk('other.img'), ...NETWORK),
        1,
        "overlay 'overlay.qcow2' is based on 'disk.img', not on 'other.img'; give that image, or name another overlay [BACKING_REFUSED]",
      );
  });

  it('that has become smaller is refused', async () => {
    await record();
    truncateSync(at('disk.img'), MIB / 2);
    for (const mode of ['record', 'replay'] as const)
      await expectRefused(
        line(mode, ...disk(), ...NETWORK),
        1,
        "'disk.img' has 524288 bytes, and overlay 'overlay.qcow2' is of a disk of 1048576; give the original image, or name another overlay [DISK_CHANGED]",
      );
  });

  it('that holds something else than when it was recorded is not replayed', async () => {
    await record();
    const bytes = readFileSync(at('disk.img'));
    bytes[MIB - 1] ^= 1;
    writeFileSync(at('disk.img'), bytes);
    await expectRefused(
      line('replay', ...disk(), ...NETWORK),
      1,
      "disk sd0: 'overlay.qcow2' does not hold what 'disk.img' held when the recording began; give the original image, or the overlay that it was recorded with [DISK_CHANGED]",
    );
  });

  it('with an overlay of other recordings is not replayed', async () => {
    await record();
    await systemArm(line('record', ...disk('disk.img', 'overlay2.qcow2'), ...NETWORK, '-loadvm', 'none'));
    await expectRefused(
      line('replay', ...disk('disk.img', 'overlay2.qcow2'), ...NETWORK),
      1,
      "overlay 'overlay2.qcow2' has no snapshot 'replay_init' of this recording; it was recorded with 'overlay.qcow2' [NO_SNAPSHOT]",
    );
  });

  it('with an overlay that is something else is refused', async () => {
    await expectRefused(
      line('record', ...disk('disk.img', 'other.img'), ...NETWORK),
      1,
      "overlay 'other.img' is not a qcow2 image and is kept as it is; name another file [IMAGE_UNSUPPORTED]",
    );
  });

  it('that is not there is refused', async () => {
    const { stderr, status } = await systemArm(line('record', ...disk('none.img'), ...NETWORK));
    expect(stderr).toMatch(/^reprise-system-arm: .*none\.img.* \[FILE_NOT_FOUND\]\n$/);
    expect(status).toBe(1);
    expect(readdirSync(folder).sort()).toEqual(['disk.img', 'other.img']);
  });

  it('is not added to a recording that had none', async () => {
    const { running, client } = await startControlled(onTestFinished, 'reprise-system-arm', line('record'));
    await client.quit();
    await running.done;
    await expectRefused(line('replay', ...disk()), 1, `the recording was made without a disk; leave drive 'disk.img' out [INPUT_CHANGED]`);
  });

  it.skipIf(!hasTool('flock', 'an overlay in use by another recorder'))('whose overlay is in use by another process is refused', async () => {
    const { running, client } = await holding();
    const { size } = statSync(at('overlay.qcow2'));
    await expectRefused(
      line('record', ...disk(), ...NETWORK).map((word) => word.replace('out.rec', 'other.rec')),
      1,
      `disk image 'overlay.qcow2' is in use by process ${running.process.pid}; let that end first, or use a copy [IMAGE_IN_USE]`,
    );
    expect(statSync(at('overlay.qcow2')).size).toBe(size);
    await client.quit();
    await running.done;
  });
});
