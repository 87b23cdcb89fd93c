/**
 * What a user-mode network asks of its host: sockets, name resolution, files and time. Every callback comes from the
 * host's event loop, never from inside a call of these functions.
 */

/** An IPv4 or IPv6 address as text, and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Why a connection ended other than in good order. */
export type StreamFailure = 'refused' | 'unreachable' | 'reset';

/** Told what a stream does; after `failed` nothing more comes. */
export interface StreamListener {
  /** The connection is made. Not called for one that was accepted. */
  opened(): void;
  /** There may be something to read, or the end. */
  readable(): void;
  /** `unsent` has become smaller. */
  writable(): void;
  failed(reason: StreamFailure): void;
}

/** A TCP connection of the host. It reads only as far as it is asked to, so that a slow reader holds the sender back. */
export interface HostStream {
  /** At most `max` bytes of what has arrived; empty when nothing has. */
  read(max: number): Uint8Array;
  /** The peer sends no more, and all of it was read. */
  readonly ended: boolean;
  /** The bytes are the stream's to keep. */
  write(bytes: Uint8Array): void;
  /** Bytes written that the operating system has not taken yet. */
  readonly unsent: number;
  /** No more is written; the peer sees the end after what was. */
  end(): void;
  /** Ends both directions at once, so that the peer sees it. Nothing is called any more. */
  reset(): void;
}

/** A UDP socket of the host. */
export interface HostDatagrams {
  /** May be lost without a word, as datagrams are. */
  send(bytes: Uint8Array, to: Endpoint): void;
  close(): void;
}

/** Something of the host's that listens. */
export interface HostListener {
  /** Where it really listens: port 0 has become a free one. */
  readonly port: number;
  close(): void;
}

/** A file that stays open while it is read. */
export interface HostFile {
  readonly size: number;
  /** Exactly `length` bytes at `offset`. @throws RepriseError FILE_UNREADABLE */
  read(offset: number, length: number): Uint8Array;
  close(): void;
}

/** The addresses of a name. A name that exists may have none of a kind. */
export interface HostAddresses {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

export interface NetworkHost {
  /** Monotonic milliseconds. */
  milliseconds(): number;
  /** Calls once after `ms` milliseconds, unless the function that is returned is called before. */
  timer(ms: number, expired: () => void): () => void;

  connect(to: Endpoint, listener: StreamListener): HostStream;
  /**
   * Calls `accept` for each connection, which gives it its listener.
   * @throws RepriseError ADDRESS_IN_USE, CONNECT_FAILED
   */
  listen(at: Endpoint, accept: (stream: HostStream, peer: Endpoint) => StreamListener): Promise<HostListener>;

  /** A socket with a port of its own, for sending to anywhere and hearing the answers. */
  datagrams(received: (bytes: Uint8Array, from: Endpoint) => void): HostDatagrams;
  /** A socket where others send first. @throws RepriseError ADDRESS_IN_USE, CONNECT_FAILED */
  bind(at: Endpoint, received: (bytes: Uint8Array, from: Endpoint) => void): Promise<HostDatagrams & HostListener>;

  /** Undefined when there is no such name. Rejects when nobody could tell. */
  lookup(name: string): Promise<HostAddresses | undefined>;
  /** The name of an address, undefined when it has none. Rejects when nobody could tell. */
  lookupAddress(address: string): Promise<string | undefined>;

  /** A file inside `folder`; undefined when there is none that may be read, or the name leads out of the folder. */
  openFile(folder: string, name: string): HostFile | undefined;
}
