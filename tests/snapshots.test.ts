/** Snapshots of machines with frames and disk requests under way, taken and loaded in processes of their own. */
import { join } from 'node:path';
import type { QMPClient } from 'node-qemu';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type CleanUp, type Outcome, pause, reprise, systemArm, temporaryFolder } from './support/program.ts';
import { card, icount, NETWORK } from './support/qemu-lines.ts';
import { type Controlled, countOf, hmp, job, replayTo, startControlled } from './support/qmp.ts';
import { type Info, info, verify } from './support/recordings.ts';
import { type TrafficBoard, trafficBoard } from './support/traffic-guest.ts';

const MOMENTS = 6;
const SECONDS = 1000;
const DISK = { vmstate: 'sd0', devices: ['sd0'] };

/** All that a monitor shows of a machine: every field of every device, the CPU, and memory where the guest works. */
async function shown(client: QMPClient): Promise<string> {
  const lines = ['info registers', 'info qtree', 'x /16xw 0', 'xp /128xw 0x8000', 'xp /512xw 0x100000'];
  let text = '';
  for (const line of lines) text += await hmp(client, line);
  return text;
}

describe('a recording that is stopped and saved at any moment', { timeout: 60 * SECONDS }, () => {
  const folder = temporaryFolder(afterAll);
  const path = join(folder, 'run.rec');
  let traffic: TrafficBoard;
  let recorded: Outcome;
  let whole: Info;
  /** What the machine was when it was saved. */
  const saved: { readonly name: string; readonly count: number; readonly text: string }[] = [];
  const disk = (): string[] => card(traffic.image, traffic.overlay);

  const controlled = (cleanUp: CleanUp, options: readonly string[]): Promise<Controlled> =>
    startControlled(cleanUp, 'reprise-system-arm', [...traffic.board, ...NETWORK, ...disk(), ...options]);
  const replaying = (...more: readonly string[]) => controlled(onTestFinished, [...icount('replay', path), '-serial', 'null', ...more]);

  beforeAll(async () => {
    traffic = trafficBoard(folder);
    const { running, client } = await controlled(afterAll, [...icount('record', path), '-serial', 'stdio']);
    for (let n = 0; n < MOMENTS; n++) {
      await client.cont();
      await pause(20 + Math.random() * 100);
      await client.stop();
      await pause(20);
      const count = await countOf(client);
      await job(client, 'snapshot-save', { tag: `moment-${n}`, ...DISK });
      saved.push({ name: `moment-${n}`, count, text: await shown(client) });
    }
    await client.cont();
    recorded = await running.done;
    whole = await info(path);
  }, 60 * SECONDS);

  it('goes on as if nothing had happened, and replays, with its overlay and without', async () => {
    expect(recorded).toMatchObject({ status: 0, signal: null });
    expect(recorded.stdout.toString()).toBe('....');
    const { icount: count, digest } = whole.final;
    expect(recorded.stderr).toContain(`recorded ${count} instructions in ${path}, digest ${digest}`);
    expect((await verify(path)).final).toEqual({ icount: count, digest });
    const line = [...traffic.board, ...NETWORK, ...disk(), ...icount('replay', path), '-serial', 'stdio'];
    const replayed = await systemArm(line);
    expect(replayed).toMatchObject({ status: 0, stdout: recorded.stdout, stderr: expect.stringContaining(`(digest ${digest})`) });
  });

  it('has snapshots that lead a new process to the same end', async () => {
    for (const { name } of saved) {
      const { status, stderr } = await reprise(['replay', path, '-serial', 'null', ...disk(), '-loadvm', name]);
      expect([name, status, stderr]).toEqual([name, 0, expect.stringContaining(`the same as recorded (digest ${whole.final.digest})`)]);
    }
  });

  it('has snapshots that are the machine of that moment, field by field', async () => {
    for (const { name, count, text } of saved.slice(0, 2)) {
      const { running, client } = await replaying('-loadvm', name);
      expect(await countOf(client)).toBe(count);
      expect(await shown(client)).toBe(text);
      await client.quit();
      expect((await running.done).status).toBe(0);
    }
  });

  it('is replayed with stops and snapshots at any moment, to the same end, and so is each of these snapshots', async () => {
    const counts = Array.from({ length: MOMENTS }, () => 1 + Math.floor(Math.random() * (whole.final.icount - 1))).sort((a, b) => a - b);
    const { running, client } = await replaying();
    for (const count of counts) {
      await replayTo(client, count);
      expect(await countOf(client)).toBe(count);
      expect(await hmp(client, `savevm at-${count}`)).toBe('');
    }
    const text = await shown(client);
    await client.cont();
    expect(await running.done).toMatchObject({ status: 0, stderr: expect.stringContaining(`(digest ${whole.final.digest})`) });

    for (const count of counts) {
      const replayed = await reprise(['replay', path, '-serial', 'null', ...disk(), '-loadvm', `at-${count}`]);
      expect([count, replayed.status, replayed.stderr]).toEqual([count, 0, expect.stringContaining(`(digest ${whole.final.digest})`)]);
    }
    const restored = await replaying('-loadvm', `at-${counts.at(-1)}`);
    expect(await shown(restored.client)).toBe(text);
  });

  it('is gone through forwards and backwards, to the very machine of each moment, and ends as it did', async () => {
    const end = whole.final.icount;
    const { running, client } = await replaying();
    const seen = new Map<number, string>();
    const counts = Array.from({ length: 3 }, () => Math.floor(Math.random() * end));
    for (const count of [...counts, end, counts[0], 0, ...counts.toReversed()]) {
      await client.execute('replay-seek', { icount: count });
      expect(await countOf(client)).toBe(count);
      const text = await shown(client);
      expect(seen.get(count) ?? text).toBe(text);
      seen.set(count, text);
    }
    await client.execute('replay-seek', { icount: Math.floor(end / 2) });
    await hmp(client, 'loadvm moment-1');
    expect(await shown(client)).toBe(saved[1].text);
    await client.cont();
    expect(await running.done).toMatchObject({ status: 0, stderr: expect.stringContaining(`(digest ${whole.final.digest})`) });
    // In a process that has never been anywhere else.
    const fresh = await replaying();
    await replayTo(fresh.client, counts[1]);
    expect(await shown(fresh.client)).toBe(seen.get(counts[1]));
  });
});
