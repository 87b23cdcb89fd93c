/** `info`: what there is to know about the machine and its run. */
import { snapshotTable } from '../../block/snapshot-list.ts';
import type { DiskSummary, SessionControl } from '../../session/control.ts';
import { ArgumentError } from '../arguments.ts';
import type { Command, MonitorContext } from '../command.ts';
import { deviceTree, memoryTree } from '../machine-trees.ts';
import { registerDump } from '../registers.ts';

export interface Topic {
  readonly name: string;
  readonly help: string;
  show(context: MonitorContext): Promise<string> | string;
}

function statusText(session: SessionControl): string {
  const state = session.runState();
  if (state === 'running') return 'VM status: running';
  return `VM status: paused${state === 'paused' ? '' : ` (${state})`}`;
}

function replayText({ mode, recordingName, machine }: SessionControl): string {
  if (mode === 'run') return 'Record/replay is not active';
  return `${mode === 'record' ? 'Recording' : 'Replaying'} execution '${recordingName}': instruction count = ${machine.icount()}`;
}

function diskText({ device, medium }: DiskSummary): string {
  if (medium === undefined) return `${device}: [not inserted]\n    Removable device: not locked, tray closed`;
  const { file, format, readOnly, backing, temporary } = medium;
  const lines = [
    `${device}: ${file} (${[format, ...(readOnly ? ['read-only'] : []), ...(temporary ? ['temporary'] : [])].join(', ')})`,
    '    Removable device: not locked, tray closed',
    '    Cache mode:       writeback',
  ];
  if (backing.length > 0) lines.push(`    Backing file:     ${backing[0]} (chain depth: ${backing.length})`);
  return lines.join('\n');
}

async function snapshotsText({ session, host }: MonitorContext): Promise<string> {
  const snapshots = await session.snapshots.list();
  if (snapshots.length === 0) return 'There is no snapshot available.';
  return snapshotTable('List of snapshots present on all disks:', snapshots, (seconds) => host.localDate(seconds));
}

/** What the compiler's statistics count. */
const JIT_LINES: Readonly<Record<string, string>> = {
  regions: 'regions translated',
  modules: 'WebAssembly modules compiled',
  functions: 'functions in them',
  bytes: 'bytes in them',
  waited: 'milliseconds that the guest waited for all this',
  live: 'functions in use',
  dropped: 'functions dropped again',
  instructions: 'instructions executed in compiled code',
  interpreted: 'instructions that compiled code left to the interpreter',
  entered: 'times that compiled code was entered, and left because',
  missing: '- what came next is not compiled',
  look: '- an interrupt was due, or the CPU halted',
  budget: '- the instructions of a slice were used up',
};

function jitText({ machine }: SessionControl): string {
  const statistics = machine.cpu.jitStatistics();
  if (statistics === undefined) return 'All code is interpreted (-accel interp).';
  const width = Math.max(...Object.keys(JIT_LINES).map((name) => name.length));
  const share = (100 * (statistics.instructions ?? 0)) / Math.max(1, machine.icount());
  const lines = Object.entries(JIT_LINES).map(
    ([name, what]) => `${name.padEnd(width)} ${String(Math.round(statistics[name] ?? 0)).padStart(10)}  ${what}`,
  );
  return [...lines, `${share.toFixed(1)} % of all instructions were executed in compiled code`].join('\n');
}

export const TOPICS: readonly Topic[] = [
  { name: 'block', help: 'show the disks', show: ({ session }) => session.surroundings.disks.map(diskText).join('\n\n') },
  { name: 'chardev', help: 'show the character devices', show: ({ session }) => session.surroundings.characterDevices.join('\n') },
  { name: 'jit', help: 'show what the compiler has done', show: ({ session }) => session.between(() => jitText(session)) },
  { name: 'mtree', help: 'show memory tree', show: ({ session }) => memoryTree(session.machine.addressSpace) },
  { name: 'network', help: 'show the network state', show: ({ session }) => session.surroundings.network.join('\n') },
  {
    name: 'qtree',
    help: 'show device tree, with the state of each device',
    show: ({ session }) => session.between(() => deviceTree(session.machine)),
  },
  {
    name: 'registers',
    help: "show the CPU's registers, and the rest of its state",
    show: ({ session }) =>
      session.between(() => `\nCPU#0\n${session.machine.cpu.inspector.registers()}\n\n${registerDump(session.machine.cpu.state)}`),
  },
  { name: 'replay', help: 'show record/replay information', show: ({ session }) => session.between(() => replayText(session)) },
  { name: 'snapshots', help: 'show the currently saved VM snapshots', show: snapshotsText },
  { name: 'status', help: 'show the current VM status (running|paused)', show: ({ session }) => statusText(session) },
  { name: 'version', help: 'show the version of Reprise', show: ({ host }) => host.version },
];

export const topicLine = ({ name, help }: Topic): string => `info ${name}  -- ${help}`;

export const INFO: Command = {
  names: ['info'],
  parameters: '[subcommand]',
  help: 'show various information about the system state',
  complete: () => TOPICS.map(({ name }) => name),
  run: (context, args) => {
    const name = args.optionalWord();
    args.end();
    if (name === undefined) return TOPICS.map(topicLine).join('\n');
    const topic = TOPICS.find((candidate) => candidate.name === name);
    if (topic === undefined) throw new ArgumentError(`unknown command: 'info ${name}'`);
    return topic.show(context);
  },
};
