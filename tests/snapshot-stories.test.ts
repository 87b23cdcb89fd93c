/** What becomes of snapshots: recordings that begin with one, snapshots in a recording, and those that are of no use. */
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { canMount, readOnly, startAfter } from './support/mounts.ts';
import { hasTool } from './support/outside.ts';
import { collected, commandOf, pause, reprise, startCommand, systemArm, temporaryFolder } from './support/program.ts';
import { card, icount, NETWORK } from './support/qemu-lines.ts';
import { type Controlled, connected, countOf, hmp, replayTo, startControlled } from './support/qmp.ts';
import { type Info, info, verify } from './support/recordings.ts';
import { type TrafficBoard, trafficBoard } from './support/traffic-guest.ts';

const SECONDS = 1000;
const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

describe('a recording with a snapshot in its overlay', { timeout: 60 * SECONDS }, () => {
  const folder = temporaryFolder(afterAll);
  const at = (name: string): string => join(folder, name);
  const path = at('first.rec');
  let traffic: TrafficBoard;
  const cleanUp = collected(afterAll);
  let whole: Info;
  const disk = (): string[] => card(traffic.image, traffic.overlay);
  const line = (...more: readonly string[]): string[] => [...traffic.board, ...NETWORK, ...disk(), '-serial', 'null', ...more];
  /** A replay by the recording alone. */
  const alone = (file: string, ...more: readonly string[]): Promise<Controlled> =>
    startControlled(onTestFinished, 'reprise', ['replay', file, '-serial', 'null', ...more]);

  beforeAll(async () => {
    traffic = trafficBoard(folder);
    const { running, client } = await startControlled(cleanUp, 'reprise-system-arm', line(...icount('record', path)));
    await client.cont();
    await pause(300);
    await client.stop();
    expect(await hmp(client, 'savevm half')).toBe('');
    expect(await hmp(client, 'loadvm half')).toMatch(/^Error: a recording goes straight on: no snapshot can be loaded while it is made; /);
    for (const command of ['savevm', 'delvm'])
      expect(await hmp(client, `${command} replay_init`)).toMatch(/^Error: the recording begins with this snapshot, and its replays will; /);
    expect((await hmp(client, 'info snapshots')).match(/half|replay_init/g)).toEqual(['replay_init', 'half']);
    await client.cont();
    expect((await running.done).status).toBe(0);
    whole = await info(path);
  }, 180 * SECONDS);

  it('gives another recording its beginning, which is replayed with the overlay and alone', async () => {
    const second = at('second.rec');
    const recorded = await systemArm(line(...icount('record', second), '-loadvm', 'half'));
    expect(recorded.status, recorded.stderr).toBe(0);
    const { start, snapshots, final } = await info(second);
    expect(start).toMatchObject({ snapshot: 'replay_init', kept: 'recording' });
    expect(start.icount).toBeGreaterThan(0);
    expect(snapshots).toEqual([expect.objectContaining({ name: 'replay_init', icount: start.icount })]);
    const end = { icount: final.icount, digest: final.digest };
    expect((await verify(second)).final).toEqual(end);
    const replayed = await systemArm(line(...icount('replay', second)));
    expect(replayed).toMatchObject({ status: 0, stderr: expect.stringContaining(`(digest ${end.digest})`) });
    // The first one has its own beginning still.
    expect(await systemArm(line(...icount('replay', path)))).toMatchObject({
      status: 0,
      stderr: expect.stringContaining(`(digest ${whole.final.digest})`),
    });

    const { running, client } = await alone(second);
    expect(await countOf(client)).toBe(start.icount);
    for (const command of ['savevm', 'delvm'])
      expect(await hmp(client, `${command} replay_init`)).toMatch(/^Error: the recording begins with this snapshot, and so do its replays; /);
    await client.quit();
    await running.done;
    expect((await verify(second)).final).toEqual(end);
  });

  it('has snapshots of its replay appended, each of which leads to its end, until it is deleted', async () => {
    const copy = at('copy.rec');
    copyFileSync(path, copy);
    const { running, client } = await alone(copy);
    const counts = [0.3, 0.7].map((part) => Math.floor(whole.final.icount * part));
    for (const [n, count] of counts.entries()) {
      await replayTo(client, count);
      expect(await hmp(client, `savevm part-${n}`)).toBe('');
    }
    expect(await hmp(client, 'loadvm part-0')).toBe('');
    expect(await countOf(client)).toBe(counts[0]);
    await client.quit();
    await running.done;
    const { snapshots, end, final } = await info(copy);
    expect([end, final]).toEqual([whole.end, whole.final]);
    expect(snapshots.map(({ name, icount: count }) => [name, count])).toEqual([
      ['part-0', counts[0]],
      ['part-1', counts[1]],
    ]);
    expect((await reprise(['info', copy])).stdout.toString()).toMatch(
      new RegExp(`^snapshot +'part-1' at instruction ${counts[1]}, \\d+ bytes$`, 'm'),
    );
    for (const name of ['part-0', 'part-1'])
      expect(await reprise(['replay', copy, '-serial', 'null', '-loadvm', name])).toMatchObject({
        status: 0,
        stderr: expect.stringContaining(`(digest ${whole.final.digest})`),
      });
    const later = await alone(copy, '-loadvm', 'part-1');
    expect(await hmp(later.client, 'delvm part-1')).toBe('');
    expect(await hmp(later.client, 'delvm part-1')).toBe("Error: there is no snapshot 'part-1'; there are 'part-0'\r\n");
    await later.client.quit();
    await later.running.done;
    expect((await info(copy)).snapshots.map(({ name }) => name)).toEqual(['part-0']);
    await verify(copy);
  });

  it('is whole when a replay is killed while it appends a snapshot, and takes others', async () => {
    const copy = at('killed.rec');
    for (const ms of [0, 15, 40]) {
      copyFileSync(path, copy);
      const { running, client } = await alone(copy);
      await replayTo(client, Math.floor(whole.final.icount / 8));
      const before = statSync(copy).size;
      hmp(client, 'savevm lost').catch(() => {});
      while (ms > 0 && statSync(copy).size === before) await pause(1);
      await pause(ms);
      running.kill('SIGKILL');
      await running.done;
      expect((await verify(copy)).final).toEqual({ icount: whole.final.icount, digest: whole.final.digest });
    }
    const { running, client } = await alone(copy);
    expect(await hmp(client, 'savevm found')).toBe('');
    await client.quit();
    await running.done;
    expect((await info(copy)).snapshots.map(({ name }) => name)).toContain('found');
    await verify(copy);
  });

  it('is stopped at a time', async () => {
    expect(await reprise(['replay', path, '-serial', 'null', '--to', '300ms', ...disk()])).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/stopped before instruction \d+; the same as recorded/),
    });
  });

  it.each<[string, () => string[], RegExp]>([
    ['that is not there', () => line('-loadvm', 'none'), /^reprise-system-arm: -loadvm none: there is no snapshot of that name \[NO_SNAPSHOT\]\n$/],
    [
      'that is not there, in a replay',
      () => line(...icount('replay', path), '-loadvm', 'none'),
      /^reprise-system-arm: there is no snapshot 'none'; there are .*'half'.* \[NO_SNAPSHOT\]\n$/,
    ],
    [
      'that is not there, by rrsnapshot=',
      () => line(...icount('replay', path, ',rrsnapshot=none')),
      /^reprise-system-arm: there is no snapshot 'none'; there are .* \[NO_SNAPSHOT\]\n$/,
    ],
    [
      'of a machine with less memory',
      () => line('-m', '32', '-loadvm', 'half'),
      /^reprise-system-arm: the snapshot was taken by Reprise [\d.]+ of another machine than this one; they differ in: ramBytes \(16777216 in the snapshot, 33554432 here\) \[SNAPSHOT_MISMATCH\]\n$/,
    ],
    [
      'of a machine with a network',
      () => [...traffic.board, ...disk(), '-net', 'none', '-serial', 'null', '-loadvm', 'half'],
      /^reprise-system-arm: .*; they differ in: nics .* nic0 \(only in the snapshot\).* \[SNAPSHOT_MISMATCH\]\n$/,
    ],
    [
      'without a disk that could have one',
      () => [...traffic.board, '-net', 'none', '-serial', 'null', '-loadvm', 'half'],
      /^reprise-system-arm: -loadvm half: no disk of this machine can have snapshots; .* \[NO_SNAPSHOT_STORE\]\n$/,
    ],
  ])('refuses a snapshot %s, and nothing changes', async (_, words, message) => {
    const before = hashOf(traffic.overlay);
    const { status, stderr } = await systemArm(words());
    expect(stderr).toMatch(message);
    expect(status).toBe(1);
    expect(hashOf(traffic.overlay)).toBe(before);
  });

  it.skipIf(!canMount('an overlay that cannot be written'))('has its snapshots loaded where it cannot be written, and takes no more', async () => {
    const socket = join(temporaryFolder(onTestFinished), 'qmp');
    const words = [...commandOf('reprise-system-arm'), ...line(...icount('replay', path), '-loadvm', 'half')];
    const running = startAfter(onTestFinished, readOnly(folder), [...words, '-S', '-qmp', `unix:${socket},server,nowait`]);
    const client = await connected(onTestFinished, running, socket);
    expect(await countOf(client)).toBeGreaterThan(0);
    expect(await hmp(client, 'savevm more')).toBe('Error: the overlay cannot be written, so that its snapshots can only be loaded\r\n');
    await client.cont();
    expect(await running.done).toMatchObject({ status: 0, stderr: expect.stringContaining(`(digest ${whole.final.digest})`) });
  });

  it('refuses the snapshot of another recording', async () => {
    const other = at('other.rec');
    const recorded = await systemArm(line(...icount('record', other, ',rrsnapshot=mine')));
    expect(recorded.status, recorded.stderr).toBe(0);
    const before = hashOf(traffic.overlay);
    const { status, stderr } = await systemArm(line(...icount('replay', other), '-loadvm', 'half'));
    expect(stderr).toMatch(/the snapshot belongs to another recording, or to none; a replay can only load its own \[SNAPSHOT_MISMATCH\]\n$/);
    expect(status).toBe(1);
    expect(hashOf(traffic.overlay)).toBe(before);
    expect(await systemArm(line(...icount('replay', other, ',rrsnapshot=mine')))).toMatchObject({ status: 0 });
  });

  it('refuses a damaged snapshot before anything is touched', async () => {
    const bytes = readFileSync(traffic.overlay);
    const magic = Buffer.from('RPRSTAT\u0001', 'latin1');
    const states: number[] = [];
    for (let from = bytes.indexOf(magic); from >= 0; from = bytes.indexOf(magic, from + 1)) states.push(from);
    expect(states.length).toBeGreaterThan(1);
    for (const from of states) for (const offset of [3000, 30_000]) bytes[from + offset] ^= 0x40;
    const damaged = at('damaged.qcow2');
    writeFileSync(damaged, bytes);
    const before = hashOf(damaged);
    const words = [...traffic.board, ...NETWORK, ...card(traffic.image, damaged), '-serial', 'null'];
    const begun = await systemArm([...words, '-loadvm', 'half']);
    expect(begun).toMatchObject({ status: 1, stderr: expect.stringMatching(/\[SNAPSHOT_DAMAGED\]\n$/) });
    const replayed = await systemArm([...words, ...icount('replay', path)]);
    expect(replayed).toMatchObject({ status: 1, stderr: expect.stringMatching(/^[^\n]*\[(SNAPSHOT_DAMAGED|NO_SNAPSHOT)\]\n$/) });
    expect(hashOf(damaged)).toBe(before);
    // The recording does not need it.
    await verify(path);
  });

  it('that is killed leaves an overlay and a recording that can be used', async () => {
    const killed = at('cut.rec');
    const overlay = at('cut.qcow2');
    for (const ms of [150, 400]) {
      const options = [...traffic.board, ...NETWORK, ...card(traffic.image, overlay), '-serial', 'null', ...icount('record', killed)];
      const { running, client } = await startControlled(onTestFinished, 'reprise-system-arm', options);
      await client.cont();
      await pause(ms);
      const saving = hmp(client, 'savevm late').catch(() => {});
      if (ms > 200) await saving;
      running.kill('SIGKILL');
      await running.done;
      const check = await reprise(['img', 'check', overlay]);
      expect([0, 3], check.stdout.toString()).toContain(check.status);
      if (hasTool('qemu-img', 'the overlay of a killed recorder as QEMU sees it')) {
        const theirs = await startCommand(onTestFinished, 'qemu-img', ['check', overlay]).done;
        expect([0, 3], theirs.stdout.toString()).toContain(theirs.status);
      }
      expect(await verify(killed)).toMatchObject({ verified: true, truncated: true });
      const replayed = await systemArm(options.map((word) => word.replace('rr=record', 'rr=replay')));
      expect(replayed).toMatchObject({ status: 0, stderr: expect.stringContaining('is truncated') });
    }
  });
});
