/** `reprise run`: a machine without a recording. */

import { LOG_ITEMS, type LogItem } from '../../boards/guest-log.ts';
import { RepriseError } from '../../errors/errors.ts';
import type { Consoles } from '../../host/node/consoles.ts';
import { renderHelp } from '../../options/help.ts';
import { finishQemuOptions, newQemuDraft, QEMU_OPTIONS, type QemuDraft, type QemuOptions } from '../../options/qemu.ts';
import { type OptionRow, parseCommandLine } from '../../options/table.ts';
import { runLive } from '../live.ts';
import { answerRequest } from '../requests.ts';
import type { Command } from './command.ts';

export interface LiveDraft extends QemuDraft {
  readonly logItems: Set<LogItem>;
}

export const DEBUG_OPTION: OptionRow<LiveDraft> = {
  names: ['d'],
  argument: 'guest_errors|unimp[,…]',
  group: 'Debugging',
  help: 'tell on standard error, once each, what the guest does that the hardware does not do or the model lacks',
  apply: (draft, value) => {
    for (const item of value.split(',')) {
      const known = LOG_ITEMS.find((candidate) => candidate === item);
      if (known === undefined) throw new RepriseError('BAD_VALUE', `-d ${value}: '${item}' is not known; ${LOG_ITEMS.join(' and ')} are`);
      draft.logItems.add(known);
    }
  },
};

export const newLiveDraft = (): LiveDraft => ({ ...newQemuDraft(), logItems: new Set() });

/** QEMU's options on a line of `run` or `record`; `rr=` has its own commands here. @throws RepriseError */
export function finishLive({ logItems: _l, ...draft }: LiveDraft, words: readonly string[], command: string): QemuOptions {
  const [stray] = words;
  if (stray !== undefined && draft.request === undefined)
    throw new RepriseError('USAGE', `'${stray}' belongs to no option; did you mean -kernel ${stray}?`);
  const qemu = finishQemuOptions(draft);
  if (qemu.rr !== undefined)
    throw new RepriseError(
      'USAGE',
      `rr= belongs to QEMU's command line (reprise-system-arm); here ${command === 'run' ? "use 'reprise record -o FILE'" : '-o names the file'}`,
    );
  return qemu;
}

/** A person at a console wants time to pass as usual; a script wants it over. */
export const sleepOnTerminal = ({ onTerminal }: Consoles): boolean => onTerminal;

const ROWS: readonly OptionRow<LiveDraft>[] = [...QEMU_OPTIONS, DEBUG_OPTION];

export const run: Command = {
  name: 'run',
  usage: 'MACHINE-OPTIONS',
  summary: 'run a machine without recording it',
  help: () => renderHelp(ROWS as readonly OptionRow<never>[]),
  async run(args) {
    const draft = newLiveDraft();
    const words = parseCommandLine(ROWS, args, draft);
    if (draft.request !== undefined) return answerRequest(draft.request, run);
    return runLive({ program: 'reprise run', qemu: finishLive(draft, words, 'run'), sleepByDefault: sleepOnTerminal, logItems: draft.logItems });
  },
};
