/** The backends that `-serial`, `-monitor` and `-qmp` name. */

import { RepriseError } from '../errors/errors.ts';
import type { SocketSpec } from '../host/node/char-socket.ts';
import type { CharSpec, ConsoleSpec, SerialSpec, SocketRole } from '../host/node/char-spec.ts';
import { readSuboptions, type Suboptions } from './suboptions.ts';
import { badValue, parseInteger, parseSwitch } from './values.ts';

const ACCEPTED = 'stdio, mon:stdio, null, none, file:PATH, tcp:HOST:PORT[,server][,nowait], unix:PATH[,server][,nowait]';

/** The argument of `-serial`. `mon:` in front of any backend shares it with a monitor. @throws RepriseError */
export function parseSerial(value: string, option: string): SerialSpec {
  const monitor = value.startsWith('mon:');
  return { backend: parseBackend(monitor ? value.slice(4) : value, `${option} ${value}`), monitor };
}

/** The argument of `-monitor` or `-qmp`; undefined for none. @throws RepriseError */
export function parseMonitor(value: string, option: string): CharSpec | undefined {
  const backend = parseBackend(value, `${option} ${value}`);
  if (backend.kind === 'file') throw badValue(`${option} ${value}`, 'a file cannot ask anything; accepted: stdio, none, tcp:…, unix:…');
  return backend.kind === 'null' ? undefined : backend;
}

/** The argument of `-gdb`: where a debugger may connect. A server whether that is said or not. @throws RepriseError */
export function parseGdb(value: string, option: string): SocketSpec | undefined {
  if (value === 'none') return undefined;
  const where = `${option} ${value}`;
  const served = /,server\b/.test(value) ? value : `${value},server`;
  const backend = parseBackend(served, where);
  if (backend.kind !== 'tcp' && backend.kind !== 'unix') throw badValue(where, 'a debugger connects at tcp:[HOST]:PORT or unix:PATH');
  return { ...backend, role: 'server' };
}

/** QEMU's port for debuggers, on this computer only. */
export const gdbAt = (port: number): SocketSpec => ({ kind: 'tcp', host: 'localhost', port, role: 'server' });

/** Refuses two users of standard input. @throws RepriseError BAD_VALUE */
export function checkConsoles(spec: ConsoleSpec): ConsoleSpec {
  const users = [...spec.serial.map((port) => port.backend), spec.monitor, ...spec.qmp].filter((backend) => backend?.kind === 'stdio');
  if (users.length > 1) {
    throw new RepriseError(
      'BAD_VALUE',
      'stdio can serve only one serial port or monitor; -serial mon:stdio lets a port and the monitor share it, and -monitor none leaves the monitor out',
    );
  }
  return spec;
}

function parseBackend(text: string, where: string): CharSpec {
  const colon = text.indexOf(':');
  const [kind, rest] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  if (colon < 0 && kind === 'stdio') return { kind };
  if (colon < 0 && (kind === 'null' || kind === 'none')) return { kind: 'null' };
  if (colon >= 0 && kind === 'file') {
    if (rest === '') throw badValue(where, 'the path of the file is missing: file:PATH');
    // As in QEMU a file's path is the whole rest; a comma in it is a comma.
    return { kind, path: rest };
  }
  if (colon >= 0 && kind === 'tcp') return parseTcp(rest, where);
  if (colon >= 0 && kind === 'unix') return parseUnix(rest, where);
  throw badValue(where, `not a backend (accepted: ${ACCEPTED})`);
}

function parseTcp(text: string, where: string): CharSpec {
  const match = /^(\[[^\],]*\]|[^:,]*):([^,]*)(?:,(.*))?$/.exec(text);
  if (match === null) throw badValue(where, 'expects tcp:HOST:PORT[,server][,nowait]');
  const [, host, port, options] = match;
  const role = options === undefined ? 'client' : parseRole((known) => readSuboptions(where, options, undefined, known), where);
  return {
    kind: 'tcp',
    // Where QEMU's server without a host is open to the network, ours is to this computer only.
    host: host.replace(/^\[|\]$/g, '') || 'localhost',
    port: parseInteger(port, `${where}, port`, role === 'client' ? 1 : 0, 65535),
    role,
  };
}

function parseUnix(text: string, where: string): CharSpec {
  let path = '';
  const role = parseRole((known) => readSuboptions(where, text, 'path', { path: (value) => (path = value), ...known }), where);
  if (path === '') throw badValue(where, 'the path of the socket is missing: unix:PATH');
  return { kind: 'unix', path, role };
}

function parseRole(read: (known: Suboptions) => void, where: string): SocketRole {
  let server = false;
  let wait: boolean | undefined;
  read({
    server: (value, at) => (server = parseSwitch(value, at)),
    wait: (value, at) => (wait = parseSwitch(value, at)),
  });
  if (!server && wait !== undefined) throw badValue(where, "'wait' and 'nowait' belong to a server; add ,server=on or leave them out");
  return server ? (wait === false ? 'server' : 'waiting-server') : 'client';
}
