/** Runs a machine with the world attached, and records it if asked to: what `run`, `record` and QEMU's command line have in common. */

import { CHECKPOINT_MEMORY } from '../api/open-replay.ts';
import { WrittenBlocks } from '../block/written.ts';
import type { LogItem } from '../boards/guest-log.ts';
import { SECTOR_BYTES } from '../bus/disk.ts';
import { RecordingTime } from '../debug/recording-time.ts';
import { RepriseError } from '../errors/errors.ts';
import { NodeClock, randomSeed, wallClock } from '../host/node/clock.ts';
import { type Consoles, openConsoles } from '../host/node/consoles.ts';
import { createOutput } from '../host/node/output-file.ts';
import { openProgress } from '../host/node/progress.ts';
import { type EndingSignal, exitStatus, onEndingSignal } from '../host/node/signals.ts';
import type { NetBackend } from '../net/net.ts';
import { type OpenDrive, openRecordDrive, openRunDrive } from '../opening/drives.ts';
import { chooseEngine, reportEngine } from '../opening/engine.ts';
import { readMachineFiles } from '../opening/machine-files.ts';
import { toMachineOptions } from '../options/machine-options.ts';
import type { QemuOptions } from '../options/qemu.ts';
import { loadHasher } from '../replay/hasher.ts';
import type { MachineOptions } from '../replay/model.ts';
import { buildMachine } from '../session/build.ts';
import { LiveRun } from '../session/live.ts';
import { restoreSnapshot, type SnapshotPlace, snapshotable } from '../session/snapshots.ts';
import { MAX_UNITS } from '../snapshot/content-table.ts';
import { ImageStore } from '../snapshot/image-store.ts';
import { attachControls } from './control.ts';
import { type History, historyOfRecording, listenForDebugger } from './debugger.ts';
import { Dumps } from './dumps.ts';
import { EXIT } from './exit.ts';
import { openNetwork } from './network.ts';
import { type RecordedPast, recordedPast } from './recorded-past.ts';
import { hostOfSnapshots, layersOf } from './snapshot-places.ts';
import { type Embedding, INITIAL_SNAPSHOT, type StartedRecording, startRecording } from './start-recording.ts';
import { surroundingsOf } from './surroundings.ts';
import { VERSION } from './version.ts';

export interface RecordTarget {
  readonly path: string;
  /** Replace an existing file. */
  readonly force: boolean;
  readonly embed: Embedding;
  readonly storeCheckpoints?: boolean | undefined;
}

export interface LiveRequest {
  readonly program: string;
  readonly qemu: QemuOptions;
  /** Virtual time waits for real time while the guest idles, where the command line does not say. */
  readonly sleepByDefault: (consoles: Consoles) => boolean;
  readonly record?: RecordTarget | undefined;
  /** What of the guest's mistakes is told. */
  readonly logItems: Set<LogItem>;
}

