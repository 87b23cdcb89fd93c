/** `reprise verify --lockstep`: compiled code beside the interpreter. */
import { NodeClock } from '../host/node/clock.ts';
import { chooseEngine } from '../opening/engine.ts';
import { readMachineFiles, recordedFiles } from '../opening/machine-files.ts';
import { openRecording } from '../opening/open-recording.ts';
import { openReplayDrives } from '../opening/replay-drives.ts';
import type { DriveSpec } from '../options/drives.ts';
import type { QemuOptions } from '../options/qemu.ts';
import { runLockstep } from '../session/lockstep.ts';
import { prepareReplay } from '../session/play.ts';
import type { ReplayRun } from '../session/replay-run.ts';

/**
 * @param drives disks that the user names instead of the embedded ones
 * @param step instructions between two comparisons
 * @returns the count up to which both are the same
 * @throws RepriseError, DivergenceError among them
 */
export async function lockstep(
  path: string,
  files: Pick<QemuOptions, 'kernel' | 'initrd' | 'dtb' | 'bios'>,
  drives: readonly DriveSpec[],
  step: number,
): Promise<number> {
  const { recording, hasher, close } = await openRecording(path);
  const opened: { close(): unknown }[] = [{ close }];
  try {
    const recorded = await recordedFiles(recording, readMachineFiles(files));
    const replay = async (accel: 'interp' | 'jit'): Promise<ReplayRun> => {
      const disks = await openReplayDrives(recording, drives, hasher, false);
      opened.push(...disks);
      const surroundings = { engine: chooseEngine(accel), clock: new NodeClock(), output: () => {}, disks: disks.map(({ node }) => node) };
      return prepareReplay(recording, recorded, hasher, surroundings);
    };
    return await runLockstep({ trusted: await replay('interp'), examined: await replay('jit'), another: () => replay('interp'), step });
  } finally {
    for (const thing of opened.reverse()) await thing.close();
  }
}
