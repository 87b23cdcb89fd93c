/** The network options: `-netdev`, `-net`, `-nic`, and the filters of `-object`, as QEMU has them. */
import { RepriseError } from '../errors/errors.ts';
import { DEFAULT_LIMIT } from '../net/pcap.ts';
import { NETDEV_TYPES, type NetdevSpec, netdevSuboptions } from './netdev.ts';
import { readSuboptions } from './suboptions.ts';
import type { OptionRow } from './table.ts';
import { badValue, parseChoice, parseInteger } from './values.ts';

/** QEMU's address for the first interface of a machine. */
const DEFAULT_MAC = '525400123456';
export const NIC_MODEL = 'smc91c111';

/** A file that the frames of a network are written to. */
export interface DumpSpec {
  readonly id: string;
  readonly file: string;
  /** Bytes of a frame that are kept. */
  readonly maxlen: number;
}

/** The board's network interface and what it is connected to. */
export interface NicSpec {
  /** 12 hex digits. */
  readonly mac: string;
  /** Undefined: no cable. */
  readonly netdev: { readonly id: string; readonly backend: NetdevSpec; readonly filtered: boolean; readonly dumps: readonly DumpSpec[] } | undefined;
}

type FilterDraft = { readonly id: string; readonly netdev: string; readonly dump: DumpSpec | undefined };

/** The options while they are gathered. */
export interface NetworkDraft {
  readonly netdevs: Map<string, NetdevSpec>;
  /** The id of the backend that the interface is connected to, if any. */
  nic: { mac: string; netdev: string | undefined } | undefined;
  readonly filters: FilterDraft[];
  /** The models of interfaces are asked for, instead of a run. */
  modelHelp: boolean;
}

export const newNetworkDraft = (): NetworkDraft => ({ netdevs: new Map(), nic: undefined, filters: [], modelHelp: false });

function addNetdev(draft: NetworkDraft, id: string, spec: NetdevSpec, where: string): void {
  if (draft.netdevs.has(id)) throw badValue(where, `there is a network '${id}' already; give each an id of its own`);
  draft.netdevs.set(id, spec);
}

function addNic(draft: NetworkDraft, mac: string | undefined, netdev: string | undefined, where: string): void {
  if (draft.nic !== undefined) throw badValue(where, 'the machine has one network interface');
  draft.nic = { mac: mac ?? DEFAULT_MAC, netdev };
}

function parseMac(value: string, where: string): string {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(value)) throw badValue(where, 'a MAC address looks like 52:54:00:12:34:56');
  return value.replaceAll(':', '').toLowerCase();
}

const readModel =
  (draft: NetworkDraft) =>
  (model: string, where: string): void => {
    if (model === 'help' || model === '?') draft.modelHelp = true;
    else parseChoice(model, where, [NIC_MODEL]);
  };

