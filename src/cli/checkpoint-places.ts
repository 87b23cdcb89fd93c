/** `--store-checkpoints`, for recordings and replays alike. */
import type { WrittenBlocks } from '../block/written.ts';
import type { Machine } from '../boards/machine.ts';
import { compressor } from '../host/node/compressor.ts';
import type { Hasher } from '../replay/hasher.ts';
import type { RecordedCheckpoints } from '../replay/reader.ts';
import { CheckpointKeeper } from '../session/checkpoint-keeper.ts';
import type { NamedState } from '../snapshot/blocks.ts';
import { type CheckpointSink, CheckpointWriter } from '../snapshot/checkpoint-writer.ts';
import type { Icount } from '../time/units.ts';

/**
 * Instructions for each page or block that a checkpoint stores: it takes some 30 microseconds. Compiled code executes as
 * many while recording in 0.8 milliseconds, so that checkpoints take less than a twentieth of the time. Who adds
 * checkpoints to a recording has come for them.
 */
export const PRICE = { whileRecording: 2 ** 18, whileReplaying: 2 ** 15 } as const;

export interface StoringRun {
  /** At its start. */
  readonly machine: Machine;
  readonly start: Icount;
  /** Of the machine and its outputs. */
  readonly states: readonly NamedState[];
  readonly disks: readonly WrittenBlocks[];
  readonly hasher: Hasher;
  readonly sink: CheckpointSink;
  /** What the recording has already. */
  readonly stored: Pick<RecordedCheckpoints, 'list' | 'lastContent'>;
  readonly price: number;
  readonly notice: (text: string) => void;
}

export function keepInRecording({ machine, start, states, disks, hasher, sink, stored, price, notice }: StoringRun): CheckpointKeeper {
  const source = { memory: machine.memory, states, disks, dropStores: () => machine.cpu.dropStores() };
  const known = stored.list.map(({ position }) => position.icount);
  return new CheckpointKeeper(new CheckpointWriter(source, sink, compressor, hasher, stored.lastContent), { start, known, price, notice });
}
