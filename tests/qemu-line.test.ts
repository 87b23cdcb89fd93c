/** QEMU's own command line, with `rr=record` and `rr=replay`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { waitingGuest } from '../src/session/session.suite.ts';
import { collected, type Outcome, pause, reprise, start, systemArm, temporaryFolder } from './support/program.ts';
import { info, LEDGER_READY, LOST_UPDATE, verify } from './support/recordings.ts';

const folder = temporaryFolder(afterAll);
const file = (name: string): string => join(folder, name);
/** The line as one would type it for QEMU; `rr` is `record` or `replay`. */
const line = (rr: string, rrfile = file('replay.bin')): string[] => [
  ...['-M', 'integratorcp', '-cpu', 'arm926', '-m', '16', '-kernel', LOST_UPDATE, '-append', 'some words', '-net', 'none'],
  ...[
    '-display',
    'none',
    '-serial',
    'stdio',
    '-monitor',
    'none',
    '-no-reboot',
    '-rtc',
    'base=2026-01-01',
    '-icount',
    `shift=3,rr=${rr},rrfile=${rrfile}`,
  ],
];
const cleanUp = collected(afterAll);
let recorded: Outcome;

beforeAll(async () => {
  const running = start(cleanUp, 'reprise-system-arm', line('record'), { input: 'open' });
  await running.shows(LEDGER_READY);
  running.send('quit\r');
  recorded = await running.done;
  expect(recorded.status, recorded.stderr).toBe(0);
});

describe('a line of QEMU', () => {
  it('records with rr=record, and replays with rr=replay', async () => {
    const again = await systemArm(line('replay'));
    expect(again.status, again.stderr).toBe(0);
    expect(Buffer.compare(again.stdout, recorded.stdout)).toBe(0);
    expect(recorded.stdout.toString()).toContain('Ledger on Integrator/CP, 2026-01-01');
    const { final } = await info(file('replay.bin'));
    expect(recorded.stderr).toBe(`reprise-system-arm: recorded ${final.icount} instructions in ${file('replay.bin')}, digest ${final.digest}\n`);
    expect(again.stderr).toBe(
      `reprise-system-arm: replayed to the end, instruction ${final.icount}; the same as recorded (digest ${final.digest})\n`,
    );
  });

  it('makes the same recordings as `reprise record`', async () => {
    const verdict = await verify(file('replay.bin'));
    expect(verdict.verified).toBe(true);
    expect((await info(file('replay.bin'))).machine).toMatchObject({ append: 'some words', ramBytes: 16 * 2 ** 20 });
    const own = file('own.rec');
    const running = start(
      onTestFinished,
      'reprise',
      ['record', '-o', own, '-M', 'integratorcp', '-m', '16', '-kernel', LOST_UPDATE, '-serial', 'stdio', '-no-reboot'],
      { input: 'open' },
    );
    await running.shows(LEDGER_READY);
    running.send('quit\r');
    expect((await running.done).status).toBe(0);
    const again = await systemArm([
      '-M',
      'integratorcp',
      '-kernel',
      LOST_UPDATE,
      '-display',
      'none',
      '-nographic',
      '-icount',
      `shift=3,rr=replay,rrfile=${own}`,
    ]);
    expect(again.status, again.stderr).toBe(0);
    expect(again.stdout.toString()).toContain('try help');
  });

  it('replaces the recording of an earlier run, as QEMU does', async () => {
    const path = file('earlier.bin');
    writeFileSync(path, 'an earlier one');
    const running = start(onTestFinished, 'reprise-system-arm', line('record', path), { input: 'open' });
    await running.shows(LEDGER_READY);
    running.send('quit\r');
    expect((await running.done).status).toBe(0);
    await verify(path);
  });

  it.each<[string, (words: string[]) => string[], string]>([
    ['more RAM', (words) => words.with(words.indexOf('-m') + 1, '32'), "with -m '16M', not '32M'"],
    ['other words', (words) => words.with(words.indexOf('-append') + 1, 'other words'), "with -append 'some words', not 'other words'"],
    [
      'another date',
      (words) => words.with(words.indexOf('-rtc') + 1, 'base=2026-01-02'),
      "with -rtc base= '2026-01-01T00:00:00', not '2026-01-02T00:00:00'",
    ],
    [
      'another speed',
      (words) => words.with(words.indexOf('-icount') + 1, `shift=4,rr=replay,rrfile=${file('replay.bin')}`),
      "with -icount shift= '3', not '4'",
    ],
    ['another seed', (words) => [...words, '-seed', '77'], "not '0x000000000000004d'"],
    ['a device tree that was not there', (words) => [...words, '-dtb', file('replay.bin')], 'without -dtb'],
  ])('does not replay on a machine with %s', async (_, change, message) => {
    const { status, stdout, stderr } = await systemArm(change(line('replay')));
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^reprise-system-arm: [^\n]* \[INPUT_CHANGED\]\n$/);
    expect(status).toBe(1);
    expect(stdout.toString()).toBe('');
  });

  it('does not replay with a kernel that is another one now', async () => {
    const kernel = file('kernel.elf');
    const bytes = readFileSync(LOST_UPDATE);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(kernel, bytes);
    const words = line('replay');
    const { status, stderr } = await systemArm(words.with(words.indexOf('-kernel') + 1, kernel));
    expect(stderr).toMatch(new RegExp(`^reprise-system-arm: kernel '${kernel}' is not the one that was recorded [^\\n]* \\[INPUT_CHANGED\\]\\n$`));
    expect(status).toBe(1);
  });

  it('says what it lacks', async () => {
    const missing = await systemArm(line('replay', file('missing.bin')));
    expect([missing.status, missing.stderr]).toEqual([1, expect.stringMatching(/missing\.bin.*\[FILE_NOT_FOUND\]\n$/)]);
    const nameless = await systemArm(['-M', 'integratorcp', '-kernel', LOST_UPDATE, '-icount', 'shift=3,rr=record']);
    expect([nameless.status, nameless.stderr]).toEqual([2, expect.stringMatching(/rrfile=FILE \[USAGE\]\n$/)]);
    const unclear = await systemArm(['-M', 'integratorcp', '-kernel', LOST_UPDATE, '-icount', 'shift=3,rr=play,rrfile=x']);
    expect([unclear.status, unclear.stderr]).toEqual([2, expect.stringMatching(/record.*replay.*\[BAD_VALUE\]\n$/)]);
  });
});

