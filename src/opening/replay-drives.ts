/** The disks that a replay begins with: as they were when the recording began, whatever has happened to them since. */

import { hashContent } from '../block/content.ts';
import { EmbeddedDisk } from '../block/embedded.ts';
import type { Qcow2Image } from '../block/qcow2/image.ts';
import { SECTOR_BYTES } from '../bus/disk.ts';
import { RepriseError } from '../errors/errors.ts';
import { createSha256 } from '../host/node/files.ts';
import type { DriveSpec } from '../options/drives.ts';
import type { Hasher } from '../replay/hasher.ts';
import type { DiskInput } from '../replay/model.ts';
import type { Recording } from '../replay/reader.ts';
import { decodeBlock } from '../snapshot/blocks.ts';
import { ImageStore } from '../snapshot/image-store.ts';
import { layeredDrive, type OpenDrive, openReplayDrive } from './drives.ts';

/** A disk of a replay. */
export interface ReplayDrive extends OpenDrive {
  /** The overlay's snapshot that the replay begins with; undefined without an overlay. */
  readonly initial: { readonly overlay: Qcow2Image; readonly id: string; blocks(): AsyncIterable<Uint8Array> } | undefined;
}

/**
 * Opens what the user names instead of what the recording holds, checks that it is the recorded disk, and puts a layer over it.
 * @param specs of the command line
 * @param saveSnapshots whether an overlay is to take snapshots
 * @throws RepriseError FILE_NOT_FOUND, NO_SNAPSHOT, DISK_CHANGED, INPUT_CHANGED, RECORDING_DAMAGED and those of opening
 */
export async function openReplayDrives(
  recording: Recording,
  specs: readonly DriveSpec[],
  hasher: Hasher,
  saveSnapshots: boolean,
): Promise<ReplayDrive[]> {
  const { disks } = recording.header;
  if (specs.length > disks.length)
    throw new RepriseError('INPUT_CHANGED', `the recording was made without a disk; leave drive '${specs[disks.length].file}' out`);
  const drives: ReplayDrive[] = [];
  try {
    for (const [n, disk] of disks.entries()) {
      const drive =
        specs[n] === undefined
          ? await embeddedDrive(recording, n)
          : await namedDrive(recording, { ...specs[n], readOnly: recording.header.options.disks[n].readOnly }, hasher, saveSnapshots);
      drives.push(drive);
      await checkContent(drive, disk, recording.header.options.disks[n].sectors * SECTOR_BYTES);
    }
    return drives;
  } catch (error) {
    for (const drive of drives) await drive.close();
    throw error;
  }
}

async function namedDrive(recording: Recording, spec: DriveSpec, hasher: Hasher, saveSnapshots: boolean): Promise<ReplayDrive> {
  let initial: ReplayDrive['initial'];
  const drive = await openReplayDrive(
    spec,
    async (overlay) => {
      const store = new ImageStore(overlay, hasher);
      const id = await findInitial(recording, store, spec);
      initial = { overlay, id, blocks: () => store.read(id) };
      return { id };
    },
    { saveSnapshots },
  );
  return { ...drive, initial };
}

/** The snapshot that this very recording began with: it is known by the recording's id, not by its name. */
async function findInitial({ id, header }: Recording, store: ImageStore, spec: DriveSpec): Promise<string> {
  for (const { id: snapshot, icount } of store.list()) {
    if (icount !== header.start.position.icount) continue;
    const [first] = await firstBlock(store.read(snapshot));
    const block = first && decodeBlock(first);
    if (block?.kind === 'head' && block.head.recording === id) return snapshot;
  }
  throw new RepriseError(
    'NO_SNAPSHOT',
    `overlay '${spec.blkreplay?.overlay}' has no snapshot '${header.start.snapshot}' of this recording; it was recorded with '${header.disks[0].overlay || 'no overlay'}'`,
  );
}

/** Others' snapshots need not be readable. */
async function firstBlock(blocks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  try {
    for await (const block of blocks) return [block];
  } catch (error) {
    if (!(error instanceof RepriseError) || error.code !== 'SNAPSHOT_DAMAGED') throw error;
  }
  return [];
}

async function embeddedDrive(recording: Recording, n: number): Promise<ReplayDrive> {
  const { name, embedded, overlay } = recording.header.disks[n];
  if (!embedded) {
    const option =
      overlay === '' ? `-drive file=${name},if=sd` : `-drive file=${name},if=none,id=img -drive driver=blkreplay,if=sd,image=img,overlay=${overlay}`;
    throw new RepriseError(
      'FILE_NOT_FOUND',
      `the recording does not contain its disk ('${name}'); name it as it was when it was recorded, such as ${option}`,
    );
  }
  const { sectors, readOnly } = recording.header.options.disks[n];
  const sizeBytes = sectors * SECTOR_BYTES;
  const extents = recording.extents.filter(({ disk }) => disk === n);
  const base = new EmbeddedDisk(
    sizeBytes,
    extents.map((extent) => ({ offset: extent.offset, length: extent.length, read: () => recording.readExtent(extent) })),
  );
  const medium = { file: name, format: 'raw', sizeBytes, readOnly, backing: [], temporary: true } as const;
  return { ...(await layeredDrive(base, { device: 'sd0', medium })), initial: undefined };
}

async function checkContent({ base, summary }: ReplayDrive, { device, name, content }: DiskInput, sizeBytes: number): Promise<void> {
  const file = summary.medium?.file ?? name;
  if (base.size !== sizeBytes)
    throw new RepriseError('DISK_CHANGED', `disk ${device}: '${file}' has ${base.size} bytes, and the recorded one ('${name}') had ${sizeBytes}`);
  const hash = createSha256();
  await hashContent(base, hash);
  if (hash.hex() === content) return;
  if (base instanceof EmbeddedDisk)
    throw new RepriseError('RECORDING_DAMAGED', `disk ${device} in the recording is not the one that its header describes (its SHA-256 differs)`);
  throw new RepriseError(
    'DISK_CHANGED',
    `disk ${device}: '${file}' does not hold what '${name}' held when the recording began; give the original image, or the overlay that it was recorded with`,
  );
}
