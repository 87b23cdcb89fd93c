/** Replays a recording: what `replay`, `verify` and QEMU's `rr=replay` have in common. */
import { CHECKPOINT_MEMORY } from '../api/open-replay.ts';
import { WrittenBlocks } from '../block/written.ts';
import type { LogItem } from '../boards/guest-log.ts';
import { ReplayTime } from '../debug/session-time.ts';
import { RepriseError } from '../errors/errors.ts';
import type { SocketSpec } from '../host/node/char-socket.ts';
import type { ConsoleSpec } from '../host/node/char-spec.ts';
import { NodeClock } from '../host/node/clock.ts';
import { openConsoles } from '../host/node/consoles.ts';
import { openProgress } from '../host/node/progress.ts';
import { type EndingSignal, exitStatus, onEndingSignal } from '../host/node/signals.ts';
import { chooseEngine, reportEngine } from '../opening/engine.ts';
import { readMachineFiles, recordedFiles } from '../opening/machine-files.ts';
import { openRecording, truncationNotice } from '../opening/open-recording.ts';
import { openReplayDrives } from '../opening/replay-drives.ts';
import type { DriveSpec } from '../options/drives.ts';
import type { QemuOptions } from '../options/qemu.ts';
import type { MachineOptions } from '../replay/model.ts';
import type { CheckpointKeeper } from '../session/checkpoint-keeper.ts';
import type { Checkpoints } from '../session/checkpoints.ts';
import type { LiveRun } from '../session/live.ts';
import { keepCheckpoints, prepareReplay } from '../session/play.ts';
import { type Moment, ReplaySession, type SessionStop } from '../session/replay-session.ts';
import { SwitchedSession } from '../session/switched-session.ts';
import { MAX_UNITS } from '../snapshot/content-table.ts';
import { icount, LIMIT, type Nanoseconds, ns } from '../time/units.ts';
import { keepInRecording, PRICE } from './checkpoint-places.ts';
import { attachControls } from './control.ts';
import { type Debugger, historyOfReplay, listenForDebugger } from './debugger.ts';
import { EXIT } from './exit.ts';
import { type Fork, forkReplay } from './fork.ts';
import { appendLater, replaySnapshots } from './replay-snapshots.ts';
import { surroundingsOf } from './surroundings.ts';

export interface ReplayRequest {
  readonly program: string;
  readonly path: string;
  /** Files that the user names instead of the embedded ones. */
  readonly files: Pick<QemuOptions, 'kernel' | 'initrd' | 'dtb' | 'bios'>;
  /** Disks likewise. */
  readonly drives: readonly DriveSpec[];
  readonly consoles: ConsoleSpec;
  /** Told of every frame on the guest's network, with its virtual time. */
  readonly frame?: ((bytes: Uint8Array, at: Nanoseconds) => void) | undefined;
  /** What QEMU's command line says of the machine: it must be what was recorded. */
  readonly expected?: Pick<QemuOptions, 'machine' | 'cpu' | 'ramBytes' | 'append' | 'icountShift' | 'rtcBase' | 'seed'> | undefined;
  readonly accel?: QemuOptions['accel'];
  /** Stop here instead of at the end. */
  readonly to?: Moment | undefined;
  /** Begin with this snapshot; the initial one's name changes nothing. */
  readonly loadvm?: string | undefined;
  readonly startHeld?: boolean | undefined;
  /** At its end the replay stands, for going back, until someone quits. */
  readonly stayAtEnd?: boolean | undefined;
  /** Where a debugger may connect. */
  readonly gdb?: SocketSpec | undefined;
  readonly checkpointMemory?: number | undefined;
  /** Add checkpoints to the recording. */
  readonly storeCheckpoints?: boolean | undefined;
}

export interface ReplayResult {
  readonly status: number;
  readonly stop: SessionStop;
  readonly icount: number;
  /** The digest that was compared last, if any. */
  readonly digest: string | undefined;
  readonly truncated: boolean;
}

