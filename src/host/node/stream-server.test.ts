import { existsSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { ByteStream } from '../host.ts';
import { temporaryFolder } from './child.fixture.ts';
import { listenForStreams, type StreamServer } from './stream-server.ts';

const folder = temporaryFolder();
const open: (StreamServer | Socket)[] = [];
afterEach(() => {
  for (const each of open.splice(0)) 'destroy' in each ? each.destroy() : each.close();
});

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};

/** A server, a client that is connected to it, and what each has heard. */
async function connected(): Promise<{
  server: StreamServer;
  stream: ByteStream;
  client: Socket;
  heard: { stream: string; client: string; closed: number };
}> {
  const streams: ByteStream[] = [];
  const server = await listenForStreams({ kind: 'tcp', host: '127.0.0.1', port: 0, role: 'server' }, (stream) => streams.push(stream));
  const client = createConnection({ host: '127.0.0.1', port: Number(server.address.split(':')[2]) });
  open.push(server, client);
  const heard = { stream: '', client: '', closed: 0 };
  client.on('data', (chunk) => void (heard.client += chunk.toString('latin1')));
  client.on('error', () => {});
  await until(() => streams.length === 1);
  return { server, stream: streams[0], client, heard };
}

describe('a stream', () => {
  test('carries bytes both ways, those that came before anyone listened too', async () => {
    const { stream, client, heard } = await connected();
    client.write('early ');
    await new Promise((resolve) => setTimeout(resolve, 20));
    stream.listen({ data: (bytes) => void (heard.stream += Buffer.from(bytes).toString('latin1')), close: () => heard.closed++ });
    client.write('late');
    stream.write(Uint8Array.of(0x68, 0x69, 0xff));
    await until(() => heard.stream === 'early late' && heard.client === 'hi\xff');
  });

  test('tells once when the other side has gone, and takes no more', async () => {
    const { stream, client, heard } = await connected();
    stream.listen({ data: () => {}, close: () => heard.closed++ });
    client.destroy();
    await until(() => heard.closed === 1);
    stream.write(Uint8Array.of(1));
    await stream.drained();
    stream.end();
    expect(heard.closed).toBe(1);
  });

  test('is hung up on when the rest has been sent', async () => {
    const { stream, client, heard } = await connected();
    let ended = false;
    client.on('close', () => {
      ended = true;
    });
    stream.listen({ data: () => {}, close: () => heard.closed++ });
    stream.write(new Uint8Array(100_000).fill(0x78));
    stream.end();
    await until(() => ended && heard.closed === 1);
    expect(heard.client).toHaveLength(100_000);
  });

  test('waits for a slow reader, and not for one that is gone', async () => {
    const { stream, client, heard } = await connected();
    stream.listen({ data: () => {}, close: () => heard.closed++ });
    client.pause();
    let drained = 0;
    stream.write(new Uint8Array(20_000_000));
    void stream.drained().then(() => drained++);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(drained).toBe(0);
    client.destroy();
    await until(() => drained === 1);
  });
});

test('a Unix socket is gone with its server', async () => {
  const path = join(folder, 'debugger');
  const server = await listenForStreams({ kind: 'unix', path, role: 'server' }, () => {});
  expect([server.address, existsSync(path)]).toEqual([`unix:${path}`, true]);
  server.close();
  await until(() => !existsSync(path));
});

test('a port in use is refused', async () => {
  const { server } = await connected();
  const port = Number(server.address.split(':')[2]);
  await expect(listenForStreams({ kind: 'tcp', host: '127.0.0.1', port, role: 'server' }, () => {})).rejects.toMatchObject({
    code: 'ADDRESS_IN_USE',
  });
});
