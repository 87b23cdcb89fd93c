/**
 * Checkpoints inside a recording: a run of chunks for each, anywhere behind the head, behind the end too. Contents (pages
 * of RAM, blocks of disks) are stored once and numbered through the file from 1; number 0 is zeros. What the body of a
 * checkpoint means is not the recording's concern. Layout: docs/recording-format.md.
 */
import { PAGE_BYTES } from '../bus/memory.ts';
import { icount, ns } from '../time/units.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Chunk, Cursor } from './chunks.ts';
import type { Position } from './model.ts';
import { packedAs, unpacked } from './packing.ts';

/** Contents in one chunk, at most. */
export const CHUNK_CONTENTS = 250;
/** Bytes of a body in one chunk, at most. */
export const BODY_PIECE = 1000 * 1024;
/** The longest body. */
export const MAX_BODY = 16 * 2 ** 20;
/** The highest number that a content can have. */
const MAX_CONTENT = 0xffff_ffff;
const OP = { BEGIN: 1, CONTENTS: 2, BODY: 3, END: 4 } as const;

/** A checkpoint that is complete. */
export interface StoredCheckpoint {
  readonly position: Position;
  /** The part of its body that comes first. */
  readonly at: Cursor;
  /** The highest number of a content that it can refer to. */
  readonly lastContent: number;
  /** Of its chunks. */
  readonly bytes: number;
}

/** A chunk of contents. */
interface ContentsChunk {
  readonly at: Cursor;
  /** Number of its first content. */
  readonly first: number;
}

type CheckpointOp =
  | { readonly op: 'begin'; readonly position: Position }
  | { readonly op: 'contents'; readonly count: number; bytes(): Uint8Array }
  | { readonly op: 'body'; readonly length: number; bytes(): Uint8Array }
  | { readonly op: 'end' };

export function encodeBegin({ icount, bias }: Position): Uint8Array {
  const out = new ByteWriter();
  out.u8(OP.BEGIN);
  out.varint(icount);
  out.varint(bias);
  return out.take();
}

/** @param bytes of contents, one behind the other @param short raw deflate of them */
export const encodeContents = (bytes: Uint8Array, short: Uint8Array): Uint8Array => encodePacked(OP.CONTENTS, bytes, short);

/** @param bytes at most BODY_PIECE of the body @param short raw deflate of them */
export const encodeBodyPiece = (bytes: Uint8Array, short: Uint8Array): Uint8Array => encodePacked(OP.BODY, bytes, short);

export const encodeEnd = (): Uint8Array => Uint8Array.of(OP.END);

function encodePacked(op: number, bytes: Uint8Array, short: Uint8Array): Uint8Array {
  const out = new ByteWriter();
  out.u8(op);
  packedAs(out, bytes, short);
  return out.take();
}

/** @throws Damage */
function decodeCheckpointChunk(chunk: Chunk): CheckpointOp {
  const reader = new ByteReader(chunk.payload, chunk.payloadOffset);
  switch (reader.u8()) {
    case OP.BEGIN:
      return { op: 'begin', position: { icount: icount(reader.varint()), bias: ns(reader.varint()) } };
    case OP.CONTENTS: {
      const { length, bytes } = unpacked(reader, CHUNK_CONTENTS * PAGE_BYTES);
      if (length === 0 || length % PAGE_BYTES !== 0) reader.refuse('contents are not whole pages');
      return { op: 'contents', count: length / PAGE_BYTES, bytes };
    }
    case OP.BODY:
      return { op: 'body', ...unpacked(reader, BODY_PIECE) };
    case OP.END:
      return { op: 'end' };
    default:
      return reader.refuse('a part of a checkpoint of a kind that does not exist');
  }
}

/** Keeps the list of a recording's checkpoints while its chunks go by. */
export class CheckpointIndex {
  private readonly known: StoredCheckpoint[] = [];
  private readonly chunks: ContentsChunk[] = [];
  private begun: { readonly position: Position; readonly start: number; body: Cursor | undefined } | undefined;
  /** Number of the last content. */
  private last = 0;
  private total = 0;

  /** The complete ones, in the order of the file. */
  list(): readonly StoredCheckpoint[] {
    return this.known;
  }

  /** Number of the last content in the file, of checkpoints that are not complete as well. */
  get lastContent(): number {
    return this.last;
  }

  /** Bytes of all chunks. */
  get bytes(): number {
    return this.total;
  }

  /** @param at where the chunk stands @throws Damage */
  add(chunk: Chunk, at: Cursor): void {
    const part = decodeCheckpointChunk(chunk);
    this.total += chunk.next.offset - chunk.offset;
    switch (part.op) {
      case 'begin':
        // One that was begun before and not ended: its writer died.
        this.begun = { position: part.position, start: chunk.offset, body: undefined };
        break;
      case 'contents':
        if (this.last + part.count > MAX_CONTENT) new ByteReader(chunk.payload, chunk.payloadOffset).refuse('more contents than can be numbered');
        this.chunks.push({ at, first: this.last + 1 });
        this.last += part.count;
        break;
      case 'body':
        if (this.begun !== undefined) this.begun.body ??= at;
        break;
      case 'end':
        if (this.begun?.body !== undefined) {
          const { position, start, body } = this.begun;
          this.known.push({ position, at: body, lastContent: this.last, bytes: chunk.next.offset - start });
        }
        this.begun = undefined;
        break;
    }
  }

  /** The chunk that has a content. @param number at most `lastContent` */
  chunkOf(number: number): ContentsChunk {
    let [low, high] = [0, this.chunks.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.chunks[middle].first <= number) low = middle;
      else high = middle;
    }
    return this.chunks[low];
  }
}

/** The body of a checkpoint. @param chunkAt reads a chunk @throws Damage */
export function readBody({ at }: StoredCheckpoint, chunkAt: (at: Cursor) => Chunk): Uint8Array {
  const out = new ByteWriter();
  for (let next = at; ; ) {
    const chunk = chunkAt(next);
    const part = decodeCheckpointChunk(chunk);
    if (part.op !== 'body') return out.take();
    if (out.length + part.length > MAX_BODY) new ByteReader(chunk.payload, chunk.payloadOffset).refuse('a checkpoint is longer than any can be');
    out.bytes(part.bytes());
    next = chunk.next;
  }
}

/** The contents of a chunk, one behind the other. @throws Damage */
export function readContents(chunk: Chunk): Uint8Array {
  const part = decodeCheckpointChunk(chunk);
  return part.op === 'contents' ? part.bytes() : new ByteReader(chunk.payload, chunk.payloadOffset).refuse('contents are gone');
}
