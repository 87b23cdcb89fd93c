/**
 * Snapshots inside a recording: a run of chunks for each, which may stand anywhere behind the head, behind the end too.
 * What a block of a snapshot means is not the recording's concern. Layout: docs/recording-format.md.
 */
import { ByteReader, ByteWriter } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Chunk, Cursor } from './chunks.ts';
import { packed, unpacked } from './packing.ts';
import { digits, integer, record, text } from './shape.ts';

/** The longest block of a snapshot. */
const MAX_BLOCK = 1024 * 1024 - 64;
const OP = { BEGIN: 1, BLOCK: 2, END: 3, DELETE: 4 } as const;
const UINT32 = 0xffffffff;

export interface SnapshotTitle {
  readonly name: string;
  readonly date: { readonly seconds: number; readonly nanoseconds: number };
  readonly icount: number;
  readonly vmClockNs: number;
}

/** A snapshot that is complete and has not been deleted. */
export interface RecordedSnapshot extends SnapshotTitle {
  /** Snapshots are numbered from 1, in the order in which they were begun. */
  readonly number: number;
  /** Its first block. */
  readonly at: Cursor;
  /** Of its chunks. */
  readonly bytes: number;
}

export type SnapshotOp =
  | { readonly op: 'begin'; readonly title: SnapshotTitle }
  | { readonly op: 'block'; bytes(): Uint8Array }
  | { readonly op: 'end' }
  | { readonly op: 'delete'; readonly number: number };

const titleShape = record({
  name: text(256, /^[^\p{Cc}\p{Cs}]+$/u, 'a name without control characters'),
  seconds: integer(0, UINT32),
  nanoseconds: integer(0, 999_999_999),
  icount: digits,
  vmClockNs: digits,
});

export function encodeBegin({ name, date, icount, vmClockNs }: SnapshotTitle): Uint8Array {
  const title = titleShape({ name, ...date, icount: String(icount), vmClockNs: String(vmClockNs) }, 'snapshot');
  return Uint8Array.of(OP.BEGIN, ...encodeCbor(title));
}

export function encodeBlock(block: Uint8Array): Uint8Array {
  const out = new ByteWriter();
  out.u8(OP.BLOCK);
  packed(out, block);
  return out.take();
}

export const encodeEnd = (): Uint8Array => Uint8Array.of(OP.END);

export function encodeDelete(number: number): Uint8Array {
  const out = new ByteWriter();
  out.u8(OP.DELETE);
  out.varint(number);
  return out.take();
}

/** @throws Damage, ShapeError */
export function decodeSnapshotChunk(chunk: Chunk): SnapshotOp {
  const reader = new ByteReader(chunk.payload, chunk.payloadOffset);
  switch (reader.u8()) {
    case OP.BEGIN: {
      const { name, seconds, nanoseconds, icount, vmClockNs } = titleShape(decodeCbor(chunk.payload.subarray(1), reader.offset), 'snapshot');
      return { op: 'begin', title: { name, date: { seconds, nanoseconds }, icount: Number(icount), vmClockNs: Number(vmClockNs) } };
    }
    case OP.BLOCK:
      return { op: 'block', bytes: unpacked(reader, MAX_BLOCK).bytes };
    case OP.END:
      return { op: 'end' };
    case OP.DELETE:
      return { op: 'delete', number: reader.varint() };
    default:
      return reader.refuse('a part of a snapshot of a kind that does not exist');
  }
}

/** Keeps the list of a recording's snapshots while its chunks go by. */
export class SnapshotIndex {
  private readonly known = new Map<number, RecordedSnapshot>();
  private begun: { readonly title: SnapshotTitle; readonly start: number; readonly at: Cursor } | undefined;
  private last = 0;

  /** How many were begun. */
  get count(): number {
    return this.last;
  }

  list(): RecordedSnapshot[] {
    return [...this.known.values()];
  }

  /** @throws Damage, ShapeError */
  add(chunk: Chunk): void {
    const part = decodeSnapshotChunk(chunk);
    switch (part.op) {
      case 'begin':
        // One that was begun before and not ended: the recorder's disk was full.
        this.last++;
        this.begun = { title: part.title, start: chunk.offset, at: chunk.next };
        break;
      case 'end':
        if (this.begun !== undefined)
          this.known.set(this.last, { ...this.begun.title, number: this.last, at: this.begun.at, bytes: chunk.next.offset - this.begun.start });
        this.begun = undefined;
        break;
      case 'delete':
        this.known.delete(part.number);
        break;
    }
  }
}
