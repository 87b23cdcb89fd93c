/**
 * The human monitor: a prompt on a character backend, one command a line.
 */
import { RepriseError } from '../errors/errors.ts';
import type { CharBackend } from '../host/host.ts';
import type { LiveRun } from '../session/live.ts';
import { COMMANDS, type MonitorHost } from './commands.ts';

// In every host, but not in the language's own library.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };

const PROMPT = '(reprise) ';
const MAX_LINE = 1024;
const BACKSPACE = 8;
const DELETE = 127;
const CR = 13;
const LF = 10;
const CTRL_U = 21;

/** Runs one command line; returns what to print, errors included. Unique beginnings of names are not accepted: they change with new commands. */
export function execute(live: LiveRun, line: string, host: MonitorHost): string {
  const [name, ...args] = line.trim().split(/\s+/);
  if (name === '') return '';
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) return `unknown command: '${name}' (help lists them)`;
  try {
    return command.run(live, args, host);
  } catch (error) {
    if (error instanceof RepriseError) return `Error: ${error.message}`;
    throw error;
  }
}

/**
 * Attaches a monitor to a backend that a person or a script talks to.
 * @param onFocus registers who is told when the keyboard becomes the monitor's; each time there is a prompt
 */
export function attachMonitor(live: LiveRun, backend: CharBackend, host: MonitorHost, onFocus: (listener: (focused: boolean) => void) => void): void {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const say = (text: string): void => backend.write(encoder.encode(text.replaceAll('\n', '\r\n')));
  let line: number[] = [];
  let greeting = `Reprise ${host.version} monitor - type 'help' for more information\n`;
  onFocus((focused) => {
    if (!focused) return;
    say(greeting + PROMPT);
    greeting = '';
  });
  backend.onInput((bytes) => {
    for (const byte of bytes) {
      if (byte === CR || byte === LF) {
        say('\n');
        const output = execute(live, decoder.decode(Uint8Array.from(line)), host);
        line = [];
        say(`${output === '' ? '' : `${output}\n`}${PROMPT}`);
      } else if (byte === BACKSPACE || byte === DELETE) {
        if (line.pop() !== undefined) say('\b \b');
      } else if (byte === CTRL_U) {
        say('\b \b'.repeat(line.length));
        line = [];
      } else if (byte >= 32 && line.length < MAX_LINE) {
        line.push(byte);
        backend.write(Uint8Array.of(byte));
      }
    }
  });
}
