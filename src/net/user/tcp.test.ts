import { createHash, randomFillSync } from 'node:crypto';
import { createConnection } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ACK, RST, SYN } from '../packets/tcp.ts';
import { GATEWAY, type Guest, GUEST, ip, until } from './testing/guest.suite.ts';
import type { GuestTcp } from './testing/guest-tcp.suite.ts';
import { closeAll, serve, start } from './testing/servers.suite.ts';

afterEach(closeAll);

const MEGABYTE = 2 ** 20;
const BAD_WIRE = { loss: 0.02, duplication: 0.02, reordering: 0.03 };
const blob = (length: number) => randomFillSync(new Uint8Array(length));
const md5 = (...pieces: readonly Uint8Array[]) => {
  const hash = createHash('md5');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
};

/** A connection of the guest's to a loopback server, both ends open. */
async function connected(guest: Guest, port: number): Promise<GuestTcp> {
  const socket = guest.connect(GATEWAY, port);
  await until(() => socket.connected, 'the connection');
  return socket;
}

describe('a connection that the guest opens', () => {
  test('carries a question and an answer, and ends in good order on both sides', async () => {
    const { guest } = await start();
    let heard = '';
    const { port } = await serve((socket) => {
      socket.on('data', (bytes) => (heard += bytes));
      socket.on('end', () => socket.end(`you said: ${heard}`));
    });
    const socket = guest.connect(GATEWAY, port);
    socket.write('hello');
    socket.close();
    await until(() => socket.ended, 'the end');
    expect(socket.text).toBe('you said: hello');
    expect(socket.endAcknowledged).toBe(true);
    expect(guest.tcp.every(({ message }) => (message.flags & RST) === 0)).toBe(true);
  });

  test.each([
    ['a good wire', {}, 1],
    ['a wire that loses, doubles and swaps frames both ways', BAD_WIRE, 7],
  ] as const)('downloads 5 MB intact over %s', async (_, faults, seed) => {
    const { guest } = await start({ faults, seed });
    const body = blob(5 * MEGABYTE);
    const { port } = await serve((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.0 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
        socket.end(body);
      });
    });
    const socket = guest.connect(GATEWAY, port);
    socket.write('GET /blob HTTP/1.0\r\n\r\n');
    await until(() => socket.ended, 'the end', 25_000);
    const answer = Buffer.concat(socket.chunks);
    expect(answer.indexOf('\r\n\r\n')).toBeGreaterThan(0);
    expect(md5(answer.subarray(answer.indexOf('\r\n\r\n') + 4))).toBe(md5(body));
    expect(guest.in.lost + guest.out.lost > 100).toBe(faults === BAD_WIRE);
  });

  test.each([
    ['a good wire', {}, 1],
    ['a bad wire', BAD_WIRE, 11],
  ] as const)('uploads 5 MB intact over %s', async (_, faults, seed) => {
    const { guest } = await start({ faults, seed });
    const body = blob(5 * MEGABYTE);
    const hash = createHash('md5');
    let digest = '';
    const { port } = await serve((socket) => {
      socket.on('data', (bytes) => hash.update(bytes));
      socket.on('end', () => {
        digest = hash.digest('hex');
        socket.end('thanks');
      });
    });
    const socket = guest.connect(GATEWAY, port);
    socket.write(body);
    socket.close();
    await until(() => socket.ended, 'the end', 25_000);
    expect(digest).toBe(md5(body));
    expect(socket.text).toBe('thanks');
  });
});
