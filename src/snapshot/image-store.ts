/** Snapshots inside a qcow2 image, which also holds the disk: as `savevm` of QEMU keeps them. */
import type { Qcow2Image } from '../block/qcow2/image.ts';
import type { SnapshotInfo } from '../block/qcow2/snapshot-table.ts';
import { RepriseError } from '../errors/errors.ts';
import type { Hasher } from '../replay/hasher.ts';
import { frame, unframe } from './frames.ts';
import type { NewSnapshot, SnapshotStore, StoredSnapshot } from './store.ts';

/** Written at a time: the image cares for whole clusters. */
const PIECE = 1024 * 1024;

export const described = ({ id, name, date, vmClockNs, icount, vmStateSize }: SnapshotInfo): StoredSnapshot => ({
  id,
  name,
  date,
  vmClockNs,
  icount,
  bytes: vmStateSize,
});

export class ImageStore implements SnapshotStore {
  private readonly image: Qcow2Image;
  private readonly hasher: Hasher;
  private readonly initial: string | undefined;

  /** @param initial the snapshot that the recording under way begins with */
  constructor(image: Qcow2Image, hasher: Hasher, initial?: string) {
    this.image = image;
    this.hasher = hasher;
    this.initial = initial;
  }

  /** Those with a machine's state; others are of the disk alone. */
  list(): StoredSnapshot[] {
    return this.image
      .listSnapshots()
      .filter(({ vmStateSize }) => vmStateSize > 0)
      .map(described);
  }

  async save(snapshot: NewSnapshot, blocks: AsyncIterable<Uint8Array>): Promise<StoredSnapshot> {
    let size = 0;
    for await (const piece of gather(frame(blocks, this.hasher))) {
      await this.image.writeVmState(size, piece);
      size += piece.length;
    }
    const { name, date, vmClockNs, position } = snapshot;
    return described(await this.image.createSnapshot({ name, date, vmClockNs, icount: position.icount }, size));
  }

  read(id: string): AsyncIterable<Uint8Array> {
    const size = this.image.listSnapshots().find((snapshot) => snapshot.id === id)?.vmStateSize ?? 0;
    return unframe((position, length) => this.image.readVmState({ id }, position, length), size, this.hasher);
  }

  readonly applyDisks = (id: string): Promise<void> => this.image.applySnapshot({ id });

  checkDeletable(id: string): void {
    if (id === this.initial)
      throw new RepriseError(
        'SNAPSHOT_IN_USE',
        'the recording begins with this snapshot, and its replays will; use another name, or delete it afterwards',
      );
  }

  delete(id: string): Promise<void> {
    return this.image.deleteSnapshot({ id });
  }
}

/** The same bytes in pieces of equal size, so that no cluster is written twice. */
export async function* gather(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let buffer = new Uint8Array(PIECE);
  let length = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + PIECE - length);
      buffer.set(part, length);
      length += part.length;
      at += part.length;
      if (length < PIECE) continue;
      yield buffer;
      buffer = new Uint8Array(PIECE);
      length = 0;
    }
  }
  if (length > 0) yield buffer.subarray(0, length);
}
