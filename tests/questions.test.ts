/** `reprise last-write`, `find` and `trace`: what they say of a recording is what happened in it. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Outcome, reprise, start, temporaryFolder } from './support/program.ts';
import { LOST_UPDATE, replayed } from './support/recordings.ts';

const folder = temporaryFolder(afterAll);
const path = join(folder, 'ledger.rec');
const SYMBOLS = ['--symbols', LOST_UPDATE];

beforeAll(async () => {
  expect((await reprise(['demo', '-o', path])).status).toBe(0);
});

const lines = ({ stdout }: Outcome): string[] => stdout.toString().trimEnd().split('\n');
/** The answers of a question that has some. */
async function ask(...args: string[]): Promise<Record<string, unknown>[]> {
  const outcome = await reprise([...args, '--json']);
  expect([outcome.status, outcome.stderr]).toEqual([0, '']);
  return lines(outcome).map((line) => JSON.parse(line));
}

describe('reprise last-write', () => {
  it('names the instruction, its line, and the values', async () => {
    const [write] = await ask('last-write', path, 'ledger_balance', ...SYMBOLS);
    expect(write).toMatchObject({ by: 'cpu', symbol: 'ledger_post+0x30', line: 'ledger.c:58', address: '0x0000a100', size: 4 });
    expect(write.nanoseconds).toBe((write.icount as number) * 8);
    const text = await reprise(['last-write', path, '0xa100:4', '--before', `${write.icount}`, ...SYMBOLS]);
    const [, icount, after] = /^instruction (\d+) \(\d+\.\d{9} s\) at 0x0000\w+ ledger_\w+\+0x\w+ at ledger\.c:\d+: 0x\w{8} -> 0x(\w{8})\n$/.exec(
      text.stdout.toString(),
    )!;
    expect(Number(icount)).toBeLessThan(write.icount as number);
    expect(Buffer.from(after, 'hex').reverse().toString('hex')).toBe(write.before);
    const [physical] = await ask('last-write', path, '0x8000a100', '--physical');
    expect(physical).toMatchObject({ icount: write.icount, before: write.before, after: write.after });
  });

  it('says so when nothing wrote there, with a status of its own', async () => {
    const outcome = await reprise(['last-write', path, '0xe00000']);
    expect([outcome.status, outcome.stdout.toString(), outcome.stderr]).toEqual([4, '', 'reprise last-write: no instruction wrote to 0xe00000\n']);
  });

  it.each([
    [['last-write', path], 2, 'written where?'],
    [['last-write', path, 'ledger_balance'], 2, 'names need a file with symbols'],
    [['last-write', path, 'nobody', ...SYMBOLS], 1, "no 'nobody' [NO_SUCH_SYMBOL]"],
    [['last-write', path, '0xa100', '--before', '99999999999'], 2, '--before 99999999999: the recording goes from'],
    [['find', path], 2, 'find what?'],
    [['find', path, '--exec', 'main'], 2, 'needs the symbols'],
    [['find', path, '--frame', 'tcp prt 80'], 2, '[BAD_VALUE]'],
    [['find', path, '--pc', '0x8000', '--serial', 'x'], 2, 'one thing at a time: --serial'],
    [['trace', path, '--from', '5'], 2, 'say --from and --to'],
    [['trace', path, '--from', '5', '--to', '99999999999'], 2, '--to 99999999999: the recording goes from'],
    [['find', join(folder, 'none.rec'), '--pc', '0x8000'], 1, '[FILE_NOT_FOUND]'],
  ])('%j is refused', async (args, status, message) => {
    const outcome = await reprise(args);
    expect([outcome.status, outcome.stderr]).toEqual([status, expect.stringContaining(message)]);
    expect(outcome.stdout.toString()).toBe('');
  });
});

