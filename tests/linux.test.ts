/** Linux, recorded and replayed. */
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, ROOT, reprise, temporaryFolder } from './support/program.ts';
import { hasLinux, info, linux, linuxFile, recordingIn, replayed, verify } from './support/recordings.ts';

const MINUTES = 60_000;
/** A replay has no use for the time of day, the time zone, the language or anything else in its surroundings. */
const ANOTHER_DAY = {
  env: {
    NODE_OPTIONS: `--import=${pathToFileURL(join(ROOT, 'tests/support/another-day.mjs')).href}`,
    TZ: 'Asia/Tokyo',
    LANG: 'C',
    LC_ALL: 'tr_TR.UTF-8',
    HOME: '/nonexistent',
    COLUMNS: '17',
    QEMU_AUDIO_DRV: 'none',
  },
};

/** A sentence of the guest on a line of its own. */
const stages = (text: string): string[] =>
  text
    .split(/\r?\n/)
    .filter((line) => line.startsWith('@@ '))
    .map((line) => line.split(' ')[1]);

describe.skipIf(!hasLinux('Linux, recorded and replayed'))('Linux at work', () => {
  const folder = temporaryFolder(afterAll);
  const path = join(folder, 'linux.rec');
  let recorded: Outcome;

  beforeAll(async () => {
    recorded = await reprise(['record', '-o', path, ...linux('autooff bench'), '-serial', 'stdio']);
  }, 5 * MINUTES);

  it('computes what it computes on any computer', () => {
    expect(recorded.status, recorded.stderr).toBe(0);
    const text = recorded.stdout.toString();
    expect(stages(text)).toEqual(['userspace', 'modules', 'sha256', 'gzip', 'awk', 'fork', 'done']);
    const results = text.split(/\r?\n/);
    expect(results).toContain('bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8  -');
    expect(results).toContain('c892a4a23daca5c1b70d7842fd5da8fa  -');
    expect(results).toContain('2724');
    expect(text).toContain('reboot: Restarting system');
  });

  it('says the same in its replay, byte by byte, and is the same machine at its end', { timeout: 5 * MINUTES }, async () => {
    const [text, verdict] = await Promise.all([replayed(path), verify(path, ANOTHER_DAY)]);
    expect(Buffer.compare(text, recorded.stdout)).toBe(0);
    const { final, truncated, end } = await info(path);
    expect({ truncated, end }).toEqual({ truncated: false, end: 'guest-reset' });
    expect(verdict).toEqual({ verified: true, truncated: false, final: { icount: final.icount, digest: final.digest } });
    expect(final.digest).toMatch(/^[0-9a-f]{16}$/);
    expect(final.icount).toBeGreaterThan(1e9);
    expect(recorded.stderr).toContain(`recorded ${final.icount} instructions in ${path}, digest ${final.digest}`);
  });

  it('needs little more room than its kernel and its RAM disk', async () => {
    const { bytes, inputs, events, digests, final } = await info(path);
    expect(inputs.map(({ role, embedded }) => [role, embedded])).toEqual([
      ['kernel', true],
      ['initrd', true],
      ['dtb', true],
    ]);
    expect(events).toEqual({});
    expect(bytes.file - bytes.inputs).toBeLessThanOrEqual(64 * 1024);
    // A digest at the beginning, and one for each interval.
    expect(digests).toBe(Math.floor(final.icount / 2 ** 25) + 1);
  });
});

