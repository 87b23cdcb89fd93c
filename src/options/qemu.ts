/**
 * QEMU's options, in QEMU's spelling and with QEMU's meaning, as far as this machine has a use for them.
 */
import { RepriseError } from '../errors/errors.ts';
import type { SocketSpec } from '../host/node/char-socket.ts';
import type { CharSpec, ConsoleSpec, SerialSpec } from '../host/node/char-spec.ts';
import { checkConsoles, gdbAt, parseGdb, parseMonitor, parseSerial } from './char-spec.ts';
import { DRIVE_OPTIONS, type DriveSpec, type DrivesDraft, finishDrives, newDrivesDraft } from './drives.ts';
import { suggestion } from './nearest.ts';
import { finishNetwork, NETWORK_OPTIONS, type NetworkDraft, type NicSpec, newNetworkDraft } from './network.ts';
import { readSuboptions } from './suboptions.ts';
import { type OptionRow, parseCommandLine } from './table.ts';
import { badValue, parseChoice, parseDate, parseInteger, parseSeed, parseSize, parseSwitch } from './values.ts';

const MIB = 2 ** 20;
const MACHINES = ['integratorcp'] as const;
const CPUS = ['arm926'] as const;
const SERIAL_PORTS = 2;
/** QEMU's. */
export const GDB_PORT = 1234;
const MONITOR_BACKENDS = 'stdio, none, tcp:HOST:PORT[,server][,nowait], unix:PATH[,server][,nowait]';
const ACCELERATORS = ['interp', 'jit'] as const;

export const MIN_RAM_MIB = 16;
export const MAX_RAM_MIB = 256;

/** The moment that the guest's real-time clock starts from; a date is in seconds since 1970. */
export type RtcBase = 'utc' | 'localtime' | number;

/** What was asked for instead of a run. */
export type HelpRequest = 'help' | 'version' | 'machines' | 'cpus' | 'nics';

