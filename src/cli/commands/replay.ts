/** `reprise replay` and `reprise verify`. */
import { CHECKPOINT_MEMORY } from '../../api/open-replay.ts';
import { RepriseError } from '../../errors/errors.ts';
import { checkConsoles, gdbAt } from '../../options/char-spec.ts';
import { finishDrives } from '../../options/drives.ts';
import { renderHelp } from '../../options/help.ts';
import { CONSOLE_OPTIONS, ENGINE_OPTIONS, GDB_PORT, HELP_OPTIONS, LOADVM, newQemuDraft, type QemuDraft, START_STOPPED } from '../../options/qemu.ts';
import { DISKS, FILE_OPTIONS } from '../../options/recorded-files.ts';
import { type OptionRow, parseCommandLine } from '../../options/table.ts';
import { parseInteger, parseSize } from '../../options/values.ts';
import type { Moment } from '../../session/replay-session.ts';
import { EXIT } from '../exit.ts';
import { lockstep } from '../lockstep.ts';
import { parseMoment, type ReplayResult, runReplay } from '../replay.ts';
import { answerRequest } from '../requests.ts';
import type { Command } from './command.ts';

interface ReplayDraft extends QemuDraft {
  to: Moment | undefined;
  checkpointMemory: number;
  storeCheckpoints: boolean;
  json: boolean;
  lockstep: number | undefined;
}

const TO: OptionRow<ReplayDraft> = {
  names: ['to'],
  argument: 'ICOUNT|TIME',
  group: 'Replay',
  help: 'stop exactly before this instruction, or at this guest time (such as 2.5s, 300ms), instead of at the end',
  apply: (draft, value, option) => {
    draft.to = parseMoment(value, option);
  },
};
const CHECKPOINTS: OptionRow<ReplayDraft> = {
  names: ['checkpoint-memory'],
  argument: 'SIZE',
  group: 'Replay',
  help: 'memory for the checkpoints that make any moment reachable at once, where a monitor or debugger is attached (default 512M)',
  apply: (draft, value, option) => {
    draft.checkpointMemory = parseSize(value, `${option} ${value}`, 'M');
  },
};
const STORE_CHECKPOINTS: OptionRow<ReplayDraft> = {
  names: ['store-checkpoints'],
  group: 'Replay',
  help: 'add checkpoints to the recording, behind its end, so that whoever opens it can go to any moment at once; the replay then goes straight on, without a monitor or debugger',
  apply: (draft) => {
    draft.storeCheckpoints = true;
  },
};
const GDB: OptionRow<ReplayDraft> = {
  names: ['gdb'],
  argument: '[PORT]',
  optional: /^\d+$/,
  group: 'Debugging',
  help: `wait for gdb or lldb at this port of this computer (default ${GDB_PORT}), before the first instruction; they can go forwards and backwards`,
  apply: (draft, value, option) => {
    draft.gdb = gdbAt(value === '' ? GDB_PORT : parseInteger(value, `${option} ${value}`, 0, 65_535));
    draft.startStopped = true;
  },
};
const JSON_OUTPUT: OptionRow<ReplayDraft> = {
  names: ['json'],
  group: 'Replay',
  help: 'print the result as JSON',
  apply: (draft) => {
    draft.json = true;
  },
};
const LOCKSTEP: OptionRow<ReplayDraft> = {
  names: ['lockstep'],
  argument: 'N',
  group: 'Debugging',
  help: 'run compiled code beside the interpreter and compare the machines every N instructions (1000 is a good choice; blocks longer than N are not run compiled)',
  apply: (draft, value, option) => {
    draft.lockstep = parseInteger(value, option, 1, 1_000_000_000);
  },
};
const CONSOLES = CONSOLE_OPTIONS.filter(({ names: [name] }) => ['serial', 'monitor', 'qmp'].includes(name));
const DISPLAY = CONSOLE_OPTIONS.filter(({ names: [name] }) => name === 'display' || name === 'nographic');

function parse(rows: readonly OptionRow<ReplayDraft>[], args: readonly string[]): { draft: ReplayDraft; path: string } {
  const draft: ReplayDraft = {
    ...newQemuDraft(),
    to: undefined,
    checkpointMemory: CHECKPOINT_MEMORY,
    storeCheckpoints: false,
    json: false,
    lockstep: undefined,
  };
  const [path, stray] = parseCommandLine(rows, args, draft);
  if (draft.request !== undefined) return { draft, path: '' };
  if (path === undefined) throw new RepriseError('USAGE', 'which recording? name its file');
  if (stray !== undefined) throw new RepriseError('USAGE', `one recording at a time: '${stray}' is one too many`);
  return { draft, path };
}

