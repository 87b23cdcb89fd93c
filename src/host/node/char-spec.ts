/** Where a character backend leads, as data. */
export type CharSpec =
  /** Standard input and output. */
  | { readonly kind: 'stdio' }
  /** Nowhere: output is dropped. */
  | { readonly kind: 'null' }
  /** A file that takes the output, from its beginning; there is no input. */
  | { readonly kind: 'file'; readonly path: string }
  /** Port 0 of a server stands for any free port. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly role: SocketRole }
  | { readonly kind: 'unix'; readonly path: string; readonly role: SocketRole };

/** A client connects at once; a server listens, and the waiting one lets nobody go on before its first client is there. */
export type SocketRole = 'client' | 'server' | 'waiting-server';

/** The backend of a serial port. */
export interface SerialSpec {
  readonly backend: CharSpec;
  /** Shared with a monitor: Ctrl-A c switches between the two. */
  readonly monitor: boolean;
}

/** The backends of a machine's serial ports, in their order, of its monitor if that has one of its own, and of QMP. */
export interface ConsoleSpec {
  readonly serial: readonly SerialSpec[];
  readonly monitor: CharSpec | undefined;
  readonly qmp: readonly CharSpec[];
}
