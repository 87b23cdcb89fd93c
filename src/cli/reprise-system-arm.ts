#!/usr/bin/env node
/** `reprise-system-arm`: QEMU's command line as it is, `-icount …,rr=record|replay,rrfile=FILE` included. */
import { RepriseError } from '../errors/errors.ts';
import { requireBlkreplay } from '../options/drives.ts';
import { renderHelp } from '../options/help.ts';
import { requireFilter } from '../options/network.ts';
import { finishQemuOptions, QEMU_OPTIONS } from '../options/qemu.ts';
import { type OptionRow, parseCommandLine } from '../options/table.ts';
import { describe } from './commands/replay.ts';
import { DEBUG_OPTION, type LiveDraft, newLiveDraft } from './commands/run.ts';
import { Dumps } from './dumps.ts';
import { runMain } from './exit.ts';
import { runLive } from './live.ts';
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
  const { logItems, ...plain } = draft;
  const qemu = finishQemuOptions(plain);
  if (qemu.rr !== undefined) {
    requireFilter(qemu.nic);
    requireBlkreplay(qemu.drives);
  }
  if (qemu.rr?.mode === 'replay') {
    const dumps = new Dumps(qemu.nic, (text) => void process.stderr.write(`${PROGRAM}: ${text}\n`));
    try {
      const result = await runReplay({
        program: PROGRAM,
        path: qemu.rr.file,
        files: qemu,
        accel: qemu.accel,
        drives: qemu.drives,
        consoles: qemu.consoles,
        expected: qemu,
        loadvm: qemu.loadvm ?? qemu.rrSnapshot,
        startHeld: qemu.startStopped,
        stayAtEnd: qemu.noShutdown || qemu.gdb !== undefined,
        gdb: qemu.gdb,
        frame: dumps.frame,
      });
      process.stderr.write(`${PROGRAM}: ${describe(result)}`);
      return result.status;
    } finally {
      dumps.close();
    }
  }
  // QEMU replaces the file of an earlier recording, and lets virtual time wait for real time.
  const record = qemu.rr && { path: qemu.rr.file, force: true, embed: 'small' as const };
  return runLive({ program: PROGRAM, qemu, sleepByDefault: () => true, record, logItems });
});
