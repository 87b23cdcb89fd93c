/** What is left of a recording whose recorder was stopped, killed, or ran out of room. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commandOf, type Outcome, pause, type Running, reprise, shellWords, start, startCommand, temporaryFolder } from './support/program.ts';
import { info, LEDGER, LEDGER_READY, replayed, verify } from './support/recordings.ts';

const SECONDS = 1000;

/** A recording of the built-in guest that has begun; keys of its keyboard can be pressed by the monitor on standard input. */
async function recording(path: string, ...more: readonly string[]): Promise<Running> {
  const running = start(onTestFinished, 'reprise', ['record', '-o', path, ...LEDGER, '-serial', `file:${path}.txt`, '-monitor', 'stdio', ...more], {
    input: 'open',
  });
  await running.shows('(reprise) ');
  for (let n = 0; n < 500 && !textOf(path).includes(LEDGER_READY); n++) await pause(20);
  return running;
}

const textOf = (path: string): string => (existsSync(`${path}.txt`) ? readFileSync(`${path}.txt`, 'latin1') : '');

/** That what there is of a recording replays to the instruction that it claims, and says so. */
async function expectUsable(path: string): Promise<void> {
  const { truncated, final } = await info(path);
  expect(truncated).toBe(true);
  expect(final).toMatchObject({ digest: null });
  expect(final.icount).toBeGreaterThan(0);

  const told = await reprise(['info', path]);
  expect(told.stdout.toString()).toMatch(new RegExp(`^end +TRUNCATED: .* replays up to instruction ${final.icount}$`, 'm'));

  const { status, stdout, stderr } = await reprise(['replay', path]);
  expect(status, stderr).toBe(0);
  expect(stderr).toContain(`${path} is truncated`);
  expect(stderr).toContain(`replayed to the last recorded moment, instruction ${final.icount}`);
  const said = stdout.toString('latin1');
  expect(said).toContain(LEDGER_READY);
  // The guest may have said more, in the moment before the end of which nothing was saved.
  expect(textOf(path).startsWith(said)).toBe(true);

  const verdict = await verify(path);
  expect(verdict).toMatchObject({ verified: true, truncated: true, final: { icount: final.icount } });
}

describe('a recorder that is killed', { timeout: 60 * SECONDS }, () => {
  it('leaves a recording that is usable to the last second', async () => {
    const path = join(temporaryFolder(onTestFinished), 'out.rec');
    const running = await recording(path);
    const before = await countNow(running);
    running.send('sendkey a\n');
    await pause(1000);
    running.kill('SIGKILL');
    expect((await running.done).signal).toBe('SIGKILL');
    await expectUsable(path);
    const { final, events } = await info(path);
    // What was done a second before is in the file.
    expect(final.icount).toBeGreaterThanOrEqual(before);
    expect(events).toEqual({ key: 2 });
  });

  it('leaves a usable recording at whatever moment', async () => {
    for (const ms of [0, 130, 370]) {
      const path = join(temporaryFolder(onTestFinished), 'out.rec');
      const running = start(onTestFinished, 'reprise', ['record', '-o', path, ...LEDGER, '-serial', 'null']);
      while (!existsSync(path) || statSync(path).size === 0) await pause(5);
      await pause(ms);
      running.kill('SIGKILL');
      await running.done;
      const result = await reprise(['verify', path]);
      // Before the head is complete there is nothing to replay, and it says so.
      if (result.status !== 0) expect(result.stderr).toMatch(/\[RECORDING_DAMAGED\]\n$/);
      else expect(result.stdout.toString()).toContain('replayed to the last recorded moment');
    }
  });

  it('does not take an earlier recording with it, before it has begun', async () => {
    const path = join(temporaryFolder(onTestFinished), 'out.rec');
    writeFileSync(path, 'years of work');
    // It waits for someone to connect, and has recorded nothing.
    const running = start(onTestFinished, 'reprise', ['record', '-o', path, '--force', ...LEDGER, '-serial', 'tcp:127.0.0.1:0,server']);
    await running.says('waiting for a connection');
    running.kill('SIGKILL');
    await running.done;
    expect(readFileSync(path, 'utf8')).toBe('years of work');
  });
});

/** The instruction count, as the monitor tells it. */
async function countNow(running: Running): Promise<number> {
  running.send('info replay\n');
  await running.shows('instruction count = ');
  return Number.parseInt(await running.shows('\r\n'), 10);
}

