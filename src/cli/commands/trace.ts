/** `reprise trace`: what the machine did, instruction by instruction. */
import { countAt } from '../../debug/count-at.ts';
import { traceJson, traceText } from '../../debug/trace.ts';
import type { WitnessedRun } from '../../debug/witnessed.ts';
import { RepriseError } from '../../errors/errors.ts';
import { renderHelp } from '../../options/help.ts';
import type { OptionRow } from '../../options/table.ts';
import type { Moment } from '../../session/replay-session.ts';
import type { Icount } from '../../time/units.ts';
import { ASK_ROWS, type AskDraft, answerQuestion, newAskDraft, parseQuestion, readNames } from '../ask.ts';
import { parseMoment } from '../replay.ts';
import { answerRequest } from '../requests.ts';
import type { Command } from './command.ts';

interface TraceDraft extends AskDraft {
  from: Moment | undefined;
  to: Moment | undefined;
}

const ROWS: readonly OptionRow<TraceDraft>[] = [
  {
    names: ['from'],
    argument: 'ICOUNT|TIME',
    group: 'Question',
    help: 'the first instruction, or the guest time (such as 2.5s, 300ms) from which on',
    apply: (draft, value, option) => {
      draft.from = parseMoment(value, option);
    },
  },
  {
    names: ['to'],
    argument: 'ICOUNT|TIME',
    group: 'Question',
    help: 'where it ends; that instruction is not shown any more',
    apply: (draft, value, option) => {
      draft.to = parseMoment(value, option);
    },
  },
  ...ASK_ROWS,
];

/** The count at which a moment is reached. @throws RepriseError BAD_VALUE outside of the recording */
async function countOf(moment: Moment, run: WitnessedRun, option: string): Promise<Icount> {
  if ('icount' in moment) {
    if (moment.icount < run.start || moment.icount > run.end)
      throw new RepriseError('BAD_VALUE', `${option} ${moment.icount}: the recording goes from instruction ${run.start} to ${run.end}`);
    return moment.icount;
  }
  return countAt(run, moment.time);
}

export const traceCommand: Command = {
  name: 'trace',
  usage: 'FILE --from ICOUNT|TIME --to ICOUNT|TIME',
  summary: 'print the instructions of a part of the run',
  help: () => renderHelp(ROWS as readonly OptionRow<never>[]),
  async run(args) {
    const draft: TraceDraft = { ...newAskDraft(), from: undefined, to: undefined };
    const [path] = parseQuestion(ROWS, args, draft, 1);
    if (draft.request !== undefined) return answerRequest(draft.request, traceCommand);
    const { from, to } = draft;
    if (from === undefined || to === undefined) throw new RepriseError('USAGE', 'which part of the run? say --from and --to');
    const names = readNames(draft.symbols);
    return answerQuestion({
      command: 'trace',
      path,
      draft,
      async *ask(inquiry, { time }) {
        const [first, last] = [await countOf(from, time, '--from'), await countOf(to, time, '--to')];
        for await (const entry of inquiry.answers({ kind: 'trace' }, first, last))
          yield { text: traceText(entry, names), json: traceJson(entry, names) };
      },
      nothing: 'there is no instruction in that part',
    });
  },
};
