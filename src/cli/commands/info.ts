/** `reprise info`: what a recording is and holds, without replaying it. */
import { SECTOR_BYTES } from '../../bus/disk.ts';
import { RepriseError } from '../../errors/errors.ts';
import { openRecording } from '../../opening/open-recording.ts';
import { renderHelp } from '../../options/help.ts';
import { HELP_OPTIONS, newQemuDraft, type QemuDraft } from '../../options/qemu.ts';
import { type OptionRow, parseCommandLine } from '../../options/table.ts';
import type { Recording } from '../../replay/reader.ts';
import { EXIT } from '../exit.ts';
import { answerRequest } from '../requests.ts';
import type { Command } from './command.ts';

interface InfoDraft extends QemuDraft {
  json: boolean;
}

const ROWS: readonly OptionRow<InfoDraft>[] = [
  {
    names: ['json'],
    group: 'Output',
    help: 'print everything as JSON',
    apply: (draft) => {
      draft.json = true;
    },
  },
  ...HELP_OPTIONS,
];

/** What `info --json` prints. */
function summary(path: string, { header, log, end, reached, sizes, snapshots, checkpoints }: Recording): object {
  const events: Record<string, number> = {};
  let digests = 0;
  for (const record of log) {
    if (record.kind === 'digest') digests++;
    else if (record.kind === 'event') events[record.event.input.kind] = (events[record.event.input.kind] ?? 0) + 1;
  }
  const at = end?.digest ?? reached;
  const { options, inputs, disks, start, components, engineVersion, digestInterval } = header;
  return {
    file: path,
    engineVersion,
    truncated: end === undefined,
    end: end?.reason ?? null,
    final: { icount: at.icount, guestSeconds: (at.icount * 2 ** options.icountShift + at.bias) / 1e9, digest: end?.digest.chain ?? null },
    machine: options,
    inputs,
    disks: disks.map((disk, n) => ({ ...disk, sizeBytes: options.disks[n].sectors * SECTOR_BYTES })),
    start: { snapshot: start.snapshot, kept: start.kept, icount: start.position.icount },
    snapshots: snapshots.map(({ name, icount, bytes, date, vmClockNs }) => ({ name, icount, bytes, date, vmClockNs })),
    events,
    digests,
    digestInterval,
    components: components.map(({ name }) => name),
    checkpoints: { count: checkpoints.list.length, bytes: checkpoints.bytes },
    bytes: sizes,
  };
}

function text(
  path: string,
  { header, end, reached, sizes, snapshots, checkpoints }: Recording,
  events: Record<string, number>,
  digests: number,
): string {
  const { options, inputs, disks, start, engineVersion, digestInterval } = header;
  const at = end?.digest ?? reached;
  const seconds = ((at.icount * 2 ** options.icountShift + at.bias) / 1e9).toFixed(3);
  const count = Object.entries(events)
    .map(([kind, n]) => `${n} ${kind}`)
    .join(', ');
  const lines: [string, string][] = [
    ['recording', `${path}, ${sizes.file} bytes (${sizes.log} of them log), made by Reprise ${engineVersion}`],
    [
      'machine',
      `${options.machine}, ${options.cpu}, ${options.ramBytes / 2 ** 20} MiB, icount shift ${options.icountShift}, clock from ${new Date(options.rtcBase * 1000).toISOString()}`,
    ],
    ...(options.append === '' ? [] : [['append', options.append] as [string, string]]),
    ...inputs.map(
      ({ role, name, size, sha256, embedded }) =>
        [role, `${name}, ${size} bytes, sha256 ${sha256.slice(0, 16)}…, ${embedded ? 'embedded' : 'not embedded'}`] as [string, string],
    ),
    ...disks.map(
      ({ device, name, content, embedded, overlay }, n) =>
        [
          device,
          `${name}, ${options.disks[n].sectors * SECTOR_BYTES} bytes, content ${content.slice(0, 16)}…, ${embedded ? 'embedded' : 'not embedded'}${overlay === '' ? '' : `, written to ${overlay}`}`,
        ] as [string, string],
    ),
    [
      'start',
      start.kept === 'power-on' ? `power-on, snapshot '${start.snapshot}'` : `instruction ${start.position.icount}, snapshot '${start.snapshot}'`,
    ],
    ...snapshots.map(({ name, icount, bytes }) => ['snapshot', `'${name}' at instruction ${icount}, ${bytes} bytes`] as [string, string]),
    ['events', count === '' ? 'none' : count],
    ['digests', `${digests}, one every ${digestInterval} instructions`],
    ['checkpoints', checkpoints.list.length === 0 ? 'none' : `${checkpoints.list.length}, ${checkpoints.bytes} bytes`],
    ['length', `${at.icount} instructions, ${seconds} s of guest time`],
    [
      'end',
      end === undefined
        ? `TRUNCATED: the recorder died, or its disk was full; replays up to instruction ${reached.icount}`
        : `${end.reason}, digest ${end.digest.chain}`,
    ],
  ];
  return lines.map(([name, value]) => `${name.padEnd(11)} ${value}\n`).join('');
}

export const info: Command = {
  name: 'info',
  usage: 'FILE [--json]',
  summary: 'tell what a recording holds',
  help: () => renderHelp(ROWS as readonly OptionRow<never>[]),
  async run(args) {
    const draft: InfoDraft = { ...newQemuDraft(), json: false };
    const [path, stray] = parseCommandLine(ROWS, args, draft);
    if (draft.request !== undefined) return answerRequest(draft.request, info);
    if (path === undefined) throw new RepriseError('USAGE', 'which recording? name its file');
    if (stray !== undefined) throw new RepriseError('USAGE', `one recording at a time: '${stray}' is one too many`);
    const opened = await openRecording(path);
    try {
      const all = summary(path, opened.recording) as { events: Record<string, number>; digests: number };
      process.stdout.write(draft.json ? `${JSON.stringify(all, null, 2)}\n` : text(path, opened.recording, all.events, all.digests));
    } finally {
      opened.close();
    }
    return EXIT.done;
  },
};
