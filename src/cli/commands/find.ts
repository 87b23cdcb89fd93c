/** `reprise find`: every moment at which something happened. */
import type { Inquiry } from '../../api/inquiry.ts';
import { parseAddress } from '../../debug/addresses.ts';
import { momentJson, momentText, textEnds } from '../../debug/find.ts';
import { parseFrameFilter } from '../../debug/frame-filter.ts';
import type { Names } from '../../debug/names.ts';
import type { TimeMachine } from '../../debug/time-machine.ts';
import type { Moment } from '../../debug/witnessed.ts';
import { RepriseError } from '../../errors/errors.ts';
import { renderHelp } from '../../options/help.ts';
import type { OptionRow } from '../../options/table.ts';
import { parseInteger } from '../../options/values.ts';
import { ASK_ROWS, type AskDraft, answerQuestion, newAskDraft, parseQuestion, readNames } from '../ask.ts';
import { answerRequest } from '../requests.ts';
import type { Command } from './command.ts';

/** Something to look for. @throws RepriseError BAD_VALUE, NO_SUCH_SYMBOL */
type Search = (names: Names | undefined, port: number) => (inquiry: Inquiry, run: TimeMachine) => AsyncGenerator<Moment, void>;

interface FindDraft extends AskDraft {
  readonly searches: { readonly option: string; readonly value: string; readonly search: Search }[];
  port: number;
}

const searchRow = (name: string, argument: string, help: string, search: (value: string) => Search): OptionRow<FindDraft> => ({
  names: [name],
  argument,
  group: 'Question',
  help,
  apply: (draft, value, option) => void draft.searches.push({ option, value, search: search(value) }),
});

const ROWS: readonly OptionRow<FindDraft>[] = [
  searchRow('pc', 'ADDRESS', 'each execution of the instruction at this virtual address', (value) => (names) => {
    const address = parseAddress(value, names);
    return (inquiry, { start, end }) => inquiry.answers({ kind: 'executions', address }, start, end);
  }),
  searchRow('exec', 'SYMBOL', 'each time this function is entered (needs --symbols)', (value) => (names) => {
    if (names === undefined) throw new RepriseError('USAGE', `--exec ${value} needs the symbols: --symbols System.map or ELF`);
    const address = names.symbols.address(value);
    return (inquiry, { start, end }) => inquiry.answers({ kind: 'executions', address }, start, end);
  }),
  searchRow('serial', 'TEXT', 'each time the guest has sent this text on its serial port', (value) => (_, port) => {
    const text = Buffer.from(value);
    if (text.length === 0) throw new RepriseError('BAD_VALUE', '--serial: the text is empty');
    return (inquiry, { start, end }) => textEnds(inquiry.answers({ kind: 'serial', port }, start, end), text);
  }),
  searchRow(
    'frame',
    'FILTER',
    "each frame sent or received that matches, such as 'tcp port 80 and host 10.0.2.2' (a part of pcap-filter(7))",
    (value) => () => {
      parseFrameFilter(value);
      return (inquiry, { start, end }) => inquiry.answers({ kind: 'frames', filter: value }, start, end);
    },
  ),
  {
    names: ['port'],
    argument: 'N',
    group: 'Question',
    help: 'the serial port for --serial: 0 (the default) or 1',
    apply: (draft, value, option) => {
      draft.port = parseInteger(value, option, 0, 1);
    },
  },
  ...ASK_ROWS,
];

export const find: Command = {
  name: 'find',
  usage: 'FILE --pc ADDRESS|--exec SYMBOL|--serial TEXT|--frame FILTER',
  summary: 'tell every moment at which something happened',
  help: () => renderHelp(ROWS as readonly OptionRow<never>[]),
  async run(args) {
    const draft: FindDraft = { ...newAskDraft(), searches: [], port: 0 };
    const [path] = parseQuestion(ROWS, args, draft, 1);
    if (draft.request !== undefined) return answerRequest(draft.request, find);
    const [wanted, another] = draft.searches;
    if (wanted === undefined) throw new RepriseError('USAGE', 'find what? say --pc, --exec, --serial or --frame');
    if (another !== undefined) throw new RepriseError('USAGE', `one thing at a time: ${another.option} is one too many`);
    const search = wanted.search(readNames(draft.symbols), draft.port);
    return answerQuestion({
      command: 'find',
      path,
      draft,
      async *ask(inquiry, { time }) {
        for await (const moment of search(inquiry, time)) yield { text: momentText(moment), json: momentJson(moment) };
      },
      nothing: `it never happened: ${wanted.option} ${wanted.value}`,
    });
  },
};