/** QEMU's options of one command line; undefined where nothing was said. */
export interface QemuOptions {
  readonly request: HelpRequest | undefined;
  readonly machine: (typeof MACHINES)[number] | undefined;
  readonly cpu: (typeof CPUS)[number] | undefined;
  readonly ramBytes: number | undefined;
  readonly kernel: string | undefined;
  readonly dtb: string | undefined;
  readonly initrd: string | undefined;
  readonly bios: string | undefined;
  readonly append: string | undefined;
  readonly nic: NicSpec | undefined;
  /** The disks that the machine has. */
  readonly drives: readonly DriveSpec[];
  /** With QEMU's defaults filled in. */
  readonly consoles: ConsoleSpec;
  readonly noReboot: boolean;
  /** The machine waits for `cont` before its first instruction. */
  readonly startStopped: boolean;
  /** Where a debugger may connect. */
  readonly gdb: SocketSpec | undefined;
  /** A replay stands at its end instead of being over. */
  readonly noShutdown: boolean;
  readonly icountShift: number | undefined;
  readonly icountSleep: boolean | undefined;
  /** Name of the initial snapshot of a recording; of the snapshot that a replay begins with. */
  readonly rrSnapshot: string | undefined;
  /** The snapshot that the run begins with. */
  readonly loadvm: string | undefined;
  readonly rr: { readonly mode: 'record' | 'replay'; readonly file: string } | undefined;
  readonly rtcBase: RtcBase | undefined;
  /** 16 hex digits. */
  readonly seed: string | undefined;
  readonly accel: (typeof ACCELERATORS)[number] | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The options while they are gathered. */
export interface QemuDraft extends Mutable<Omit<QemuOptions, 'consoles' | 'rr' | 'nic' | 'drives'>> {
  readonly network: NetworkDraft;
  readonly drives: DrivesDraft;
  /** Undefined until a `-serial` says something; then QEMU adds nothing of its own. */
  serial: SerialSpec[] | undefined;
  /** Undefined until a `-monitor` says something. */
  monitor: { readonly backend: CharSpec | undefined } | undefined;
  readonly qmp: CharSpec[];
  nographic: boolean;
  nodefaults: boolean;
  rrMode: 'record' | 'replay' | undefined;
  rrFile: string | undefined;
}

export function newQemuDraft(): QemuDraft {
  return {
    network: newNetworkDraft(),
    drives: newDrivesDraft(),
    request: undefined,
    machine: undefined,
    cpu: undefined,
    ramBytes: undefined,
    kernel: undefined,
    dtb: undefined,
    initrd: undefined,
    bios: undefined,
    append: undefined,
    serial: undefined,
    monitor: undefined,
    qmp: [],
    nographic: false,
    nodefaults: false,
    noReboot: false,
    startStopped: false,
    gdb: undefined,
    noShutdown: false,
    icountShift: undefined,
    icountSleep: undefined,
    rrMode: undefined,
    rrFile: undefined,
    rrSnapshot: undefined,
    loadvm: undefined,
    rtcBase: undefined,
    seed: undefined,
    accel: undefined,
  };
}

type Row = OptionRow<QemuDraft>;

/** The guest and what it runs; a recording holds all of them. */
export const MACHINE_OPTIONS: readonly Row[] = [
  {
    names: ['machine', 'M'],
    argument: '[type=]NAME',
    group: 'Machine',
    help: `the computer to emulate: ${MACHINES.join(', ')}`,
    apply: (draft, value, option) =>
      readSuboptions(option, value, 'type', {
        type: (name) => {
          if (isHelp(name)) draft.request ??= 'machines';
          else draft.machine = known(name, 'machine', MACHINES);
        },
      }),
  },
  {
    names: ['cpu'],
    argument: 'NAME',
    group: 'Machine',
    help: `its processor: ${CPUS.join(', ')}`,
    apply: (draft, value, option) =>
      readSuboptions(option, value, 'model', {
        model: (name) => {
          if (isHelp(name)) draft.request ??= 'cpus';
          else draft.cpu = known(name, 'CPU', CPUS);
        },
      }),
  },
  {
    names: ['m'],
    argument: '[size=]N[M|G|K]',
    group: 'Machine',
    help: `RAM, ${MIN_RAM_MIB} to ${MAX_RAM_MIB} MiB (default 128 MiB; without a unit N counts MiB)`,
    apply: (draft, value, option) =>
      readSuboptions(option, value, 'size', { size: (size) => (draft.ramBytes = parseRam(size, `${option} ${value}`)) }),
  },
  {
    names: ['icount'],
    argument: '[shift=]N[,sleep=on|off][,rr=record|replay,rrfile=F[,rrsnapshot=NAME]]',
    group: 'Machine',
    help: 'virtual time: an instruction takes 2^N nanoseconds, N from 0 to 10 (default 3); with sleep=on an idle guest waits as long as its clock says, with sleep=off no longer than needed; rr records the run into a file, or replays it; rrsnapshot names its initial snapshot (default replay_init)',
    apply: (draft, value, option) =>
      readSuboptions(option, value, 'shift', {
        shift: (shift, where) => {
          if (shift === 'auto')
            throw badValue(where, 'the speed would depend on the host, and no run would be like another; give a number from 0 to 10');
          draft.icountShift = parseInteger(shift, where, 0, 10);
        },
        sleep: (state, where) => (draft.icountSleep = parseSwitch(state, where)),
        rr: (mode, where) => (draft.rrMode = parseChoice(mode, where, ['record', 'replay'] as const)),
        rrfile: (file) => (draft.rrFile = file),
        rrsnapshot: (name) => (draft.rrSnapshot = name),
      }),
  },
  {
    names: ['rtc'],
    argument: '[base=utc|localtime|DATE]',
    group: 'Machine',
    help: "what the guest's real-time clock shows at the start: the time of day now (utc, the default, or localtime), or a date such as 2006-06-17T16:01:21 or 2006-06-17",
    apply: (draft, value, option) =>
      readSuboptions(option, value, undefined, {
        base: (base, where) => (draft.rtcBase = base === 'utc' || base === 'localtime' ? base : parseDate(base, where)),
        clock: (clock, where) => {
          if (clock !== 'vm') throw badValue(where, "the guest's clock follows virtual time, or no run would be like another: clock=vm");
        },
      }),
  },
  {
    names: ['seed'],
    argument: 'N',
    group: 'Machine',
    help: 'start of all random numbers that the guest can see',
    apply: (draft, value, option) => (draft.seed = parseSeed(value, `${option} ${value}`)),
  },
  {
    names: ['no-reboot'],
    group: 'Machine',
    help: 'end the run when the guest resets',
    apply: (draft) => (draft.noReboot = true),
  },
  path('kernel', 'FILE', 'kernel: zImage, Image, uImage or ELF', (draft, value) => (draft.kernel = value)),
  path('dtb', 'FILE', 'device tree for the kernel', (draft, value) => (draft.dtb = value)),
  path('initrd', 'FILE', 'initial RAM disk for the kernel', (draft, value) => (draft.initrd = value)),
  path('append', 'TEXT', 'command line for the kernel', (draft, value) => (draft.append = value)),
  path('bios', 'FILE', 'raw image to start at the reset vector', (draft, value) => (draft.bios = value)),
];

/** Where the consoles lead; of no concern to the guest. */
export const CONSOLE_OPTIONS: readonly Row[] = [
  {
    names: ['serial'],
    argument: 'BACKEND',
    group: 'Console',
    help: `backend of a serial port, up to ${SERIAL_PORTS} times: stdio, mon:stdio (with the monitor), null, none, file:PATH, tcp:HOST:PORT[,server][,nowait], unix:PATH[,server][,nowait]`,
    apply: (draft, value, option) => {
      draft.serial ??= [];
      if (draft.serial.length === SERIAL_PORTS) throw badValue(`${option} ${value}`, `the machine has ${SERIAL_PORTS} serial ports`);
      draft.serial.push(parseSerial(value, option));
    },
  },
  {
    names: ['monitor'],
    argument: 'BACKEND',
    group: 'Console',
    help: `where the monitor listens for commands: ${MONITOR_BACKENDS}`,
    apply: (draft, value, option) => (draft.monitor = { backend: parseMonitor(value, option) }),
  },
  {
    names: ['qmp'],
    argument: 'BACKEND',
    group: 'Console',
    help: `where programs control the machine in QMP, QEMU's protocol for them; several times: ${MONITOR_BACKENDS}`,
    apply: (draft, value, option) => {
      const backend = parseMonitor(value, option);
      if (backend !== undefined) draft.qmp.push(backend);
    },
  },
  {
    names: ['nographic'],
    group: 'Console',
    help: 'serial port and monitor share standard input and output: Ctrl-A c switches, Ctrl-A x quits',
    apply: (draft) => (draft.nographic = true),
  },
  {
    names: ['display'],
    argument: 'none',
    group: 'Console',
    help: 'no window (there is none in any case; screendump in the monitor takes a picture)',
    apply: (_draft, value, option) => {
      if (value !== 'none')
        throw badValue(`${option} ${value}`, "there is no window; use 'none', and screendump in the monitor for a picture of the screen");
    },
  },
  {
    names: ['nodefaults'],
    group: 'Console',
    help: 'nothing on the serial ports and no monitor but what the other options name',
    apply: (draft) => (draft.nodefaults = true),
  },
];

export const LOADVM: Row = {
  names: ['loadvm'],
  argument: 'NAME',
  group: 'Machine',
  help: 'begin with this snapshot instead of switching the machine on',
  apply: (draft, value) => (draft.loadvm = value),
};

export const GDB_OPTIONS: readonly Row[] = [
  {
    names: ['gdb'],
    argument: 'tcp:[HOST]:PORT|unix:PATH',
    group: 'Debugging',
    help: 'where gdb or lldb can connect (this computer only, unless HOST says otherwise)',
    apply: (draft, value, option) => (draft.gdb = parseGdb(value, option)),
  },
  {
    names: ['s'],
    group: 'Debugging',
    help: 'the same as -gdb tcp::1234',
    apply: (draft) => (draft.gdb = gdbAt(GDB_PORT)),
  },
];

const NO_SHUTDOWN: Row = {
  names: ['no-shutdown'],
  group: 'Machine',
  help: 'a replay (rr=replay) stands at its end, for going back, until someone quits',
  apply: (draft) => (draft.noShutdown = true),
};

export const START_STOPPED: Row = {
  names: ['S'],
  group: 'Console',
  help: "do not start the machine before 'cont' is said in a monitor",
  apply: (draft) => (draft.startStopped = true),
};

/** How guest code is executed; of no concern to the guest. */
export const ENGINE_OPTIONS: readonly Row[] = [
  {
    names: ['accel'],
    argument: 'interp|jit',
    group: 'Speed',
    help: 'jit (the default) compiles code that is executed often to WebAssembly, interp interprets all of it; every recording replays with either',
    apply: (draft, value, option) =>
      readSuboptions(option, value, 'accel', { accel: (accel, where) => (draft.accel = parseChoice(accel, where, ACCELERATORS)) }),
  },
];

const NETWORK_ROWS: readonly Row[] = NETWORK_OPTIONS.map((row) => ({
  ...row,
  apply: (draft, value, option) => {
    row.apply(draft.network, value, option);
    if (draft.network.modelHelp) draft.request ??= 'nics';
  },
}));

export const DRIVE_ROWS: readonly Row[] = DRIVE_OPTIONS.map((row) => ({
  ...row,
  apply: (draft, value, option) => row.apply(draft.drives, value, option),
}));

/** Accepted because QEMU's users write them, and true of this machine anyway. */
export const NEUTRAL_OPTIONS: readonly Row[] = [
  { names: ['name'], argument: 'TEXT', group: 'Accepted without effect', help: 'a name for the guest', apply: () => {} },
];

export const HELP_OPTIONS: readonly Row[] = [
  { names: ['help', 'h'], group: 'Help', help: 'this text', final: true, apply: (draft) => (draft.request = 'help') },
  { names: ['version'], group: 'Help', help: 'the version', final: true, apply: (draft) => (draft.request = 'version') },
];

/** Everything that QEMU's command line can have here. */
export const QEMU_OPTIONS: readonly Row[] = [
  ...MACHINE_OPTIONS,
  ...ENGINE_OPTIONS,
  ...DRIVE_ROWS,
  ...NETWORK_ROWS,
  ...CONSOLE_OPTIONS,
  START_STOPPED,
  LOADVM,
  NO_SHUTDOWN,
  ...GDB_OPTIONS,
  ...NEUTRAL_OPTIONS,
  ...HELP_OPTIONS,
];

/** A whole command line of QEMU, without the program's name. @throws RepriseError */
export function parseQemuOptions(args: readonly string[]): QemuOptions {
  const draft = newQemuDraft();
  const words = parseCommandLine(QEMU_OPTIONS, args, draft);
  const stray = words[0];
  if (stray !== undefined && draft.request === undefined) {
    throw new RepriseError(
      'USAGE',
      `'${stray}' belongs to no option, and the machine has no hard disk that it could be an image of; did you mean -kernel ${stray}, or -sd ${stray}?`,
    );
  }
  return finishQemuOptions(draft);
}

/** Checks what only the whole line can tell, and fills in QEMU's defaults for the consoles. @throws RepriseError */
export function finishQemuOptions(draft: QemuDraft): QemuOptions {
  const { serial: _s, monitor: _m, qmp: _q, nographic: _n, nodefaults: _d, network, drives, rrMode, rrFile, ...plain } = draft;
  if (draft.request !== undefined)
    return { ...plain, nic: undefined, drives: [], rr: undefined, consoles: { serial: [], monitor: undefined, qmp: [] } };
  for (const option of ['append', 'initrd', 'dtb'] as const) {
    if (draft[option] !== undefined && draft.kernel === undefined) throw new RepriseError('USAGE', `-${option} is for a kernel; add -kernel FILE`);
  }
  if (rrMode !== undefined && !rrFile) throw new RepriseError('USAGE', `-icount rr=${rrMode} needs a file: add rrfile=FILE`);
  if (rrMode === undefined && rrFile !== undefined)
    throw new RepriseError('USAGE', '-icount rrfile needs to know what for: add rr=record or rr=replay');
  return {
    ...plain,
    nic: finishNetwork(network),
    drives: finishDrives(drives),
    consoles: checkConsoles(withDefaults(draft)),
    rr: rrMode === undefined || rrFile === undefined ? undefined : { mode: rrMode, file: rrFile },
  };
}

/** QEMU's own choice for a port or monitor that the line says nothing about. */
function withDefaults(draft: QemuDraft): ConsoleSpec {
  const serial = draft.serial ?? [];
  const monitor = draft.monitor?.backend;
  const { qmp } = draft;
  if (!draft.nographic || draft.nodefaults) return { serial, monitor, qmp };
  const wantsSerial = draft.serial === undefined;
  const wantsMonitor = draft.monitor === undefined && !serial.some((port) => port.monitor);
  if (wantsSerial && wantsMonitor) return { serial: [{ backend: { kind: 'stdio' }, monitor: true }], monitor, qmp };
  return {
    serial: wantsSerial ? [{ backend: { kind: 'stdio' }, monitor: false }] : serial,
    monitor: wantsMonitor ? { kind: 'stdio' } : monitor,
    qmp,
  };
}

function path(name: string, argument: string, help: string, set: (draft: QemuDraft, value: string) => void): Row {
  return { names: [name], argument, group: 'Software', help, apply: set };
}

function parseRam(value: string, where: string): number {
  const bytes = parseSize(value, where, 'M');
  if (bytes < MIN_RAM_MIB * MIB || bytes > MAX_RAM_MIB * MIB || bytes % MIB !== 0) {
    throw badValue(where, `the machine takes ${MIN_RAM_MIB} to ${MAX_RAM_MIB} MiB of RAM, in whole MiB`);
  }
  return bytes;
}

function known<T extends string>(name: string, what: string, all: readonly T[]): T {
  const found = all.find((one) => one === name);
  if (found === undefined) throw new RepriseError('UNKNOWN_MACHINE', `unknown ${what} '${name}'${suggestion(name, all)} (known: ${all.join(', ')})`);
  return found;
}

function isHelp(name: string): boolean {
  return name === 'help' || name === '?';
}
