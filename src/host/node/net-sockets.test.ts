import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { NetworkHost } from '../../net/user/host.ts';
import { DNS, GATEWAY, GATEWAY_MAC, until } from '../../net/user/testing/guest.suite.ts';
import { closeAll, start, udpSocket } from '../../net/user/testing/servers.suite.ts';
import { temporaryFolder } from './child.fixture.ts';
import { NodeNetwork } from './net-sockets.ts';

afterEach(closeAll);

const host: NetworkHost = new NodeNetwork();
const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('a guest with real sockets', () => {
  test('finds the gateway and pings it', async () => {
    const { guest } = await start();
    guest.ask(GATEWAY);
    await until(() => guest.arps.some(({ senderMac }) => senderMac === GATEWAY_MAC), 'the reply');
    guest.ping(GATEWAY, 7, bytes('hello'));
    expect((await until(() => guest.icmp[0], 'the echo')).message).toEqual({ type: 0, code: 0, rest: 7, payload: new Uint8Array(bytes('hello')) });
  });

  test('talks UDP with a server of the host, also in datagrams that need fragments', async () => {
    const { net, guest } = await start();
    const { port } = await udpSocket((socket, message, from) => socket.send(Buffer.concat([message, message]), from, '127.0.0.1'));
    guest.sendUdp(GATEWAY, port, bytes('abc'));
    const answer = await until(() => guest.udp[0], 'the answer');
    expect(Buffer.from(answer.message.payload).toString()).toBe('abcabc');
    expect(answer).toMatchObject({ packet: { source: GATEWAY }, message: { sourcePort: port, destinationPort: 5000 } });
    guest.sendUdp(GATEWAY, port, new Uint8Array(1400));
    expect((await until(() => guest.udp[1], 'the large answer')).message.payload.length).toBe(2800);
    expect(net.busy).toBe(false);
  });

  test('answers datagrams that come through a forwarded port', async () => {
    const { guest, forwards } = await start({ options: { hostfwd: ['udp::0-:53'] } });
    let heard = '';
    const { socket } = await udpSocket((_, message) => (heard += message));
    socket.send('question', forwards[0].hostPort, '127.0.0.1');
    const { packet, message } = await until(() => guest.udp[0], 'the question');
    expect(Buffer.from(message.payload).toString()).toBe('question');
    guest.sendUdp(packet.source, message.sourcePort, bytes('answer'), message.destinationPort);
    await until(() => heard === 'answer', 'the answer');
  });

  test('asks the name server for a name that every computer has', async () => {
    const { guest } = await start();
    const name = [9, ...bytes('localhost'), 0];
    guest.sendUdp(DNS, 53, Uint8Array.of(0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 1, 0, 1));
    const { message } = await until(() => guest.udp[0], 'the answer');
    expect([...message.payload.subarray(-4)]).toEqual([127, 0, 0, 1]);
  });
});

test('a UDP port that is taken is an error that says what to do', async () => {
  const { port } = await udpSocket(() => {});
  await expect(host.bind({ address: '127.0.0.1', port }, () => {})).rejects.toThrow(
    expect.objectContaining({ code: 'ADDRESS_IN_USE', message: `udp:127.0.0.1:${port} is in use; choose another port, or 0 for any free one` }),
  );
});

test.each(['listen', 'bind'] as const)('an address that this computer does not have is an error (%s)', async (action) => {
  const at = { address: '192.0.2.1', port: 0 };
  const attempt = action === 'listen' ? host.listen(at, () => ({ opened() {}, readable() {}, writable() {}, failed() {} })) : host.bind(at, () => {});
  await expect(attempt).rejects.toThrow(expect.objectContaining({ code: 'CONNECT_FAILED' }));
});

describe('files', () => {
  const folder = temporaryFolder();
  const root = join(folder, 'root');
  mkdirSync(join(root, 'sub'), { recursive: true });
  writeFileSync(join(root, 'kernel'), 'kernel bytes');
  writeFileSync(join(root, 'sub/image'), 'image bytes');
  writeFileSync(join(folder, 'secret'), 'secret bytes');
  symlinkSync('../secret', join(root, 'leak'));
  symlinkSync('sub/image', join(root, 'link'));

  test.each([
    ['kernel', 'kernel bytes'],
    ['/kernel', 'kernel bytes'],
    ['sub/image', 'image bytes'],
    ['sub/../kernel', 'kernel bytes'],
    ['link', 'image bytes'],
  ])('%s is there', (name, content) => {
    const file = host.openFile(root, name)!;
    expect(Buffer.from(file.read(0, file.size)).toString()).toBe(content);
    file.close();
  });

  test.each(['none', '../secret', '/../secret', 'leak', 'sub', '', '.', '..', 'kernel/x', '\0'])("'%s' is not", (name) => {
    expect(host.openFile(root, name)).toBeUndefined();
  });
});
