/** Snapshots of machines with frames and disk requests under way, taken and loaded in processes of their own. */
import { join } from 'node:path';
import type { QMPClient } from 'node-qemu';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { expectSameEnd, type SavedMoment, saveWhileRecording, saveWhileReplaying } from './support/moments.ts';
import { type CleanUp, collected, type Outcome, systemArm, temporaryFolder } from './support/program.ts';
import { card, icount, NETWORK } from './support/qemu-lines.ts';
import { type Controlled, countOf, hmp, replayTo, startControlled } from './support/qmp.ts';
import { type Info, info, verify } from './support/recordings.ts';
import { type TrafficBoard, trafficBoard } from './support/traffic-guest.ts';

const MOMENTS = 6;
const SECONDS = 1000;

/** All that a monitor shows of a machine: every field of every device, the CPU, and memory where the guest works. */
async function shown(client: QMPClient): Promise<string> {
  const lines = ['info registers', 'info qtree', 'x /16xw 0', 'xp /128xw 0x8000', 'xp /512xw 0x100000'];
  let text = '';
  for (const line of lines) text += await hmp(client, line);
  return text;
}

describe('a recording that is stopped and saved at any moment', { timeout: 60 * SECONDS }, () => {
  const folder = temporaryFolder(afterAll);
  const cleanUp = collected(afterAll);
  const path = join(folder, 'run.rec');
  let traffic: TrafficBoard;
  let recorded: Outcome;
  let whole: Info;
  let saved: SavedMoment[];
  /** The machine when the last one was taken. */
  let last: string;
  const disk = (): string[] => card(traffic.image, traffic.overlay);

  const controlled = (cleanUp: CleanUp, options: readonly string[]): Promise<Controlled> =>
    startControlled(cleanUp, 'reprise-system-arm', [...traffic.board, ...NETWORK, ...disk(), ...options]);
  const replaying = (...more: readonly string[]) => controlled(onTestFinished, [...icount('replay', path), '-serial', 'null', ...more]);

  beforeAll(async () => {
    traffic = trafficBoard(folder);
    const machine = await controlled(cleanUp, [...icount('record', path), '-serial', 'stdio']);
    const { running, client } = machine;
    saved = await saveWhileRecording(machine, MOMENTS, 80);
    last = await shown(client);
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
    await expectSameEnd(saved, path, disk(), whole.final.digest);
  });

  it('has snapshots that are the machine of that moment, field by field', async () => {
    const { name, count } = saved[MOMENTS - 1];
    const { client } = await replaying('-loadvm', name);
    expect(await countOf(client)).toBe(count);
    expect(await shown(client)).toBe(last);
  });

  it('is replayed with stops and snapshots at any moment, to the same end, and so is each of these snapshots', async () => {
    const { running, client } = await replaying();
    const moments = await saveWhileReplaying(client, MOMENTS, whole.final.icount);
    const text = await shown(client);
    await client.cont();
    expect(await running.done).toMatchObject({ status: 0, stderr: expect.stringContaining(`(digest ${whole.final.digest})`) });
    await expectSameEnd(moments, path, disk(), whole.final.digest);
    const restored = await replaying('-loadvm', moments[moments.length - 1].name);
    expect(await shown(restored.client)).toBe(text);
  });

  it('is saved with a request of the disk and a frame under way, and goes on to the same end', async () => {
    const { running, client } = await replaying();
    let count = Math.floor(whole.final.icount / 3);
    for (let tree = ''; !/^ *request = [12]\b/m.test(tree) || !/^ *rxCount = [1-9]/m.test(tree); tree = await hmp(client, 'info qtree')) {
      count += 7001;
      expect(count, 'there is such a moment').toBeLessThan(whole.final.icount);
      await replayTo(client, count);
    }
    expect(await hmp(client, 'savevm under-way')).toBe('');
    await client.quit();
    await running.done;
    await expectSameEnd([{ name: 'under-way', count }], path, disk(), whole.final.digest);
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
    await hmp(client, `loadvm ${saved[MOMENTS - 1].name}`);
    expect(await shown(client)).toBe(last);
    await client.cont();
    expect(await running.done).toMatchObject({ status: 0, stderr: expect.stringContaining(`(digest ${whole.final.digest})`) });
    // In a process that has never been anywhere else.
    const fresh = await replaying();
    await replayTo(fresh.client, counts[1]);
    expect(await shown(fresh.client)).toBe(seen.get(counts[1]));
  });
});
