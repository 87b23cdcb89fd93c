/** This computer's sockets, name resolution and timers, as a user-mode network uses them; its `NetworkHost`. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { lookup, lookupService } from 'node:dns/promises';
import { realpathSync, statSync } from 'node:fs';
import { createConnection, createServer, isIPv6, type Socket } from 'node:net';
import { join, sep } from 'node:path';
import { RepriseError } from '../../errors/errors.ts';
import type { RandomAccessSource } from '../host.ts';
import { errno, reason } from './file-errors.ts';
import { openSource } from './files.ts';

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Told what a stream does, never from inside a call of the stream's. */
interface StreamListener {
  opened(): void;
  readable(): void;
  writable(): void;
  failed(reason: 'refused' | 'unreachable' | 'reset'): void;
}

type Received = (bytes: Uint8Array, from: Endpoint) => void;

const DEAF: StreamListener = { opened() {}, readable() {}, writable() {}, failed() {} };
const UNREACHABLE = ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'ETIMEDOUT', 'EADDRNOTAVAIL', 'EACCES', 'EPERM'];

export class NodeNetwork {
  milliseconds(): number {
    return performance.now();
  }

  timer(ms: number, expired: () => void): () => void {
    const timer = setTimeout(expired, ms);
    return () => clearTimeout(timer);
  }

  connect({ address, port }: Endpoint, listener: StreamListener): TcpStream {
    const stream = new TcpStream(createConnection({ host: address, port, allowHalfOpen: true, noDelay: true }));
    stream.attach(listener);
    return stream;
  }

  /** @throws RepriseError ADDRESS_IN_USE, CONNECT_FAILED */
  listen(at: Endpoint, accept: (stream: TcpStream, peer: Endpoint) => StreamListener): Promise<{ port: number; close(): void }> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const { remoteAddress, remotePort } = socket;
      const stream = new TcpStream(socket);
      // A peer that has gone already has no address any more.
      if (remoteAddress === undefined || remotePort === undefined) stream.reset();
      else stream.attach(accept(stream, { address: remoteAddress, port: remotePort }));
    });
    return new Promise((resolve, reject) => {
      // Later ones, such as too many open files, cost the connection that could not be accepted.
      server.on('error', (error) => reject(listenFailed('tcp', at, error)));
      server.listen({ host: hostOf(at), port: at.port }, () => {
        const address = server.address();
        resolve({ port: typeof address === 'object' && address !== null ? address.port : at.port, close: () => server.close() });
      });
    });
  }

  datagrams(received: Received): UdpPort {
    return new UdpPort(createSocket('udp4'), received);
  }

  /** @throws RepriseError ADDRESS_IN_USE, CONNECT_FAILED */
  bind(at: Endpoint, received: Received): Promise<UdpPort> {
    const socket = createSocket(isIPv6(at.address) ? 'udp6' : 'udp4');
    return new Promise((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close();
        reject(listenFailed('udp', at, error));
      });
      socket.bind({ address: hostOf(at), port: at.port }, () => {
        socket.removeAllListeners('error');
        resolve(new UdpPort(socket, received));
      });
    });
  }

  /** Asks as every program here does: the hosts file first, if it is set up so. */
  async lookup(name: string): Promise<{ ipv4: string[]; ipv6: string[] } | undefined> {
    const found = await orUndefined(lookup(name, { all: true }));
    const of = (wanted: number) => (found ?? []).filter(({ family }) => family === wanted).map(({ address }) => address);
    return found === undefined ? undefined : { ipv4: of(4), ipv6: of(6) };
  }

  async lookupAddress(address: string): Promise<string | undefined> {
    return (await orUndefined(lookupService(address, 0)))?.hostname;
  }

  /** Links are followed, but not out of the folder. */
  openFile(folder: string, name: string): RandomAccessSource | undefined {
    try {
      const path = realpathSync(join(folder, name));
      const inside = path.startsWith(realpathSync(folder) + sep);
      return inside && statSync(path).isFile() ? openSource(path, 'file') : undefined;
    } catch {
      return undefined;
    }
  }
}

/** A connection; see `HostStream`. */
class TcpStream {
  private readonly socket: Socket;
  private listener = DEAF;
  ended = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('connect', () => this.listener.opened());
    socket.on('readable', () => this.listener.readable());
    socket.on('end', () => {
      this.ended = true;
      this.listener.readable();
    });
    socket.on('error', (error) => this.listener.failed(failureOf(error)));
  }

  attach(listener: StreamListener): void {
    this.listener = listener;
  }

  read(max: number): Uint8Array {
    const length = Math.min(max, this.socket.readableLength);
    const bytes: Uint8Array | null = length > 0 ? this.socket.read(length) : null;
    // An empty stream is asked once more, or it would not notice its end.
    if (this.socket.readableLength === 0) this.socket.read(0);
    return bytes ?? new Uint8Array(0);
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes, () => this.listener.writable());
  }

  get unsent(): number {
    return this.socket.writableLength;
  }

  end(): void {
    this.socket.end();
  }

  reset(): void {
    this.listener = DEAF;
    if (this.socket.connecting) this.socket.destroy();
    else if (!this.socket.destroyed) this.socket.resetAndDestroy();
  }
}

/** A UDP socket; see `HostDatagrams`. */
class UdpPort {
  private readonly socket: UdpSocket;
  private open = true;

  constructor(socket: UdpSocket, received: Received) {
    this.socket = socket;
    socket.on('message', (bytes, from) => received(bytes, from));
    // What cannot be sent is lost, as in any network.
    socket.on('error', () => {});
  }

  get port(): number {
    return this.socket.address().port;
  }

  send(bytes: Uint8Array, { address, port }: Endpoint): void {
    if (this.open) this.socket.send(bytes, port, address, () => {});
  }

  close(): void {
    this.open = false;
    this.socket.close();
  }
}

function failureOf(error: Error): 'refused' | 'unreachable' | 'reset' {
  const code = errno(error);
  if (code === 'ECONNREFUSED') return 'refused';
  return UNREACHABLE.includes(code) ? 'unreachable' : 'reset';
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (errno(error) === 'ENOTFOUND') return undefined;
    throw error;
  }
}

/** A name may stand for an address of each family; the older is what clients try. */
function hostOf({ address }: Endpoint): string {
  return address === 'localhost' ? '127.0.0.1' : address;
}

function listenFailed(protocol: string, { address, port }: Endpoint, error: unknown): RepriseError {
  const name = `${protocol}:${isIPv6(address) ? `[${address}]` : address}:${port}`;
  if (errno(error) === 'EADDRINUSE')
    return new RepriseError('ADDRESS_IN_USE', `${name} is in use; choose another port, or 0 for any free one`, error);
  return new RepriseError('CONNECT_FAILED', `cannot listen on ${name}: ${reason(error)}`, error);
}
