/** `reprise last-write`: who wrote there last, and what. */
import { parseStretch } from '../../debug/addresses.ts';
import { writeJson, writeText } from '../../debug/last-write.ts';
import { RepriseError } from '../../errors/errors.ts';
import { renderHelp } from '../../options/help.ts';
import type { OptionRow } from '../../options/table.ts';
import { parseInteger } from '../../options/values.ts';
import { type Icount, icount } from '../../time/units.ts';
import { ASK_ROWS, type AskDraft, answerQuestion, newAskDraft, parseQuestion, readNames } from '../ask.ts';
import { answerRequest } from '../requests.ts';
import type { Command } from './command.ts';

interface LastWriteDraft extends AskDraft {
  before: Icount | undefined;
  physical: boolean;
}

/** A word, as most variables are. */
const DEFAULT_LENGTH = 4;

const ROWS: readonly OptionRow<LastWriteDraft>[] = [
  {
    names: ['before'],
    argument: 'ICOUNT',
    group: 'Question',
    help: 'the last write before this instruction, instead of before the end',
    apply: (draft, value, option) => {
      draft.before = icount(parseInteger(value, option, 0, Number.MAX_SAFE_INTEGER));
    },
  },
  {
    names: ['physical'],
    group: 'Question',
    help: 'the address is one of the bus, not of the running program',
    apply: (draft) => {
      draft.physical = true;
    },
  },
  ...ASK_ROWS,
];

export const lastWriteCommand: Command = {
  name: 'last-write',
  usage: 'FILE ADDRESS[:LENGTH] [--before ICOUNT]',
  summary: 'tell which instruction last wrote to an address',
  help: () => renderHelp(ROWS as readonly OptionRow<never>[]),
  async run(args) {
    const draft: LastWriteDraft = { ...newAskDraft(), before: undefined, physical: false };
    const [path, place] = parseQuestion(ROWS, args, draft, 2);
    if (draft.request !== undefined) return answerRequest(draft.request, lastWriteCommand);
    if (place === undefined) throw new RepriseError('USAGE', 'written where? name an address, such as 0xc0008000, or a symbol');
    const names = readNames(draft.symbols);
    const stretch = { space: draft.physical ? 'physical' : 'virtual', ...parseStretch(place, names, DEFAULT_LENGTH) } as const;
    return answerQuestion({
      command: 'last-write',
      path,
      draft,
      backwards: true,
      async *ask(inquiry, { time }) {
        const { before = time.end } = draft;
        if (before < time.start || before > time.end)
          throw new RepriseError('BAD_VALUE', `--before ${before}: the recording goes from instruction ${time.start} to ${time.end}`);
        for await (const write of inquiry.answers({ kind: 'writes', stretch }, time.start, before)) {
          yield { text: writeText(write, names), json: writeJson(write, names) };
          return;
        }
      },
      nothing: `no instruction wrote to ${place}${draft.before === undefined ? '' : ` before ${draft.before}`}`,
    });
  },
};
