/**
 * What the core asks of its host. Implementations live in `host/node` and `host/web`, the only places with files,
 * sockets, clocks and randomness.
 */

/** Real time. Nothing the guest can see may depend on it, but through the log of events. */
export interface HostClock {
  /** Monotonic milliseconds. */
  milliseconds(): number;
  /** Resolves after `ms` milliseconds, or as soon as `wake` resolves. */
  wait(ms: number, wake: Promise<void>): Promise<void>;
  /** Lets the host deliver what has arrived (input, timers). */
  turn(): Promise<void>;
}

/**
 * A character backend: the host's end of a serial port. Bytes of the guest go out through `write`; bytes for the guest
 * arrive at the listener, which is set once, before anything is delivered.
 */
export interface CharBackend {
  write(bytes: Uint8Array): void;
  /** True while the host takes output more slowly than the guest makes it; the machine then pauses until `drained`. */
  readonly congested: boolean;
  /** Resolves when `congested` is false again. */
  drained(): Promise<void>;
  onInput(listener: (bytes: Uint8Array) => void): void;
  /** Asks the host to hold further input back (flow control), or to go on. */
  pauseInput(paused: boolean): void;
  /** Flushes what was written and lets go of the host's resources. */
  close(): Promise<void>;
}

/**
 * What a monitor is told of whoever is at the other end: someone new has come; the same one looks at it again; nobody is
 * there any more.
 */
export type Presence = 'came' | 'returned' | 'left';

/** Where a monitor, human or machine, has its conversations, one after the other. */
export interface ControlConsole {
  readonly backend: CharBackend;
  /** Registers who is told; at once, when someone is there already. To be called before `backend.onInput`. */
  onPresence(listener: (presence: Presence) => void): void;
}

/** Where a recording is appended to. Both calls are synchronous: what was appended survives the death of the process. */
export interface AppendSink {
  /** @throws RepriseError DISK_FULL or FILE_UNWRITABLE; nothing of `bytes` counts then. */
  append(bytes: Uint8Array): void;
  /** Makes what was appended survive the death of the host, too. */
  sync(): void;
  close(): void;
}

/** Where a recording is read from. */
export interface RandomAccessSource {
  readonly size: number;
  /** Exactly `length` bytes at `offset`. @throws RepriseError FILE_UNREADABLE */
  read(offset: number, length: number): Uint8Array;
  close(): void;
}

/** Compresses beside the run: on other threads, where the host has them. */
export interface Compressor {
  /** Raw deflate (RFC 1951). @param bytes must not change until it is done */
  deflate(bytes: Uint8Array): Promise<Uint8Array>;
}

/** SHA-256 of bytes that come in pieces; for what must not be forged, and for whole images. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** 64 hex digits. The last call. */
  hex(): string;
}

/** A connection with one program outside that comes and goes, such as a debugger. */
export interface ByteStream {
  write(bytes: Uint8Array): void;
  /** Resolves when the other side has taken enough of what was written, or is gone. */
  drained(): Promise<void>;
  /** To be called once, at once; `close` is called when the connection is gone, whoever ended it. */
  listen(listener: { data(bytes: Uint8Array): void; close(): void }): void;
  /** Sends the rest and hangs up. */
  end(): void;
}
