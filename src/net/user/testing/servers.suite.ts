/** A network with a guest, and programs of the host's for it to talk to. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { NodeNetwork } from '../../../host/node/net-sockets.ts';
import { type UserNetOptions, userNetConfig } from '../config.ts';
import type { NetworkHost } from '../host.ts';
import { type OpenForward, UserNet } from '../user-net.ts';
import { Guest } from './guest.suite.ts';
import type { Faults } from './wire.suite.ts';

const cleanups: (() => unknown)[] = [];

/** For `afterEach`: closes whatever the test opened. */
export async function closeAll(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

export interface SetUp {
  readonly options?: UserNetOptions;
  readonly faults?: Faults;
  readonly seed?: number;
  readonly host?: NetworkHost;
}

export async function start({ options = {}, faults = {}, seed = 1, host = new NodeNetwork() }: SetUp = {}): Promise<{
  net: UserNet;
  guest: Guest;
  forwards: OpenForward[];
}> {
  const net = new UserNet(userNetConfig(options), host);
  cleanups.push(() => net.close());
  const guest = new Guest(net, { faults, seed });
  return { net, guest, forwards: await net.openForwards() };
}

/** A TCP server on a loopback port of its own. */
export async function serve(serveOne: (socket: Socket) => void): Promise<{ port: number; server: Server; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    serveOne(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, server, sockets };
}

/** A UDP socket of the host's. */
export async function udpSocket(
  received: (socket: UdpSocket, bytes: Uint8Array, port: number) => void,
): Promise<{ socket: UdpSocket; port: number }> {
  const socket = createSocket('udp4');
  socket.on('message', (bytes, { port }) => received(socket, bytes, port));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  cleanups.push(() => socket.close());
  return { socket, port: socket.address().port };
}
