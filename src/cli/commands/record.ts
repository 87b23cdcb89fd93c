/** `reprise record`: a machine and the log of all that enters it. */
import { RepriseError } from '../../errors/errors.ts';
import { renderHelp } from '../../options/help.ts';
import { QEMU_OPTIONS } from '../../options/qemu.ts';
import { type OptionRow, parseCommandLine } from '../../options/table.ts';
import { runLive } from '../live.ts';
import { answerRequest } from '../requests.ts';
import type { Embedding } from '../start-recording.ts';
import type { Command } from './command.ts';
import { DEBUG_OPTION, finishLive, type LiveDraft, newLiveDraft, sleepOnTerminal } from './run.ts';

interface RecordDraft extends LiveDraft {
  output: string | undefined;
  force: boolean;
  embed: Embedding;
  storeCheckpoints: boolean;
}

const ROWS: readonly OptionRow<RecordDraft>[] = [
  {
    names: ['o', 'output'],
    argument: 'FILE',
    group: 'Recording',
    help: 'the recording to write',
    apply: (draft, value) => {
      draft.output = value;
    },
  },
  {
    names: ['force'],
    group: 'Recording',
    help: 'replace the file if it exists',
    apply: (draft) => {
      draft.force = true;
    },
  },
  {
    names: ['embed'],
    group: 'Recording',
    help: 'put the used parts of every disk into the recording, however large; without it disks with up to 64 MiB in use are embedded, and kernel, initrd, device tree and firmware in any case',
    apply: (draft) => {
      draft.embed = 'all';
    },
  },
  {
    names: ['no-embed'],
    group: 'Recording',
    help: 'leave kernel, initrd, device tree, firmware and disks out of the recording; a replay then needs the files, and checks that they are the same',
    apply: (draft) => {
      draft.embed = 'none';
    },
  },
  {
    names: ['store-checkpoints'],
    group: 'Recording',
    help: 'put checkpoints into the recording, so that whoever opens it can go to any moment at once',
    apply: (draft) => {
      draft.storeCheckpoints = true;
    },
  },
  ...QEMU_OPTIONS,
  DEBUG_OPTION,
];

export const record: Command = {
  name: 'record',
  usage: '-o FILE [--force] [--embed|--no-embed] MACHINE-OPTIONS',
  summary: 'run a machine and record it',
  help: () => renderHelp(ROWS as readonly OptionRow<never>[]),
  async run(args) {
    const draft: RecordDraft = { ...newLiveDraft(), output: undefined, force: false, embed: 'small', storeCheckpoints: false };
    const words = parseCommandLine(ROWS, args, draft);
    if (draft.request !== undefined) return answerRequest(draft.request, record);
    const { output, force, embed, storeCheckpoints, ...live } = draft;
    if (output === undefined) throw new RepriseError('USAGE', 'where to? name the recording with -o FILE');
    const qemu = finishLive(live, words, 'record');
    return runLive({
      program: 'reprise record',
      qemu,
      sleepByDefault: sleepOnTerminal,
      record: { path: output, force, embed, storeCheckpoints },
      logItems: draft.logItems,
    });
  },
};
