/** A replay that goes on as a live run: a new recording that begins at this moment, with the world of today. */

import type { HostClock } from '../host/host.ts';
import type { Consoles } from '../host/node/consoles.ts';
import { createOutput } from '../host/node/output-file.ts';
import type { NetBackend } from '../net/net.ts';
import type { ReplayDrive } from '../opening/replay-drives.ts';
import type { Hasher } from '../replay/hasher.ts';
import type { Recording } from '../replay/reader.ts';
import type { MachineFiles } from '../session/build.ts';
import type { ControlledRun } from '../session/controlled-run.ts';
import { LiveRun } from '../session/live.ts';
import { openNetwork } from './network.ts';
import { INITIAL_SNAPSHOT, startRecording } from './start-recording.ts';

export interface Fork {
  readonly run: LiveRun;
  /** To be said when it is over. */
  summary(): string;
}

/**
 * Begins the new recording; the machine of the replay, which stands between two instructions, is the live run's from now on.
 * @param open is given what must be closed at the end
 * @throws RepriseError FILE_EXISTS, FILE_UNWRITABLE, DISK_FULL; the replay can go on then
 */
export async function forkReplay(
  path: string,
  replay: ControlledRun,
  { header }: Recording,
  files: MachineFiles,
  drives: readonly ReplayDrive[],
  { consoles, clock, hasher }: { readonly consoles: Consoles; readonly clock: HostClock; readonly hasher: Hasher },
  notice: (text: string) => void,
  open: <T extends { close(): unknown }>(thing: T) => T,
): Promise<Fork> {
  const { machine } = replay;
  const { options } = header;
  const sink = open(createOutput(path));
  await sink.lock();
  const { recorder, snapshots } = await startRecording({
    machine,
    options,
    files,
    drives: drives.map((drive) => ({ ...drive, store: undefined })),
    named: header.disks.map(({ name }) => ({ name, overlay: '' })),
    embed: 'small',
    snapshotName: INITIAL_SNAPSHOT,
    loaded: true,
    sink,
    hasher,
  });
  const network: NetBackend[] = [];
  for (const { mac } of options.nics) {
    const backend = { kind: 'user' as const, user: {} };
    const [opened] = await openNetwork({ mac, netdev: { id: 'net0', backend, filtered: true, dumps: [] } }, { notice });
    network.push(open(opened));
  }
  const run = new LiveRun({
    machine,
    clock,
    serial: consoles.serial,
    network,
    disks: drives.map(({ node }) => node),
    snapshots,
    sleep: consoles.onTerminal,
    noReboot: options.noReboot,
    startHeld: true,
    recorder,
    recordingName: path,
    surroundings: replay.surroundings,
  });
  return { run, summary: () => `recorded up to instruction ${machine.icount()} in ${path}, digest ${recorder.final()?.chain}` };
}
