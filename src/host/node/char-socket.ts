/** A TCP or Unix socket as a character backend, one peer at a time. */
import { lstatSync, unlinkSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { RepriseError } from '../../errors/errors.ts';
import type { CharBackend } from '../host.ts';
import type { CharSpec } from './char-spec.ts';
import { errno, reason } from './file-errors.ts';

export type SocketSpec = Extract<CharSpec, { kind: 'tcp' | 'unix' }>;

/** Peers that may wait for their turn. */
const MAX_WAITING = 4;
/** What the operating systems leave of a socket's path, without a word; a byte more is for its end. */
const MAX_PATH = process.platform === 'linux' ? 107 : 103;
/** What a peer gets to take the rest of the output at the end. */
const LINGER_MS = 2000;

export interface SocketOptions {
  /** Told where a server listens. */
  readonly notice: (text: string) => void;
  /** Ends the wait for the first peer. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Connects, or listens, as `spec` says. A waiting server resolves when its first peer is there.
 * @throws RepriseError ADDRESS_IN_USE, CONNECT_FAILED, BAD_VALUE (a path that is too long); the signal's reason when it is aborted
 */
export async function openSocketBackend(spec: SocketSpec, options: SocketOptions): Promise<SocketBackend> {
  if (spec.kind === 'unix' && Buffer.byteLength(spec.path) > MAX_PATH) {
    throw new RepriseError('BAD_VALUE', `the path of a socket has at most ${MAX_PATH} bytes, '${spec.path}' is longer`);
  }
  const backend = new SocketBackend();
  if (spec.role === 'client') {
    backend.admit(await connect(spec, options.signal));
    return backend;
  }
  const server = await listen(spec, (socket) => backend.admit(socket));
  backend.serve(server);
  try {
    const where = boundAddress(server, spec);
    options.notice(spec.role === 'server' ? `listening on ${where}` : `waiting for a connection on ${where}`);
    if (spec.role === 'waiting-server') await abortable(backend.firstPeer(), options.signal);
  } catch (error) {
    await backend.close();
    throw error;
  }
  return backend;
}

export class SocketBackend implements CharBackend {
  private server: Server | undefined;
  private peer: Socket | undefined;
  private readonly waiting: Socket[] = [];
  private listener: ((bytes: Uint8Array) => void) | undefined;
  private paused = false;
  private arrived: () => void = () => {};
  private peerChanged: (present: boolean) => void = () => {};
  private draining: Promise<void> | undefined;

  /** Takes a new peer, now or when the present one has gone. */
  admit(socket: Socket): void {
    socket.setNoDelay(true);
    // A broken connection closes the socket, and that is all that there is to know about it.
    socket.on('error', () => {});
    if (this.peer !== undefined) {
      if (this.waiting.length === MAX_WAITING) socket.destroy();
      else this.waiting.push(socket);
      return;
    }
    this.peer = socket;
    socket.on('data', (chunk: Uint8Array) => this.listener?.(new Uint8Array(chunk)));
    socket.once('close', () => {
      this.peer = undefined;
      this.peerChanged(false);
      const next = this.waiting.shift();
      if (next !== undefined) this.admit(next);
    });
    this.peerChanged(true);
    this.applyPause();
    this.arrived();
  }

  /** Registers who is told that a peer has come (true) or gone; at once, when there is one already. */
  onPeer(listener: (present: boolean) => void): void {
    this.peerChanged = listener;
    if (this.peer !== undefined) listener(true);
  }

  serve(server: Server): void {
    this.server = server;
  }

  firstPeer(): Promise<void> {
    return this.peer !== undefined
      ? Promise.resolve()
      : new Promise((resolve) => {
          this.arrived = resolve;
        });
  }

  get connected(): boolean {
    return this.peer?.writable ?? false;
  }

  /** Ends the connection to the present peer at once; nothing more comes from it. */
  hangUp(): void {
    this.peer?.removeAllListeners('data').destroy();
  }

  /** With nobody there the output is dropped, as QEMU does. */
  write(bytes: Uint8Array): void {
    if (this.connected) this.peer?.write(bytes);
  }

  get congested(): boolean {
    return this.peer !== undefined && !this.peer.destroyed && this.peer.writableNeedDrain;
  }

  drained(): Promise<void> {
    const { peer } = this;
    if (peer === undefined || !this.congested) return Promise.resolve();
    this.draining ??= new Promise((resolve) => {
      const done = () => {
        peer.off('drain', done);
        peer.off('close', done);
        this.draining = undefined;
        resolve();
      };
      peer.on('drain', done);
      peer.on('close', done);
    });
    return this.draining;
  }

  onInput(listener: (bytes: Uint8Array) => void): void {
    this.listener = listener;
    this.applyPause();
  }

  pauseInput(paused: boolean): void {
    this.paused = paused;
    this.applyPause();
  }

  async close(): Promise<void> {
    const { server, peer } = this;
    this.server = undefined;
    for (const socket of this.waiting.splice(0)) socket.destroy();
    const closed = server === undefined ? undefined : new Promise((resolve) => server.close(resolve));
    if (peer !== undefined) await farewell(peer);
    await closed;
  }

  /** A peer that sends before anyone listens waits, and so does one whose bytes have nowhere to go. */
  private applyPause(): void {
    if (this.listener === undefined || this.paused) this.peer?.pause();
    else this.peer?.resume();
  }
}

/** Sends the rest, and hangs up. */
function farewell(peer: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (peer.destroyed) return resolve();
    const timer = setTimeout(() => peer.destroy(), LINGER_MS);
    peer.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    peer.end(() => peer.destroy());
  });
}

