/** Opens the disks that the command line names: to run with, to record, to replay. */
import { CowDisk } from '../block/cow.ts';
import type { BlockFile, BlockNode } from '../block/node.ts';
import { knownFormat, type OpenedImage, openImage, probeFormat } from '../block/open.ts';
import { createQcow2 } from '../block/qcow2/create.ts';
import { Qcow2Image } from '../block/qcow2/image.ts';
import type { SnapshotKey } from '../block/qcow2/snapshots.ts';
import { RepriseError } from '../errors/errors.ts';
import { backingName, backingPath, isSameFile, NodeBlockFile, NodeBlockFiles } from '../host/node/block-file.ts';
import type { DriveSpec } from '../options/drives.ts';
import type { DiskSummary } from '../session/control.ts';

/** A disk that is open. */
export interface OpenDrive {
  /** QEMU's name of the device that it is in. */
  readonly device: 'sd0';
  /** What the guest reads and writes. Whether it may write: `summary.medium.readOnly`. */
  readonly node: BlockNode;
  /** Where snapshots of the machine can be kept. */
  readonly store: Qcow2Image | undefined;
  /** `node`, when that is a private layer which is gone at the end. */
  readonly layer: CowDisk | undefined;
  /** What the layer lies on; without one, `node`. */
  readonly base: BlockNode;
  readonly summary: DiskSummary;
  close(): Promise<void>;
}

/** A disk without a recording. @param notice told of what the user should know @throws RepriseError */
export async function openRunDrive(spec: DriveSpec, notice: (text: string) => void): Promise<OpenDrive> {
  if (spec.blkreplay !== undefined) return openRecordDrive(spec);
  const keep = !spec.readOnly && !spec.temporary;
  const image = await openImage(imageFiles(spec), spec.file, { readOnly: !keep, format: spec.format });
  if (!keep) return withoutOverlay(spec, image);
  if (image.format === 'raw' && spec.format === undefined)
    notice(
      `warning: '${spec.file}' looks like a raw image and will be written as one, but a guest can make it look like another format the next time; say format=raw (-drive file=${spec.file},if=sd,format=raw)`,
    );
  return plainDrive(spec, image);
}

/** A disk to record with: its image is only read. @throws RepriseError, DISK_CHANGED, BACKING_REFUSED and IMAGE_IN_USE among them */
export async function openRecordDrive(spec: DriveSpec): Promise<OpenDrive> {
  const overlay = spec.blkreplay?.overlay;
  if (overlay === undefined) return openWithoutOverlay(spec);
  if (!NodeBlockFile.exists(overlay)) await createOverlay(spec, overlay);
  const image = await openOverlay(spec, overlay, { readOnly: false });
  return { ...plainDrive(spec, image), store: image.node };
}

/**
 * A disk to replay with: image and overlay are only read, what the guest writes goes to a private layer. With an overlay
 * the layer lies on one of its snapshots.
 * @param chooseSnapshot gives the snapshot that the replay begins with
 * @param options.saveSnapshots opens the overlay for writing if that is possible, so that it is a `store` for more
 * snapshots; nobody else can use it then
 * @throws RepriseError, NO_SNAPSHOT, DISK_CHANGED, BACKING_REFUSED and IMAGE_IN_USE among them
 */
export async function openReplayDrive(
  spec: DriveSpec,
  chooseSnapshot: (overlay: Qcow2Image) => Promise<SnapshotKey>,
  { saveSnapshots = false } = {},
): Promise<OpenDrive> {
  const overlay = spec.blkreplay?.overlay;
  if (overlay === undefined) return openWithoutOverlay(spec);
  const image = await openOverlay(spec, overlay, { readOnly: !saveSnapshots }).catch((error: unknown) => {
    if (!saveSnapshots || !(error instanceof RepriseError) || error.code !== 'FILE_UNWRITABLE') throw error;
    return openOverlay(spec, overlay, { readOnly: true });
  });
  return closingOnFailure(image, async () => {
    const snapshot = image.node.snapshotNode(await chooseSnapshot(image.node));
    return { ...(await imageUnderLayer(spec, image, snapshot)), store: image.node.readOnly ? undefined : image.node };
  });
}

/** A private layer over a disk, which is gone when it is closed. @throws RepriseError FILE_UNWRITABLE, DISK_FULL */
export async function openLayer(base: BlockNode): Promise<CowDisk> {
  return new CowDisk(base, await NodeBlockFile.createScratch());
}

const imageFiles = ({ allowedBacking }: DriveSpec, ...named: readonly string[]): NodeBlockFiles =>
  new NodeBlockFiles([...allowedBacking, ...named], 'give -allow-backing FILE');

