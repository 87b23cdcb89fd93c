/** What the questions to a recording have in common: options, symbols, progress, Ctrl-C, and how answers are written. */
import { once } from 'node:events';
import { Inquiry } from '../api/inquiry.ts';
import { CHECKPOINT_MEMORY, type OpenedReplay, openReplay } from '../api/open-replay.ts';
import { Names } from '../debug/names.ts';
import { RepriseError } from '../errors/errors.ts';
import { NodeClock } from '../host/node/clock.ts';
import { readInput } from '../host/node/files.ts';
import { openProgress, type ProgressLine } from '../host/node/progress.ts';
import { type EndingSignal, exitStatus, onEndingSignal } from '../host/node/signals.ts';
import { truncationNotice } from '../opening/open-recording.ts';
import { finishDrives } from '../options/drives.ts';
import { ENGINE_OPTIONS, HELP_OPTIONS, newQemuDraft, type QemuDraft } from '../options/qemu.ts';
import { DISKS, FILE_OPTIONS } from '../options/recorded-files.ts';
import { type OptionRow, parseCommandLine } from '../options/table.ts';
import { parseInteger, parseSize } from '../options/values.ts';
import { EXIT } from './exit.ts';

export interface AskDraft extends QemuDraft {
  symbols: string | undefined;
  json: boolean;
  checkpointMemory: number;
  jobs: number;
}

/** Each has a machine of its own. */
const MAX_JOBS = 64;

/** Options of every question. */
export const ASK_ROWS: readonly OptionRow<AskDraft>[] = [
  {
    names: ['symbols'],
    argument: 'FILE',
    group: 'Names and output',
    help: 'names of addresses: an ELF file with symbols, and lines if it has any, or a System.map; gzip is unpacked',
    apply: (draft, value) => {
      draft.symbols = value;
    },
  },
  {
    names: ['json'],
    group: 'Names and output',
    help: 'print each answer as JSON, one to a line',
    apply: (draft) => {
      draft.json = true;
    },
  },
  {
    names: ['checkpoint-memory'],
    argument: 'SIZE',
    group: 'Speed',
    help: 'memory for the checkpoints that are used to go back (default 512M)',
    apply: (draft, value, option) => {
      draft.checkpointMemory = parseSize(value, `${option} ${value}`, 'M');
    },
  },
  {
    names: ['jobs'],
    argument: 'N',
    group: 'Speed',
    help: 'replay so many parts of a long trace, or between stored checkpoints, side by side (default 1; quicker for traces)',
    apply: (draft, value, option) => {
      draft.jobs = parseInteger(value, option, 1, MAX_JOBS);
    },
  },
  ...ENGINE_OPTIONS,
  ...FILE_OPTIONS,
  ...DISKS,
  ...HELP_OPTIONS,
];

export const newAskDraft = (): AskDraft => ({
  ...newQemuDraft(),
  symbols: undefined,
  json: false,
  checkpointMemory: CHECKPOINT_MEMORY,
  jobs: 1,
});

/** The recording's file, and other words. @throws RepriseError UNKNOWN_OPTION, USAGE */
export function parseQuestion<Draft extends AskDraft>(
  rows: readonly OptionRow<Draft>[],
  args: readonly string[],
  draft: Draft,
  words: number,
): string[] {
  const found = parseCommandLine(rows, args, draft);
  if (draft.request !== undefined) return found;
  if (found.length === 0) throw new RepriseError('USAGE', 'which recording? name its file');
  if (found.length > words) throw new RepriseError('USAGE', `'${found[words]}' is one word too many`);
  return found;
}

/** A file with symbols. @throws RepriseError FILE_NOT_FOUND, FILE_UNREADABLE, BAD_SYMBOLS */
export const readNames = (path: string | undefined): Names | undefined => (path === undefined ? undefined : new Names(readInput(path, 'symbols')));

export interface Answer {
  readonly text: string;
  readonly json: object;
}

export interface CommandQuestion {
  readonly command: string;
  /** Of the recording. */
  readonly path: string;
  readonly draft: AskDraft;
  /** It is answered from the end backwards. */
  readonly backwards?: boolean;
  /** Yields the answers. */
  ask(inquiry: Inquiry, replay: OpenedReplay): AsyncGenerator<Answer, void>;
  /** What a person is told when there is none. */
  readonly nothing: string;
}

/**
 * Puts a question to a recording and writes the answers to standard output as they come.
 * @returns the exit status: done, or `nothing` without an answer
 */
export async function answerQuestion({ command, path, draft, backwards = false, ask, nothing }: CommandQuestion): Promise<number> {
  const say = (text: string): void => void process.stderr.write(`reprise ${command}: ${text}\n`);
  let signal: EndingSignal | undefined;
  let replay: OpenedReplay | undefined;
  let inquiry: Inquiry | undefined;
  const stop = (): void => {
    inquiry?.close();
    replay?.session.quit();
  };
  const stopListening = onEndingSignal((received) => {
    signal = received;
    stop();
  });
  // Whoever reads the answers has seen enough.
  let readerGone = false;
  process.stdout.on('error', () => {
    readerGone = true;
    stop();
  });
  const over = (): boolean => signal !== undefined || readerGone;
  let progress: ProgressLine | undefined;
  let answers = 0;
  try {
    const { kernel, initrd, dtb, bios } = draft;
    replay = await openReplay(path, {
      files: { kernel, initrd, dtb, bios },
      drives: finishDrives(draft.drives),
      accel: draft.accel,
      checkpointMemory: draft.checkpointMemory,
      forwardOnly: !backwards,
      onProgress: (icount, guestTime) => progress?.update(icount, guestTime),
    });
    inquiry = new Inquiry(replay, draft.jobs);
    const notice = truncationNotice(replay.file);
    if (notice !== undefined) say(notice);
    progress = openProgress(new NodeClock(), process.stdout.isTTY, replay.time.end);
    for await (const { text, json } of ask(inquiry, replay)) {
      if (over()) break;
      answers++;
      if (!process.stdout.write(`${draft.json ? JSON.stringify(json) : text}\n`) && !over()) await once(process.stdout, 'drain').catch(() => {});
    }
  } catch (error) {
    if (!over()) throw error;
  } finally {
    progress?.close();
    await replay?.close();
    stopListening();
  }
  if (signal !== undefined) return exitStatus(signal);
  if (answers === 0 && !readerGone) say(nothing);
  return answers === 0 ? EXIT.nothing : EXIT.done;
}
