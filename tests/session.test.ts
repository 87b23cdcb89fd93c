/** Someone at the console: typed, pasted and interrupted; on a terminal and on pipes; and the monitor. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { describe, expect, it, onTestFinished } from 'vitest';
import { program } from '../src/session/session.suite.ts';
import { hasTool } from './support/outside.ts';
import { commandOf, pause, type Running, reprise, shellWords, start, startCommand, temporaryFolder } from './support/program.ts';
import { hasLinux, info, LEDGER, LEDGER_READY, linux, replayed, verify } from './support/recordings.ts';

const SECONDS = 1000;
const PROMPT = '/ # ';
const CTRL_A = '\x01';
const CTRL_C = '\x03';
const CTRL_D = '\x04';
/** 2 KiB in lines. */
const PASTED = Array.from({ length: 64 }, (_, n) => `pasted line ${n} `.padEnd(31, '.'))
  .join('\n')
  .concat('\n');

/** Types like a person, a key at a time. */
async function type(running: Running, text: string): Promise<void> {
  for (const key of text) {
    running.send(key);
    await pause(15 + 30 * Math.random());
  }
}

/** A shell session in which all kinds of input come; returns how long it took, in seconds. */
async function useShell(running: Running): Promise<number> {
  await running.shows(PROMPT);
  const began = performance.now();
  // The init of this guest gives its shell no controlling terminal; Ctrl-C needs one.
  running.send('exec sh </dev/ttyAMA0 >/dev/ttyAMA0 2>&1\n');
  await running.shows(PROMPT);
  await type(running, 'echo typed $((6 * 7))\n');
  await running.shows('typed 42');
  await pause(1500);
  // The shell reads ahead, without an echo, for as long as it edits its line: pasted text is for a program that runs.
  running.send("echo rea''dy; wc -c\n");
  await running.shows('ready');
  running.send(PASTED);
  await running.shows('pasted line 63');
  running.send(CTRL_D);
  await running.shows(`${PASTED.length}`);
  await running.shows(PROMPT);
  await type(running, 'sleep 100\n');
  await pause(1000);
  running.send(CTRL_C);
  await running.shows(PROMPT, 10 * SECONDS);
  running.send('cat /proc/interrupts; date +%s%N; echo status $?\n');
  await running.shows('status 0');
  await pause(1500);
  return (performance.now() - began) / 1000;
}

/** That the recording shows the same again, and does not take as long as typing did. */
async function expectSameAgain(path: string, said: string | undefined, typing: number): Promise<void> {
  const again = start(onTestFinished, 'reprise', ['replay', path]);
  await again.shows(PROMPT);
  const began = performance.now();
  const { status, stdout, stderr } = await again.done;
  const replaying = (performance.now() - began) / 1000;
  expect(status, stderr).toBe(0);
  const text = stdout.toString('latin1');
  if (said !== undefined) expect(text).toBe(said);
  for (const part of ['typed 42\r\n', `${PASTED.length}\r\n${PROMPT}`, 'status 0\r\n']) expect(text).toContain(part);
  expect(replaying).toBeLessThan(typing * 0.7);
  const { final, truncated, end, events } = await info(path);
  expect({ truncated, end }).toEqual({ truncated: false, end: 'quit' });
  expect(events.serial).toBeGreaterThan(100);
  expect(stderr).toContain(`the same as recorded (digest ${final.digest})`);
}

