/**
 * Snapshots of a replay, in the overlay of its recording. The replay itself never writes to the overlay: its disk is a
 * layer over one of the overlay's snapshots. So a snapshot is forked from that one, and the active disk stays as it is.
 */
import type { CowDisk } from '../block/cow.ts';
import type { BlockNode } from '../block/node.ts';
import type { Qcow2Image } from '../block/qcow2/image.ts';
import { RepriseError } from '../errors/errors.ts';
import type { Hasher } from '../replay/hasher.ts';
import { frame } from './frames.ts';
import { described, ImageStore } from './image-store.ts';
import type { NewSnapshot, SnapshotStore, StoredSnapshot } from './store.ts';

export class OverlayStore implements SnapshotStore {
  private readonly image: Qcow2Image;
  private readonly layer: CowDisk;
  private readonly hasher: Hasher;
  private readonly kept: ImageStore;
  /** The snapshots that the layer has lain over, which captures of it may still need. */
  private readonly bases: Map<BlockNode, string>;

  /** @param base id of the snapshot that the layer lies over */
  constructor(image: Qcow2Image, layer: CowDisk, base: string, hasher: Hasher) {
    this.image = image;
    this.layer = layer;
    this.hasher = hasher;
    this.kept = new ImageStore(image, hasher);
    this.bases = new Map([[layer.below, base]]);
  }

  list(): StoredSnapshot[] {
    return this.kept.list();
  }

  async save({ name, date, vmClockNs, position }: NewSnapshot, blocks: AsyncIterable<Uint8Array>): Promise<StoredSnapshot> {
    this.requireWritable();
    const base = this.bases.get(this.layer.below) as string;
    const description = { name, date, vmClockNs, icount: position.icount };
    const fork = { from: { id: base }, vmState: frame(blocks, this.hasher), changes: this.layer.contents() };
    return described(await this.image.forkSnapshot(description, fork));
  }

  read(id: string): AsyncIterable<Uint8Array> {
    return this.kept.read(id);
  }

  readonly applyDisks = async (id: string): Promise<void> => {
    const node = this.image.snapshotNode({ id });
    this.bases.set(node, id);
    this.layer.rebase(node);
  };

  checkDeletable(id: string): void {
    if ([...this.bases.values()].includes(id))
      throw new RepriseError(
        'SNAPSHOT_IN_USE',
        'the replay began with this snapshot, or has loaded it, and reads its disk from it; use another name, or delete it afterwards',
      );
  }

  async delete(id: string): Promise<void> {
    this.requireWritable();
    await this.kept.delete(id);
  }

  private requireWritable(): void {
    if (this.image.readOnly) throw new RepriseError('NO_SNAPSHOT_STORE', 'the overlay cannot be written, so that its snapshots can only be loaded');
  }
}
