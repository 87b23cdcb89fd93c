/**
 * The container of a recording: a preamble that tells what the file is, then chunks that are only ever appended. Every
 * check is seeded with the one before, so that a chunk which was changed, moved, removed or put in is noticed.
 * Layout: docs/recording-format.md.
 */
import { assert, RepriseError } from '../errors/errors.ts';
import type { AppendSink, RandomAccessSource } from '../host/host.ts';
import { ByteWriter } from './bytes.ts';
import { Damage } from './damage.ts';
import type { Hasher } from './hasher.ts';

/** The first byte and the line ends are damaged by transfers that take the file for text (as with PNG). */
const MAGIC = [0x89, 0x52, 0x50, 0x52, 0x0d, 0x0a, 0x1a, 0x0a];
export const FORMAT_VERSION = 2;
const PREAMBLE_BYTES = 16;
const HEAD_BYTES = 8;
const CHECK_BYTES = 8;
export const MAX_PAYLOAD = 1024 * 1024;

export const CHUNK = { HEADER: 1, INPUT: 2, LOG: 3, END: 4, DISK: 5, SNAPSHOT: 6, CHECKPOINT: 7 } as const;
export type ChunkType = (typeof CHUNK)[keyof typeof CHUNK];

/** A place between two chunks: its offset in the file, and the check that the next chunk is seeded with. */
export interface Cursor {
  readonly offset: number;
  readonly chain: bigint;
}

export interface Chunk {
  readonly offset: number;
  readonly type: number;
  readonly payload: Uint8Array;
  /** Offset of the payload, for errors. */
  readonly payloadOffset: number;
  /** Where the next chunk begins. */
  readonly next: Cursor;
}

/** Type and length have a check of their own: a damaged length must not be taken for a file that was cut off. */
const headCheck = (hasher: Hasher, head: Uint8Array, chain: bigint): number => hasher.h32(head.subarray(0, 4), Number(chain & 0xffffffffn));
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

export class ChunkWriter {
  private readonly sink: AppendSink;
  private readonly hasher: Hasher;
  private at: Cursor;
  private failure: unknown;

  /** @param at where the next chunk is appended */
  constructor(sink: AppendSink, hasher: Hasher, at: Cursor) {
    this.sink = sink;
    this.hasher = hasher;
    this.at = at;
  }

  /** Begins a file: writes the preamble. @throws RepriseError as `AppendSink.append` */
  static begin(sink: AppendSink, hasher: Hasher): ChunkWriter {
    const preamble = new ByteWriter();
    preamble.bytes(MAGIC);
    preamble.u32(FORMAT_VERSION);
    const start = preamble.take();
    preamble.bytes(start);
    preamble.u32(hasher.h32(start, 0));
    const bytes = preamble.take();
    sink.append(bytes);
    return new ChunkWriter(sink, hasher, { offset: bytes.length, chain: hasher.h64(bytes, 0n) });
  }

  /** Where the next chunk will begin. */
  get end(): Cursor {
    return this.at;
  }

  /**
   * Once an append has failed, every further one fails with the same error: what the failed one left behind would
   * otherwise stand in the middle of the file, where it is damage, and not at its end, where it is a cut.
   * @throws RepriseError as `AppendSink.append`
   */
  append(type: ChunkType, payload: Uint8Array): void {
    assert(payload.length <= MAX_PAYLOAD, 'a chunk holds at most 1 MiB');
    if (this.failure !== undefined) throw this.failure;
    const covered = HEAD_BYTES + payload.length;
    const bytes = new Uint8Array(covered + CHECK_BYTES);
    const view = viewOf(bytes);
    view.setUint32(0, type + payload.length * 0x100, true);
    view.setUint32(4, headCheck(this.hasher, bytes, this.at.chain), true);
    bytes.set(payload, HEAD_BYTES);
    const check = this.hasher.h64(bytes.subarray(0, covered), this.at.chain);
    view.setBigUint64(covered, check, true);
    try {
      this.sink.append(bytes);
    } catch (error) {
      this.failure = error;
      throw error;
    }
    this.at = { offset: this.at.offset + bytes.length, chain: check };
  }

  sync(): void {
    this.sink.sync();
  }
}

/**
 * @returns where the first chunk begins
 * @throws RepriseError NOT_A_RECORDING, RECORDING_VERSION
 * @throws Damage when it is cut off, or the version does not match its check
 */
export function readPreamble(source: RandomAccessSource, hasher: Hasher): Cursor {
  const bytes = source.read(0, Math.min(source.size, PREAMBLE_BYTES));
  if (bytes.length < MAGIC.length || MAGIC.some((byte, i) => bytes[i] !== byte))
    throw new RepriseError('NOT_A_RECORDING', 'the file is not a Reprise recording');
  if (bytes.length < PREAMBLE_BYTES) throw new Damage(bytes.length, 'the file ends');
  const view = viewOf(bytes);
  if (view.getUint32(12, true) !== hasher.h32(bytes.subarray(0, 12), 0)) throw new Damage(8, 'the format version does not match its check');
  const version = view.getUint32(8, true);
  if (version !== FORMAT_VERSION)
    throw new RepriseError(
      'RECORDING_VERSION',
      `the recording has format version ${version}, this version of Reprise reads version ${FORMAT_VERSION}: use the Reprise that made it, or a newer one`,
    );
  return { offset: PREAMBLE_BYTES, chain: hasher.h64(bytes, 0n) };
}

/**
 * The whole chunks between `from` and `end`; a last one that is cut off is left out.
 * @throws Damage at the first chunk that does not match its check
 */
export function* readChunks(source: RandomAccessSource, hasher: Hasher, from: Cursor, end: number): Generator<Chunk, void> {
  let { offset, chain } = from;
  while (end - offset >= HEAD_BYTES) {
    const head = viewOf(source.read(offset, HEAD_BYTES));
    const typeAndLength = head.getUint32(0, true);
    if (head.getUint32(4, true) !== headCheck(hasher, new Uint8Array(head.buffer, head.byteOffset, HEAD_BYTES), chain))
      throw new Damage(offset, "the chunk's head does not match its check");
    const length = typeAndLength >>> 8;
    if (length > MAX_PAYLOAD) throw new Damage(offset, `a chunk of ${length} bytes is longer than any can be`);
    const covered = HEAD_BYTES + length;
    if (end - offset < covered + CHECK_BYTES) return;
    const bytes = source.read(offset, covered + CHECK_BYTES);
    const check = viewOf(bytes).getBigUint64(covered, true);
    if (check !== hasher.h64(bytes.subarray(0, covered), chain)) throw new Damage(offset, 'the chunk does not match its check');
    const next = { offset: offset + covered + CHECK_BYTES, chain: check };
    yield { offset, type: typeAndLength & 0xff, payload: bytes.subarray(HEAD_BYTES, covered), payloadOffset: offset + HEAD_BYTES, next };
    ({ offset, chain } = next);
  }
}
