/** Programs that control a machine: a real QMP client, one after the other, and what they do to a recording. */
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pause, type Running, reprise, start, temporaryFolder } from './support/program.ts';
import { connect } from './support/qmp.ts';
import { info, LEDGER, verify } from './support/recordings.ts';

const recording = (path: string, ...more: readonly string[]): Running =>
  start(onTestFinished, 'reprise', ['record', '-o', path, ...LEDGER, '-serial', `file:${path}.txt`, '-icount', 'sleep=on', ...more]);

describe('node-qemu', () => {
  it('starts, stops and ends a recording through a Unix socket, and hears of it', async () => {
    const folder = temporaryFolder(onTestFinished);
    const [path, socketPath] = [join(folder, 'out.rec'), join(folder, 'qmp.sock')];
    const running = recording(path, '-S', '-qmp', `unix:${socketPath},server,nowait`);
    await running.says('listening on');
    const client = await connect(onTestFinished, { socketPath });
    const heard: string[] = [];
    for (const event of ['STOP', 'RESUME', 'RESET', 'SHUTDOWN'] as const) client.on(event, () => heard.push(event));
    expect(await client.queryStatus()).toMatchObject({ status: 'prelaunch', running: false });
    expect(await client.execute('query-replay')).toEqual({ mode: 'record', filename: path, icount: 0 });
    await client.cont();
    await pause(150);
    await client.execute('send-key', { keys: [{ type: 'qcode', data: 'a' }], 'hold-time': 1 });
    await pause(150);
    await client.stop();
    const { icount } = await client.execute<{ icount: number }>('query-replay');
    expect(icount).toBeGreaterThan(0);
    await pause(100);
    expect(await client.execute('query-replay')).toMatchObject({ icount });
    expect(await client.execute('human-monitor-command', { 'command-line': 'info status' })).toBe('VM status: paused\r\n');
    expect(await client.queryVersion()).toMatchObject({ package: 'Reprise' });
    await expect(client.execute('device_add')).rejects.toThrow('The command device_add has not been found');
    await expect(client.execute('replay-seek', { icount: 5 })).rejects.toThrow('replay must be enabled to seek');
    await client.cont();
    await client.quit();
    expect((await running.done).status).toBe(0);
    expect(heard).toEqual(['RESUME', 'STOP', 'RESUME', 'SHUTDOWN']);
    expect((await info(path)).events).toEqual({ key: 2 });
    await verify(path);
  });

  it('is served on TCP, on this computer only, one client after the other', async () => {
    const path = join(temporaryFolder(onTestFinished), 'out.rec');
    const running = recording(path, '-qmp', 'tcp::0,server,nowait');
    await running.says('listening on');
    const port = Number(/listening on tcp:localhost:(\d+)/.exec(running.stderr)![1]);
    const first = await connect(onTestFinished, { host: '127.0.0.1', port });
    await first.stop();
    await first.close();
    // Someone breaks off in the middle of a message.
    const rude = createConnection({ host: '127.0.0.1', port });
    await new Promise((settle) => rude.once('data', settle));
    rude.write('{"execute":"qmp_capabilities"}{"execute":"stop","argu');
    await pause(50);
    rude.resetAndDestroy();
    const second = await connect(onTestFinished, { host: '127.0.0.1', port });
    expect(await second.queryStatus()).toMatchObject({ status: 'paused' });
    await second.quit();
    expect((await running.done).status).toBe(0);
    await verify(path);
  });
});

describe('a socket of the monitor', () => {
  it('greets whoever comes', async () => {
    const folder = temporaryFolder(onTestFinished);
    const [path, socket] = [join(folder, 'out.rec'), join(folder, 'hmp.sock')];
    const running = recording(path, '-monitor', `unix:${socket},server,nowait`);
    await running.says('listening on');
    const ask = (text: string): Promise<string> =>
      new Promise((settle) => {
        const peer = createConnection({ path: socket });
        let said = '';
        peer.on('data', (chunk) => {
          const before = said.split('(reprise) ').length;
          said += chunk.toString();
          if (before === 1 && said.includes('(reprise) ')) peer.write(`${text}\n`);
          else if (said.split('(reprise) ').length > 2) peer.destroy();
        });
        peer.on('close', () => settle(said));
      });
    expect(await ask('info status')).toMatch(/^Reprise .* monitor - type 'help'.*\r\n\(reprise\) info status\r\nVM status: running\r\n\(reprise\) $/);
    expect(await ask('stop')).toMatch(/^Reprise/);
    expect(await ask('info status')).toContain('VM status: paused');
    expect(await ask('quit')).toContain('quit');
    expect((await running.done).status).toBe(0);
    await verify(path);
  });
});

describe('QMP on standard input and output', () => {
  it('is a conversation like any other', async () => {
    const folder = temporaryFolder(onTestFinished);
    const running = start(onTestFinished, 'reprise', ['run', ...LEDGER, '-serial', `file:${folder}/serial.txt`, '-qmp', 'stdio', '-S'], {
      input: 'open',
    });
    await running.shows('"capabilities":[]}}\r\n');
    running.send('{"execute":"qmp_capabilities"}{"execute":"query-status"}\n');
    await running.shows('{"return":{"status":"prelaunch","singlestep":false,"running":false}}');
    running.send('{"execute":"quit"}\n');
    expect((await running.done).status).toBe(0);
    expect(readFileSync(`${folder}/serial.txt`, 'utf8')).toBe('');
  });

  it('cannot be shared', async () => {
    const { status, stderr } = await reprise(['run', ...LEDGER, '-serial', 'stdio', '-qmp', 'stdio']);
    expect([status, stderr]).toEqual([2, expect.stringContaining('[BAD_VALUE]')]);
  });
});