async function openWithoutOverlay(spec: DriveSpec): Promise<OpenDrive> {
  return withoutOverlay(spec, await openImage(imageFiles(spec), spec.file, { readOnly: true, format: spec.format }));
}

/** A disk whose image is only read. A guest that cannot write needs no layer. */
function withoutOverlay(spec: DriveSpec, image: OpenedImage): Promise<OpenDrive> {
  return closingOnFailure(image, async () => (spec.readOnly ? plainDrive(spec, image) : imageUnderLayer(spec, image, image.node)));
}

function plainDrive(spec: DriveSpec, image: OpenedImage): OpenDrive {
  const { node } = image;
  return {
    device: 'sd0',
    node,
    store: node instanceof Qcow2Image && !node.readOnly ? node : undefined,
    layer: undefined,
    base: node,
    summary: summaryOf(spec, image, false),
    close: () => node.close(),
  };
}

async function imageUnderLayer(spec: DriveSpec, image: OpenedImage, base: BlockNode): Promise<OpenDrive> {
  const drive = await layeredDrive(base, summaryOf(spec, image, true));
  return {
    ...drive,
    async close() {
      await drive.close();
      await image.node.close();
    },
  };
}

/** A disk that is only read, under a private layer for what the guest writes. Closing it closes the layer alone. */
export async function layeredDrive(base: BlockNode, summary: DiskSummary): Promise<OpenDrive> {
  const layer = await openLayer(base);
  return { device: 'sd0', node: layer, store: undefined, layer, base, summary, close: () => layer.close() };
}

function summaryOf({ readOnly }: DriveSpec, { node, format, file, backing }: OpenedImage, temporary: boolean): DiskSummary {
  return { device: 'sd0', medium: { file: file.name, format, sizeBytes: node.size, readOnly, backing, temporary } };
}

async function closingOnFailure<T>({ node }: OpenedImage, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    await node.close();
    throw error;
  }
}

/** Makes an overlay that has nothing yet, over the image as it is. */
async function createOverlay(spec: DriveSpec, overlay: string): Promise<void> {
  const image = await openImage(imageFiles(spec), spec.file, { readOnly: true, format: spec.format });
  try {
    const file = await NodeBlockFile.create(overlay);
    try {
      await createQcow2(file, { size: image.node.size, backing: { file: backingName(overlay, spec.file), format: image.format } });
    } catch (error) {
      NodeBlockFile.remove(overlay);
      throw error;
    } finally {
      await file.close();
    }
  } finally {
    await image.node.close();
  }
}

/** Opens an overlay that is there, over the image that it was made for. */
async function openOverlay(
  spec: DriveSpec,
  overlay: string,
  { readOnly }: { readonly readOnly: boolean },
): Promise<OpenedImage & { readonly node: Qcow2Image }> {
  const files = imageFiles(spec, spec.file);
  const file: BlockFile = await files.open(overlay, { readOnly });
  try {
    if ((await probeFormat(file)) !== 'qcow2')
      throw new RepriseError('IMAGE_UNSUPPORTED', `overlay '${overlay}' is not a qcow2 image and is kept as it is; name another file`);
    let image: OpenedImage | undefined;
    const node = await Qcow2Image.open(file, {
      openBacking: async (name, format) => {
        refuseOtherImage(spec, overlay, name, format);
        image = await openImage(files, spec.file, { readOnly: true, format: spec.format ?? knownFormat(overlay, format) });
        return image.node;
      },
    });
    if (image === undefined) {
      throw new RepriseError('BACKING_REFUSED', `overlay '${overlay}' is not based on '${spec.file}', nor on any image; name another file`);
    }
    if (node.size !== image.node.size) {
      await image.node.close();
      throw new RepriseError(
        'DISK_CHANGED',
        `'${spec.file}' has ${image.node.size} bytes, and overlay '${overlay}' is of a disk of ${node.size}; give the original image, or name another overlay`,
      );
    }
    return { node, file, format: 'qcow2', backing: [image.file.name, ...image.backing] };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function refuseOtherImage({ file, format: said }: DriveSpec, overlay: string, name: string, format: string | undefined): void {
  if (!isSameFile(backingPath(overlay, name), file))
    throw new RepriseError(
      'BACKING_REFUSED',
      `overlay '${overlay}' is based on '${name}', not on '${file}'; give that image, or name another overlay`,
    );
  if (said !== undefined && format !== undefined && said !== format)
    throw new RepriseError(
      'BACKING_REFUSED',
      `overlay '${overlay}' is based on '${name}' as a ${format} image, not as a ${said} one; say format=${format}, or name another overlay`,
    );
}