describe('reprise find', () => {
  it('finds every byte that the interrupt handler counted', async () => {
    const [, received] = /SUMMARY: (\d+) bytes received/.exec((await replayed(path)).toString())!;
    const counted = await ask('find', path, '--exec', 'ledger_count_byte', ...SYMBOLS);
    expect(counted).toHaveLength(Number(received));
    const byAddress = await reprise(['find', path, '--pc', 'ledger_count_byte', ...SYMBOLS]);
    expect(lines(byAddress).map((line) => Number(/^instruction (\d+) \(/.exec(line)![1]))).toEqual(counted.map(({ icount }) => icount));
  });

  it('finds a text where the guest has just sent it', async () => {
    const [moment, ...more] = await ask('find', path, '--serial', 'LOST UPDATE');
    expect(more).toEqual([]);
    const said = async (to: number): Promise<string> => (await reprise(['replay', path, '--to', `${to}`, '-serial', 'stdio'])).stdout.toString();
    const icount = moment.icount as number;
    expect((await said(icount)).endsWith('LOST UPDAT')).toBe(true);
    expect((await said(icount + 1)).endsWith('LOST UPDATE')).toBe(true);
  });

  it('finds nothing where there is nothing', async () => {
    for (const what of [
      ['--frame', 'arp'],
      ['--serial', 'no such text'],
      ['--serial', 'LOST', '--port', '1'],
    ]) {
      const outcome = await reprise(['find', path, ...what]);
      expect([outcome.status, outcome.stdout.toString()]).toEqual([4, '']);
      expect(outcome.stderr).toContain(`it never happened: ${what[0]} ${what[1]}`);
    }
  });
});

describe('reprise trace', () => {
  it('shows each instruction with what it changed, from a count or a time', async () => {
    const [{ icount }] = await ask('find', path, '--exec', 'ledger_count_byte', ...SYMBOLS);
    const from = icount as number;
    const outcome = await reprise(['trace', path, '--from', `${from}`, '--to', `${from + 4}`, ...SYMBOLS]);
    const shown = lines(outcome).map((line) => /^ *(\d+) 0x(\w{8}) ledger_count_byte(?:\+0x\w+)? at ledger\.c:\d+: \w+/.exec(line));
    expect(shown.map((line) => Number(line?.[1]))).toEqual([0, 1, 2, 3].map((n) => from + n));
    expect(shown[0]?.[2]).toBe('00008a80');
    const byTime = await reprise(['trace', path, '--from', `${from * 8}ns`, '--to', `${(from + 4) * 8 - 3}ns`, ...SYMBOLS]);
    expect(byTime.stdout.toString()).toBe(outcome.stdout.toString());
    const json = await ask('trace', path, '--from', `${from}`, '--to', `${from + 4}`);
    expect(json.map((entry) => entry.icount)).toEqual([0, 1, 2, 3].map((n) => from + n));
    expect(json[0]).toMatchObject({ kind: 'instruction', text: expect.any(String), changed: expect.any(Object) });
  });

  it('is the same from workers side by side', { timeout: 60_000 }, async () => {
    const [alone, together] = await Promise.all(
      ['1', '2'].map((jobs) => reprise(['trace', path, '--from', '1000', '--to', '41000', '--json', '--jobs', jobs])),
    );
    expect([together.status, together.stderr]).toEqual([0, '']);
    expect(lines(alone).length).toBeGreaterThanOrEqual(40_000);
    expect(together.stdout.equals(alone.stdout)).toBe(true);
  });

  it.each(['1', '2'])('ends when nobody reads it any more, and with Ctrl-C, with --jobs %s', { timeout: 60_000 }, async (jobs) => {
    for (const end of ['reader', 'signal'] as const) {
      const trace = start(onTestFinished, 'reprise', ['trace', path, '--from', '0', '--to', '5000000', '--jobs', jobs]);
      await trace.shows('0x00008000');
      if (end === 'reader') trace.process.stdout!.destroy();
      else trace.kill('SIGINT');
      const { status, stderr } = await trace.done;
      expect([status, stderr]).toEqual([end === 'reader' ? 0 : 130, '']);
    }
  });
});
