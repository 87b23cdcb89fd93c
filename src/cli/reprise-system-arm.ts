#!/usr/bin/env node
/** `reprise-system-arm`: QEMU's command line as it is, `-icount …,rr=record|replay,rrfile=FILE` included. */
import { RepriseError } from '../errors/errors.ts';
import { describe } from './commands/replay.ts';
import { DEBUG_OPTION, type LiveDraft, newLiveDraft } from './commands/run.ts';
import { runMain } from './exit.ts';
import { runLive } from './live.ts';
import { renderHelp } from './options/help.ts';
import { requireFilter } from './options/network.ts';
import { finishQemuOptions, QEMU_OPTIONS } from './options/qemu.ts';
import { type OptionRow, parseCommandLine } from './options/table.ts';
import { runReplay } from './replay.ts';
import { answerRequest } from './requests.ts';

const PROGRAM = 'reprise-system-arm';
const ROWS: readonly OptionRow<LiveDraft>[] = [...QEMU_OPTIONS, DEBUG_OPTION];

await runMain(PROGRAM, async () => {
  const draft = newLiveDraft();
  const [stray] = parseCommandLine(ROWS, process.argv.slice(2), draft);
  if (draft.request !== undefined)
    return answerRequest(draft.request, { name: PROGRAM, usage: 'OPTIONS', help: () => renderHelp(ROWS as readonly OptionRow<never>[]) });
  if (stray !== undefined) throw new RepriseError('USAGE', `'${stray}' belongs to no option; did you mean -kernel ${stray}?`);
  const { logGuest, ...plain } = draft;
  const qemu = finishQemuOptions(plain);
  if (qemu.rr !== undefined) requireFilter(qemu.nic);
  if (qemu.rr?.mode === 'replay') {
    const result = await runReplay({ program: PROGRAM, path: qemu.rr.file, files: qemu, accel: qemu.accel, consoles: qemu.consoles, expected: qemu });
    process.stderr.write(`${PROGRAM}: ${describe(result)}`);
    return result.status;
  }
  // QEMU replaces the file of an earlier recording, and lets virtual time wait for real time.
  const record = qemu.rr && { path: qemu.rr.file, force: true, embed: true };
  return runLive({ program: PROGRAM, qemu, sleepByDefault: () => true, record, logGuest });
});
