/** The body of a stored checkpoint: the states of all components, and which content each page and each block has. */
import { ByteReader, ByteWriter } from '../replay/bytes.ts';
import { MAX_BODY } from '../replay/checkpoint-chunks.ts';
import { type ContentTable, decodeTable, type Placement } from './content-table.ts';

export interface CheckpointBody {
  readonly states: readonly Uint8Array[];
  readonly ram: Placement;
  readonly disks: readonly Placement[];
}

/** Whatever a body holds is compared with this. */
export interface BodyShape {
  /** Of each state. */
  readonly stateBytes: readonly number[];
  readonly pages: number;
  /** Blocks of each disk. */
  readonly blocks: readonly number[];
  readonly lastContent: number;
}

/** Layout: docs/snapshots.md. @returns undefined when it would be longer than any can be */
export function encodeBody(states: readonly Uint8Array[], tables: readonly ContentTable[]): Uint8Array | undefined {
  const out = new ByteWriter();
  for (const bytes of states) {
    out.varint(bytes.length);
    out.bytes(bytes);
  }
  for (const table of tables) table.encode(out);
  return out.length > MAX_BODY ? undefined : out.take();
}

/** @throws Damage */
export function decodeBody(bytes: Uint8Array, { stateBytes, pages, blocks, lastContent }: BodyShape): CheckpointBody {
  const reader = new ByteReader(bytes, 0);
  const states = stateBytes.map((expected) => {
    if (reader.varint() !== expected) reader.refuse('a state has the wrong length');
    return reader.bytes(expected);
  });
  const ram = decodeTable(reader, pages, lastContent);
  const disks = blocks.map((limit) => decodeTable(reader, limit, lastContent));
  if (!reader.atEnd) reader.refuse('something follows the body');
  return { states, ram, disks };
}
