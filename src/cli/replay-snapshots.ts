/** Where a replay finds and keeps snapshots: in the overlay of its recording, or in the recording itself; what it adds to that. */
import { openAppend } from '../host/node/append-file.ts';
import type { OpenRecording } from '../opening/open-recording.ts';
import type { ReplayDrive } from '../opening/replay-drives.ts';
import { CHUNK, ChunkWriter } from '../replay/chunks.ts';
import type { MachineOptions } from '../replay/model.ts';
import type { SnapshotPlace } from '../session/snapshots.ts';
import type { CheckpointSink } from '../snapshot/checkpoint-writer.ts';
import { OverlayStore } from '../snapshot/overlay-store.ts';
import { INITIAL_NUMBER, RecordingStore, type SnapshotAppender } from '../snapshot/recording-store.ts';
import { hostOfSnapshots, layersOf } from './snapshot-places.ts';
import { VERSION } from './version.ts';

/** What a replay adds to its recording, behind all that is there. */
export type RecordingAppender = SnapshotAppender & CheckpointSink;

/**
 * Opens a recording for more when it is first called.
 * @param open is given what must be closed at the end
 */
export function appendLater(
  { path, recording, hasher }: OpenRecording,
  open: <T extends { close(): unknown }>(thing: T) => T,
): () => Promise<RecordingAppender> {
  let appender: RecordingAppender | undefined;
  return async () => {
    if (appender !== undefined) return appender;
    const sink = open(await openAppend(path, recording.tail.offset));
    const chunks = new ChunkWriter(sink, hasher, recording.tail);
    appender = {
      snapshot: (payload) => chunks.append(CHUNK.SNAPSHOT, payload),
      checkpoint: (payload) => chunks.append(CHUNK.CHECKPOINT, payload),
      sync: () => chunks.sync(),
      get end() {
        return chunks.end;
      },
    };
    return appender;
  };
}

/** @param append opens the recording for more */
export function replaySnapshots(
  { recording, hasher }: OpenRecording,
  drives: readonly ReplayDrive[],
  options: MachineOptions,
  append: () => Promise<SnapshotAppender>,
): SnapshotPlace {
  const initial = recording.header.start.kept === 'recording' ? INITIAL_NUMBER : undefined;
  const own = new RecordingStore(
    { snapshots: recording.snapshots, initial, append, blocks: (from) => recording.readSnapshot(from) },
    recording.snapshotsBegun,
  );
  const drive = drives.find(({ initial }) => initial !== undefined);
  const overlay = drive?.layer && drive.initial && new OverlayStore(drive.initial.overlay, drive.layer, drive.initial.id, hasher);
  return {
    store: overlay ?? own,
    options,
    engineVersion: VERSION,
    layers: overlay === undefined ? layersOf(drives) : undefined,
    ...hostOfSnapshots,
  };
}