describe('how fast time passes for a guest that waits', () => {
  const bios = file('ticks.bin');
  /** The seconds that a guest with 100 ticks a second takes for as many ticks. */
  async function secondsFor(ticks: number, program: 'reprise' | 'reprise-system-arm', ...words: readonly string[]): Promise<number> {
    writeFileSync(bios, waitingGuest(true));
    const running = start(
      onTestFinished,
      program,
      [...words, '-M', 'integratorcp', '-m', '16', '-bios', bios, '-serial', 'stdio', '-display', 'none'],
      {
        input: 'open',
      },
    );
    await running.shows('.');
    const began = performance.now();
    for (let n = 0; n < ticks; n++) await running.shows('.');
    const seconds = (performance.now() - began) / 1000;
    running.kill('SIGINT');
    await running.done;
    return seconds;
  }

  it('is as fast as time, as with QEMU, unless it is told otherwise', async () => {
    const paced = await secondsFor(200, 'reprise-system-arm');
    expect(paced).toBeGreaterThan(1.8);
    expect(paced).toBeLessThan(4);
    expect(await secondsFor(1000, 'reprise-system-arm', '-icount', 'shift=3,sleep=off')).toBeLessThan(5);
  });

  it('is as fast as the computer for a script, unless it is told otherwise', async () => {
    expect(await secondsFor(1000, 'reprise', 'run')).toBeLessThan(5);
    expect(await secondsFor(100, 'reprise', 'run', '-icount', 'shift=3,sleep=on')).toBeGreaterThan(0.8);
  });

  it('is the same for the guest', async () => {
    for (const sleep of ['on', 'off']) {
      const path = file(`${sleep}.rec`);
      const words = ['record', '-o', path, '-M', 'integratorcp', '-m', '16', '-bios', bios, '-serial', 'stdio', '-icount', `shift=3,sleep=${sleep}`];
      const running = start(onTestFinished, 'reprise', words, { input: 'open' });
      await running.shows('.........');
      running.send('x');
      await running.shows('x');
      await pause(300);
      running.kill('SIGINT');
      const { status, stdout } = await running.done;
      expect(status).toBe(130);
      const again = await reprise(['replay', path]);
      expect(again.status, again.stderr).toBe(0);
      expect(Buffer.compare(again.stdout, stdout)).toBe(0);
    }
  });
});