/** What a person is told of a replay. */
export function describe({ stop, icount, digest, truncated }: ReplayResult): string {
  if (stop === 'forked') return `forked; the new recording ends at instruction ${icount}\n`;
  const where =
    stop === 'limit'
      ? 'stopped before'
      : stop === 'interrupted'
        ? 'interrupted at'
        : truncated
          ? 'replayed to the last recorded moment,'
          : 'replayed to the end,';
  return `${where} instruction ${icount}; ${digest === undefined ? 'nothing to compare on the way' : `the same as recorded (digest ${digest})`}\n`;
}

const REPLAY_ROWS: readonly OptionRow<ReplayDraft>[] = [
  TO,
  LOADVM,
  CHECKPOINTS,
  STORE_CHECKPOINTS,
  GDB,
  ...CONSOLES,
  START_STOPPED,
  ...DISPLAY,
  ...ENGINE_OPTIONS,
  ...FILE_OPTIONS,
  ...DISKS,
  ...HELP_OPTIONS,
];

export const replay: Command = {
  name: 'replay',
  usage: 'FILE [--to ICOUNT|TIME] [-serial BACKEND] [-monitor BACKEND]',
  summary: 'play a recording back, checking it all the way',
  help: () => renderHelp(REPLAY_ROWS as readonly OptionRow<never>[]),
  async run(args) {
    const { draft, path } = parse(REPLAY_ROWS, args);
    if (draft.request !== undefined) return answerRequest(draft.request, replay);
    const serial = draft.serial ?? [{ backend: { kind: 'stdio' as const }, monitor: false }];
    const result = await runReplay({
      program: 'reprise replay',
      path,
      files: draft,
      accel: draft.accel,
      drives: finishDrives(draft.drives),
      consoles: checkConsoles({ serial, monitor: draft.monitor?.backend, qmp: draft.qmp }),
      to: draft.to,
      loadvm: draft.loadvm,
      startHeld: draft.startStopped,
      gdb: draft.gdb,
      stayAtEnd: draft.monitor?.backend !== undefined || draft.qmp.length > 0 || serial.some(({ monitor }) => monitor) || draft.gdb !== undefined,
      checkpointMemory: draft.checkpointMemory,
      storeCheckpoints: draft.storeCheckpoints,
    });
    process.stderr.write(`reprise replay: ${describe(result)}`);
    return result.status;
  },
};

const VERIFY_ROWS: readonly OptionRow<ReplayDraft>[] = [
  JSON_OUTPUT,
  STORE_CHECKPOINTS,
  LOCKSTEP,
  ...ENGINE_OPTIONS,
  ...FILE_OPTIONS,
  ...DISKS,
  ...HELP_OPTIONS,
];

export const verify: Command = {
  name: 'verify',
  usage: 'FILE [--json] [--lockstep N]',
  summary: 'replay a recording silently and say whether it is the recorded run',
  help: () => renderHelp(VERIFY_ROWS as readonly OptionRow<never>[]),
  async run(args) {
    const { draft, path } = parse(VERIFY_ROWS, args);
    if (draft.request !== undefined) return answerRequest(draft.request, verify);
    if (draft.lockstep !== undefined) {
      const same = await lockstep(path, draft, finishDrives(draft.drives), draft.lockstep);
      process.stdout.write(`${path}: interpreter and compiled code are in the same state all the way to instruction ${same}\n`);
      return EXIT.done;
    }
    const result = await runReplay({
      program: 'reprise verify',
      path,
      files: draft,
      accel: draft.accel,
      drives: finishDrives(draft.drives),
      consoles: { serial: [], monitor: undefined, qmp: [] },
      storeCheckpoints: draft.storeCheckpoints,
    });
    if (draft.json) {
      const { icount, digest, truncated } = result;
      process.stdout.write(
        `${JSON.stringify({ verified: result.status === EXIT.done, truncated, final: { icount, digest: digest ?? null } }, null, 2)}\n`,
      );
    } else process.stdout.write(`${path}: ${describe(result)}`);
    return result.status;
  },
};
