/** The network options: `-netdev`, `-net`, `-nic`, and `-object filter-replay`, as QEMU has them. */
import { RepriseError } from '../../errors/errors.ts';
import type { UserNetOptions } from '../../net/user/config.ts';
import { readSuboptions, type Suboptions } from './suboptions.ts';
import type { OptionRow } from './table.ts';
import { badValue, parseChoice, parseSwitch } from './values.ts';

/** QEMU's address for the first interface of a machine. */
const DEFAULT_MAC = '525400123456';
const MODEL = 'smc91c111';

/** The board's network interface and what it is connected to. */
export interface NicSpec {
  /** 12 hex digits. */
  readonly mac: string;
  /** Undefined: no cable. */
  readonly netdev: { readonly id: string; readonly user: UserNetOptions; readonly filtered: boolean } | undefined;
}

/** The options while they are gathered. */
export interface NetworkDraft {
  readonly netdevs: Map<string, UserNetOptions>;
  /** The id of the backend that the interface is connected to, if any. */
  nic: { mac: string; netdev: string | undefined } | undefined;
  readonly filters: { readonly id: string; readonly netdev: string }[];
}

export const newNetworkDraft = (): NetworkDraft => ({ netdevs: new Map(), nic: undefined, filters: [] });

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

function addNetdev(draft: NetworkDraft, id: string, user: UserNetOptions, where: string): void {
  if (draft.netdevs.has(id)) throw badValue(where, `there is a network '${id}' already; give each an id of its own`);
  draft.netdevs.set(id, user);
}

function addNic(draft: NetworkDraft, mac: string | undefined, netdev: string | undefined, where: string): void {
  if (draft.nic !== undefined) throw badValue(where, 'the machine has one network interface');
  draft.nic = { mac: mac ?? DEFAULT_MAC, netdev };
}

function parseMac(value: string, where: string): string {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(value)) throw badValue(where, 'a MAC address looks like 52:54:00:12:34:56');
  return value.replaceAll(':', '').toLowerCase();
}

export const NETWORK_OPTIONS: readonly OptionRow<NetworkDraft>[] = [
  {
    names: ['netdev'],
    argument: 'user,id=ID[,…]',
    group: 'Network',
    help: 'a network that this program makes up, with the host at 10.0.2.2 and the world behind it: net=, host=, dhcpstart=, dns=, hostname=, restrict=on|off, hostfwd=tcp|udp:[ADDR]:PORT-[ADDR]:PORT, tftp=FOLDER, bootfile=',
    apply: (draft, value, option) => {
      const user: Mutable<UserNetOptions> = {};
      let id: string | undefined;
      readSuboptions(option, value, 'type', {
        ...userSuboptions(user),
        type: (type, where) => void parseChoice(type, where, ['user']),
        id: (name) => {
          id = name;
        },
      });
      if (!id) throw badValue(`${option} ${value}`, 'a network needs a name: id=net1');
      addNetdev(draft, id, user, `${option} ${value}`);
    },
  },
  {
    names: ['net'],
    argument: 'nic[,netdev=ID][,macaddr=MAC]|none',
    group: 'Network',
    help: "the board's network interface, connected to that network; none (the default) leaves it out",
    apply: (draft, value, option) => {
      let type = 'none';
      let netdev: string | undefined;
      let mac: string | undefined;
      readSuboptions(option, value, 'type', {
        type: (kind, where) => {
          type = parseChoice(kind, where, ['nic', 'none']);
        },
        netdev: (id) => {
          netdev = id;
        },
        macaddr: (text, where) => {
          mac = parseMac(text, where);
        },
        model: (model, where) => void parseChoice(model, where, [MODEL]),
      });
      if (type === 'nic') addNic(draft, mac, netdev, `${option} ${value}`);
    },
  },
  {
    names: ['nic'],
    argument: 'user[,mac=MAC][,…]|none',
    group: 'Network',
    help: 'network interface and network in one option, with the suboptions of -netdev user',
    apply: (draft, value, option) => {
      const user: Mutable<UserNetOptions> = {};
      let type = 'user';
      let id = `nic${draft.netdevs.size}`;
      let mac: string | undefined;
      readSuboptions(option, value, 'type', {
        ...userSuboptions(user),
        type: (kind, where) => {
          type = parseChoice(kind, where, ['user', 'none']);
        },
        id: (name) => {
          id = name;
        },
        mac: (text, where) => {
          mac = parseMac(text, where);
        },
        model: (model, where) => void parseChoice(model, where, [MODEL]),
      });
      if (type === 'none') return;
      addNetdev(draft, id, user, `${option} ${value}`);
      addNic(draft, mac, id, `${option} ${value}`);
    },
  },
  {
    names: ['object'],
    argument: 'filter-replay,id=ID,netdev=ID',
    group: 'Network',
    help: 'records and replays the frames of a network (reprise record adds it by itself)',
    apply: (draft, value, option) => {
      let id: string | undefined;
      let netdev: string | undefined;
      readSuboptions(option, value, 'qom-type', {
        'qom-type': (type, where) => void parseChoice(type, where, ['filter-replay']),
        id: (name) => {
          id = name;
        },
        netdev: (name) => {
          netdev = name;
        },
      });
      if (!id || !netdev) throw badValue(`${option} ${value}`, 'a filter needs a name and a network: filter-replay,id=replay,netdev=net1');
      draft.filters.push({ id, netdev });
    },
  },
];

/** Connects what the options name. @throws RepriseError BAD_VALUE */
export function finishNetwork({ netdevs, nic, filters }: NetworkDraft): NicSpec | undefined {
  for (const { id, netdev } of filters) {
    if (!netdevs.has(netdev)) throw new RepriseError('BAD_VALUE', `filter '${id}': there is no network '${netdev}'; add -netdev user,id=${netdev}`);
    if (filters.some((other) => other.id !== id && other.netdev === netdev)) {
      throw new RepriseError('BAD_VALUE', `network '${netdev}' has two filters; one records and replays all of it`);
    }
  }
  if (nic === undefined) return undefined;
  if (nic.netdev === undefined) return { mac: nic.mac, netdev: undefined };
  const user = netdevs.get(nic.netdev);
  if (user === undefined) throw new RepriseError('BAD_VALUE', `there is no network '${nic.netdev}'; add -netdev user,id=${nic.netdev}`);
  return { mac: nic.mac, netdev: { id: nic.netdev, user, filtered: filters.some(({ netdev }) => netdev === nic.netdev) } };
}

/** Under `rr=` every network needs its filter, as in QEMU. @throws RepriseError USAGE */
export function requireFilter(nic: NicSpec | undefined): void {
  if (nic?.netdev === undefined || nic.netdev.filtered) return;
  const { id } = nic.netdev;
  throw new RepriseError(
    'USAGE',
    `network '${id}' has no filter, so its frames could not be replayed; add -object filter-replay,id=replay,netdev=${id}`,
  );
}
