/** From an opened recording to a machine that replays it. */
import type { CowDisk } from '../block/cow.ts';
import type { GuestMessageListener } from '../boards/guest-log.ts';
import type { Engine, Machine } from '../boards/machine.ts';
import { RepriseError } from '../errors/errors.ts';
import { DigestChain } from '../replay/digest-chain.ts';
import type { Hasher } from '../replay/hasher.ts';
import type { ComponentInfo } from '../replay/model.ts';
import type { Recording } from '../replay/reader.ts';
import { History } from '../snapshot/history.ts';
import { restoreBlocks } from '../snapshot/machine-state.ts';
import { INITIAL_NUMBER } from '../snapshot/recording-store.ts';
import { buildMachine, digestible, type MachineFiles } from './build.ts';
import { Checkpoints } from './checkpoints.ts';
import { type ReplayOptions, ReplayRun, type Script } from './replay-run.ts';
import { snapshotable } from './snapshots.ts';
import { StoredCheckpoints } from './stored-checkpoints.ts';

interface Surroundings extends Pick<ReplayOptions, 'clock' | 'output' | 'onProgress' | 'onDigest' | 'onPassing' | 'disks'> {
  readonly engine?: Engine;
  /** Told, once each, what the guest does that the machine does not do. */
  readonly onGuestMessage?: GuestMessageListener;
  /** The blocks of the initial snapshot in an overlay; what they say is checked against what header and inputs say. */
  readonly initial?: (() => AsyncIterable<Uint8Array>) | undefined;
}

/**
 * A replay that stands at its start.
 * @throws RepriseError RECORDING_VERSION when the machine has changed since, SNAPSHOT_DAMAGED, and those of the boot plan
 */
export async function prepareReplay(
  recording: Recording,
  files: MachineFiles,
  hasher: Hasher,
  { engine, onGuestMessage = () => {}, ...surroundings }: Surroundings,
): Promise<ReplayRun> {
  const { header } = recording;
  const machine: Machine = buildMachine(header.options, files, onGuestMessage, engine);
  const chain = new DigestChain(digestible(machine), hasher);
  checkComponents(header.components, chain.components(), header.engineVersion);
  const script: Script = {
    componentNames: header.components.map(({ name }) => name),
    noReboot: header.options.noReboot,
    records: (from) => recording.logFrom(from),
    // A recording may still be growing.
    get end() {
      return recording.end;
    },
    get reached() {
      return recording.reached;
    },
  };
  const { initial = recordedStart(recording), ...rest } = surroundings;
  const run = new ReplayRun({ machine, chain, script, ...rest });
  if (initial === undefined) return run;
  await restoreBlocks(snapshotable(machine, run.states, header.options), initial, { recording: recording.id, layers: undefined });
  run.moved();
  return run;
}

/** The machine at the start, where the recording holds it. */
function recordedStart(recording: Recording): (() => AsyncIterable<Uint8Array>) | undefined {
  if (recording.header.start.kept === 'power-on') return undefined;
  const first = recording.snapshots.find(({ number }) => number === INITIAL_NUMBER);
  if (first === undefined) throw new RepriseError('RECORDING_DAMAGED', 'the recording does not contain the snapshot that it begins with');
  return async function* () {
    yield* recording.readSnapshot(first.at);
  };
}

/**
 * Keeps checkpoints of a replay that stands at its start, and uses those that the recording holds.
 * @param layers over the machine's disks; a guest that cannot write needs none
 * @param budget bytes of memory for all of them
 * @param notice told of what is ignored
 */
export function keepCheckpoints(
  run: ReplayRun,
  recording: Recording,
  layers: readonly (CowDisk | undefined)[],
  hasher: Hasher,
  budget: number,
  notice: (text: string) => void,
): Checkpoints {
  const { machine, states } = run;
  const remembered = {
    memory: machine.memory,
    states: [...machine.components, ...states],
    disks: layers.filter((layer) => layer !== undefined),
    dropDerived: (pages: readonly number[]) => machine.cpu.dropDerived(pages),
    dropStores: () => machine.cpu.dropStores(),
  };
  const stored = new StoredCheckpoints({ recording, run, states: run.storedStates, layers, notice });
  return new Checkpoints(run, new History(remembered, hasher), stored, budget);
}

/** A state that is laid out in another way cannot have the recorded digests. */
function checkComponents(recorded: readonly ComponentInfo[], present: readonly ComponentInfo[], version: string): void {
  const key = ({ name, schema, version: v, hash }: ComponentInfo): string => `${name} (${schema} version ${v}, ${hash.toString(16)})`;
  const here = new Set(present.map(key));
  const missing = recorded.filter((component) => !here.has(key(component)));
  if (missing.length === 0 && recorded.length === present.length) return;
  const there = new Set(recorded.map(key));
  const extra = present.filter((component) => !there.has(key(component)));
  const names = [...new Set([...missing, ...extra].map(({ name }) => name))];
  throw new RepriseError(
    'RECORDING_VERSION',
    `the recording was made by Reprise ${version}, whose machine differs from this one's in: ${names.join(', ')}; replay it with that version`,
  );
}
