/** `reprise demo`: what it says is true. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Outcome, pause, reprise, start, temporaryFolder } from './support/program.ts';
import { info, replayed, verify } from './support/recordings.ts';

describe('the demo, without a terminal', () => {
  const folder = temporaryFolder(afterAll);
  const path = join(folder, 'reprise-demo.rec');
  let demo: Outcome;
  let text: string;

  beforeAll(async () => {
    demo = await reprise(['demo'], { cwd: folder });
    text = demo.stdout.toString();
  });

  it('is done within half a minute, and leaves one file', () => {
    expect(demo.stderr).toBe('');
    expect(demo.status).toBe(0);
    expect(demo.seconds).toBeLessThan(30);
    expect(readdirSync(folder)).toEqual(['reprise-demo.rec']);
    expect(text).toContain('Recording to reprise-demo.rec');
  });

  it('shows the same lost update twice', () => {
    const lines = [...text.matchAll(/^ {2}guest: (LOST UPDATE: counted (\d+) of (\d+) bytes \(tick \d+\))$/gm)];
    expect(lines).toHaveLength(2);
    expect(lines[0][1]).toBe(lines[1][1]);
    expect(Number(lines[0][2])).toBeLessThan(Number(lines[0][3]));
  });

  it('tells true numbers of its recording', async () => {
    const { final, end, events } = await info(path);
    expect(end).toBe('guest-reset');
    const [, letters, instructions, seconds] = /It took (\d+) characters and ([\d,]+) instructions \(([\d.]+) s of the guest's time\)/.exec(text)!;
    expect(Number(instructions.replaceAll(',', ''))).toBe(final.icount);
    expect(Number(seconds)).toBeCloseTo(final.guestSeconds, 1);
    // The last ones may have been typed when the guest had stopped.
    expect(events.serial).toBeLessThanOrEqual(Number(letters));
    expect(text).toContain(`instruction count    the same  (${final.icount})`);
    expect(text).toContain(`digest of machine    the same  (${final.digest})`);
    expect(text).not.toContain('DIFFERENT');
  });

  it('has a recording that shows the bug every time', { timeout: 60_000 }, async () => {
    const [, line] = /guest: (LOST UPDATE.*)/.exec(text)!;
    const said = (await replayed(path)).toString();
    expect(said.split('\r\n')).toContain(line);
    expect(text).toContain(`serial text          the same  (${said.length} characters)`);
    const { final } = await info(path);
    expect(await verify(path)).toEqual({ verified: true, truncated: false, final: { icount: final.icount, digest: final.digest } });
  });

  it('goes back to the lost update, with its lines and values', async () => {
    const steps = [...text.matchAll(/^ +([\d,]+) {2}(ledger_\w+) +(ledger\.c:\d+) +(.+;) +(?:reads (\d+)|(\d+) -> (\d+))$/gm)];
    expect(steps.map(([, , name, line, source]) => [name, line, source])).toEqual([
      ['ledger_post', 'ledger.c:56', 'uint32_t balance = ledger_balance;'],
      ['ledger_count_byte', 'ledger.c:21', 'ledger_balance++;'],
      ['ledger_post', 'ledger.c:58', 'ledger_balance = balance + amount;'],
    ]);
    const [load, counted, store] = steps.map((step) => Number(step[1].replaceAll(',', '')));
    expect(load < counted && counted < store && store < load + 200).toBe(true);
    const [read, [before, after], [old, sum]] = [Number(steps[0][5]), steps[1].slice(6).map(Number), steps[2].slice(6).map(Number)];
    expect([before, after, old]).toEqual([read, read + 1, read + 1]);
    expect(text).toContain(`then stored ${read} + ${sum - read} = ${sum}, and the byte was gone.`);
    // The same as when one asks.
    for (const [icount, values] of [
      [counted, [before, after]],
      [store, [old, sum]],
    ] as const) {
      const { stdout } = await reprise(['last-write', path, '0xa100', '--before', `${icount + 1}`, '--json']);
      const hex = (value: number): string => value.toString(16).padStart(8, '0').match(/../g)!.reverse().join('');
      expect(JSON.parse(stdout.toString())).toMatchObject({ icount, before: hex(values[0]), after: hex(values[1]) });
    }
  });

  it('advises what works', { timeout: 60_000 }, async () => {
    const commands = [...text.matchAll(/^ {2}npx reprise (.*?) {2,}/gm)].map(([, line]) => line.split(' '));
    expect(commands.map(([name]) => name)).toEqual(['replay', 'replay', 'last-write', 'info', 'record']);
    for (const command of commands) expect((await reprise(command, { cwd: folder })).status, command.join(' ')).toBe(0);
    const stopped = await reprise(commands[1], { cwd: folder });
    expect(stopped.stderr).toContain(`stopped before instruction ${commands[1][3]}`);
    expect(stopped.stdout.toString()).not.toContain('LOST UPDATE');
  });
});

describe('the demo', () => {
  it('keeps what there is: the next recording gets the next name', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder(onTestFinished);
    writeFileSync(join(folder, 'reprise-demo.rec'), 'mine');
    const { status, stdout } = await reprise(['demo'], { cwd: folder });
    expect(status).toBe(0);
    expect(stdout.toString()).toContain('Recording to reprise-demo-2.rec');
    expect(readFileSync(join(folder, 'reprise-demo.rec'), 'utf8')).toBe('mine');
    await verify(join(folder, 'reprise-demo-2.rec'));
  });

  it('writes where it is told, and says what hinders it', async () => {
    const folder = temporaryFolder(onTestFinished);
    const taken = join(folder, 'taken');
    writeFileSync(taken, 'mine');
    const outcome = await reprise(['demo', '-o', taken]);
    expect([outcome.status, outcome.stderr]).toEqual([
      1,
      expect.stringMatching(/^reprise: '.*taken' exists already and is kept[^\n]* \[FILE_EXISTS\]\n$/),
    ]);
    const stray = await reprise(['demo', 'now']);
    expect([stray.status, stray.stderr]).toEqual([2, expect.stringContaining("'now' belongs to no option [USAGE]")]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends with %s as a program should, and its recording is whole', async (signal, status) => {
    const folder = temporaryFolder(onTestFinished);
    const path = join(folder, 'demo.rec');
    const running = start(onTestFinished, 'reprise', ['demo', '-o', path]);
    await running.shows('until that happens');
    while (!existsSync(path)) await pause(20);
    running.kill(signal);
    const outcome = await running.done;
    expect(outcome.status, outcome.stderr).toBe(status);
    expect(outcome.stdout.toString()).toContain('interrupted');
    expect(outcome.stderr).toBe('');
    expect((await info(path)).end).toBe('interrupted');
    await verify(path);
  });
});