function connect(spec: SocketSpec, signal: AbortSignal | undefined): Promise<Socket> {
  const socket = spec.kind === 'tcp' ? createConnection({ host: spec.host, port: spec.port }) : createConnection({ path: spec.path });
  const connected = new Promise<Socket>((resolve, reject) => {
    socket.once('connect', () => resolve(socket.off('error', reject)));
    socket.once('error', reject);
  });
  return abortable(connected, signal).catch((error) => {
    socket.destroy();
    if (signal?.aborted) throw error;
    throw connectFailed(spec, error);
  });
}

/** Begins to listen. @throws RepriseError ADDRESS_IN_USE, CONNECT_FAILED */
export async function listen(spec: SocketSpec, admit: (socket: Socket) => void): Promise<Server> {
  if (spec.kind === 'tcp') return bind(spec, admit);
  try {
    return await bind(spec, admit);
  } catch (error) {
    // The socket of a program that was killed stays behind; nobody answers there.
    if (!(error instanceof RepriseError && error.code === 'ADDRESS_IN_USE') || !(await isAbandoned(spec.path))) throw error;
    unlinkSync(spec.path);
    return bind(spec, admit);
  }
}

function bind(spec: SocketSpec, admit: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ pauseOnConnect: true }, admit);
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenFailed(spec, error)));
    server.once('listening', () => resolve(server));
    // A name may stand for an address of each family; without one to ask for, the older is what clients try.
    if (spec.kind === 'tcp') server.listen({ host: spec.host === 'localhost' ? '127.0.0.1' : spec.host, port: spec.port });
    else server.listen({ path: spec.path });
  });
}

function isAbandoned(path: string): Promise<boolean> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return Promise.resolve(false);
  return new Promise((resolve) => {
    const probe = createConnection({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => resolve(errno(error) === 'ECONNREFUSED'));
  });
}

/** The same promise, but rejected with the signal's reason when that comes first. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function nameOf(spec: SocketSpec): string {
  return spec.kind === 'unix' ? `unix:${spec.path}` : `tcp:${spec.host.includes(':') ? `[${spec.host}]` : spec.host}:${spec.port}`;
}

/** Where a server really listens: port 0 has become a free one. */
export function boundAddress(server: Server, spec: SocketSpec): string {
  const address = server.address();
  return spec.kind === 'tcp' && address !== null && typeof address === 'object' ? nameOf({ ...spec, port: address.port }) : nameOf(spec);
}

function connectFailed(spec: SocketSpec, error: unknown): RepriseError {
  const absent = errno(error) === 'ECONNREFUSED' || errno(error) === 'ENOENT';
  const why = absent ? 'nobody listens there; start the other side first, or let this one listen' : reason(error);
  return new RepriseError('CONNECT_FAILED', `no connection to ${nameOf(spec)}: ${why}`, error);
}

function listenFailed(spec: SocketSpec, error: unknown): RepriseError {
  if (errno(error) === 'EADDRINUSE') {
    const advice = spec.kind === 'tcp' ? 'choose another port, or 0 for any free one' : 'choose another path';
    return new RepriseError('ADDRESS_IN_USE', `${nameOf(spec)} is in use; ${advice}`, error);
  }
  return new RepriseError('CONNECT_FAILED', `cannot listen on ${nameOf(spec)}: ${reason(error)}`, error);
}
