import { createHash, randomFillSync } from 'node:crypto';
import { createConnection } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { RST } from '../packets/tcp.ts';
import { GATEWAY, type Guest, until } from './testing/guest.suite.ts';
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

describe('an end', () => {
  test('of the host reaches a guest that goes on sending', async () => {
    const { guest } = await start();
    let heard = '';
    const { port } = await serve((socket) => {
      socket.on('data', (bytes) => (heard += bytes));
      socket.end('that is all');
    });
    const socket = await connected(guest, port);
    await until(() => socket.ended, 'the end');
    expect(socket.text).toBe('that is all');
    socket.write('but I have more');
    await until(() => heard === 'but I have more', 'the rest');
    socket.close();
    await until(() => socket.endAcknowledged, 'the acknowledgment of the end');
    expect(socket.reset).toBe(false);
  });

  test.each(['the guest', 'the host'])('by force of %s is seen by the other', async (by) => {
    const { guest } = await start();
    const errors: string[] = [];
    const { port, sockets } = await serve((socket) => socket.resume().on('error', (error) => errors.push(error.message)));
    const socket = await connected(guest, port);
    const server = await until(() => sockets[0], 'the server');
    if (by === 'the guest') {
      socket.abort();
      await until(() => errors.length > 0, 'the error');
      expect(errors[0]).toContain('ECONNRESET');
    } else {
      server.resetAndDestroy();
      await until(() => socket.reset, 'the reset');
    }
  });

  test('of the network resets what is open', async () => {
    const { net, guest } = await start();
    const errors: string[] = [];
    const { port } = await serve((socket) => socket.resume().on('error', (error) => errors.push(error.message)));
    await connected(guest, port);
    await net.close();
    await until(() => errors.length > 0, 'the error');
    expect(net.busy).toBe(false);
  });
});

describe('a slow reader', () => {
  test('in the guest holds the server back, and gets everything', async () => {
    const { guest } = await start();
    const body = blob(8 * MEGABYTE);
    let taken = 0;
    const { port } = await serve((socket) => {
      const feed = () => {
        while (taken < body.length && socket.write(body.subarray(taken, (taken += 65_536))));
        if (taken >= body.length) socket.end();
      };
      socket.on('drain', feed);
      feed();
    });
    const socket = guest.connect(GATEWAY, port);
    socket.reading = false;
    await new Promise((resolve) => setTimeout(resolve, 400));
    const held = taken;
    // The rest of it is in the buffers of this computer.
    expect(held).toBeLessThan(body.length);
    socket.resume();
    await until(() => socket.ended, 'the end', 20_000);
    expect(md5(...socket.chunks)).toBe(md5(body));
  });

  test('of the host holds the guest back, and gets everything', async () => {
    const { guest } = await start();
    const body = blob(12 * MEGABYTE);
    const { port, sockets } = await serve((socket) => socket.pause());
    const socket = await connected(guest, port);
    socket.write(body);
    socket.close();
    await until(() => socket.window === 0, 'a closed window');
    const held = socket.unsent;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(socket.unsent).toBe(held);
    expect(held).toBeGreaterThan(0);
    const hash = createHash('md5');
    let ended = false;
    sockets[0].on('data', (bytes) => hash.update(bytes)).on('end', () => (ended = true));
    sockets[0].resume();
    await until(() => ended, 'the end', 20_000);
    expect(hash.digest('hex')).toBe(md5(body));
  });
});

describe('many connections', () => {
  test('at a time do not get into each other', async () => {
    const { guest } = await start({ faults: { loss: 0.01, reordering: 0.02 }, seed: 3 });
    const { port } = await serve((socket) => socket.pipe(socket));
    const sockets = Array.from({ length: 100 }, () => guest.connect(GATEWAY, port));
    for (const [n, socket] of sockets.entries()) {
      socket.write(`this is number ${n} `.repeat(400));
      socket.close();
    }
    for (const [n, socket] of sockets.entries()) {
      await until(() => socket.ended, `the end of ${n}`, 20_000);
      expect(socket.text).toBe(`this is number ${n} `.repeat(400));
    }
  });

  test('to a port where nobody listens are refused', async () => {
    const { guest, net } = await start();
    const { port, server } = await serve(() => {});
    await new Promise((resolve) => server.close(resolve));
    const socket = guest.connect(GATEWAY, port);
    await until(() => socket.reset, 'the refusal');
    expect(net.busy).toBe(false);
  });
});

describe('a forwarded port', () => {
  test('of the host leads to a server in the guest, both ways, to the end', async () => {
    const { guest, forwards } = await start({ options: { hostfwd: ['tcp::0-:80'] }, faults: BAD_WIRE, seed: 5 });
    const body = blob(MEGABYTE);
    guest.listen(80, (socket) => {
      socket.onData = () => {
        socket.write(body);
        socket.close();
      };
    });
    const client = createConnection({ host: '127.0.0.1', port: forwards[0].hostPort });
    const received: Buffer[] = [];
    client.on('data', (bytes) => received.push(bytes));
    client.write('please');
    await new Promise((resolve, reject) => client.on('end', resolve).on('error', reject));
    expect(md5(...received)).toBe(md5(body));
  });

  test('that is taken is an error that says what to do', async () => {
    const { port } = await serve(() => {});
    await expect(start({ options: { hostfwd: [`tcp:127.0.0.1:${port}-:80`] } })).rejects.toThrow(
      expect.objectContaining({ code: 'ADDRESS_IN_USE', message: `tcp:127.0.0.1:${port} is in use; choose another port, or 0 for any free one` }),
    );
  });
});
