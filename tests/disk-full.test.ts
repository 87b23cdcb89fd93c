/** The disk of the host is full while the guest writes to its card: the machine stands until there is room. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { QMPClient } from 'node-qemu';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canMount, startAfter } from './support/mounts.ts';
import { commandOf, type Running, reprise, temporaryFolder } from './support/program.ts';
import { card, icount, NETWORK } from './support/qemu-lines.ts';
import { connected, nextEvent, untilStop } from './support/qmp.ts';
import { info, verify } from './support/recordings.ts';
import { ROUNDS, trafficBoard, writtenBlocks } from './support/traffic-guest.ts';

describe.skipIf(!canMount('a full disk while the guest writes'))('a guest that writes to a full disk', { timeout: 60_000 }, () => {
  interface Stuck {
    readonly running: Running;
    readonly client: QMPClient;
    readonly image: string;
    readonly overlay: string;
    /** Where the overlay will be when the program has ended. */
    readonly kept: string;
    readonly recording: string;
    /** What has been heard by QMP. */
    readonly heard: readonly string[];
    readonly error: unknown;
    makeRoom(): void;
  }

  /** A recording that has stopped because its overlay has no room for what the guest writes. */
  async function stuck(): Promise<Stuck> {
    const folder = temporaryFolder(onTestFinished);
    const { board, image } = trafficBoard(folder);
    const [small, socket, recording, kept] = ['small', 'qmp', 'run.rec', 'kept.qcow2'].map((name) => join(folder, name));
    mkdirSync(small);
    const overlay = join(small, 'overlay.qcow2');
    const options = [...board, ...NETWORK, ...card(image, overlay), ...icount('record', recording), '-serial', 'null'];
    const mounts = `mount -t tmpfs -o size=2m none '${small}'; head -c 1300000 /dev/zero > '${small}/ballast'`;
    const keeping = ['sh', '-c', `"$@"; status=$?; cp '${overlay}' '${kept}'; exit $status`, 'sh'];
    const command = [...keeping, ...commandOf('reprise-system-arm'), ...options, '-S', '-qmp', `unix:${socket},server,nowait`];
    const running = startAfter(onTestFinished, mounts, command);
    const client = await connected(onTestFinished, running, socket);
    const heard: string[] = [];
    for (const event of ['BLOCK_IO_ERROR', 'STOP', 'RESUME'] as const) client.on(event, () => heard.push(event));
    const failed = nextEvent(client, 'BLOCK_IO_ERROR');
    await untilStop(client);
    const makeRoom = (): void => rmSync(`/proc/${running.process.pid}/root${small}/ballast`);
    return { running, client, image, overlay, kept, recording, heard, error: await failed, makeRoom };
  }

  it('is stopped, as QEMU would do it, and goes on when there is room; nothing is lost', async () => {
    const { running, client, image, overlay, kept, recording, heard, error, makeRoom } = await stuck();
    expect(error).toMatchObject({
      device: 'sd0',
      operation: 'write',
      action: 'stop',
      nospace: true,
      reason: `the disk is full: '${overlay}' could not take more; make room, or choose another disk`,
    });
    expect(await client.queryStatus()).toMatchObject({ status: 'io-error', running: false });
    // There is still no room.
    await untilStop(client);
    expect(heard).toEqual(['RESUME', 'BLOCK_IO_ERROR', 'STOP', 'RESUME', 'BLOCK_IO_ERROR', 'STOP']);
    makeRoom();
    await client.cont();
    const { status, stderr } = await running.done;
    expect(status, stderr).toBe(0);
    expect(stderr).toContain("the machine stands, 'cont' in the monitor tries again");
    const { final, end } = await info(recording);
    expect(end).toBe('guest-reset');
    expect((await verify(recording)).final).toEqual({ icount: final.icount, digest: final.digest });
    const flat = `${kept}.raw`;
    expect(await reprise(['img', 'check', kept])).toMatchObject({ status: 0 });
    expect(await reprise(['img', 'convert', '--allow-backing', image, kept, flat])).toMatchObject({ status: 0, stderr: '' });
    expect(writtenBlocks(readFileSync(flat))).toBe(ROUNDS);
  });

  it('may be given up: the recording says so, and replays to the last moment', async () => {
    const { running, client, recording } = await stuck();
    await client.quit();
    expect((await running.done).status).toBe(0);
    const { final, end, truncated } = await info(recording);
    expect({ end, truncated }).toEqual({ end: 'disk-error', truncated: false });
    expect((await verify(recording)).final).toEqual({ icount: final.icount, digest: final.digest });
  });
});
