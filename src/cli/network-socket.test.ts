/** `-netdev socket` with peers that speak its wire format, well or badly. */
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { NetBackend } from '../net/net.ts';
import { wrapFrame } from '../net/socket/framing.ts';
import type { NetdevSpec } from '../options/netdev.ts';
import { openNetwork } from './network.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const frame = (fill: number, bytes = 60) => new Uint8Array(bytes).fill(fill);

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 5000; !condition(); await pause(5)) if (Date.now() > end) throw new Error(`never true: ${condition}`);
}

/** A network, the frames that it brings, and what it says. */
async function open(backend: NetdevSpec): Promise<{ net: NetBackend; got: Uint8Array[]; notices: string[] }> {
  const notices: string[] = [];
  const netdev = { id: 'net1', backend, filtered: false, dumps: [] };
  const [net] = await openNetwork({ mac: '525400123456', netdev }, { notice: (text) => notices.push(text) });
  cleanups.push(() => net.close());
  const got: Uint8Array[] = [];
  net.onFrame((bytes) => got.push(bytes));
  return { net, got, notices };
}

async function listening() {
  const opened = await open({ kind: 'socket', role: 'server', host: 'localhost', port: 0 });
  const [, port] = /^network 'net1': listening on tcp:localhost:(\d+)$/.exec(opened.notices[0])!;
  return { ...opened, port: Number(port) };
}

/** The other end, and all bytes that came out of it. */
function observe(socket: Socket): { socket: Socket; bytes: () => Buffer; gone: () => boolean } {
  const chunks: Buffer[] = [];
  let gone = false;
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {});
  socket.on('close', () => {
    gone = true;
  });
  cleanups.push(() => socket.destroy());
  return { socket, bytes: () => Buffer.concat(chunks), gone: () => gone };
}

async function dial(port: number) {
  const socket = createConnection({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  return observe(socket);
}

describe('a network over a socket', () => {
  it('listens, and carries frames both ways', async () => {
    const { net, got, port } = await listening();
    // Nobody is there: lost, as on a wire without an end.
    net.send(frame(9));
    const peer = await dial(port);
    peer.socket.write(wrapFrame(frame(1)));
    await until(() => got.length === 1);
    expect(got).toEqual([frame(1)]);
    net.send(frame(2));
    net.send(frame(3, 1514));
    await until(() => peer.bytes().length === 64 + 1518);
    expect(peer.bytes()).toEqual(Buffer.concat([wrapFrame(frame(2)), wrapFrame(frame(3, 1514))]));
  });

  it('connects, and stays silent once the other end has gone', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    cleanups.push(() => server.close());
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const { net, got } = await open({ kind: 'socket', role: 'client', host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    const peer = observe((await accepted)[0]);
    net.send(frame(1));
    await until(() => peer.bytes().length === 64);
    peer.socket.end(wrapFrame(frame(2)));
    await until(() => peer.gone());
    net.send(frame(3));
    expect(got).toEqual([frame(2)]);
    expect(net.busy).toBe(false);
  });

  it('needs somebody to connect to', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((closed) => server.close(closed));
    await expect(open({ kind: 'socket', role: 'client', host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
  });

  it('has one peer at a time; the next one begins anew', async () => {
    const { net, got, port } = await listening();
    const first = await dial(port);
    first.socket.write(wrapFrame(frame(1)).subarray(0, 30));
    const second = await dial(port);
    second.socket.write(wrapFrame(frame(2)));
    await pause(50);
    net.send(frame(3));
    await until(() => first.bytes().length === 64);
    expect(second.bytes()).toHaveLength(0);
    expect(got).toEqual([]);
    first.socket.destroy();
    // The half frame of the first is not completed by the second.
    await until(() => got.length === 1);
    expect(got).toEqual([frame(2)]);
  });

  it('hangs up on who sends something else, says so, and takes the next', async () => {
    const { got, port, notices } = await listening();
    const peer = await dial(port);
    peer.socket.write(Buffer.concat([wrapFrame(frame(1)), Buffer.from('GET / HTTP/1.1\r\n\r\n'), wrapFrame(frame(2))]));
    await until(() => peer.gone());
    expect(got).toEqual([frame(1)]);
    expect(notices[1]).toContain('sends something else than frames');
    (await dial(port)).socket.write(wrapFrame(frame(4)));
    await until(() => got.length === 2);
    expect(got[1]).toEqual(frame(4));
  });

  it('drops frames for a peer that does not read, instead of keeping them', async () => {
    const { net, port } = await listening();
    const peer = await dial(port);
    peer.socket.pause();
    await until(() => {
      net.send(frame(1));
      return net.busy;
    });
    const before = process.memoryUsage().arrayBuffers;
    // 300 MB, of which some is not collected yet.
    for (let n = 0; n < 200_000; n++) net.send(frame(n, 1514));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(150e6);
    peer.socket.resume();
    await until(() => peer.bytes().length > 1e5);
    // What gets through is whole.
    expect(peer.bytes().readUInt32BE(64)).toBe(1514);
    expect(peer.bytes().readUInt32BE(64 + 1518)).toBe(1514);
  });

  it('waits for the other side in a conversation only', async () => {
    const { net, got, port } = await listening();
    expect(net.busy).toBe(false);
    const peer = await dial(port);
    await until(() => {
      net.send(frame(1));
      return net.busy;
    });
    await until(() => !net.busy);
    peer.socket.write(wrapFrame(frame(2)));
    await until(() => got.length === 1);
    expect(net.busy).toBe(true);
  });
});
