/** Begins recordings: header, embedded inputs, initial snapshot. */

import { CONTENT_BLOCK, hashContent, usedBlocks } from '../block/content.ts';
import type { Qcow2Image } from '../block/qcow2/image.ts';
import type { WrittenBlocks } from '../block/written.ts';
import type { Machine } from '../boards/machine.ts';
import type { AppendSink } from '../host/host.ts';
import { createSha256 } from '../host/node/files.ts';
import type { OpenDrive } from '../opening/drives.ts';
import { describeFiles } from '../opening/machine-files.ts';
import { DigestChain } from '../replay/digest-chain.ts';
import type { Hasher } from '../replay/hasher.ts';
import { type DiskInput, type Header, type InputFile, type MachineOptions, type RecordingStart, START } from '../replay/model.ts';
import { RecordingWriter } from '../replay/writer.ts';
import { digestible, type MachineFiles } from '../session/build.ts';
import type { CheckpointKeeper } from '../session/checkpoint-keeper.ts';
import { LogRecorder } from '../session/recorder.ts';
import { type SnapshotPlace, snapshotable } from '../session/snapshots.ts';
import { ImageStore } from '../snapshot/image-store.ts';
import { captureBlocks } from '../snapshot/machine-state.ts';
import { INITIAL_NUMBER, RecordingStore } from '../snapshot/recording-store.ts';
import type { SnapshotStore } from '../snapshot/store.ts';
import { keepInRecording, PRICE } from './checkpoint-places.ts';
import { hostOfSnapshots, layersOf } from './snapshot-places.ts';
import { VERSION } from './version.ts';

/** Instructions between two digests: half a second or so of work, of which hashing takes about a hundredth. */
export const DIGEST_INTERVAL = 2 ** 25;
/** QEMU's name of the initial snapshot. */
export const INITIAL_SNAPSHOT = 'replay_init';
/** A disk on which more is used is not embedded unless it is asked for. */
const SMALL_DISK = 64 * 2 ** 20;

/** What goes into a recording besides the log. */
export type Embedding =
  /** Kernel, initial RAM disk, device tree, firmware, and disks that are not large. */
  | 'small'
  /** These, and the used parts of every disk. */
  | 'all'
  | 'none';

export interface NewRecording {
  readonly machine: Machine;
  readonly options: MachineOptions;
  readonly files: MachineFiles;
  readonly drives: readonly OpenDrive[];
  /** What the user calls them. */
  readonly named: readonly Pick<DiskInput, 'name' | 'overlay'>[];
  readonly embed: Embedding;
  /** Name of the initial snapshot. */
  readonly snapshotName: string;
  /** The machine goes on from some moment; otherwise it has just been switched on. */
  readonly loaded: boolean;
  /** To store checkpoints: the disks as the machine uses them, and who is told of what a user should know. */
  readonly checkpoints?: { readonly disks: readonly WrittenBlocks[]; readonly notice: (text: string) => void } | undefined;
  readonly sink: AppendSink;
  readonly hasher: Hasher;
}

export interface StartedRecording {
  readonly recorder: LogRecorder;
  readonly snapshots: SnapshotPlace;
  readonly start: RecordingStart;
  /** Id of the initial snapshot in the image that keeps snapshots, if there is one. */
  readonly initialSnapshot: string | undefined;
  /** Undefined when no checkpoints are to be stored. */
  readonly keeper: CheckpointKeeper | undefined;
}

/** @throws RepriseError of the sink and of the disks; nothing that was there is lost then */
export async function startRecording(recording: NewRecording): Promise<StartedRecording> {
  const { machine, options, files, drives, named, embed, snapshotName, loaded, checkpoints, sink, hasher } = recording;
  const chain = new DigestChain(digestible(machine), hasher, loaded);
  const inputs = describeFiles(files, embed !== 'none');
  const embedded = new Map<InputFile['role'], Uint8Array>();
  for (const { role, embedded: inside } of inputs) {
    const file = files[role];
    if (inside && file !== undefined) embedded.set(role, file.bytes);
  }
  const disks = await Promise.all(drives.map((drive, n) => describeDisk(drive, named[n], embed)));
  const position = { icount: machine.icount(), bias: machine.clock.state.fields.bias };
  const start: RecordingStart = loaded
    ? { snapshot: snapshotName, kept: 'recording', position }
    : { snapshot: snapshotName, kept: 'power-on', position: START };
  const header: Header = { engineVersion: VERSION, options, inputs, disks, start, components: chain.components(), digestInterval: DIGEST_INTERVAL };
  const writer = RecordingWriter.create(sink, header, embedded, hasher);
  for (const [n, { node }] of drives.entries()) {
    if (!disks[n].embedded) continue;
    for await (const { offset, bytes } of usedBlocks(node)) writer.disk(n, offset, bytes);
  }
  const keeper =
    checkpoints &&
    keepInRecording({
      price: PRICE.whileRecording,
      ...checkpoints,
      machine,
      start: start.position.icount,
      states: [...machine.components, ...chain.outputStates],
      hasher,
      sink: writer,
      stored: { list: [], lastContent: 0 },
    });
  const recorder = new LogRecorder(writer, chain, header, keeper);
  const own = new RecordingStore({ snapshots: [], initial: loaded ? INITIAL_NUMBER : undefined, append: () => writer, blocks: () => [] }, 0);
  const image = drives.find(({ store }) => store !== undefined)?.store;
  const now = hostOfSnapshots.date();
  const initial = { name: snapshotName, date: now, vmClockNs: machine.now(), position };
  const blocks = () => captureBlocks(snapshotable(machine, recorder.states, options), { engineVersion: VERSION, recording: writer.id, position });
  if (loaded) await own.save(initial, blocks());
  let store: SnapshotStore = own;
  let initialSnapshot: string | undefined;
  if (image !== undefined) {
    const older = image.listSnapshots().filter(({ name }) => name === snapshotName);
    const { id } = await new ImageStore(image, hasher).save(initial, blocks());
    await setAside(image, older);
    initialSnapshot = id;
    store = new ImageStore(image, hasher, id);
  }
  writer.sync();
  const snapshots = { store, options, engineVersion: VERSION, layers: layersOf(drives), ...hostOfSnapshots };
  return { recorder, keeper, snapshots, start, initialSnapshot };
}

/** Earlier recordings keep their initial snapshots, under other names. */
async function setAside(image: Qcow2Image, older: readonly { readonly id: string; readonly name: string }[]): Promise<void> {
  for (const { id, name } of older) {
    const taken = new Set(image.listSnapshots().map((snapshot) => snapshot.name));
    let n = 1;
    while (taken.has(`${name}.${n}`)) n++;
    await image.renameSnapshot(id, `${name}.${n}`);
  }
}

async function describeDisk({ device, node }: OpenDrive, named: NewRecording['named'][number], embed: Embedding): Promise<DiskInput> {
  const hash = createSha256();
  let used = 0;
  await hashContent(node, {
    update: (bytes) => {
      if (bytes.length > 8) used += CONTENT_BLOCK;
      hash.update(bytes);
    },
  });
  const embedded = embed === 'all' || (embed === 'small' && used <= SMALL_DISK);
  return { device, name: named.name, content: hash.hex(), embedded, overlay: named.overlay };
}
