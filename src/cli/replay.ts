/** Replays a recording: what `replay`, `verify` and QEMU's `rr=replay` have in common. */
import { RepriseError } from '../errors/errors.ts';
import type { ConsoleSpec } from '../host/node/char-spec.ts';
import { NodeClock } from '../host/node/clock.ts';
import { type Consoles, openConsoles } from '../host/node/consoles.ts';
import { openProgress } from '../host/node/progress.ts';
import { type EndingSignal, exitStatus, onEndingSignal } from '../host/node/signals.ts';
import type { MachineOptions } from '../replay/model.ts';
import { prepareReplay } from '../session/play.ts';
import type { ReplayOptions, ReplayRun, ReplayStop } from '../session/replay-run.ts';
import { type Icount, icount } from '../time/units.ts';
import { chooseEngine, reportEngine } from './engine.ts';
import { EXIT } from './exit.ts';
import { readMachineFiles, recordedFiles } from './machine-files.ts';
import { openRecording, truncationNotice } from './open-recording.ts';
import type { QemuOptions } from './options/qemu.ts';

export interface ReplayRequest {
  readonly program: string;
  readonly path: string;
  /** Files that the user names instead of the embedded ones. */
  readonly files: Pick<QemuOptions, 'kernel' | 'initrd' | 'dtb' | 'bios'>;
  readonly consoles: ConsoleSpec;
  /** Told of every frame on the guest's network, with its virtual time. */
  readonly frame?: ReplayOptions['frame'];
  /** What QEMU's command line says of the machine: it must be what was recorded. */
  readonly expected?: Pick<QemuOptions, 'machine' | 'cpu' | 'ramBytes' | 'append' | 'icountShift' | 'rtcBase' | 'seed'> | undefined;
  readonly accel?: QemuOptions['accel'];
  /** Stop here instead of at the end. */
  readonly to?: Icount | undefined;
}

export interface ReplayResult {
  readonly status: number;
  readonly stop: ReplayStop;
  readonly icount: number;
  /** The digest that was compared last, if any. */
  readonly digest: string | undefined;
  readonly truncated: boolean;
}

/** @throws RepriseError, DivergenceError among them */
export async function runReplay({ program, path, files, consoles: spec, frame, expected, accel, to }: ReplayRequest): Promise<ReplayResult> {
  const say = (text: string): void => void process.stderr.write(`${program}: ${text}\n`);
  const opened = await openRecording(path);
  const abort = new AbortController();
  let signal: EndingSignal | undefined;
  let run: ReplayRun | undefined;
  const interrupt = (): void => {
    abort.abort(new Error('interrupted'));
    run?.interrupt();
  };
  const stopListening = onEndingSignal((received) => {
    signal = received;
    interrupt();
  });
  let consoles: Consoles | undefined;
  try {
    const { recording, hasher } = opened;
    const notice = truncationNotice(opened);
    if (notice !== undefined) say(notice);
    if (expected !== undefined) checkExpected(expected, recording.header.options);
    const recorded = await recordedFiles(recording, readMachineFiles(files));
    consoles = await openConsoles(spec, 2, { quit: interrupt, failed: (error) => say(error.message), notice: say }, abort.signal);
    const { serial } = consoles;
    // Whatever is typed or sent now has no part in a replay.
    for (const backend of serial) backend.onInput(() => {});
    const clock = new NodeClock();
    const progress = openProgress(clock, consoles.onTerminal, Math.min(to ?? recording.reached.icount, recording.reached.icount));
    run = prepareReplay(recording, recorded, hasher, {
      engine: chooseEngine(accel),
      clock,
      output: (port, bytes) => {
        serial[port].write(bytes);
        return serial[port].congested ? serial[port].drained() : undefined;
      },
      frame,
      onProgress: (machine) => progress?.update(machine.icount(), machine.now()),
    });
    let stop: ReplayStop;
    try {
      stop = await run.run(to);
    } finally {
      progress?.close();
    }
    const { machine } = run;
    reportEngine(say, machine.cpu.jitStatistics());
    return {
      status: signal === undefined ? EXIT.done : exitStatus(signal),
      stop,
      icount: machine.icount(),
      digest: run.lastDigest()?.chain,
      truncated: recording.end === undefined,
    };
  } catch (error) {
    if (signal !== undefined && error === abort.signal.reason)
      return { status: exitStatus(signal), stop: 'interrupted', icount: 0, digest: undefined, truncated: false };
    throw error;
  } finally {
    await consoles?.close();
    opened.close();
    stopListening();
  }
}

function checkExpected(said: NonNullable<ReplayRequest['expected']>, recorded: MachineOptions): void {
  const mebibytes = (bytes: number): string => `${bytes / 2 ** 20}M`;
  const date = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19);
  const pairs = [
    ['-M', said.machine, recorded.machine],
    ['-cpu', said.cpu, recorded.cpu],
    ['-m', said.ramBytes && mebibytes(said.ramBytes), mebibytes(recorded.ramBytes)],
    ['-append', said.append, recorded.append],
    ['-icount shift=', said.icountShift, recorded.icountShift],
    // Without a date it was the time of day that counted, which is another one now.
    ['-rtc base=', typeof said.rtcBase === 'number' ? date(said.rtcBase) : undefined, date(recorded.rtcBase)],
    ['-seed', said.seed && `0x${said.seed}`, `0x${recorded.seed}`],
  ] as const;
  for (const [option, here, there] of pairs) {
    if (here !== undefined && here !== there)
      throw new RepriseError(
        'INPUT_CHANGED',
        `the recording was made with ${option} '${there}', not '${here}'; leave the option out or give the recorded value`,
      );
  }
}

/** An instruction count from the command line. @throws RepriseError BAD_VALUE */
export function parseIcount(text: string, option: string): Icount {
  const value = Number(text.replaceAll('_', ''));
  if (!/^[0-9_]+$/.test(text) || !Number.isSafeInteger(value))
    throw new RepriseError('BAD_VALUE', `${option} ${text}: expects an instruction count, such as 1500000`);
  return icount(value);
}
