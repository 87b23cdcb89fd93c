/** Linux with its disk and its network, stopped and saved at fifty random moments of its recording and of its replay. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { expectSameEnd, type SavedMoment, saveWhileRecording, saveWhileReplaying } from '../support/moments.ts';
import { guestFile } from '../support/outside.ts';
import { collected, temporaryFolder } from '../support/program.ts';
import { card, icount, NETWORK } from '../support/qemu-lines.ts';
import { startControlled } from '../support/qmp.ts';
import { hasLinux, type Info, info, linux, verify } from '../support/recordings.ts';
import { serve } from '../support/web-server.ts';

const MINUTES = 60_000;
const MOMENTS = 50;
const TESTS = 'snapshots of Linux at fifty moments';
const image = hasLinux(TESTS) ? guestFile('disk.qcow2', TESTS) : undefined;

describe.skipIf(image === undefined)(TESTS, { timeout: 60 * MINUTES }, () => {
  const folder = temporaryFolder(afterAll);
  const cleanUp = collected(afterAll);
  const path = join(folder, 'linux.rec');
  const base = join(folder, 'disk.qcow2');
  const disk = card(base, join(folder, 'overlay.qcow2'));
  let line: string[];
  let saved: SavedMoment[];
  let whole: Info;

  beforeAll(async () => {
    writeFileSync(base, image!);
    const server = await serve(randomBytes(1_000_000));
    line = [...linux(`autooff bench url=http://10.0.2.2:${server.port}/blob`), ...NETWORK, ...disk, '-serial', 'null'];
    const machine = await startControlled(cleanUp, 'reprise-system-arm', [...line, ...icount('record', path)]);
    saved = await saveWhileRecording(machine, MOMENTS, 120);
    await machine.client.cont();
    expect((await machine.running.done).status).toBe(0);
    await server.close();
    whole = await info(path);
  }, 5 * MINUTES);

  it('replay to the end of their recording', async () => {
    expect((await verify(path)).final).toEqual({ icount: whole.final.icount, digest: whole.final.digest });
    await expectSameEnd(saved, path, disk, whole.final.digest);
  });

  it('of its replay, too', async () => {
    const { running, client } = await startControlled(onTestFinished, 'reprise-system-arm', [...line, ...icount('replay', path)]);
    const moments = await saveWhileReplaying(client, MOMENTS, whole.final.icount);
    await client.cont();
    expect(await running.done).toMatchObject({ status: 0, stderr: expect.stringContaining(`(digest ${whole.final.digest})`) });
    await expectSameEnd(moments, path, disk, whole.final.digest);
  });
});