describe.skipIf(!hasLinux('a shell session in Linux'))('a shell session in Linux', () => {
  it('over pipes is recorded and replayed', { timeout: 120 * SECONDS }, async () => {
    const path = join(temporaryFolder(onTestFinished), 'shell.rec');
    const running = start(onTestFinished, 'reprise', ['record', '-o', path, ...linux(''), '-icount', 'shift=3,sleep=on', '-serial', 'mon:stdio'], {
      input: 'open',
    });
    const typing = await useShell(running);
    running.send(`${CTRL_A}x`);
    const { status, stdout, stderr } = await running.done;
    expect(status, stderr).toBe(0);
    await expectSameAgain(path, stdout.toString('latin1'), typing);
  });

  it('without sleep waits for nobody, and replays all the same', { timeout: 120 * SECONDS }, async () => {
    const path = join(temporaryFolder(onTestFinished), 'shell.rec');
    // Standard output is no terminal: sleep is off unless it is asked for.
    const running = start(onTestFinished, 'reprise', ['record', '-o', path, ...linux(''), '-serial', 'mon:stdio'], { input: 'open' });
    await running.shows(PROMPT);
    // Random numbers, too, come out the same: they are made of when interrupts came.
    running.send('sleep 300; dd if=/dev/urandom bs=16k count=1 2>/dev/null | md5sum; echo slept $?\n');
    await running.shows('slept 0\r\n');
    running.send(`${CTRL_A}x`);
    const { status, stdout } = await running.done;
    expect(status).toBe(0);
    expect(Buffer.compare(await replayed(path), stdout)).toBe(0);
    expect((await info(path)).final.guestSeconds).toBeGreaterThan(300);
  });

  it.skipIf(!hasTool('script', 'a shell session on a terminal'))(
    'on a terminal is recorded and replayed, monitor and all',
    { timeout: 120 * SECONDS },
    async () => {
      const folder = temporaryFolder(onTestFinished);
      const path = join(folder, 'shell.rec');
      const [node, script] = commandOf('reprise');
      const command = shellWords([node, script, 'record', '-o', path, ...linux(''), '-serial', 'mon:stdio']);
      const running = startCommand(onTestFinished, 'script', ['-qefc', `${command}; echo "ended with $?"; stty -a`, '/dev/null'], { input: 'open' });
      const typing = await useShell(running);

      running.send(`${CTRL_A}c`);
      await running.shows("monitor - type 'help' for more information");
      await running.shows('(reprise) ');
      const ask = async (line: string): Promise<string> => {
        running.send(`${line}\r`);
        return running.shows('(reprise) ');
      };
      expect(await ask('info status')).toContain('VM status: running');
      await ask('stop');
      expect(await ask('info status')).toContain('VM status: paused');
      const countOf = async (): Promise<number> => Number(/instruction count = (\d+)/.exec(await ask('info replay'))![1]);
      const stopped = await countOf();
      await pause(300);
      expect(await countOf()).toBe(stopped);
      await ask('cont');
      await ask('sendkey ctrl-alt-f1 1');
      await ask('mouse_move 5 5');
      expect(await ask(`screendump ${folder}/shot.png`)).toContain('the guest has not switched its screen on');
      expect(existsSync(join(folder, 'shot.png'))).toBe(false);
      expect(await ask('info registers')).toMatch(/R15=[0-9a-f]{8}/);
      expect(await countOf()).toBeGreaterThan(stopped);

      running.send(`${CTRL_A}c`);
      running.send('echo back $((1 + 1))\n');
      await running.shows('back 2');
      running.send(`${CTRL_A}x`);
      const { stdout } = await running.done;
      const after = stdout.toString('latin1');
      expect(after).toContain('ended with 0');
      // The terminal is as it was: lines are edited and echoed.
      expect(after).toMatch(/[^-]icanon/);
      expect(after).toMatch(/[^-]echo\b/);
      await expectSameAgain(path, undefined, typing);
      expect((await info(path)).events).toMatchObject({ key: 6, 'mouse-move': 1 });
    },
  );
});

