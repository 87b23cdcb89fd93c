/** gdb on the programs as a user starts them: on a machine that is recorded, on its replay, and on a fork of that. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { hasTool } from './support/outside.ts';
import { collected, type Outcome, ROOT, type Running, start, startCommand, temporaryFolder } from './support/program.ts';
import { info, recordingIn, verify } from './support/recordings.ts';

const GUEST = join(ROOT, 'guest/lost-update.elf');
const MACHINE = ['-M', 'integratorcp', '-m', '16', '-kernel', GUEST, '-display', 'none', '-monitor', 'none', '-no-reboot'];
const cleanUp = collected(afterAll);

/** Where a program that was started waits for a debugger. */
async function portOf(program: Running): Promise<string> {
  await program.says('gdb can connect: target remote ');
  return /target remote \S+?:(\d+)/.exec(program.stderr)![1];
}

/** What gdb prints after each command. */
async function gdb(port: string, commands: readonly string[]): Promise<string[]> {
  const script = ['set confirm off', 'set pagination off', 'set width 0', `file ${GUEST}`, `target remote 127.0.0.1:${port}`];
  const args = [...script, ...commands.flatMap((command) => [`echo > ${command}\\n`, command])].flatMap((command) => ['-ex', command]);
  const { stdout, stderr } = await startCommand(cleanUp, 'gdb-multiarch', ['-nx', '-batch', ...args]).done;
  return `${stdout}`
    .split(/^> .*$/m)
    .slice(1)
    .map((answer) => answer.trim())
    .concat(stderr);
}

describe.skipIf(!hasTool('gdb-multiarch', 'gdb on a recording under way, on a replay and on its fork'))('gdb', () => {
  const folder = temporaryFolder(afterAll);
  const [path, forked] = ['first.rec', 'forked.rec'].map((name) => join(folder, name));
  let answers: string[];
  let recorded: Outcome;

  beforeAll(async () => {
    const program = start(cleanUp, 'reprise', ['record', '-o', path, ...MACHINE, '-serial', 'null', '-gdb', 'tcp:127.0.0.1:0', '-S']);
    answers = await gdb(await portOf(program), [
      'break ledger_post',
      'continue',
      'continue',
      'info registers icount',
      'watch ledger_balance',
      'reverse-continue',
      'reverse-continue',
      'set var ledger_balance = 1',
      'delete',
      'break ledger_post',
      'continue',
      'info registers icount',
      'continue',
      'set var ledger_balance = 4711',
      'print ledger_balance',
      'set var $r11 = 0x1234',
      'delete',
      'break ledger_post',
      'continue',
      'reverse-stepi',
      'reverse-continue',
      'monitor savevm there',
      'monitor quit',
    ]);
    recorded = await program.done;
  }, 120_000);

  it('goes back into what was recorded so far, and comes to the same present again', () => {
    expect(recorded.status, recorded.stderr).toBe(0);
    const [, , , present, , last, before, refused, , , , again] = answers;
    expect(last).toMatch(/Hardware watchpoint 2: ledger_balance\s+Old value = \d+\s+New value = \d+\s+.*ledger_post \(\) at .*ledger\.c:58/);
    expect(before).toContain('Breakpoint 1, ledger_post ()');
    expect(refused).toBe('');
    expect(present).toMatch(/^icount +0x[0-9a-f]+/);
    expect(again).toBe(present);
    expect(answers.at(-1)).toContain('Cannot access memory');
  });

  it('changes a guest that is recorded, and the replay has the change', async () => {
    expect(answers[14]).toBe('$1 = 4711');
    const { log } = await recordingIn(path);
    const patches = log.flatMap((record) => (record.kind === 'event' && record.event.input.kind === 'patch' ? [record.event.input] : []));
    expect(patches.map(({ component }) => component)).toEqual(expect.arrayContaining(['ram', 'cpu']));
    const [{ bytes }] = patches;
    expect(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)).toBe(4711);
    expect(await verify(path)).toMatchObject({ verified: true, truncated: false });
  });

  it('may leave a recorded guest in the middle of an interrupt, which it cannot change there', { timeout: 60_000 }, async () => {
    const middle = join(folder, 'middle.rec');
    const program = start(onTestFinished, 'reprise', ['record', '-o', middle, ...MACHINE, '-serial', 'null', '-gdb', 'tcp:127.0.0.1:0', '-S']);
    const said = await gdb(await portOf(program), ['break *0x18', 'continue', 'info registers pc', 'set var $r1 = 5', 'monitor quit']);
    expect(said[2]).toMatch(/^pc +0x18/);
    expect(said.at(-1)).toContain('the guest is just taking an interrupt; step once, then change it');
    expect((await program.done).status, program.stderr).toBe(0);
    expect(await verify(middle)).toMatchObject({ verified: true, truncated: false });
  });

  it('cannot change a replay, but a fork of it, which is a recording of its own', { timeout: 120_000 }, async () => {
    const original = readFileSync(path);
    const program = start(onTestFinished, 'reprise', ['replay', path, '--gdb', '0']);
    const said = await gdb(await portOf(program), [
      'break ledger_post',
      'continue',
      'print ledger_balance',
      'set var $r1 = 5',
      'monitor info status',
      `monitor fork ${forked}`,
      'monitor info replay',
      'set var ledger_balance = 99',
      'continue',
      'print ledger_balance',
      'monitor quit',
    ]);
    expect((await program.done).status, program.stderr).toBe(0);
    // What monitor commands print goes to gdb's standard error.
    const [, hit, , , , , , , , changed] = said;
    expect(hit).toContain('Breakpoint 1, ledger_post ()');
    expect(said.at(-1)).toContain("a replay is read-only: the guest does what it did; 'monitor fork FILE'");
    expect(said.at(-1)).toContain('VM status: paused');
    expect(said.at(-1)).toContain(`Recording execution '${forked}'`);
    expect(Number(/= (\d+)/.exec(changed)?.[1])).toBeGreaterThanOrEqual(99);
    expect(Buffer.compare(readFileSync(path), original)).toBe(0);
    const { final } = await info(forked);
    expect(await verify(forked)).toEqual({ verified: true, truncated: false, final: { icount: final.icount, digest: final.digest } });
  });

  it('finds the same moments in a replay that stands at its end, however often it is asked', { timeout: 120_000 }, async () => {
    const program = start(onTestFinished, 'reprise', ['replay', path, '--gdb', '0']);
    const port = await portOf(program);
    const ask = ['continue', 'watch ledger_balance', 'reverse-continue', 'info registers icount pc', 'continue', 'delete'];
    const [first, second] = [await gdb(port, [...ask, 'detach']), await gdb(port, [...ask, 'monitor quit'])];
    expect(first[0]).toContain('No more reverse-execution history');
    expect(first[2]).toMatch(/Old value = \d+\s+New value = \d+/);
    expect(second.slice(2, 4)).toEqual(first.slice(2, 4));
    expect((await program.done).status).toBe(0);
  });
});
