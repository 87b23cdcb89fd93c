/** A TCP or Unix socket at which programs such as debuggers connect. */
import type { Socket } from 'node:net';
import type { ByteStream } from '../host.ts';
import { boundAddress, listen, type SocketSpec } from './char-socket.ts';

export interface StreamServer {
  /** Where it listens, such as `tcp:127.0.0.1:1234`. */
  readonly address: string;
  /** Takes no more connections; those that are there stay. */
  close(): void;
}

/** Listens, and hands each connection on. @throws RepriseError ADDRESS_IN_USE, CONNECT_FAILED */
export async function listenForStreams(spec: SocketSpec, admit: (stream: ByteStream) => void): Promise<StreamServer> {
  const server = await listen(spec, (socket) => admit(streamOf(socket)));
  return { address: boundAddress(server, spec), close: () => void server.close() };
}

function streamOf(socket: Socket): ByteStream {
  socket.setNoDelay(true);
  // A broken connection closes the socket, and that is all that there is to know about it.
  socket.on('error', () => {});
  return {
    write: (bytes) => {
      if (socket.writable) socket.write(bytes);
    },
    drained: () => (socket.writableNeedDrain && !socket.destroyed ? drainedOrClosed(socket) : Promise.resolve()),
    listen: (listener) => {
      socket.on('data', (chunk: Uint8Array) => listener.data(new Uint8Array(chunk)));
      socket.once('close', () => listener.close());
      socket.resume();
    },
    end: () => socket.destroySoon(),
  };
}

function drainedOrClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}
