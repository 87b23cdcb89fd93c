/** Linux with its disk and its network: 200 pairs of moments, gone to one after the other, against a straight replay. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CHECKPOINT_MEMORY } from '../../src/api/open-replay.ts';
import { NodeClock } from '../../src/host/node/clock.ts';
import { chooseEngine } from '../../src/opening/engine.ts';
import { readMachineFiles, recordedFiles } from '../../src/opening/machine-files.ts';
import { type OpenRecording, openRecording } from '../../src/opening/open-recording.ts';
import { openReplayDrives } from '../../src/opening/replay-drives.ts';
import { keepCheckpoints, prepareReplay } from '../../src/session/play.ts';
import { type Icount, icount } from '../../src/time/units.ts';
import { guestFile } from '../support/outside.ts';
import { reprise, temporaryFolder } from '../support/program.ts';
import { hasLinux, linux } from '../support/recordings.ts';
import { serve } from '../support/web-server.ts';

const MINUTES = 60_000;
const PAIRS = 200;
const TESTS = 'seeks in a recording of Linux';
const image = hasLinux(TESTS) ? guestFile('disk.qcow2', TESTS) : undefined;

/** A replay that can be taken anywhere, and all that it consists of at a moment, reduced to text. */
async function openedReplay({ recording, hasher }: OpenRecording) {
  const drives = await openReplayDrives(recording, [], hasher, false);
  const run = await prepareReplay(recording, await recordedFiles(recording, readMachineFiles({})), hasher, {
    engine: chooseEngine(undefined),
    clock: new NodeClock(),
    disks: drives.map(({ node }) => node),
    output: () => {},
  });
  const layers = drives.map(({ layer }) => layer);
  const checkpoints = keepCheckpoints(run, recording, layers, hasher, CHECKPOINT_MEMORY, expect.fail);
  const state = async (): Promise<string> => {
    const parts = [...run.machine.components, ...run.states].map(({ state }) => state.bytes);
    const disks = await Promise.all(drives.map(({ node }) => node.read(0, node.size)));
    return [...parts, run.machine.memory.ram, ...disks].map((bytes) => hasher.h64(bytes, 0n)).join(' ');
  };
  const close = async (): Promise<void> => {
    for (const drive of drives) await drive.close();
  };
  return { run, checkpoints, state, close };
}

describe.skipIf(image === undefined)(TESTS, { timeout: 30 * MINUTES }, () => {
  const folder = temporaryFolder(afterAll);
  const path = join(folder, 'linux.rec');

  beforeAll(async () => {
    const disk = join(folder, 'disk.qcow2');
    writeFileSync(disk, image!);
    const server = await serve(randomBytes(1_000_000));
    const board = linux(`autooff bench url=http://10.0.2.2:${server.port}/blob`);
    const { status } = await reprise(['record', '-o', path, ...board, '-serial', 'null', '-nic', 'user', '-drive', `file=${disk},if=sd`]);
    expect(status).toBe(0);
    await server.close();
  }, 2 * MINUTES);

  it('from a to b lead to the same state as a straight replay to b, for 200 random pairs', async () => {
    const file = await openRecording(path);
    onTestFinished(() => file.close());
    const end = file.recording.end!.digest.icount;
    const moment = (): Icount => icount(Math.floor(Math.random() * (end + 1)));
    const pairs = Array.from({ length: PAIRS }, () => ({ from: moment(), to: moment() }));
    const straight = await openedReplay(file);
    const expected = new Map<Icount, string>();
    for (const { to } of pairs.toSorted((a, b) => a.to - b.to)) {
      while ((await straight.run.run(to)) === 'interrupted');
      expected.set(to, await straight.state());
    }
    await straight.close();
    expect(new Set(expected.values()).size).toBe(expected.size);

    const seeking = await openedReplay(file);
    for (const { from, to } of pairs) {
      await seeking.checkpoints.seek(from);
      await seeking.checkpoints.seek(to);
      expect([from, to, await seeking.state()]).toEqual([from, to, expected.get(to)]);
    }
    await seeking.close();
  });
});
