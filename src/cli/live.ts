/** Runs a machine with the world attached, and records it if asked to: what `run`, `record` and QEMU's command line have in common. */
import type { Machine } from '../boards/machine.ts';
import type { AppendSink } from '../host/host.ts';
import { NodeClock, randomSeed, wallClock } from '../host/node/clock.ts';
import { type Consoles, openConsoles } from '../host/node/consoles.ts';
import { createOutput } from '../host/node/output-file.ts';
import { openProgress } from '../host/node/progress.ts';
import { type EndingSignal, exitStatus, onEndingSignal } from '../host/node/signals.ts';
import { attachMonitor } from '../monitor/monitor.ts';
import type { NetBackend } from '../net/net.ts';
import { DigestChain } from '../replay/digest-chain.ts';
import { loadHasher } from '../replay/hasher.ts';
import type { InputFile, MachineOptions } from '../replay/model.ts';
import { RecordingWriter } from '../replay/writer.ts';
import { buildMachine, digestible, type MachineFiles } from '../session/build.ts';
import { LiveRun } from '../session/live.ts';
import { LogRecorder } from '../session/recorder.ts';
import { chooseEngine, reportEngine } from './engine.ts';
import { EXIT } from './exit.ts';
import { describeFiles, readMachineFiles } from './machine-files.ts';
import { openNetwork } from './network.ts';
import { toMachineOptions } from './options/machine-options.ts';
import type { QemuOptions } from './options/qemu.ts';
import { saveFile } from './save-file.ts';
import { VERSION } from './version.ts';

/** Instructions between two digests: half a second or so of work, of which hashing takes about a hundredth. */
export const DIGEST_INTERVAL = 2 ** 25;

export interface RecordTarget {
  readonly path: string;
  /** Replace an existing file. */
  readonly force: boolean;
  /** Put kernel, initial RAM disk, device tree and firmware into the recording. */
  readonly embed: boolean;
}

export interface LiveRequest {
  readonly program: string;
  readonly qemu: QemuOptions;
  /** Virtual time waits for real time while the guest idles, where the command line does not say. */
  readonly sleepByDefault: (consoles: Consoles) => boolean;
  readonly record?: RecordTarget | undefined;
  readonly logGuest: boolean;
}

/** @returns the exit status @throws RepriseError */
export async function runLive({ program, qemu, sleepByDefault, record, logGuest }: LiveRequest): Promise<number> {
  const say = (text: string): void => void process.stderr.write(`${program}: ${text}\n`);
  const options = toMachineOptions(qemu, { ...wallClock(), seed: randomSeed() });
  const files = readMachineFiles(qemu);
  const machine = buildMachine(options, files, logGuest ? (message) => say(`guest: ${message}`) : () => {}, chooseEngine(qemu.accel));
  const clock = new NodeClock();

  const sink = record && createOutput(record.path, { force: record.force });
  const abort = new AbortController();
  let signal: EndingSignal | undefined;
  let live: LiveRun | undefined;
  const stopListening = onEndingSignal((received) => {
    signal = received;
    abort.abort(new Error('interrupted'));
    live?.quit('interrupted');
  });
  let consoles: Consoles | undefined;
  let network: readonly NetBackend[] = [];
  try {
    consoles = await openConsoles(
      qemu.consoles,
      machine.serial.length,
      { quit: () => live?.quit('quit'), failed: (error) => say(error.message), notice: say },
      abort.signal,
    );
    network = await openNetwork(qemu.nic, say);
    const recorder = sink && (await startRecording(machine, options, files, record.embed, sink));
    const progress = openProgress(clock, consoles.onTerminal);
    live = new LiveRun({
      machine,
      clock,
      serial: consoles.serial,
      network,
      sleep: qemu.icountSleep ?? sleepByDefault(consoles),
      noReboot: options.noReboot,
      recorder,
      onProgress: () => progress?.update(machine.icount(), machine.now()),
    });
    const run = live;
    for (const { backend, onFocus } of consoles.monitors) attachMonitor(run, backend, { version: VERSION, saveFile }, onFocus);
    if (signal !== undefined) run.quit('interrupted');
    try {
      await run.run();
    } finally {
      progress?.close();
    }
    reportEngine(say, machine.cpu.jitStatistics());
    if (recorder !== undefined) say(`recorded ${machine.icount()} instructions in ${record?.path}, digest ${recorder.final()?.chain}`);
  } catch (error) {
    if (signal === undefined) throw error;
  } finally {
    for (const backend of network) await backend.close();
    await consoles?.close();
    sink?.close();
    stopListening();
  }
  return signal === undefined ? EXIT.done : exitStatus(signal);
}

/** Begins the recording of a machine that has not executed anything. @throws RepriseError of the sink */
export async function startRecording(
  machine: Machine,
  options: MachineOptions,
  files: MachineFiles,
  embed: boolean,
  sink: AppendSink,
): Promise<LogRecorder> {
  const hasher = await loadHasher();
  const chain = new DigestChain(digestible(machine), hasher);
  const inputs = describeFiles(files, embed);
  const embedded = new Map<InputFile['role'], Uint8Array>();
  for (const { role, embedded: inside } of inputs) {
    const file = files[role];
    if (inside && file !== undefined) embedded.set(role, file.bytes);
  }
  const header = { engineVersion: VERSION, options, inputs, components: chain.components(), digestInterval: DIGEST_INTERVAL };
  return new LogRecorder(RecordingWriter.create(sink, header, embedded, hasher), chain, DIGEST_INTERVAL);
}