export const NETWORK_OPTIONS: readonly OptionRow<NetworkDraft>[] = [
  {
    names: ['netdev'],
    argument: 'user|socket,id=ID[,…]',
    group: 'Network',
    help: 'user: a network that this program makes up, with the host at 10.0.2.2 and the world behind it: net=, host=, dhcpstart=, dns=, hostname=, restrict=on|off, hostfwd=tcp|udp:[ADDR]:PORT-[ADDR]:PORT, tftp=FOLDER, bootfile=; socket: a cable to another machine, of this program or of QEMU: listen=[HOST]:PORT on one side, connect=HOST:PORT on the other',
    apply: (draft, value, option) => {
      const where = `${option} ${value}`;
      const { known, finish } = netdevSuboptions();
      let type = undefined as NetdevSpec['kind'] | undefined;
      let id: string | undefined;
      readSuboptions(option, value, 'type', {
        ...known,
        type: (kind, at) => {
          type = parseChoice(kind, at, NETDEV_TYPES);
        },
        id: (name) => {
          id = name;
        },
      });
      if (type === undefined) throw badValue(where, `the type is missing: ${option} user,id=net1`);
      if (!id) throw badValue(where, 'a network needs a name: id=net1');
      addNetdev(draft, id, finish(type, where), where);
    },
  },
  {
    names: ['net'],
    argument: 'nic[,netdev=ID][,macaddr=MAC][,model=smc91c111]|none',
    group: 'Network',
    help: "the board's network interface, connected to that network; none (the default) leaves it out",
    apply: (draft, value, option) => {
      const where = `${option} ${value}`;
      const [legacy] = value.split(',', 1);
      if (legacy === 'user' || legacy === 'socket') {
        throw badValue(
          where,
          `there are no hubs to connect a network to; write -nic ${value}, or -netdev ${legacy},id=net1 with -net nic,netdev=net1`,
        );
      }
      let type = undefined as 'nic' | 'none' | undefined;
      let netdev: string | undefined;
      let mac: string | undefined;
      readSuboptions(option, value, 'type', {
        type: (kind, at) => {
          type = parseChoice(kind, at, ['nic', 'none'] as const);
        },
        netdev: (id) => {
          netdev = id;
        },
        macaddr: (text, at) => {
          mac = parseMac(text, at);
        },
        model: readModel(draft),
        // A name for the monitor only.
        name: () => {},
      });
      if (type === undefined) throw badValue(where, 'expects nic or none');
      if (type === 'nic' && !draft.modelHelp) addNic(draft, mac, netdev, where);
    },
  },
  {
    names: ['nic'],
    argument: 'user[,mac=MAC][,…]|socket[,mac=MAC],…|none',
    group: 'Network',
    help: 'network interface and network in one option, with the suboptions of -netdev',
    apply: (draft, value, option) => {
      const where = `${option} ${value}`;
      const { known, finish } = netdevSuboptions();
      let type = 'user' as NetdevSpec['kind'] | 'none';
      let id = `nic${draft.netdevs.size}`;
      let mac: string | undefined;
      readSuboptions(option, value, 'type', {
        ...known,
        type: (kind, at) => {
          type = parseChoice(kind, at, [...NETDEV_TYPES, 'none'] as const);
        },
        id: (name) => {
          id = name;
        },
        mac: (text, at) => {
          mac = parseMac(text, at);
        },
        model: readModel(draft),
      });
      if (type === 'none' || draft.modelHelp) return;
      addNetdev(draft, id, finish(type, where), where);
      addNic(draft, mac, id, where);
    },
  },
  {
    names: ['object'],
    argument: 'filter-replay|filter-dump,id=ID,netdev=ID[,…]',
    group: 'Network',
    help: 'filter-replay records and replays the frames of a network (reprise record adds it by itself); filter-dump writes them to a pcap file: file=FILE, maxlen=BYTES of each',
    apply: (draft, value, option) => {
      const where = `${option} ${value}`;
      let type = undefined as 'filter-replay' | 'filter-dump' | undefined;
      let id: string | undefined;
      let netdev: string | undefined;
      let file: string | undefined;
      let maxlen: number | undefined;
      readSuboptions(option, value, 'qom-type', {
        'qom-type': (kind, at) => {
          type = parseChoice(kind, at, ['filter-replay', 'filter-dump'] as const);
        },
        id: (name) => {
          id = name;
        },
        netdev: (name) => {
          netdev = name;
        },
        file: (path) => {
          file = path;
        },
        maxlen: (text, at) => {
          maxlen = parseInteger(text, at, 1, 2 ** 32 - 1);
        },
      });
      if (!id || !netdev) throw badValue(where, `a filter needs a name and a network: ${type ?? 'filter-replay'},id=filter1,netdev=net1`);
      if (type === 'filter-dump') {
        if (!file) throw badValue(where, 'a dump needs a file: file=FILE');
        draft.filters.push({ id, netdev, dump: { id, file, maxlen: maxlen ?? DEFAULT_LIMIT } });
      } else if (file !== undefined || maxlen !== undefined) throw badValue(where, 'file and maxlen belong to filter-dump');
      else draft.filters.push({ id, netdev, dump: undefined });
    },
  },
];

/** Connects what the options name. @throws RepriseError BAD_VALUE */
export function finishNetwork({ netdevs, nic, filters }: NetworkDraft): NicSpec | undefined {
  filters.forEach(({ id, netdev, dump }, index) => {
    const others = filters.slice(index + 1);
    if (!netdevs.has(netdev)) throw new RepriseError('BAD_VALUE', `filter '${id}': there is no network '${netdev}'; add -netdev user,id=${netdev}`);
    if (others.some((other) => other.netdev === netdev && dump === undefined && other.dump === undefined)) {
      throw new RepriseError('BAD_VALUE', `network '${netdev}' has two filters of type filter-replay; one records and replays all of it`);
    }
    if (others.some((other) => other.id === id)) throw new RepriseError('BAD_VALUE', `there are two filters '${id}'; give each an id of its own`);
  });
  if (nic === undefined) return undefined;
  if (nic.netdev === undefined) return { mac: nic.mac, netdev: undefined };
  const backend = netdevs.get(nic.netdev);
  if (backend === undefined) throw new RepriseError('BAD_VALUE', `there is no network '${nic.netdev}'; add -netdev user,id=${nic.netdev}`);
  const own = filters.filter(({ netdev }) => netdev === nic.netdev);
  return {
    mac: nic.mac,
    netdev: {
      id: nic.netdev,
      backend,
      filtered: own.some(({ dump }) => dump === undefined),
      dumps: own.flatMap(({ dump }) => dump ?? []),
    },
  };
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