describe('the console', () => {
  const session = (...options: readonly string[]): Running => start(onTestFinished, 'reprise', ['run', ...LEDGER, ...options], { input: 'open' });

  it('of -nographic is shared by the serial port and the monitor', async () => {
    const running = session('-nographic');
    await running.shows(LEDGER_READY);
    running.send(`${CTRL_A}h`);
    await running.shows('Ctrl-A x       quit');
    running.send(`${CTRL_A}cinfo status\n`);
    await running.shows('VM status: running');
    running.send(`quit\n`);
    expect((await running.done).status).toBe(0);
  });

  it.skipIf(!hasTool('script', 'Ctrl-C on a terminal'))('ends with Ctrl-C on a terminal, unless the monitor is there, too', async () => {
    const path = join(temporaryFolder(onTestFinished), 'out.rec');
    const [node, script] = commandOf('reprise');
    const command = shellWords([node, script, 'record', '-o', path, ...LEDGER, '-serial', 'stdio']);
    const running = startCommand(onTestFinished, 'script', ['-qefc', `${command}; echo "ended with $?"`, '/dev/null'], { input: 'open' });
    await running.shows('try help');
    running.send(CTRL_C);
    await running.shows('ended with 130');
    expect((await info(path)).end).toBe('interrupted');
    await verify(path);
  });

  it('goes to a file, where it is told to', async () => {
    const path = join(temporaryFolder(onTestFinished), 'console.txt');
    const running = session('-serial', `file:${path}`, '-monitor', 'stdio');
    for (let n = 0; n < 500 && !(existsSync(path) && readFileSync(path, 'latin1').includes(LEDGER_READY)); n++) await pause(20);
    expect(readFileSync(path, 'latin1')).toContain(LEDGER_READY);
    running.send('quit\n');
    expect((await running.done).status).toBe(0);
  });

  it('goes to whoever connects, where it is told to', async () => {
    const folder = temporaryFolder(onTestFinished);
    for (const where of ['tcp:127.0.0.1:0,server', `unix:${folder}/socket,server`]) {
      const path = join(folder, `${where.slice(0, 3)}.rec`);
      const running = start(onTestFinished, 'reprise', ['record', '-o', path, ...LEDGER, '-serial', where]);
      await running.says('waiting for a connection on ');
      const address = /127\.0\.0\.1:(\d+)/.exec(running.stderr);
      const peer = createConnection(address === null ? { path: `${folder}/socket` } : { host: '127.0.0.1', port: Number(address[1]) });
      onTestFinished(() => void peer.destroy());
      let said = '';
      peer.on('data', (chunk) => {
        if (said.length < LEDGER_READY.length && chunk.length > 0) peer.write('quit\r');
        said += chunk.toString('latin1');
      });
      const { status, stderr } = await running.done;
      expect(status, stderr).toBe(0);
      await new Promise((settle) => (peer.closed ? settle(0) : peer.once('close', settle)));
      expect(said).toContain('SUMMARY: ');
      expect((await replayed(path)).toString('latin1')).toBe(said);
    }
  });

  it('lets input that has ended be: the guest goes on', async () => {
    const running = session('-serial', 'stdio');
    running.endInput();
    await running.shows(LEDGER_READY);
    await pause(500);
    expect(running.process.exitCode).toBeNull();
    running.kill('SIGINT');
    expect((await running.done).status).toBe(130);
  });

  it('ends the run when nobody reads it any more', async () => {
    const [node, script] = commandOf('reprise');
    // The guest answers what is typed; its answer finds nobody.
    const command = `(sleep 1; echo help; sleep 1; echo help; sleep 20) | { ${shellWords([node, script, 'run', ...LEDGER, '-serial', 'stdio'])}; echo "ended with $?" >&2; } | head -c 1`;
    const running = startCommand(onTestFinished, 'sh', ['-c', command]);
    await running.says('ended with', 15 * SECONDS);
    expect(running.stderr).toBe('ended with 0\n');
  });
});

describe('info jit', () => {
  it('tells what was compiled, how long it took, and how much of the run was executed there', async () => {
    const running = start(onTestFinished, 'reprise', ['run', ...LEDGER, '-serial', 'null', '-monitor', 'stdio'], { input: 'open' });
    await running.shows('(reprise) ');
    await pause(1000);
    running.send('info jit\n');
    const text = await running.shows('% of all instructions');
    const figure = (name: string): number => Number(new RegExp(`^${name} +(\\d+) `, 'm').exec(text)?.[1]);
    expect(figure('regions')).toBeGreaterThan(0);
    expect(figure('waited')).toBeGreaterThan(0);
    expect(figure('entered')).toBe(figure('missing') + figure('look') + figure('budget'));
    expect(Number(/^([\d.]+) % of all/m.exec(text)?.[1])).toBeGreaterThan(50);
  });

  it('says when nothing is compiled', async () => {
    const options = ['run', ...LEDGER, '-accel', 'interp', '-serial', 'null', '-monitor', 'stdio'];
    const running = start(onTestFinished, 'reprise', options, { input: 'open' });
    await running.shows('(reprise) ');
    running.send('info jit\n');
    await running.shows('All code is interpreted');
  });
});

