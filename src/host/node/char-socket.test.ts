import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { RepriseError } from '../../errors/errors.ts';
import type { CharBackend } from '../host.ts';
import { openSocketBackend } from './char-socket.ts';
import type { CharSpec, SocketRole } from './char-spec.ts';
import { temporaryFolder } from './child.fixture.ts';

const folder = temporaryFolder();
let counter = 0;
const freshPath = () => join(folder, `socket-${counter++}`);
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Spec = Extract<CharSpec, { kind: 'tcp' | 'unix' }>;
const tcp = (role: SocketRole, port = 0): Spec => ({ kind: 'tcp', host: 'localhost', port, role });

/** Opens a backend and gathers what it says and receives. */
async function open(spec: Spec, signal?: AbortSignal) {
  const state = { notices: [] as string[], received: '' };
  const backend = await openSocketBackend(spec, { notice: (text) => state.notices.push(text), signal });
  cleanups.push(() => backend.close());
  return { backend, state, listen: () => backend.onInput((bytes) => (state.received += new TextDecoder().decode(bytes))) };
}

/** Another program's end of the connection. */
class Peer {
  received = '';
  closed = false;
  readonly socket: Socket;
  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => (this.received += chunk));
    socket.on('close', () => (this.closed = true));
    socket.on('error', () => {});
    cleanups.push(() => socket.destroy());
  }
  static async connect(to: { port: number } | { path: string }): Promise<Peer> {
    const peer = new Peer('port' in to ? createConnection({ host: '127.0.0.1', ...to }) : createConnection(to));
    await new Promise((resolve) => peer.socket.once('connect', resolve));
    return peer;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
const send = (backend: CharBackend, text: string) => backend.write(new TextEncoder().encode(text));
const portIn = (notice: string) => Number(/:(\d+)$/.exec(notice)?.[1]);

async function failure(action: Promise<unknown>): Promise<string> {
  try {
    await action;
  } catch (error) {
    if (!(error instanceof RepriseError)) throw error;
    return `${error.code} ${error.message}`;
  }
  return 'no error';
}

describe('a server', () => {
  test('talks to one peer after the other, on this computer only', async () => {
    const { backend, state, listen } = await open(tcp('server'));
    expect(state.notices[0]).toMatch(/^listening on tcp:localhost:\d+$/);
    listen();
    send(backend, 'nobody hears this');
    const first = await Peer.connect({ port: portIn(state.notices[0]) });
    first.socket.write('hello');
    await until(() => state.received === 'hello');
    send(backend, 'welcome');
    await until(() => first.received === 'welcome');

    const second = await Peer.connect({ port: portIn(state.notices[0]) });
    second.socket.write(' again');
    send(backend, ' still you');
    await until(() => first.received === 'welcome still you');
    expect(state.received).toBe('hello');
    first.socket.end();
    await until(() => state.received === 'hello again');
    send(backend, 'now you');
    await until(() => second.received === 'now you');
    expect(first.received).toBe('welcome still you');
  });

  test('that waits goes on with its first peer, and loses nothing of what that says at once', async () => {
    const path = freshPath();
    let opened: Awaited<ReturnType<typeof open>> | undefined;
    const opening = open({ kind: 'unix', path, role: 'waiting-server' }).then((result) => (opened = result));
    await until(() => existsSync(path));
    await pause();
    expect(opened).toBeUndefined();
    const peer = await Peer.connect({ path });
    peer.socket.write('early');
    const { state, listen } = await opening;
    expect(state.notices).toEqual([`waiting for a connection on unix:${path}`]);
    await pause();
    listen();
    await until(() => state.received === 'early');
  });

  test('can be told to wait no longer', async () => {
    const path = freshPath();
    const abort = new AbortController();
    const opening = open({ kind: 'unix', path, role: 'waiting-server' }, abort.signal);
    await until(() => existsSync(path));
    abort.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
    expect(existsSync(path)).toBe(false);
  });

  test('outlives a peer that breaks off', async () => {
    const { backend, state, listen } = await open(tcp('server'));
    listen();
    const peer = await Peer.connect({ port: portIn(state.notices[0]) });
    peer.socket.write('x');
    await until(() => state.received === 'x');
    peer.socket.resetAndDestroy();
    for (let n = 0; n < 5; n++) {
      send(backend, 'lost');
      await pause();
    }
    const next = await Peer.connect({ port: portIn(state.notices[0]) });
    next.socket.write('y');
    await until(() => state.received === 'xy');
  });

  test('says when the port is taken', async () => {
    const { state } = await open(tcp('server'));
    const port = portIn(state.notices[0]);
    expect(await failure(open(tcp('server', port)))).toBe(
      `ADDRESS_IN_USE tcp:localhost:${port} is in use; choose another port, or 0 for any free one`,
    );
  });

  test('takes over the socket that a killed program left behind, but no other and no file', async () => {
    const abandoned = freshPath();
    const script = `require('net').createServer().listen(${JSON.stringify(abandoned)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(existsSync(abandoned)).toBe(true);
    const { state, listen } = await open({ kind: 'unix', path: abandoned, role: 'server' });
    listen();
    const peer = await Peer.connect({ path: abandoned });
    peer.socket.write('hello');
    await until(() => state.received === 'hello');

    expect(await failure(open({ kind: 'unix', path: abandoned, role: 'server' }))).toBe(
      `ADDRESS_IN_USE unix:${abandoned} is in use; choose another path`,
    );
    const file = freshPath();
    writeFileSync(file, 'precious');
    expect(await failure(open({ kind: 'unix', path: file, role: 'server' }))).toMatch(/^ADDRESS_IN_USE/);
    expect(existsSync(file)).toBe(true);
  });

  test('says when it cannot listen', async () => {
    expect(await failure(open({ kind: 'unix', path: join(folder, 'no', 'x'), role: 'server' }))).toMatch(
      /^CONNECT_FAILED cannot listen on unix:.*no\/x: /,
    );
    expect(await failure(open({ kind: 'unix', path: join(folder, 'x'.repeat(120)), role: 'server' }))).toMatch(/^BAD_VALUE the path of a socket/);
    expect(await failure(open({ kind: 'tcp', host: '203.0.113.1', port: 0, role: 'server' }))).toMatch(
      /^CONNECT_FAILED cannot listen on tcp:203.0.113.1:0/,
    );
  });

  test('closes with its last words said, and removes its socket', async () => {
    const path = freshPath();
    const { backend } = await open({ kind: 'unix', path, role: 'server' });
    const peer = await Peer.connect({ path });
    await pause();
    send(backend, 'goodbye');
    await backend.close();
    await until(() => peer.closed);
    expect(peer.received).toBe('goodbye');
    expect(existsSync(path)).toBe(false);
  });

  test('closes although a peer takes nothing', async () => {
    const { backend, state } = await open(tcp('server'));
    const peer = await Peer.connect({ port: portIn(state.notices[0]) });
    peer.socket.pause();
    await pause();
    while (!backend.congested) send(backend, 'x'.repeat(2 ** 16));
    await backend.close();
  });
});

describe('a client', () => {
  async function serve(to: { port: 0 } | { path: string }): Promise<{ server: Server; peers: Peer[]; port: number }> {
    const peers: Peer[] = [];
    const server = createServer((socket) => peers.push(new Peer(socket)));
    await new Promise<void>((resolve) => ('port' in to ? server.listen(0, '127.0.0.1', resolve) : server.listen(to.path, resolve)));
    cleanups.push(() => server.close());
    const address = server.address();
    return { server, peers, port: typeof address === 'object' && address !== null ? address.port : 0 };
  }

  test('connects, talks, and drops its output once the server has gone', async () => {
    const { peers, port } = await serve({ port: 0 });
    const { backend, state, listen } = await open(tcp('client', port));
    listen();
    await until(() => peers.length === 1);
    send(backend, 'hello');
    await until(() => peers[0].received === 'hello');
    peers[0].socket.write('welcome');
    await until(() => state.received === 'welcome');
    peers[0].socket.destroy();
    for (let n = 0; n < 3; n++) {
      send(backend, 'x'.repeat(2 ** 20));
      await pause();
    }
    expect(backend.congested).toBe(false);
  });

  test('works with a path, too', async () => {
    const path = freshPath();
    const { peers } = await serve({ path });
    const { backend } = await open({ kind: 'unix', path, role: 'client' });
    send(backend, 'hello');
    await until(() => peers[0]?.received === 'hello');
  });

  test('says when nobody is there', async () => {
    const { server, port } = await serve({ port: 0 });
    await new Promise((resolve) => server.close(resolve));
    expect(await failure(open(tcp('client', port)))).toMatch(
      new RegExp(`^CONNECT_FAILED no connection to tcp:localhost:${port}: nobody listens there; start the other side first, or let this one listen`),
    );
    expect(await failure(open({ kind: 'unix', path: freshPath(), role: 'client' }))).toMatch(
      /^CONNECT_FAILED no connection to unix:.*nobody listens there/,
    );
  });
});

describe('flow control', () => {
  test('a peer that reads slowly makes the backend congested, until it has read', async () => {
    const { backend, state } = await open(tcp('server'));
    const peer = await Peer.connect({ port: portIn(state.notices[0]) });
    peer.socket.pause();
    await pause();
    expect(backend.congested).toBe(false);
    let sent = 0;
    for (; !backend.congested; sent += 2 ** 16) send(backend, 'x'.repeat(2 ** 16));
    let drained = false;
    const wait = backend.drained().then(() => (drained = true));
    await pause();
    expect(drained).toBe(false);
    peer.socket.resume();
    await wait;
    expect(backend.congested).toBe(false);
    await backend.drained();
    await until(() => peer.received.length === sent);
  });

  test('a peer that vanishes is no longer waited for', async () => {
    const { backend, state } = await open(tcp('server'));
    const peer = await Peer.connect({ port: portIn(state.notices[0]) });
    peer.socket.pause();
    await pause();
    while (!backend.congested) send(backend, 'x'.repeat(2 ** 16));
    const wait = backend.drained();
    peer.socket.resetAndDestroy();
    await wait;
    expect(backend.congested).toBe(false);
  });

  test("a paused backend leaves the bytes with the peer, the next one's too", async () => {
    const { backend, state, listen } = await open(tcp('server'));
    listen();
    const peer = await Peer.connect({ port: portIn(state.notices[0]) });
    peer.socket.write('one');
    await until(() => state.received === 'one');
    backend.pauseInput(true);
    let accepted = 0;
    while (peer.socket.write('x'.repeat(2 ** 16))) accepted++;
    await pause();
    expect(state.received).toBe('one');
    expect(accepted).toBeLessThan(1000);
    backend.pauseInput(false);
    await until(() => state.received.length === 3 + (accepted + 1) * 2 ** 16);
  });
});
