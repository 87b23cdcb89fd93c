/** What snapshots need of the host and of the disks that are open. */
import type { CowDisk } from '../block/cow.ts';
import { wallClock } from '../host/node/clock.ts';
import type { OpenDrive } from '../opening/drives.ts';
import type { LayeredDisks, SnapshotPlace } from '../session/snapshots.ts';
import { DISK_PIECE, type DiskPiece } from '../snapshot/blocks.ts';

export const hostOfSnapshots: Pick<SnapshotPlace, 'date' | 'newName'> = {
  date: () => ({ seconds: wallClock().utcSeconds, nanoseconds: 0 }),
  newName: () => {
    const [date, time] = new Date().toISOString().split('T');
    return `vm-${date.replaceAll('-', '')}${time.slice(0, 8).replaceAll(':', '')}`;
  },
};

/** The layers over the disks, whose contents go into a snapshot itself; undefined when there are none. */
export function layersOf(drives: readonly OpenDrive[]): LayeredDisks | undefined {
  const layers = drives.map(({ layer }) => layer);
  if (!layers.some((layer) => layer !== undefined)) return undefined;
  return {
    async *pieces(): AsyncGenerator<DiskPiece> {
      for (const [disk, layer] of layers.entries()) if (layer !== undefined) yield* piecesOf(disk, layer);
    },
    clear: async () => {
      for (const layer of layers) layer?.rebase(layer.below);
    },
    put: async ({ disk, offset, bytes }) => {
      await layers[disk]?.write(offset, bytes);
    },
  };
}

async function* piecesOf(disk: number, layer: CowDisk): AsyncGenerator<DiskPiece> {
  for await (const { offset, bytes } of layer.contents()) {
    for (let at = 0; at < bytes.length; at += DISK_PIECE) yield { disk, offset: offset + at, bytes: bytes.subarray(at, at + DISK_PIECE) };
  }
}
