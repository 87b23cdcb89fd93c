import { existsSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RepriseError } from '../../errors/errors.ts';
import type { CharSpec, ConsoleSpec } from './char-spec.ts';
import { Child, compiledHost, isMissing, onTerminal, temporaryFolder, writeProgram } from './child.fixture.ts';
import { type ConsoleEvents, openConsoles } from './consoles.ts';

const folder = temporaryFolder();

describe('serial ports', () => {
  const events = () => {
    const seen = { quits: 0, failures: [] as string[], notices: [] as string[] };
    const listeners: ConsoleEvents = {
      quit: () => seen.quits++,
      failed: (error: RepriseError) => seen.failures.push(error.code),
      notice: (text) => seen.notices.push(text),
    };
    return { seen, listeners };
  };
  const port = (backend: CharSpec, monitor = false): ConsoleSpec => ({ serial: [{ backend, monitor }], monitor: undefined, qmp: [] });
  const text = (value: string) => new TextEncoder().encode(value);

  test('those that nothing is said about lead nowhere', async () => {
    const consoles = await openConsoles({ serial: [], monitor: undefined, qmp: [] }, 2, events().listeners);
    expect(consoles.serial).toHaveLength(2);
    for (const backend of consoles.serial) {
      backend.write(text('dropped'));
      expect(backend.congested).toBe(false);
      await backend.drained();
    }
    expect(consoles).toMatchObject({ monitors: [], onTerminal: false });
    await consoles.close();
  });

  test('a file has the output of this run only', async () => {
    const path = join(folder, 'out.txt');
    for (const content of ['the first run', 'second']) {
      const consoles = await openConsoles(port({ kind: 'file', path }), 2, events().listeners);
      consoles.serial[0].write(text(content));
      consoles.serial[1].write(text('other port'));
      expect(readFileSync(path, 'utf8')).toBe(content);
      await consoles.close();
    }
  });

  test('a full disk is told once, and the run can go on', async () => {
    const { seen, listeners } = events();
    const consoles = await openConsoles(port({ kind: 'file', path: '/dev/full' }), 1, listeners);
    consoles.serial[0].write(text('x'));
    consoles.serial[0].write(text('y'));
    expect(seen.failures).toEqual(['DISK_FULL']);
    await consoles.close();
  });

  test('when one cannot be opened, the others are closed again', async () => {
    const path = join(folder, 'first.sock');
    const spec: ConsoleSpec = {
      serial: [
        { backend: { kind: 'unix', path, role: 'server' }, monitor: false },
        { backend: { kind: 'file', path: join(folder, 'no', 'x') }, monitor: false },
      ],
      monitor: undefined,
      qmp: [],
    };
    await expect(openConsoles(spec, 2, events().listeners)).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
    expect(existsSync(path)).toBe(false);
  });

  test('a socket can be shared with a monitor', async () => {
    const path = join(folder, 'mon.sock');
    const { seen, listeners } = events();
    const consoles = await openConsoles(port({ kind: 'unix', path, role: 'server' }, true), 1, listeners);
    const got = { serial: '', monitor: '' };
    consoles.serial[0].onInput((bytes) => (got.serial += String.fromCharCode(...bytes)));
    const [monitor] = consoles.monitors;
    monitor.backend.onInput((bytes) => (got.monitor += String.fromCharCode(...bytes)));
    const presence: string[] = [];
    monitor.onPresence((change) => presence.push(change));
    const peer = createConnection({ path });
    peer.write('ls\x01cin\x01c\x01cfo\x01x');
    while (seen.quits === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(got).toEqual({ serial: 'ls', monitor: 'info' });
    expect(presence).toEqual(['came', 'returned']);
    peer.destroy();
    await consoles.close();
  });

  test('a monitor and QMP can have sockets of their own, where one comes after the other', async () => {
    const path = (name: string): string => join(folder, `${name}.sock`);
    const socket = (name: string): CharSpec => ({ kind: 'unix', path: path(name), role: 'server' });
    const consoles = await openConsoles({ serial: [], monitor: socket('hmp'), qmp: [socket('a'), socket('b')] }, 1, events().listeners);
    expect([consoles.monitors.length, consoles.qmp.length]).toEqual([1, 2]);
    const heard: string[] = [];
    consoles.qmp[1].onPresence((change) => heard.push(change));
    consoles.qmp[1].backend.onInput((bytes) => heard.push(String.fromCharCode(...bytes)));
    for (const name of ['first', 'second']) {
      const peer = createConnection({ path: path('b') });
      peer.write(name);
      while (heard.at(-1) !== name) await new Promise((resolve) => setTimeout(resolve, 5));
      peer.destroy();
      while (heard.at(-1) !== 'left') await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(heard).toEqual(['came', 'first', 'left', 'came', 'second', 'left']);
    await consoles.close();
  });
});

describe('standard input and output of a process', () => {
  const host = compiledHost();

  /** A program that echoes what port 0 receives in capitals, until it is asked to end or receives `q`. */
  const echo = (spec: object, more = '') =>
    writeProgram(
      folder,
      host(),
      ['consoles', 'signals'],
      `let finish; const finished = new Promise((resolve) => { finish = resolve; });
       const end = (why) => () => { console.error('ended by ' + why); finish(); };
       const consoles = await host.openConsoles(${JSON.stringify({ serial: [spec], monitor: undefined, qmp: [] })}, 1,
         { quit: end('quit'), failed: (error) => end(error.code)(), notice: () => {} });
       const stop = host.onEndingSignal((signal) => end(signal)());
       const [port] = consoles.serial;
       port.onInput((bytes) => {
         const text = new TextDecoder().decode(bytes);
         port.write(new TextEncoder().encode('<' + text.toUpperCase().replace(/[\\x00-\\x1f]/g, (c) => '^' + String.fromCharCode(c.charCodeAt(0) + 64)) + '>'));
         if (text.includes('q')) finish();
       });
       console.error('ready');
       ${more}
       const alive = setInterval(() => {}, 1000);
       await finished;
       clearInterval(alive);
       await consoles.close();
       stop();`,
    );
  const STDIO = { backend: { kind: 'stdio' }, monitor: false };
  const MUX = { backend: { kind: 'stdio' }, monitor: true };

  test('pipes: input arrives, output leaves, and the process ends by itself', async () => {
    const child = new Child(process.execPath, [echo(STDIO)]);
    await child.shows('ready');
    child.send('hello\n');
    await child.shows('<HELLO^J>');
    child.send('q');
    expect(await child.exit).toEqual({ code: 0, signal: null });
  });

  test('the end of the input is no more input, not the end of the run', async () => {
    const child = new Child(process.execPath, [echo(STDIO, "setTimeout(() => { port.write(Buffer.from('still here')); finish(); }, 300);")]);
    await child.shows('ready');
    child.process.stdin?.end('bye');
    expect(await child.exit).toEqual({ code: 0, signal: null });
    expect(child.output).toContain('<BYE>');
    expect(child.output).toContain('still here');
  });

  test('all output reaches a reader that comes late', async () => {
    const program = echo(
      STDIO,
      `const block = new Uint8Array(1 << 16).fill(46);
       for (let n = 0; n < 64; n++) { port.write(block); if (port.congested) { console.error('congested'); await port.drained(); } }
       finish();`,
    );
    const child = new Child('bash', ['-c', `"${process.execPath}" "${program}" </dev/null | (sleep 0.5; tr -d -c . | wc -c)`]);
    await child.exit;
    expect(child.output).toContain('congested');
    expect(child.output).toContain(String(64 * 2 ** 16));
  });

  test('a reader that goes away ends the run quietly', async () => {
    const program = echo(STDIO, "setInterval(() => port.write(Buffer.from('tick\\n')), 5).unref();");
    const child = new Child('bash', ['-c', `"${process.execPath}" "${program}" </dev/null | head -n 1; echo "status \${PIPESTATUS[0]}"`]);
    await child.exit;
    expect(child.output).toContain('ended by quit');
    expect(child.output).toContain('status 0');
    expect(child.output).not.toMatch(/EPIPE|Error/);
  });

  test('a full disk behind a redirection is an error', async () => {
    const program = echo(STDIO, "port.write(Buffer.from('x'));");
    const child = new Child('bash', ['-c', `"${process.execPath}" "${program}" </dev/null >/dev/full`]);
    await child.exit;
    expect(child.output).toContain('ended by DISK_FULL');
  });

  test('input that is paused stays in the pipe', async () => {
    const program = echo(STDIO, "port.pauseInput(true); setTimeout(() => { console.error('resumed'); port.pauseInput(false); }, 300);");
    const child = new Child(process.execPath, [program]);
    await child.shows('ready');
    child.send('waits');
    await child.shows('<WAITS>');
    expect(child.output.indexOf('resumed')).toBeGreaterThan(0);
    expect(child.output.indexOf('resumed')).toBeLessThan(child.output.indexOf('<WAITS>'));
    child.send('q');
    await child.exit;
  });

  describe.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s', (signal) => {
    test('asks the run to end', async () => {
      const child = new Child(process.execPath, [echo(STDIO)]);
      await child.shows('ready');
      child.process.kill(signal);
      expect(await child.exit).toEqual({ code: 0, signal: null });
      expect(child.output).toContain(`ended by ${signal}`);
    });
  });

  test('a second signal ends a run that does not react, an echo of the first does not', async () => {
    const program = writeProgram(
      folder,
      host(),
      ['signals'],
      "host.onEndingSignal((signal) => console.log('asked by ' + signal)); setInterval(() => {}, 1000); console.log('ready ' + host.exitStatus('SIGTERM'));",
    );
    const child = new Child(process.execPath, [program]);
    await child.shows('ready 143');
    child.process.kill('SIGINT');
    await child.shows('asked by SIGINT');
    child.process.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(child.process.exitCode).toBeNull();
    child.process.kill('SIGINT');
    expect(await child.exit).toEqual({ code: 130, signal: null });
    expect(child.output.split('asked').length).toBe(2);
  });

  describe.skipIf(isMissing('script', ['--version']))('a terminal', () => {
    /** Runs the program between two looks at the modes of the terminal. */
    const run = (program: string) =>
      onTerminal(`stty -a > ${program}.before; "${process.execPath}" "${program}"; echo "status $?"; stty -a > ${program}.after`);
    const expectRestored = (program: string) => expect(readFileSync(`${program}.after`, 'utf8')).toBe(readFileSync(`${program}.before`, 'utf8'));

    test('is raw while the program runs: no echo, no waiting for a line', async () => {
      const program = echo(STDIO);
      const child = run(program);
      await child.shows('ready');
      child.send('a');
      await child.shows('<A>');
      child.send('\r\x04q');
      await child.shows('status 0');
      await child.exit;
      expect(child.output).toContain('<^M^DQ>');
      expect(child.output).not.toContain('aA');
      expectRestored(program);
    });

    test('Ctrl-C ends a plain console', async () => {
      const program = echo(STDIO);
      const child = run(program);
      await child.shows('ready');
      child.send('\x03');
      await child.shows('ended by SIGINT');
      await child.shows('status 0');
      await child.exit;
      expect(child.output).not.toContain('^C>');
      expectRestored(program);
    });

    test('Ctrl-C goes to the guest when the monitor shares the console, and Ctrl-A x quits', async () => {
      const program = echo(MUX);
      const child = run(program);
      await child.shows('ready');
      child.send('\x03\x1a');
      await child.shows('<^C^Z>');
      child.send('\x01x');
      await child.shows('ended by quit');
      await child.exit;
      expectRestored(program);
    });

    test('Ctrl-Z stops the program with the terminal restored, and it goes on raw', async () => {
      const program = echo(STDIO);
      const child = onTerminal(
        `bash -ic 'stty -a > ${program}.before; "${process.execPath}" "${program}"; stty -a > ${program}.after; echo stopped; sleep 0.2; fg; echo "status $?"'`,
      );
      await child.shows('ready');
      child.send('\x1a');
      await child.shows('stopped\r\n');
      expectRestored(program);
      await new Promise((resolve) => setTimeout(resolve, 600));
      child.send('b');
      await child.shows('<B>');
      child.send('q');
      await child.shows('status 0');
      await child.exit;
    });

    test.each([
      ['an error that nobody catches', "setTimeout(() => { throw new Error('fault'); }, 10);", 'status 1'],
      ['process.exit', 'setTimeout(() => process.exit(7), 10);', 'status 7'],
      ['SIGHUP without a handler', "stop(); setTimeout(() => process.kill(process.pid, 'SIGHUP'), 10);", 'status 129'],
      ['SIGTERM without a handler', "stop(); setTimeout(() => process.kill(process.pid, 'SIGTERM'), 10);", 'status 143'],
      ['SIGINT without a handler', "stop(); setTimeout(() => process.kill(process.pid, 'SIGINT'), 10);", 'status 130'],
    ])('is restored after %s', async (_name, ending, status) => {
      const program = echo(STDIO, ending);
      const child = run(program);
      await child.shows(status);
      await child.exit;
      expectRestored(program);
    });

    test('that only shows output keeps its modes', async () => {
      const program = writeProgram(
        folder,
        host(),
        ['consoles'],
        `const consoles = await host.openConsoles({ serial: [${JSON.stringify(STDIO)}], monitor: undefined, qmp: [] }, 1, {});
         consoles.serial[0].write(Buffer.from('output ' + consoles.onTerminal + '\\n'));
         await new Promise((resolve) => setTimeout(resolve, 100));
         (await import('node:child_process')).execSync('stty -a > ${folder}/during', { stdio: 'inherit' });
         await consoles.close();`,
      );
      const child = run(program);
      await child.shows('output true\r\n');
      await child.shows('status 0');
      await child.exit;
      expect(readFileSync(join(folder, 'during'), 'utf8')).toBe(readFileSync(`${program}.before`, 'utf8'));
    });
  });
});
