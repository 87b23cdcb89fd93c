/** Opens what the serial ports and the monitor of a machine lead to. */
import { isatty } from 'node:tty';
import type { RepriseError } from '../../errors/errors.ts';
import type { CharBackend, ControlConsole } from '../host.ts';
import { FileBackend } from './char-file.ts';
import { nullBackend } from './char-null.ts';
import { openSocketBackend, SocketBackend } from './char-socket.ts';
import type { CharSpec, ConsoleSpec } from './char-spec.ts';
import { StdioBackend } from './char-stdio.ts';
import { TerminalMux } from './terminal-mux.ts';

export interface ConsoleEvents {
  /** Someone typed Ctrl-A x, or the reader of standard output has gone. */
  readonly quit: () => void;
  /** An output takes no more; the rest of it is dropped. */
  readonly failed: (error: RepriseError) => void;
  /** Something that a person wants to know, such as the port that a server listens on. */
  readonly notice: (text: string) => void;
}

export interface Consoles {
  /** One for each port of the machine. */
  readonly serial: readonly CharBackend[];
  readonly monitors: readonly ControlConsole[];
  readonly qmp: readonly ControlConsole[];
  /** The terminal of standard output shows a console; nothing else should write there. */
  readonly onTerminal: boolean;
  /** Sends the rest of the output and puts the terminal back. */
  close(): Promise<void>;
}

/**
 * @param ports how many the machine has; those that `spec` does not mention lead nowhere
 * @param signal ends the wait for a connection
 * @throws RepriseError ADDRESS_IN_USE, CONNECT_FAILED, FILE_UNWRITABLE; the signal's reason when it is aborted
 */
export async function openConsoles(spec: ConsoleSpec, ports: number, events: ConsoleEvents, signal?: AbortSignal): Promise<Consoles> {
  const serial: CharBackend[] = Array.from({ length: ports }, () => nullBackend);
  const monitors: ControlConsole[] = [];
  const qmp: ControlConsole[] = [];
  const opened: CharBackend[] = [];
  const close = async () => {
    for (const backend of opened.splice(0)) await backend.close();
  };
  const open = async (where: CharSpec, monitor: boolean) => {
    const backend = await openBackend(where, !monitor, events, signal);
    opened.push(backend);
    return backend;
  };
  const openPort = async (port: number) => {
    const { backend: where, monitor } = spec.serial[port];
    const backend = await open(where, monitor);
    const mux = monitor ? new TerminalMux(backend, events.quit) : undefined;
    serial[port] = mux?.serial ?? backend;
    if (mux !== undefined) monitors.push(sharedConsole(mux));
  };
  // The terminal comes last: while others wait for a connection it still works as usual.
  const isStdio = (port: number) => spec.serial[port].backend.kind === 'stdio';
  const inOrder = [...spec.serial.keys()].sort((a, b) => Number(isStdio(a)) - Number(isStdio(b)));
  try {
    for (const port of inOrder) await openPort(port);
    for (const where of spec.qmp) qmp.push(ownConsole(await open(where, false)));
    if (spec.monitor !== undefined) monitors.push(ownConsole(await open(spec.monitor, false)));
  } catch (error) {
    await close();
    throw error;
  }
  const usesStdio = [spec.monitor, ...spec.qmp, ...spec.serial.map(({ backend }) => backend)].some((where) => where?.kind === 'stdio');
  return { serial, monitors, qmp, onTerminal: usesStdio && isatty(1), close };
}

/** A backend that is a monitor's alone: someone is always at the terminal, and at a socket when there is a connection. */
function ownConsole(backend: CharBackend): ControlConsole {
  return {
    backend,
    onPresence: (listener) => {
      if (backend instanceof SocketBackend) backend.onPeer((present) => listener(present ? 'came' : 'left'));
      else listener('came');
    },
  };
}

/** The monitor's half of a shared backend: its person comes with the first Ctrl-A c. */
function sharedConsole(mux: TerminalMux): ControlConsole {
  let known = false;
  return {
    backend: mux.monitor,
    onPresence: (listener) =>
      mux.onFocus((focused) => {
        if (!focused) return;
        listener(known ? 'returned' : 'came');
        known = true;
      }),
  };
}

async function openBackend(spec: CharSpec, signals: boolean, events: ConsoleEvents, signal: AbortSignal | undefined): Promise<CharBackend> {
  switch (spec.kind) {
    case 'null':
      return nullBackend;
    case 'stdio':
      return new StdioBackend({ signals, hangup: events.quit, failed: events.failed });
    case 'file':
      return FileBackend.open(spec.path, events.failed);
    case 'tcp':
    case 'unix':
      return openSocketBackend(spec, { notice: events.notice, signal });
  }
}