/** @throws RepriseError, DivergenceError among them */
export async function runReplay(request: ReplayRequest): Promise<ReplayResult> {
  const { program, path, files, consoles: spec, frame, expected, to, loadvm } = request;
  const say = (text: string): void => void process.stderr.write(`${program}: ${text}\n`);
  const abort = new AbortController();
  let signal: EndingSignal | undefined;
  let session: ReplaySession | undefined;
  /** The run that goes on from the replay. */
  let live: LiveRun | undefined;
  const interrupt = (): void => {
    abort.abort(new Error('interrupted'));
    session?.quit();
    live?.quit('interrupted');
  };
  const stopListening = onEndingSignal((received) => {
    signal = received;
    interrupt();
  });
  /** What has been opened, to be closed in reverse. */
  const opened: { close(): unknown }[] = [];
  const open = <T extends { close(): unknown }>(thing: T): T => {
    opened.push(thing);
    return thing;
  };
  try {
    const file = open(await openRecording(path));
    const { recording, hasher } = file;
    const notice = truncationNotice(file);
    if (notice !== undefined) say(notice);
    if (expected !== undefined) checkExpected(expected, recording.header.options);
    const recorded = await recordedFiles(recording, readMachineFiles(files));
    const end = recording.end?.digest ?? recording.reached;
    const controlled = request.gdb !== undefined || isControlled(spec);
    const drives = (await openReplayDrives(recording, request.drives, hasher, controlled)).map(open);
    const consoles = open(await openConsoles(spec, 2, { quit: interrupt, failed: (error) => say(error.message), notice: say }, abort.signal));
    const { serial } = consoles;
    // Whatever is typed or sent now has no part in a replay.
    for (const backend of serial) backend.onInput(() => {});
    const clock = new NodeClock();
    /** What of the guest's mistakes is told: a monitor's `log` says so. */
    const logged = new Set<LogItem>();
    const progress = openProgress(
      clock,
      consoles.onTerminal,
      Math.min(to !== undefined && 'icount' in to ? to.icount : recording.reached.icount, recording.reached.icount),
    );
    let checkpoints: Checkpoints | undefined;
    const append = appendLater(file, open);
    const place = replaySnapshots(file, drives, recording.header.options, append);
    const written = drives.map(({ node }) => new WrittenBlocks(node, MAX_UNITS));
    let keeper: CheckpointKeeper | undefined;
    const run = await prepareReplay(recording, recorded, hasher, {
      engine: chooseEngine(request.accel),
      onGuestMessage: (message, item) => {
        if (logged.has(item)) say(`guest: ${message}`);
      },
      clock,
      disks: request.storeCheckpoints ? written : drives.map(({ node }) => node),
      output: (port, bytes) => {
        serial[port].write(bytes);
        return serial[port].congested ? serial[port].drained() : undefined;
      },
      onProgress: (machine) => progress?.update(machine.icount(), machine.now()),
      onPassing: () => checkpoints?.passing(),
      onDigest: async (position) => keeper?.passing(position),
      initial: drives.find(({ initial }) => initial !== undefined)?.initial?.blocks,
    });
    if (frame !== undefined) run.listen({ frame: (bytes, _direction, { guestTime }) => frame(bytes, guestTime) });
    if (controlled)
      checkpoints = keepCheckpoints(
        run,
        recording,
        drives.map(({ layer }) => layer),
        hasher,
        request.checkpointMemory ?? CHECKPOINT_MEMORY,
        say,
      );
    let forked: Fork | undefined;
    let gdb: Debugger | undefined;
    let controls: SwitchedSession | undefined;
    if (request.storeCheckpoints) {
      if (controlled || loadvm !== undefined)
        throw new RepriseError(
          'USAGE',
          'checkpoints are stored by a replay that goes straight from the start to the end: leave monitor, QMP, debugger and -loadvm out',
        );
      keeper = keepInRecording({
        price: PRICE.whileReplaying,
        machine: run.machine,
        start: recording.header.start.position.icount,
        states: run.storedStates,
        disks: written,
        hasher,
        sink: await append(),
        stored: recording.checkpoints,
        notice: say,
      });
    }
    session = new ReplaySession({
      run,
      clock,
      recordingId: recording.id,
      recordingName: path,
      end,
      snapshots: place,
      checkpoints,
      stayAtEnd: request.stayAtEnd ?? request.gdb !== undefined,
      fork: async (file) => {
        forked = await forkReplay(file, session as ReplaySession, recording, recorded, drives, { consoles, clock, hasher }, say, open);
        controls?.follow(forked.run);
        gdb?.follow(forked.run);
      },
      to,
      startHeld: request.startHeld,
      surroundings: surroundingsOf(
        spec,
        undefined,
        drives.map(({ summary }) => summary),
      ),
    });
    if (loadvm !== undefined && loadvm !== recording.header.start.snapshot) await session.loadFirst(loadvm);
    controls = new SwitchedSession(session);
    const monitor = attachControls(controls, consoles, logged);
    if (request.gdb !== undefined) {
      const history = historyOfReplay(new ReplayTime(session, recording.header.start.position.icount, end.icount), session);
      gdb = open(await listenForDebugger(controls, session, history, request.gdb, monitor, say));
    }
    if (signal !== undefined) session.quit();
    let stop: SessionStop;
    try {
      stop = await session.serve();
      if (forked !== undefined) {
        live = forked.run;
        await live.run();
        say(forked.summary());
      }
      await keeper?.settled();
    } finally {
      progress?.close();
    }
    reportEngine(say, run.machine.cpu.jitStatistics());
    return {
      status: signal === undefined ? EXIT.done : exitStatus(signal),
      stop,
      icount: run.machine.icount(),
      digest: run.lastDigest()?.chain,
      truncated: recording.end === undefined,
    };
  } catch (error) {
    if (signal !== undefined && error === abort.signal.reason)
      return { status: exitStatus(signal), stop: 'interrupted', icount: 0, digest: undefined, truncated: false };
    throw error;
  } finally {
    for (const thing of opened.reverse()) await thing.close();
    stopListening();
  }
}

/** Whether someone can control the replay, and go back in it. */
const isControlled = ({ serial, monitor, qmp }: ConsoleSpec): boolean =>
  monitor !== undefined || qmp.length > 0 || serial.some((port) => port.monitor);

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

const UNITS = { s: 1e9, ms: 1e6, us: 1e3, ns: 1 } as const;

/** A moment from the command line: an instruction count, or a guest time such as 2.5s. @throws RepriseError BAD_VALUE */
export function parseMoment(text: string, option: string): Moment {
  const time = /^(\d+(?:\.\d+)?)(s|ms|us|ns)$/.exec(text);
  if (time !== null) {
    const value = Math.round(Number(time[1]) * UNITS[time[2] as keyof typeof UNITS]);
    if (value < LIMIT) return { time: ns(value) };
  }
  const value = Number(text.replaceAll('_', ''));
  if (!/^[0-9_]+$/.test(text) || !Number.isSafeInteger(value))
    throw new RepriseError(
      'BAD_VALUE',
      `${option} ${text}: expects an instruction count, such as 1500000, or a guest time, such as 2.5s (or ms, us, ns)`,
    );
  return { icount: icount(value) };
}
