/** `reprise export`: what a recording holds, in files that other programs read. */
import { RepriseError } from '../../errors/errors.ts';
import { createOutput } from '../../host/node/output-file.ts';
import { PcapWriter } from '../../net/pcap.ts';
import { finishDrives } from '../../options/drives.ts';
import { renderHelp } from '../../options/help.ts';
import { HELP_OPTIONS, newQemuDraft, type QemuDraft } from '../../options/qemu.ts';
import { FILE_OPTIONS } from '../../options/recorded-files.ts';
import { type OptionRow, parseCommandLine } from '../../options/table.ts';
import { runReplay } from '../replay.ts';
import { answerRequest } from '../requests.ts';
import type { Command } from './command.ts';
import { describe } from './replay.ts';

interface ExportDraft extends QemuDraft {
  pcap: string | undefined;
  force: boolean;
}

const ROWS: readonly OptionRow<ExportDraft>[] = [
  {
    names: ['pcap'],
    argument: 'FILE',
    group: 'Export',
    help: 'all frames on the network of the guest, with guest time, for Wireshark and its kin',
    apply: (draft, value) => {
      draft.pcap = value;
    },
  },
  {
    names: ['force'],
    group: 'Export',
    help: 'replace the file if it exists',
    apply: (draft) => {
      draft.force = true;
    },
  },
  ...FILE_OPTIONS,
  ...HELP_OPTIONS,
];

export const exportCommand: Command = {
  name: 'export',
  usage: 'FILE --pcap OUT [--force]',
  summary: 'write the frames of a recording to a file',
  help: () => renderHelp(ROWS as readonly OptionRow<never>[]),
  async run(args) {
    const draft: ExportDraft = { ...newQemuDraft(), pcap: undefined, force: false };
    const [path, stray] = parseCommandLine(ROWS, args, draft);
    if (draft.request !== undefined) return answerRequest(draft.request, exportCommand);
    if (path === undefined) throw new RepriseError('USAGE', 'which recording? name its file');
    if (stray !== undefined) throw new RepriseError('USAGE', `one recording at a time: '${stray}' is one too many`);
    if (draft.pcap === undefined) throw new RepriseError('USAGE', 'what, and where to? name a file with --pcap');
    const sink = createOutput(draft.pcap, { force: draft.force });
    try {
      const pcap = new PcapWriter(sink);
      let frames = 0;
      const result = await runReplay({
        program: 'reprise export',
        path,
        files: draft,
        drives: finishDrives(draft.drives),
        consoles: { serial: [], monitor: undefined, qmp: [] },
        frame: (bytes, at) => {
          pcap.write(at, bytes);
          frames++;
        },
      });
      sink.sync();
      process.stdout.write(`${draft.pcap}: ${frames} frames; ${describe(result)}`);
      return result.status;
    } finally {
      sink.close();
    }
  },
};