describe.skipIf(!hasLinux('two recordings of Linux, and changed kernels'))('Linux without input', () => {
  const folder = temporaryFolder(afterAll);
  const [first, second, bare] = ['first.rec', 'second.rec', 'bare.rec'].map((name) => join(folder, name));
  const [kernel, changed] = ['zImage', 'changed'].map((name) => join(folder, name));
  /** Whatever is not given comes from the host: the date and the seed of the random numbers. */
  const FIXED = [...linux('autooff'), '-serial', 'stdio', '-rtc', 'base=2026-01-01', '-seed', '1'];
  let said: Buffer[];

  beforeAll(async () => {
    copyFileSync(linuxFile('zImage'), kernel);
    const bytes = readFileSync(kernel);
    bytes[bytes.length - 100_000] ^= 1;
    writeFileSync(changed, bytes);
    const runs = await Promise.all([reprise(['record', '-o', first, ...FIXED]), reprise(['record', '-o', second, ...FIXED], ANOTHER_DAY)]);
    const third = await reprise(['record', '-o', bare, '--no-embed', ...FIXED.with(FIXED.indexOf('-kernel') + 1, kernel)]);
    for (const { status, stderr } of [...runs, third]) expect(status, stderr).toBe(0);
    said = [...runs, third].map(({ stdout }) => stdout);
  }, 5 * MINUTES);

  it('is recorded to the same header, events, digests and end on another day', async () => {
    const [a, b] = [await recordingIn(first), await recordingIn(second)];
    // When the file was made safe is all that may differ.
    expect(a.log.length).toBeGreaterThan(5);
    expect(b).toEqual(a);
    expect(said.map((text) => text.toString())).toEqual(new Array(3).fill(said[0].toString()));
  });

  it('replays on another day', { timeout: 2 * MINUTES }, async () => {
    expect(Buffer.compare(await replayed(first, ANOTHER_DAY), said[0])).toBe(0);
  });

  it('is the same machine interpreted and compiled, all the way', { timeout: 2 * MINUTES }, async () => {
    const { final } = await info(first);
    const { status, stdout, stderr } = await reprise(['verify', first, '--lockstep', '1000']);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.toString()).toContain(`interpreter and compiled code are in the same state all the way to instruction ${final.icount}`);
  });

  it('can be recorded without its files, which the replay then needs', { timeout: 2 * MINUTES }, async () => {
    const { inputs, bytes } = await info(bare);
    expect(inputs.map(({ embedded }) => embedded)).toEqual([false, false, false]);
    expect(bytes.file).toBeLessThan(64 * 1024);
    const files = ['-kernel', kernel, '-initrd', linuxFile('initrd.gz'), '-dtb', linuxFile('integratorcp.dtb')];
    const { status, stderr, stdout } = await reprise(['replay', bare, ...files]);
    expect(status, stderr).toBe(0);
    expect(Buffer.compare(stdout, said[0])).toBe(0);
  });

  it('names the file that it lacks', async () => {
    const { status, stderr, stdout } = await reprise(['replay', bare, '-kernel', kernel]);
    expect(stderr).toMatch(
      /^reprise: the recording does not contain its initrd \('.*initrd\.gz', \d+ bytes, SHA-256 [0-9a-f]{16}…\); name the file with -initrd \[FILE_NOT_FOUND\]\n$/,
    );
    expect(status).toBe(1);
    expect(stdout).toHaveLength(0);
  });

  it.each([
    ['replay', () => bare],
    ['verify', () => bare],
    ['replay', () => first],
  ])('%s refuses a kernel that changed since, by its name', async (command, recording) => {
    const { status, stderr, stdout } = await reprise([command, recording(), '-kernel', changed]);
    expect(stderr).toContain(`kernel '${changed}' is not the one that was recorded ('${recording() === bare ? kernel : linuxFile('zImage')}', `);
    expect(stderr).toMatch(/^[^\n]*\[INPUT_CHANGED\]\n$/);
    expect(status).toBe(1);
    expect(stdout).toHaveLength(0);
  });

  it('refuses a kernel that was cut since', async () => {
    copyFileSync(kernel, changed);
    truncateSync(changed, 1000);
    const { status, stderr } = await reprise(['replay', bare, '-kernel', changed]);
    expect(stderr).toContain('[INPUT_CHANGED]');
    expect(status).toBe(1);
  });

  it('with another date or another seed is another recording', { timeout: 2 * MINUTES }, async () => {
    const other = join(folder, 'other.rec');
    const { status, stdout } = await reprise(['record', '-o', other, ...FIXED.with(FIXED.indexOf('-rtc') + 1, 'base=2001-02-03')]);
    expect(status).toBe(0);
    const [a, b] = [await info(first), await info(other)];
    expect(new Date(b.machine.rtcBase * 1000).toISOString()).toBe('2001-02-03T00:00:00.000Z');
    expect(b.final.digest).not.toBe(a.final.digest);
    expect(stages(stdout.toString())).toEqual(['userspace', 'modules', 'done']);
  });
});
