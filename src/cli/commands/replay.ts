/** `reprise replay` and `reprise verify`. */
import { RepriseError } from '../../errors/errors.ts';
import type { Icount } from '../../time/units.ts';
import { EXIT } from '../exit.ts';
import { lockstep } from '../lockstep.ts';
import { renderHelp } from '../options/help.ts';
import { CONSOLE_OPTIONS, ENGINE_OPTIONS, HELP_OPTIONS, MACHINE_OPTIONS, newQemuDraft, type QemuDraft } from '../options/qemu.ts';
import { type OptionRow, parseCommandLine } from '../options/table.ts';
import { parseInteger } from '../options/values.ts';
import { parseIcount, type ReplayResult, runReplay } from '../replay.ts';
import { answerRequest } from '../requests.ts';
import type { Command } from './command.ts';

interface ReplayDraft extends QemuDraft {
  to: Icount | undefined;
  json: boolean;
  lockstep: number | undefined;
}

const TO: OptionRow<ReplayDraft> = {
  names: ['to'],
  argument: 'ICOUNT',
  group: 'Replay',
  help: 'stop exactly before this instruction instead of at the end',
  apply: (draft, value, option) => {
    draft.to = parseIcount(value, option);
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
/** Where a recording does not contain its inputs. */
export const FILE_OPTIONS: readonly OptionRow<QemuDraft>[] = MACHINE_OPTIONS.filter(({ names: [name] }) =>
  ['kernel', 'initrd', 'dtb', 'bios'].includes(name),
).map((row) => ({
  ...row,
  group: 'Files',
  help: `the recorded ${row.names[0]}, where the recording does not contain it`,
}));
const SERIAL = CONSOLE_OPTIONS.filter(({ names: [name] }) => name === 'serial');
const DISPLAY = CONSOLE_OPTIONS.filter(({ names: [name] }) => name === 'display' || name === 'nographic');

function parse(rows: readonly OptionRow<ReplayDraft>[], args: readonly string[]): { draft: ReplayDraft; path: string } {
  const draft: ReplayDraft = { ...newQemuDraft(), to: undefined, json: false, lockstep: undefined };
  const [path, stray] = parseCommandLine(rows, args, draft);
  if (draft.request !== undefined) return { draft, path: '' };
  if (path === undefined) throw new RepriseError('USAGE', 'which recording? name its file');
  if (stray !== undefined) throw new RepriseError('USAGE', `one recording at a time: '${stray}' is one too many`);
  return { draft, path };
}

/** What a person is told of a replay. */
export function describe({ stop, icount, digest, truncated }: ReplayResult): string {
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

const REPLAY_ROWS: readonly OptionRow<ReplayDraft>[] = [TO, ...SERIAL, ...DISPLAY, ...ENGINE_OPTIONS, ...FILE_OPTIONS, ...HELP_OPTIONS];

export const replay: Command = {
  name: 'replay',
  usage: 'FILE [--to ICOUNT] [-serial BACKEND]',
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
      consoles: { serial, monitor: undefined },
      to: draft.to,
    });
    process.stderr.write(`reprise replay: ${describe(result)}`);
    return result.status;
  },
};

const VERIFY_ROWS: readonly OptionRow<ReplayDraft>[] = [JSON_OUTPUT, LOCKSTEP, ...ENGINE_OPTIONS, ...FILE_OPTIONS, ...HELP_OPTIONS];

export const verify: Command = {
  name: 'verify',
  usage: 'FILE [--json] [--lockstep N]',
  summary: 'replay a recording silently and say whether it is the recorded run',
  help: () => renderHelp(VERIFY_ROWS as readonly OptionRow<never>[]),
  async run(args) {
    const { draft, path } = parse(VERIFY_ROWS, args);
    if (draft.request !== undefined) return answerRequest(draft.request, verify);
    if (draft.lockstep !== undefined) {
      const same = await lockstep(path, draft, draft.lockstep);
      process.stdout.write(`${path}: interpreter and compiled code are in the same state all the way to instruction ${same}\n`);
      return EXIT.done;
    }
    const result = await runReplay({
      program: 'reprise verify',
      path,
      files: draft,
      accel: draft.accel,
      consoles: { serial: [], monitor: undefined },
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