/** @returns the exit status @throws RepriseError */
export async function runLive(request: LiveRequest): Promise<number> {
  const { program, qemu, sleepByDefault, record, logItems } = request;
  const say = (text: string): void => void process.stderr.write(`${program}: ${text}\n`);
  const abort = new AbortController();
  let signal: EndingSignal | undefined;
  let live: LiveRun | undefined;
  const stopListening = onEndingSignal((received) => {
    signal = received;
    abort.abort(new Error('interrupted'));
    live?.quit('interrupted');
  });
  /** What has been opened, to be closed in reverse. */
  const opened: { close(): unknown }[] = [];
  const open = <T extends { close(): unknown }>(thing: T): T => {
    opened.push(thing);
    return thing;
  };
  try {
    const drives: OpenDrive[] = [];
    const files = readMachineFiles(qemu);
    for (const spec of qemu.drives) drives.push(open(await (record ? openRecordDrive(spec) : openRunDrive(spec, say))));
    const options = toMachineOptions(qemu, { ...wallClock(), seed: randomSeed() }, drives.map(diskOf));
    const engine = chooseEngine(qemu.accel);
    const tell = (message: string, item: LogItem): void => {
      if (logItems.has(item)) say(`guest: ${message}`);
    };
    const machine = buildMachine(options, files, tell, engine);
    const clock = new NodeClock();
    const sink = record && open(createOutput(record.path, { force: record.force }));
    await sink?.lock();
    const consoles = open(
      await openConsoles(
        qemu.consoles,
        machine.serial.length,
        { quit: () => live?.quit('quit'), failed: (error) => say(error.message), notice: say },
        abort.signal,
      ),
    );
    const dumps = open(new Dumps(qemu.nic, say));
    const network: readonly NetBackend[] = (await openNetwork(qemu.nic, { notice: say, signal: abort.signal })).map(open);
    const hasher = await loadHasher();
    const place = snapshotPlace(drives, options, hasher);
    if (qemu.loadvm !== undefined) await loadAtStart(qemu.loadvm, place, machine, options);
    const written = record?.storeCheckpoints ? drives.map(({ node }) => new WrittenBlocks(node, MAX_UNITS)) : undefined;
    const started =
      record && sink
        ? await startRecording({
            machine,
            options,
            files,
            drives,
            named: qemu.drives.map(({ file, blkreplay }) => ({ name: file, overlay: blkreplay?.overlay ?? '' })),
            embed: record.embed,
            snapshotName: qemu.rrSnapshot ?? INITIAL_SNAPSHOT,
            loaded: qemu.loadvm !== undefined,
            checkpoints: written && { disks: written, notice: say },
            sink,
            hasher,
          })
        : undefined;
    const progress = openProgress(clock, consoles.onTerminal);
    live = new LiveRun({
      machine,
      clock,
      serial: consoles.serial,
      network,
      disks: written ?? drives.map(({ node }) => node),
      snapshots: started?.snapshots ?? place,
      frame: dumps.frame,
      sleep: qemu.icountSleep ?? sleepByDefault(consoles),
      noReboot: options.noReboot,
      startHeld: qemu.startStopped,
      recorder: started?.recorder,
      recordingName: record?.path,
      surroundings: surroundingsOf(
        qemu.consoles,
        qemu.nic,
        drives.map(({ summary }) => summary),
      ),
      onProgress: () => progress?.update(machine.icount(), machine.now()),
    });
    live.onEvent((event) => {
      if (event.kind === 'block-io-error') say(`${event.device}: ${event.reason}; the machine stands, 'cont' in the monitor tries again`);
    });
    const monitor = attachControls(live, consoles, logItems);
    if (qemu.gdb !== undefined) {
      const history = started && record && pastOf(live, started, { path: record.path, files, drives, hasher, clock, engine, open });
      open(await listenForDebugger(live, live, history, qemu.gdb, monitor, say));
    }
    if (signal !== undefined) live.quit('interrupted');
    try {
      await live.run();
      await started?.keeper?.settled();
    } finally {
      progress?.close();
    }
    reportEngine(say, machine.cpu.jitStatistics());
    if (started !== undefined) say(`recorded ${machine.icount()} instructions in ${record?.path}, digest ${started.recorder.final()?.chain}`);
  } catch (error) {
    if (signal === undefined) throw error;
  } finally {
    for (const thing of opened.reverse()) await thing.close();
    stopListening();
  }
  return signal === undefined ? EXIT.done : exitStatus(signal);
}

/** A debugger of a recorded run can go back into what was recorded so far. */
function pastOf(
  live: LiveRun,
  { start, initialSnapshot }: StartedRecording,
  rest: Omit<RecordedPast, 'live' | 'initialSnapshot' | 'checkpointMemory'>,
): History {
  const reach = recordedPast({ ...rest, live, initialSnapshot, checkpointMemory: CHECKPOINT_MEMORY });
  return historyOfRecording(new RecordingTime(live, start.position.icount, reach));
}

/** A disk as the machine has it. */
const diskOf = ({ node, summary }: OpenDrive): MachineOptions['disks'][number] => ({
  sectors: node.size / SECTOR_BYTES,
  readOnly: summary.medium?.readOnly ?? false,
});

/** Where a plain run, or one that is about to be recorded, finds and keeps snapshots: in the first image that can. */
function snapshotPlace(
  drives: readonly OpenDrive[],
  options: MachineOptions,
  hasher: ConstructorParameters<typeof ImageStore>[1],
): SnapshotPlace | undefined {
  const image = drives.find(({ store }) => store !== undefined)?.store;
  if (image === undefined) return undefined;
  return { store: new ImageStore(image, hasher), options, engineVersion: VERSION, layers: layersOf(drives), ...hostOfSnapshots };
}

/** `-loadvm`. @throws RepriseError NO_SNAPSHOT_STORE, NO_SNAPSHOT, SNAPSHOT_MISMATCH, SNAPSHOT_DAMAGED */
async function loadAtStart(name: string, place: SnapshotPlace | undefined, machine: LiveRun['machine'], options: MachineOptions): Promise<void> {
  if (place === undefined)
    throw new RepriseError('NO_SNAPSHOT_STORE', `-loadvm ${name}: no disk of this machine can have snapshots; give it a qcow2 image, or an overlay`);
  const found = place.store.list().find((snapshot) => snapshot.name === name || snapshot.id === name);
  if (found === undefined) throw new RepriseError('NO_SNAPSHOT', `-loadvm ${name}: there is no snapshot of that name`);
  await restoreSnapshot(snapshotable(machine, [], options), place, found.id, '');
}
