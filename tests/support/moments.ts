/** Snapshots at random moments of recordings and replays, and whether each of them leads to the same end. */
import type { QMPClient } from 'node-qemu';
import { expect } from 'vitest';
import { pause, reprise } from './program.ts';
import { type Controlled, countOf, hmp, job, replayTo } from './qmp.ts';

const DISK = { vmstate: 'sd0', devices: ['sd0'] };

export interface SavedMoment {
  readonly name: string;
  readonly count: number;
}

/**
 * Lets a machine that stands run for some time, stops it, waits and saves it; `number` times. It stands afterwards.
 * @throws Error when it is over before that: the client would wait for its answer forever
 */
export function saveWhileRecording({ running, client }: Controlled, number: number, longestMs: number): Promise<SavedMoment[]> {
  const over = running.done.then(() => Promise.reject(new Error(`the guest was over before it had been saved ${number} times`)));
  return Promise.race([over, saveAgainAndAgain(client, number, longestMs)]);
}

async function saveAgainAndAgain(client: QMPClient, number: number, longestMs: number): Promise<SavedMoment[]> {
  const saved: SavedMoment[] = [];
  for (let n = 0; n < number; n++) {
    await client.cont();
    await pause(Math.random() * longestMs);
    await client.stop();
    await pause(10);
    const name = `recorded-${n}`;
    await job(client, 'snapshot-save', { tag: name, ...DISK });
    saved.push({ name, count: await countOf(client) });
  }
  return saved;
}

/** Takes a replay to random moments before `end`, stops it there, and saves it. It stands afterwards. */
export async function saveWhileReplaying(client: QMPClient, number: number, end: number): Promise<SavedMoment[]> {
  const counts = new Set(Array.from({ length: number }, () => 1 + Math.floor(Math.random() * (end - 1))));
  const saved: SavedMoment[] = [];
  for (const count of [...counts].sort((a, b) => a - b)) {
    await replayTo(client, count);
    expect(await countOf(client)).toBe(count);
    const name = `replayed-${count}`;
    expect(await hmp(client, `savevm ${name}`)).toBe('');
    saved.push({ name, count });
  }
  return saved;
}

/** Loads each in a process of its own, two at a time, and expects it to replay to that digest. */
export async function expectSameEnd(moments: readonly SavedMoment[], path: string, drives: readonly string[], digest: string | null): Promise<void> {
  const waiting = [...moments];
  const work = async (): Promise<void> => {
    for (let moment = waiting.pop(); moment !== undefined; moment = waiting.pop()) {
      const { status, stderr } = await reprise(['replay', path, '-serial', 'null', ...drives, '-loadvm', moment.name]);
      expect([moment, status, stderr]).toEqual([moment, 0, expect.stringContaining(`the same as recorded (digest ${digest})`)]);
    }
  };
  await Promise.all([work(), work()]);
}
