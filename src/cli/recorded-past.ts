/** What a recording under way holds so far, for a debugger that goes back. */
import type { BlockNode } from '../block/node.ts';
import type { Engine } from '../boards/machine.ts';
import type { Past } from '../debug/recording-time.ts';
import type { HostClock } from '../host/host.ts';
import { openSource, sha256 } from '../host/node/files.ts';
import { type OpenDrive, openLayer } from '../opening/drives.ts';
import type { Hasher } from '../replay/hasher.ts';
import { type Recording, readRecording } from '../replay/reader.ts';
import type { MachineFiles } from '../session/build.ts';
import type { Checkpoints } from '../session/checkpoints.ts';
import type { LiveRun } from '../session/live.ts';
import { keepCheckpoints, prepareReplay } from '../session/play.ts';

export interface RecordedPast {
  readonly path: string;
  readonly live: LiveRun;
  readonly files: MachineFiles;
  readonly drives: readonly OpenDrive[];
  /** Id of the snapshot that the recording began with, in the disks' images that keep snapshots. */
  readonly initialSnapshot: string | undefined;
  readonly hasher: Hasher;
  readonly clock: HostClock;
  readonly engine: Engine;
  readonly checkpointMemory: number;
  /** Is given what must be closed at the end. */
  open<T extends { close(): unknown }>(thing: T): T;
}

/** @returns brings the past up to the present, at which the live run stands; each time the same one */
export function recordedPast(settings: RecordedPast): () => Promise<Past> {
  const { path, live, files, drives, initialSnapshot, hasher, clock, engine, checkpointMemory, open } = settings;
  let recording: Recording | undefined;
  let past: Past | undefined;
  const read = (): Recording => {
    live.makeSafe();
    return readRecording(open(openSource(path, 'recording')), hasher, sha256);
  };
  return async () => {
    recording = read();
    if (past !== undefined) {
      past.run.moved();
      return past;
    }
    const layers = [];
    for (const drive of drives) layers.push(open(await openLayer(startOf(drive, initialSnapshot))));
    let checkpoints: Checkpoints | undefined;
    const soFar = growing(() => recording as Recording);
    const run = await prepareReplay(soFar, files, hasher, {
      engine,
      clock,
      disks: layers,
      output: () => {},
      onPassing: () => checkpoints?.passing(),
    });
    checkpoints = keepCheckpoints(run, soFar, layers, hasher, checkpointMemory, () => {});
    past = { run, checkpoints };
    return past;
  };
}

/** The disk as it was when the recording began. */
function startOf({ base, store }: OpenDrive, initialSnapshot: string | undefined): BlockNode {
  return store !== undefined && initialSnapshot !== undefined ? store.snapshotNode({ id: initialSnapshot }) : base;
}

/** A recording that is read again as it grows. */
function growing(current: () => Recording): Recording {
  return {
    ...current(),
    get end() {
      return current().end;
    },
    get reached() {
      return current().reached;
    },
    logFrom: (count) => current().logFrom(count),
  };
}
