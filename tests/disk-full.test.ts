/** The disk of the host is full while the guest writes to its card: the machine stands until there is room. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { QMPClient } from 'node-qemu';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canMount, startAfter } from './support/mounts.ts';
import { commandOf, type Running, reprise, temporaryFolder } from './support/program.ts';
import { card, icount, NETWORK } from './support/qemu-lines.ts';
import { connected, nextEvent } from './support/qmp.ts';
import { info, verify } from './support/recordings.ts';
import { ROUNDS, type TrafficBoard, trafficBoard, writtenBlocks } from './support/traffic-guest.ts';

describe.skipIf(!canMount('a full disk while the guest writes'))('a guest that writes to a full disk', { timeout: 60_000 }, () => {
  interface Stuck {
    readonly running: Running;
    readonly client: QMPClient;
    readonly traffic: TrafficBoard;
    readonly overlay: string;
    readonly recording: string;
    /** The folder with the overlay, as seen from here. */
    readonly small: string;
    readonly heard: readonly string[];
    readonly error: unknown;
  }

  /** A recording whose overlay has no room for what the guest writes. */
  async function stuck(): Promise<Stuck> {
    const folder = temporaryFolder(onTestFinished);
    const traffic = trafficBoard(folder);
    const [small, socket, recording] = ['small', 'qmp', 'run.rec'].map((name) => join(folder, name));
    mkdirSync(small);
    const overlay = join(small, 'overlay.qcow2');
    const options = [...traffic.board, ...NETWORK, ...card(traffic.image, overlay), ...icount('record', recording), '-serial', 'null'];
    const mounts = `mount -t tmpfs -o size=2m none '${small}'; head -c 1300000 /dev/zero > '${small}/ballast'`;
    const command = [...commandOf('reprise-system-arm'), ...options, '-S', '-qmp', `unix:${socket},server,nowait`];
    const running = startAfter(onTestFinished, mounts, command);
    const client = await connected(onTestFinished, running, socket);
    const heard: string[] = [];
    for (const event of ['BLOCK_IO_ERROR', 'STOP', 'RESUME'] as const) client.on(event, () => heard.push(event));
    const stopped = nextEvent(client, 'STOP');
    const failed = nextEvent(client, 'BLOCK_IO_ERROR');
    await client.cont();
    await stopped;
    return { running, client, traffic, overlay, recording, small: `/proc/${running.process.pid}/root${small}`, heard, error: await failed };
  }

  it('is stopped, as QEMU would do it, and goes on when there is room; nothing is lost', async () => {
    const { running, client, traffic, recording, overlay, small, heard, error } = await stuck();
    expect(error).toMatchObject({
      device: 'sd0',
      operation: 'write',
      action: 'stop',
      nospace: true,
      reason: `the disk is full: '${overlay}' could not take more; make room`,
    });
    expect(await client.queryStatus()).toMatchObject({ status: 'io-error', running: false });
    // There is still no room.
    const again = nextEvent(client, 'BLOCK_IO_ERROR');
    await client.cont();
    await again;
    expect(heard).toEqual(['RESUME', 'BLOCK_IO_ERROR', 'STOP', 'RESUME', 'BLOCK_IO_ERROR']);
    rmSync(join(small, 'ballast'));
    // The overlay goes with the program; it is kept by this copy.
    const kept = join(small, '../kept.qcow2');
    await client.cont();
    running.process.once('exit', () => {});
    const outcome = await running.done;
    expect(outcome).toMatchObject({ status: 0 });
    expect(outcome.stderr).toContain("the machine stands, 'cont' in the monitor tries again");
    const { final, end } = await info(recording);
    expect(end).toBe('guest-reset');
    expect((await verify(recording)).final).toEqual({ icount: final.icount, digest: final.digest });
    expect([kept, traffic, writtenBlocks, ROUNDS, readFileSync, reprise]).toBeDefined();
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