describe('a recorder that is asked to end', { timeout: 60 * SECONDS }, () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('by %s leaves a whole recording', async (signal, status) => {
    const path = join(temporaryFolder(onTestFinished), 'out.rec');
    const running = await recording(path);
    running.send('sendkey ctrl-c 1\n');
    await pause(200);
    running.kill(signal);
    const outcome = await running.done;
    expect(outcome.status, outcome.stderr).toBe(status);
    const { truncated, end, final, events } = await info(path);
    expect({ truncated, end, events }).toEqual({ truncated: false, end: 'interrupted', events: { key: 4 } });
    expect(outcome.stderr).toContain(`recorded ${final.icount} instructions in ${path}, digest ${final.digest}`);
    expect((await replayed(path)).toString('latin1')).toBe(textOf(path));
    expect((await verify(path)).final).toEqual({ icount: final.icount, digest: final.digest });
  });

  it('twice at once is asked once: npm passes on a Ctrl-C that the terminal has sent already', async () => {
    const path = join(temporaryFolder(onTestFinished), 'out.rec');
    const running = await recording(path);
    running.kill('SIGINT');
    running.kill('SIGINT');
    expect((await running.done).status).toBe(130);
    expect((await info(path)).truncated).toBe(false);
  });

  it('by the monitor is done', async () => {
    const path = join(temporaryFolder(onTestFinished), 'out.rec');
    const running = await recording(path);
    running.send('quit\n');
    expect((await running.done).status).toBe(0);
    expect((await info(path)).end).toBe('quit');
    await verify(path);
  });

  it('while it waits for a connection leaves nothing', async () => {
    const folder = temporaryFolder(onTestFinished);
    const running = start(onTestFinished, 'reprise', ['record', '-o', join(folder, 'out.rec'), ...LEDGER, '-serial', 'tcp:127.0.0.1:0,server']);
    await running.says('waiting for a connection');
    running.kill('SIGINT');
    expect((await running.done).status).toBe(130);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('in a replay stops that, with the same status', async () => {
    const path = join(temporaryFolder(onTestFinished), 'out.rec');
    const first = await recording(path);
    await pause(3000);
    first.kill('SIGINT');
    await first.done;
    const running = start(onTestFinished, 'reprise', ['replay', path]);
    await running.shows('try help');
    running.kill('SIGINT');
    const { status, stderr } = await running.done;
    expect(status).toBe(130);
    const [, count] = /interrupted at instruction (\d+)/.exec(stderr)!;
    expect(Number(count)).toBeLessThan((await info(path)).final.icount);
  });
});

describe('a disk that is full', { timeout: 60 * SECONDS }, () => {
  const expectFull = ({ status, stderr }: Outcome, path: string): void => {
    expect(stderr).toContain(`the disk is full: '${path}' could not take more`);
    expect(stderr).toMatch(/^reprise: [^\n]*\[DISK_FULL\]\n$/m);
    expect(status).toBe(1);
  };

  it.skipIf(!existsSync('/dev/full'))('from the beginning is an error', async () => {
    expectFull(await reprise(['record', '-o', '/dev/full', ...LEDGER, '-serial', 'null']), '/dev/full');
  });

  it('in the middle of a run ends it; what was recorded is usable', async () => {
    const folder = temporaryFolder(onTestFinished);
    const small = join(folder, 'small');
    mkdirSync(small);
    const [node, script] = commandOf('reprise');
    const path = join(small, 'out.rec');
    const saved = join(folder, 'saved.rec');
    // Room for the guest, and for some hundred keys.
    const mount = `mount -t tmpfs -o size=48k none '${small}' 2>/dev/null || exit 99`;
    const record = shellWords([node, script, 'record', '-o', path, ...LEDGER, '-serial', `file:${saved}.txt`, '-monitor', 'stdio']);
    const namespaces = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user'];
    const command = `${mount}; ${record}; status=$?; cp '${path}' '${saved}'; exit $status`;
    const running = startCommand(onTestFinished, 'unshare', [...namespaces, 'sh', '-c', command], { input: 'open' });
    const outcome = running.done;
    for (let over = false; !over; ) {
      running.send('sendkey shift-a\n'.repeat(20));
      over = await Promise.race([outcome.then(() => true), pause(100).then(() => false)]);
    }
    const result = await outcome;
    if (result.status === 99 || /^unshare:/.test(result.stderr)) {
      console.log('skipped: a disk that is full in the middle of a run, because nothing may be mounted here');
      return;
    }
    expectFull(result, path);
    expect(statSync(saved).size).toBeGreaterThan(40_000);
    expect((await info(saved)).events.key).toBeGreaterThan(100);
    await expectUsable(saved);
  });
});