describe('screendump', () => {
  /** 640 by 480 pixels of 16 bits, all of the same green; the rest of RAM is black. */
  const painter = program(`
    mov r4, #0xc0000000
    mov r0, #0x9c           ; 640 pixels
    str r0, [r4]
    mov r0, #0x1d0
    orr r0, r0, #0xf        ; 480 lines
    str r0, [r4, #4]
    mov r1, #0x200000
    str r1, [r4, #0x10]
    mov r0, #0x800
    orr r0, r0, #0x29       ; on, TFT, 16 bits, enabled
    str r0, [r4, #0x1c]
    mov r2, #0x7e0
    orr r2, r2, r2, lsl #16
    mov r3, #0x25800        ; words of the picture
    paint:
    str r2, [r1], #4
    subs r3, r3, #1
    bne @paint
    mov r4, #0x16000000
    mov r0, #0x2e
    str r0, [r4]
    loop:
    b @loop
  `);

  it('writes a picture that other programs can read', async () => {
    const folder = temporaryFolder(onTestFinished);
    const [bios, log, shot] = ['painter.bin', 'serial.txt', 'shot.png'].map((name) => join(folder, name));
    writeFileSync(bios, painter);
    const running = start(
      onTestFinished,
      'reprise',
      ['record', '-o', join(folder, 'p.rec'), '-M', 'integratorcp', '-m', '16', '-bios', bios, '-serial', `file:${log}`, '-monitor', 'stdio'],
      { input: 'open' },
    );
    await running.shows('(reprise) ');
    for (let n = 0; n < 500 && !(existsSync(log) && readFileSync(log).length > 0); n++) await pause(20);
    running.send(`screendump ${shot}\nscreendump ${folder}/no/shot.png\nquit\n`);
    const { status, stdout } = await running.done;
    expect(status).toBe(0);
    expect(stdout.toString()).toContain(`Error: cannot write '${folder}/no/shot.png'`);
    const { width, height, data, channels } = decode(readFileSync(shot));
    expect([width, height]).toEqual([640, 480]);
    const pixels = new Set(Array.from({ length: width * height }, (_, n) => data.subarray(n * channels, n * channels + 3).join()));
    expect([...pixels]).toEqual(['0,255,0']);
    await verify(join(folder, 'p.rec'));
  });
});

describe('a replay', () => {
  it('has no use for input', async () => {
    const path = join(temporaryFolder(onTestFinished), 'quit.rec');
    const first = start(onTestFinished, 'reprise', ['record', '-o', path, ...LEDGER, '-serial', 'stdio'], { input: 'open' });
    await first.shows(LEDGER_READY);
    first.send('quit\r');
    const recorded = await first.done;
    expect(recorded.status).toBe(0);
    const again = start(onTestFinished, 'reprise', ['replay', path, '-serial', 'stdio'], { input: 'open' });
    again.send('help\rcount\r');
    await again.shows(LEDGER_READY);
    again.send('help\rcount\r');
    const { status, stdout } = await again.done;
    expect(status).toBe(0);
    expect(Buffer.compare(stdout, recorded.stdout)).toBe(0);
  });

  it('stops where it is told to', async () => {
    const path = join(temporaryFolder(onTestFinished), 'quit.rec');
    const first = start(onTestFinished, 'reprise', ['record', '-o', path, ...LEDGER, '-serial', 'stdio'], { input: 'open' });
    await first.shows(LEDGER_READY);
    first.send('quit\r');
    await first.done;
    const { final } = await info(path);
    for (const [to, stderr] of [
      ['0', 'reprise replay: stopped before instruction 0; nothing to compare on the way\n'],
      ['12_345', 'reprise replay: stopped before instruction 12345; the same as recorded'],
      [String(final.icount - 1), `reprise replay: stopped before instruction ${final.icount - 1}; the same as recorded`],
      [String(final.icount + 1), `reprise replay: replayed to the end, instruction ${final.icount}; the same as recorded (digest ${final.digest})\n`],
    ]) {
      const result = await reprise(['replay', path, '--to', to]);
      expect(result.stderr.startsWith(stderr), result.stderr).toBe(true);
      expect(result.status).toBe(0);
    }
  });
});

describe.skipIf(!hasTool('script', 'the progress of long work on a terminal'))('on a terminal', () => {
  it('long work shows how far it is, and leaves its result', async () => {
    const path = join(temporaryFolder(onTestFinished), 'long.rec');
    const first = start(onTestFinished, 'reprise', ['record', '-o', path, ...LEDGER, '-serial', 'stdio']);
    await first.shows(LEDGER_READY);
    await pause(2000);
    first.kill('SIGINT');
    await first.done;
    const [node, script] = commandOf('reprise');
    const { status, stdout } = await startCommand(onTestFinished, 'script', ['-qefc', shellWords([node, script, 'verify', path]), '/dev/null']).done;
    expect(status).toBe(0);
    const said = stdout.toString('utf8');
    expect(said).toMatch(/\d+ % +\d+ million instructions +[\d.]+ s guest time +[\d.]+ MIPS/);
    expect(said).toMatch(/replayed to the end, instruction \d+; the same as recorded \(digest [0-9a-f]{16}\)\r\n$/);
  });
});
