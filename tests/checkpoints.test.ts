/** Checkpoints in recordings, as a user sees them: stored while recording and afterwards, and used by the next one who looks. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pause, type Running, reprise, start, temporaryFolder } from './support/program.ts';
import { info, LEDGER, LOST_UPDATE, recordingIn, verify } from './support/recordings.ts';

const SECONDS = 1000;

/** A recording of the built-in guest, with a monitor on standard input; resolves when it has so many checkpoints. */
async function recording(path: string, checkpoints: number): Promise<Running> {
  const options = ['record', '-o', path, '--store-checkpoints', ...LEDGER, '-serial', 'null', '-monitor', 'stdio'];
  const running = start(onTestFinished, 'reprise', options, { input: 'open' });
  await running.shows('(reprise) ');
  for (let n = 0; n < 600; n++) {
    if (n % 10 === 9 && (await info(path)).checkpoints.count >= checkpoints) return running;
    await pause(50);
  }
  throw new Error('no checkpoints were stored');
}

/** The registers at a moment, as a monitor shows them. */
async function registersAt(path: string, moment: number): Promise<{ text: string; stderr: string }> {
  const running = start(onTestFinished, 'reprise', ['replay', path, '-S', '-serial', 'null', '-monitor', 'stdio'], { input: 'open' });
  await running.shows('(reprise) ');
  running.send(`replay_seek ${moment}\ninfo registers\nquit\n`);
  const { stdout, stderr, status } = await running.done;
  expect(status, stderr).toBe(0);
  expect(stderr).toContain(`interrupted at instruction ${moment};`);
  const [, text] = stdout.toString().split('info registers');
  expect(text).toContain('R15=');
  return { text, stderr };
}

describe('a recording with checkpoints', { timeout: 120 * SECONDS }, () => {
  it('is killed in the middle: it verifies, gets those that are missing, and shows the same moments before and after', async () => {
    const path = join(temporaryFolder(onTestFinished), 'out.rec');
    const running = await recording(path, 2);
    running.kill('SIGKILL');
    await running.done;
    const { checkpoints, final } = await info(path);
    expect(checkpoints.count).toBeGreaterThanOrEqual(2);
    const told = await reprise(['info', path]);
    expect(told.stdout.toString()).toMatch(new RegExp(`^checkpoints +${checkpoints.count}, ${checkpoints.bytes} bytes$`, 'm'));

    const { log } = await recordingIn(path);
    const moment = final.icount - 1000;
    const withThem = await registersAt(path, moment);
    expect(withThem.stderr).not.toContain('is ignored');
    const added = await reprise(['verify', path, '--store-checkpoints']);
    expect(added.status, added.stderr).toBe(0);
    expect(await verify(path)).toMatchObject({ verified: true, final: { icount: final.icount } });
    expect((await recordingIn(path)).log).toEqual(log);
    expect((await registersAt(path, moment)).text).toBe(withThem.text);
  });

  it('gets them afterwards, once, and not from a replay that someone controls', async () => {
    const path = join(temporaryFolder(onTestFinished), 'out.rec');
    const running = start(onTestFinished, 'reprise', ['record', '-o', path, ...LEDGER, '-serial', 'null', '-monitor', 'stdio'], { input: 'open' });
    await running.shows('(reprise) ');
    await pause(2 * SECONDS);
    running.send('quit\n');
    expect((await running.done).status).toBe(0);
    const before = await info(path);
    expect(before.checkpoints).toEqual({ count: 0, bytes: 0 });
    const { text } = await registersAt(path, before.final.icount - 5000);

    const refused = await reprise(['replay', path, '--store-checkpoints', '-monitor', 'tcp:127.0.0.1:0,server,nowait']);
    expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('[USAGE]') });
    const { status, stderr } = await reprise(['replay', path, '--store-checkpoints', '-serial', 'null']);
    expect(status, stderr).toBe(0);
    const after = await info(path);
    expect(after.checkpoints.count).toBeGreaterThanOrEqual(1);
    expect(after.bytes.file - before.bytes.file).toBe(after.checkpoints.bytes);
    expect(after.final).toEqual(before.final);
    expect((await registersAt(path, before.final.icount - 5000)).text).toBe(text);

    await reprise(['verify', path, '--store-checkpoints']);
    expect((await info(path)).checkpoints).toEqual(after.checkpoints);

    // Between them workers can answer side by side.
    const symbols = ['--symbols', LOST_UPDATE];
    for (const question of [
      ['find', path, '--serial', ' '],
      ['find', path, '--exec', 'ledger_audit', ...symbols],
      ['last-write', path, 'ledger_balance', ...symbols],
      ['last-write', path, '0xe00000'],
    ]) {
      const answered = async (jobs: string): Promise<unknown[]> => {
        const { status, stdout, stderr } = await reprise([...question, '--jobs', jobs]);
        return [question, status, stdout.toString(), stderr];
      };
      expect(await answered('2')).toEqual(await answered('1'));
    }
  });
});
