/** `reprise verify --lockstep`: compiled code beside the interpreter. */
import { NodeClock } from '../host/node/clock.ts';
import { runLockstep } from '../session/lockstep.ts';
import { prepareReplay } from '../session/play.ts';
import type { ReplayRun } from '../session/replay-run.ts';
import { chooseEngine } from './engine.ts';
import { readMachineFiles, recordedFiles } from './machine-files.ts';
import { openRecording } from './open-recording.ts';
import type { QemuOptions } from './options/qemu.ts';

/** @param step instructions between two comparisons @returns the count up to which both are the same @throws RepriseError, DivergenceError among them */
export async function lockstep(path: string, files: Pick<QemuOptions, 'kernel' | 'initrd' | 'dtb' | 'bios'>, step: number): Promise<number> {
  const { recording, hasher, close } = await openRecording(path);
  try {
    const recorded = await recordedFiles(recording, readMachineFiles(files));
    const replay = (accel: 'interp' | 'jit'): ReplayRun =>
      prepareReplay(recording, recorded, hasher, { engine: chooseEngine(accel), clock: new NodeClock(), output: () => {} });
    return await runLockstep({ trusted: replay('interp'), examined: replay('jit'), another: () => replay('interp'), step });
  } finally {
    close();
  }
}
