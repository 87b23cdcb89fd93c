/** Opens a recording for someone who asks it questions: a silent replay with checkpoints, standing at its start. */
import { ReplayTime } from '../debug/session-time.ts';
import type { RunStop } from '../debug/time-machine.ts';
import { NodeClock } from '../host/node/clock.ts';
import { chooseEngine } from '../opening/engine.ts';
import { readMachineFiles, recordedFiles } from '../opening/machine-files.ts';
import { type OpenRecording, openRecording } from '../opening/open-recording.ts';
import { openReplayDrives } from '../opening/replay-drives.ts';
import type { DriveSpec } from '../options/drives.ts';
import type { QemuOptions } from '../options/qemu.ts';
import { keepCheckpoints, prepareReplay } from '../session/play.ts';
import { ReplaySession } from '../session/replay-session.ts';
import type { Icount } from '../time/units.ts';

/** What all checkpoints of a replay may take together, unless someone says otherwise. */
export const CHECKPOINT_MEMORY = 512 * 2 ** 20;

export interface OpenReplayOptions {
  /** Files that are named instead of the embedded ones. */
  readonly files?: Partial<Pick<QemuOptions, 'kernel' | 'initrd' | 'dtb' | 'bios'>>;
  /** Disks likewise. */
  readonly drives?: readonly DriveSpec[];
  readonly accel?: QemuOptions['accel'];
  /** In bytes. */
  readonly checkpointMemory?: number | undefined;
  /** It only goes forwards: no checkpoints are taken on the way. */
  readonly forwardOnly?: boolean | undefined;
  /** Called now and then while the machine runs, with instructions and virtual nanoseconds. */
  readonly onProgress?: ((icount: number, guestTime: number) => void) | undefined;
}

export interface OpenedReplay {
  readonly path: string;
  readonly options: OpenReplayOptions;
  readonly file: OpenRecording;
  readonly session: ReplaySession;
  readonly time: ReplayTime;
  close(): Promise<void>;
}

/** A replay in whose way nobody is: when it fails, whoever waits for it is told. */
class WatchedTime extends ReplayTime {
  failure: unknown;

  override async runForward(limit: Icount): Promise<RunStop> {
    const stop = await super.runForward(limit);
    if (this.failure !== undefined) throw this.failure;
    return stop;
  }
}

/** @throws RepriseError when it cannot be opened or its files and disks are not there */
export async function openReplay(path: string, options: OpenReplayOptions = {}): Promise<OpenedReplay> {
  const { files = {}, drives: specs = [], accel, checkpointMemory = CHECKPOINT_MEMORY, forwardOnly = false, onProgress } = options;
  const opened: { close(): unknown }[] = [];
  const close = async (): Promise<void> => {
    for (const thing of opened.splice(0).reverse()) await thing.close();
  };
  try {
    const file = await openRecording(path);
    opened.push(file);
    const { recording, hasher } = file;
    const recorded = await recordedFiles(recording, readMachineFiles(files));
    const drives = await openReplayDrives(recording, specs, hasher, false);
    opened.push(...drives);
    const clock = new NodeClock();
    const run = await prepareReplay(recording, recorded, hasher, {
      engine: chooseEngine(accel),
      clock,
      disks: drives.map(({ node }) => node),
      output: () => {},
      onProgress: (machine) => onProgress?.(machine.icount(), machine.now()),
      onPassing: forwardOnly ? undefined : () => checkpoints.passing(),
      initial: drives.find(({ initial }) => initial !== undefined)?.initial?.blocks,
    });
    const layers = drives.map(({ layer }) => layer);
    // A stored checkpoint that is not good is not used; nobody need hear of it.
    const checkpoints = keepCheckpoints(run, recording, layers, hasher, checkpointMemory, () => {});
    const end = recording.end?.digest ?? recording.reached;
    const session = new ReplaySession({ run, clock, recordingId: recording.id, end, checkpoints, stayAtEnd: true, startHeld: true });
    const time = new WatchedTime(session, recording.header.start.position.icount, end.icount);
    const served = session.serve().catch((error: unknown) => {
      time.failure = error;
    });
    opened.push({
      close: () => {
        session.quit();
        return served;
      },
    });
    return { path, options, file, session, time, close };
  } catch (error) {
    await close();
    throw error;
  }
}
