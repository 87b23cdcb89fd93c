/** Networks that an interface can be connected to, as `-netdev` and `-nic` name them. */
import type { UserNetOptions } from '../net/user/config.ts';
import type { Suboptions } from './suboptions.ts';
import { badValue, parseInteger, parseSwitch } from './values.ts';

/** Where a network leads. */
export type NetdevSpec =
  | { readonly kind: 'user'; readonly user: UserNetOptions }
  /** Port 0 of a server stands for any free port. */
  | { readonly kind: 'socket'; readonly role: 'client' | 'server'; readonly host: string; readonly port: number };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The suboptions of `user`, gathered into `options`. */
function userSuboptions(options: Mutable<UserNetOptions>): Suboptions {
  const set = (key: 'net' | 'host' | 'dhcpstart' | 'dns' | 'hostname' | 'tftp' | 'bootfile') => (value: string) => {
    options[key] = value;
  };
  return {
    net: set('net'),
    host: set('host'),
    dhcpstart: set('dhcpstart'),
    dns: set('dns'),
    hostname: set('hostname'),
    tftp: set('tftp'),
    bootfile: set('bootfile'),
    restrict: (value, where) => {
      options.restrict = parseSwitch(value, where);
    },
    hostfwd: (value) => {
      options.hostfwd = [...(options.hostfwd ?? []), value];
    },
  };
}

/** The suboptions of `socket`, gathered into `ends`. */
function socketSuboptions(ends: { listen?: string; connect?: string }): Suboptions {
  const lacking = (what: string) => (_value: string, where: string) => {
    throw badValue(where, `${what}; join two machines with listen=[HOST]:PORT on one side and connect=HOST:PORT on the other`);
  };
  return {
    listen: (value) => {
      ends.listen = value;
    },
    connect: (value) => {
      ends.connect = value;
    },
    udp: lacking('there are no sockets over UDP here'),
    mcast: lacking('there are no multicast groups here'),
    localaddr: lacking('there are no sockets over UDP here'),
    fd: lacking('no open socket can be handed over'),
  };
}

export const NETDEV_TYPES = ['user', 'socket'] as const;

/** Everything that a network of any type takes, and what becomes of it. `finish` throws RepriseError BAD_VALUE. */
export function netdevSuboptions(): { readonly known: Suboptions; readonly finish: (type: NetdevSpec['kind'], where: string) => NetdevSpec } {
  const user: Mutable<UserNetOptions> = {};
  const ends: { listen?: string; connect?: string } = {};
  const used = { user: '', socket: '' };
  /** Notes which type the suboptions belong to. */
  const noted = (type: NetdevSpec['kind'], suboptions: Suboptions): Suboptions =>
    Object.fromEntries(
      Object.entries(suboptions).map(([key, set]) => [
        key,
        (value: string, where: string) => {
          used[type] ||= key;
          set(value, where);
        },
      ]),
    );
  return {
    known: { ...noted('user', userSuboptions(user)), ...noted('socket', socketSuboptions(ends)) },
    finish: (type, where) => {
      const stray = type === 'user' ? used.socket : used.user;
      if (stray) throw badValue(where, `'${stray}' belongs to a network of type ${type === 'user' ? 'socket' : 'user'}`);
      return type === 'user' ? { kind: 'user', user } : socketSpec(ends, where);
    },
  };
}

function socketSpec({ listen, connect }: { listen?: string; connect?: string }, where: string): NetdevSpec {
  if ((listen === undefined) === (connect === undefined)) throw badValue(where, 'a socket needs one of listen=[HOST]:PORT and connect=HOST:PORT');
  const text = listen ?? connect ?? '';
  const match = /^(?:(\[[^\]]*\]|[^:]*):)?([^:]*)$/.exec(text);
  const host = match?.[1]?.replace(/^\[|\]$/g, '') ?? '';
  if (match === null || (connect !== undefined && host === '')) throw badValue(where, 'expects listen=[HOST]:PORT or connect=HOST:PORT');
  const role = listen === undefined ? 'client' : 'server';
  // Where QEMU's listener without a host is open to the network, ours is to this computer only.
  return { kind: 'socket', role, host: host || 'localhost', port: parseInteger(match[2], `${where}, port`, role === 'client' ? 1 : 0, 65535) };
}
