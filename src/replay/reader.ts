/**
 * Reads a recording, which may come from anyone and be cut off or damaged. It is checked as a whole before anything of
 * it is used; memory is bounded by a chunk (1 MiB) at a time, and by an embedded input when that is asked for.
 */

import { SECTOR_BYTES } from '../bus/disk.ts';
import { RepriseError } from '../errors/errors.ts';
import type { RandomAccessSource } from '../host/host.ts';
import type { Icount } from '../time/units.ts';
import { CheckpointIndex, readBody, readContents, type StoredCheckpoint } from './checkpoint-chunks.ts';
import { CHUNK, type Chunk, type Cursor, MAX_PAYLOAD, readChunks, readPreamble } from './chunks.ts';
import { Damage } from './damage.ts';
import { decodeExtent, type EmbeddedExtent } from './disk-chunks.ts';
import type { Hasher } from './hasher.ts';
import { decodeHeader } from './header.ts';
import type { Digest, End, Header, InputFile, Position } from './model.ts';
import { LogDecoder, type LogPlace, type LogRecord } from './records.ts';
import { ShapeError } from './shape.ts';
import { decodeSnapshotChunk, type RecordedSnapshot, SnapshotIndex } from './snapshot-chunks.ts';
import { recordingId } from './writer.ts';

/** 64 lower-case hex digits. The core has no SHA-256 of its own; a browser's is asynchronous. */
export type Sha256 = (bytes: Uint8Array) => Promise<string> | string;

export interface Recording {
  readonly header: Header;
  /** Identifies the run, in its snapshots: 16 hex digits. */
  readonly id: string;
  /** All records, decoded as they are asked for; each iteration starts anew. @throws RepriseError RECORDING_DAMAGED when the file changed since it was opened */
  readonly log: Iterable<LogRecord>;
  /** The events and digests from that one on, counted from 0; each iteration starts anew. @throws RepriseError like `log` */
  logFrom(count: number): Iterable<Exclude<LogRecord, { kind: 'progress' }>>;
  /** Undefined when the recording is truncated: its recorder died, or its disk was full, or the file was cut. It can be replayed to `reached`. */
  readonly end: End | undefined;
  /** The last position that is known: of the end, or of the last record. */
  readonly reached: Position;
  /** In bytes; `whole` is less than `file` when the last chunk is cut off, `inputs` and `log` are with their chunks' overhead. */
  readonly sizes: { readonly file: number; readonly whole: number; readonly inputs: number; readonly log: number };
  /** The bytes of an embedded input; undefined when it is not embedded. @throws RepriseError RECORDING_DAMAGED when they do not have the SHA-256 that the header gives */
  embedded(role: InputFile['role']): Promise<Uint8Array | undefined>;
  /** What is embedded of the disks, in order. */
  readonly extents: readonly EmbeddedExtent[];
  /** @throws RepriseError RECORDING_DAMAGED */
  readExtent(extent: EmbeddedExtent): Uint8Array;
  /** As they were when the recording was opened. */
  readonly snapshots: readonly RecordedSnapshot[];
  /** How many snapshots were begun: the next one has the number after that. */
  readonly snapshotsBegun: number;
  /** The blocks of a snapshot. @throws RepriseError RECORDING_DAMAGED */
  readSnapshot(from: Cursor): Iterable<Uint8Array>;
  readonly checkpoints: RecordedCheckpoints;
  /** The digest that was taken when that count was first reached, and how many events and digests come up to it, itself included. @throws RepriseError like `log` */
  digestAt(icount: Icount): { readonly digest: Digest; readonly count: number } | undefined;
  /** Where more may be appended: behind the last whole chunk. */
  readonly tail: Cursor;
}

/** The checkpoints of a recording, as they were when it was opened. */
export interface RecordedCheckpoints {
  /** The complete ones, in the order of the file. */
  readonly list: readonly StoredCheckpoint[];
  /** Number of the last content in the file. */
  readonly lastContent: number;
  /** Room that they take in the file, in bytes. */
  readonly bytes: number;
  /** @throws RepriseError RECORDING_DAMAGED */
  body(checkpoint: StoredCheckpoint): Uint8Array;
  /** A content, numbered from 1, and those that are stored with it, one behind the other. @throws RepriseError RECORDING_DAMAGED */
  contents(number: number): { readonly first: number; readonly bytes: Uint8Array };
}

interface Head {
  readonly header: Header;
  readonly id: string;
  readonly extents: readonly EmbeddedExtent[];
  /** Where the chunks of each embedded input begin. */
  readonly inputs: ReadonlyMap<InputFile['role'], Cursor>;
  /** Where the inputs and the log begin. */
  readonly inputStart: Cursor;
  readonly logStart: Cursor;
}

/**
 * @throws RepriseError NOT_A_RECORDING, RECORDING_VERSION, RECORDING_DAMAGED (a part is not what was written, or the
 * file ends before the log begins), and as `RandomAccessSource.read`
 */
export function readRecording(source: RandomAccessSource, hasher: Hasher, sha256: Sha256): Recording {
  const { size } = source;
  const { header, id, inputs, extents, inputStart, logStart } = readHead(source, hasher, size);
  let reached = header.start.position;
  let tail = logStart;
  let logBytes = 0;
  let end: End | undefined;
  const snapshots = new SnapshotIndex();
  const checkpoints = new CheckpointIndex();
  /** Of each log chunk: where it is, and where in the log it stands. */
  const pages: LogPage[] = [];
  try {
    const decoder = new LogDecoder(header);
    for (const chunk of readChunks(source, hasher, logStart, size)) {
      if (chunk.type === CHUNK.SNAPSHOT) shaped(chunk, () => snapshots.add(chunk));
      else if (chunk.type === CHUNK.CHECKPOINT) checkpoints.add(chunk, tail);
      else if (end) throw new Damage(chunk.offset, 'something follows the end');
      else if (chunk.type === CHUNK.LOG) {
        pages.push({ at: tail, place: decoder.place });
        for (const _ of decoder.records(chunk));
      } else if (chunk.type === CHUNK.END) end = decoder.end(chunk);
      else throw unexpected(chunk);
      if (chunk.type === CHUNK.LOG || chunk.type === CHUNK.END) logBytes += chunk.next.offset - chunk.offset;
      reached = decoder.position;
      tail = chunk.next;
    }
  } catch (error) {
    const unexpectedTail = end !== undefined && error instanceof Damage && error.offset === tail.offset;
    throw explain(unexpectedTail ? new Damage(tail.offset, 'something follows the end') : error, usable(tail.offset, reached));
  }
  const chunkAt = (at: Cursor): Chunk => {
    const { value: chunk } = readChunks(source, hasher, at, Number.MAX_SAFE_INTEGER).next();
    if (!chunk) throw new Damage(at.offset, 'a chunk is gone');
    return chunk;
  };
  const partAt = (at: Cursor): Chunk => {
    const chunk = chunkAt(at);
    if (chunk.type !== CHUNK.CHECKPOINT) throw new Damage(at.offset, 'a part of a checkpoint is gone');
    return chunk;
  };
  return {
    header,
    id,
    log: { [Symbol.iterator]: () => readLog(source, hasher, header, pages, 0) },
    logFrom: (count) => ({
      [Symbol.iterator]: () => skip(readLog(source, hasher, header, pages, pageOf(pages, count)), count - placeOf(pages, count)),
    }),
    end,
    reached,
    sizes: { file: size, whole: tail.offset, inputs: logStart.offset - inputStart.offset, log: logBytes },
    async embedded(role) {
      const from = inputs.get(role);
      const file = header.inputs.find((input) => input.role === role);
      if (!from || !file) return undefined;
      const bytes = readInput(source, hasher, from, file.size, logStart.offset);
      if ((await sha256(bytes)) !== file.sha256)
        throw new RepriseError('RECORDING_DAMAGED', `the ${role} in the recording is not the one that its header describes (its SHA-256 differs)`);
      return bytes;
    },
    extents,
    readExtent: ({ at }) => explained(() => decodeExtent(chunkAt(at)).bytes()),
    snapshots: snapshots.list(),
    snapshotsBegun: snapshots.count,
    *readSnapshot(from) {
      for (let at = from; ; ) {
        const chunk = explained(() => chunkAt(at));
        at = chunk.next;
        // A checkpoint that was taken before the snapshot may have been written meanwhile.
        if (chunk.type === CHUNK.CHECKPOINT) continue;
        const part = explained(() => {
          if (chunk.type !== CHUNK.SNAPSHOT) throw new Damage(chunk.offset, 'a snapshot is interrupted');
          return shaped(chunk, () => decodeSnapshotChunk(chunk));
        });
        if (part.op !== 'block') return;
        yield explained(() => part.bytes());
      }
    },
    checkpoints: {
      list: checkpoints.list(),
      lastContent: checkpoints.lastContent,
      bytes: checkpoints.bytes,
      body: (checkpoint) => explained(() => readBody(checkpoint, partAt)),
      contents: (number) => {
        const { at, first } = checkpoints.chunkOf(number);
        return { first, bytes: explained(() => readContents(partAt(at))) };
      },
    },
    digestAt: (icount) => {
      const page = pages.findLastIndex(({ place }) => place.position.icount < icount);
      let count = pages[page]?.place.count ?? 0;
      for (const record of readLog(source, hasher, header, pages, Math.max(0, page))) {
        if (record.kind === 'progress') continue;
        count++;
        if (record.kind === 'digest' && record.digest.icount === icount) return { digest: record.digest, count };
        if ((record.kind === 'digest' ? record.digest : record.event).icount > icount) return undefined;
      }
      return undefined;
    },
    tail,
  };
}

/** A log chunk. */
interface LogPage {
  readonly at: Cursor;
  readonly place: LogPlace;
}

/** The last page that begins at or before that record. */
function pageOf(pages: readonly LogPage[], count: number): number {
  let [low, high] = [0, pages.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (pages[middle].place.count <= count) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

const placeOf = (pages: readonly LogPage[], count: number): number => pages[pageOf(pages, count)]?.place.count ?? 0;

function* skip(records: Iterable<LogRecord>, count: number): Generator<Exclude<LogRecord, { kind: 'progress' }>, void> {
  let left = count;
  for (const record of records) {
    if (record.kind === 'progress') continue;
    if (left > 0) left--;
    else yield record;
  }
}

function readHead(source: RandomAccessSource, hasher: Hasher, size: number): Head {
  try {
    const first = readPreamble(source, hasher);
    const chunks = readChunks(source, hasher, first, size);
    const expect = (type: number, at: Cursor): Chunk => {
      const { value: chunk } = chunks.next();
      if (!chunk) throw new Damage(size, `the file ends before the chunk at byte ${at.offset} is complete`);
      if (chunk.type !== type) throw unexpected(chunk);
      return chunk;
    };
    const headerChunk = expect(CHUNK.HEADER, first);
    const header = decodeHeader(headerChunk);
    const id = recordingId(headerChunk.payload, hasher);
    const inputStart = headerChunk.next;
    const inputs = new Map<InputFile['role'], Cursor>();
    let next = inputStart;
    for (const { role, size: length, embedded } of header.inputs) {
      if (!embedded) continue;
      inputs.set(role, next);
      for (let at = 0; at < length; at += MAX_PAYLOAD) {
        const part = expect(CHUNK.INPUT, next);
        if (part.payload.length !== Math.min(MAX_PAYLOAD, length - at)) throw new Damage(part.offset, `a part of the ${role} has the wrong length`);
        next = part.next;
      }
    }
    const diskChunks = header.disks.some((disk) => disk.embedded) ? readChunks(source, hasher, next, size) : [];
    const { extents, after } = readExtents(header, diskChunks, next);
    return { header, id, inputs, extents, inputStart, logStart: after };
  } catch (error) {
    throw explain(error, 'The machine and its inputs are not completely described: nothing of it can be replayed.');
  }
}

/** The chunks of embedded disks, which must lie in order; the first chunk of another type ends them. */
function readExtents(header: Header, chunks: Iterable<Chunk>, from: Cursor): { readonly extents: EmbeddedExtent[]; readonly after: Cursor } {
  const extents: EmbeddedExtent[] = [];
  let after = from;
  let [disk, free] = [0, 0];
  for (const chunk of chunks) {
    if (chunk.type !== CHUNK.DISK) break;
    const extent = decodeExtent(chunk);
    if (extent.disk !== disk) [disk, free] = [extent.disk, 0];
    const bytes = (header.options.disks[extent.disk]?.sectors ?? 0) * SECTOR_BYTES;
    const misplaced = extent.disk < disk || extent.offset < free || extent.length === 0 || extent.offset + extent.length > bytes;
    if (misplaced || !header.disks[extent.disk]?.embedded) throw new Damage(chunk.offset, 'a part of a disk does not belong here');
    extents.push({ disk: extent.disk, offset: extent.offset, length: extent.length, at: after });
    free = extent.offset + extent.length;
    after = chunk.next;
  }
  return { extents, after };
}

function* readLog(source: RandomAccessSource, hasher: Hasher, header: Header, pages: readonly LogPage[], first: number): Generator<LogRecord, void> {
  try {
    for (const { at, place } of pages.slice(first)) {
      const { value: chunk } = readChunks(source, hasher, at, Number.MAX_SAFE_INTEGER).next();
      if (!chunk) throw new Damage(at.offset, 'a chunk is gone');
      yield* new LogDecoder(header, place).records(chunk);
    }
  } catch (error) {
    throw explain(error, CHANGED);
  }
}

function readInput(source: RandomAccessSource, hasher: Hasher, from: Cursor, length: number, end: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  try {
    const chunks = readChunks(source, hasher, from, end);
    while (at < length) {
      const { value: chunk } = chunks.next();
      if (!chunk || chunk.payload.length > length - at) throw new Damage(from.offset, 'an input is gone');
      bytes.set(chunk.payload, at);
      at += chunk.payload.length;
    }
  } catch (error) {
    throw explain(error, CHANGED);
  }
  return bytes;
}

const CHANGED = 'It was whole when it was opened: something else writes to it.';

function explained<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw explain(error, CHANGED);
  }
}

/** A part that has not the shape it should have is damage. */
function shaped<T>(chunk: Chunk, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof ShapeError) throw new Damage(chunk.payloadOffset, error.message);
    throw error;
  }
}

const unexpected = (chunk: Chunk): Damage => new Damage(chunk.offset, `a chunk of type ${chunk.type} does not belong here`);

const usable = (whole: number, { icount }: Position): string =>
  `The ${whole} bytes before are whole and replay up to instruction ${icount}: to use them, cut a copy of the file to that length.`;

function explain(error: unknown, consequence: string): unknown {
  if (!(error instanceof Damage)) return error;
  return new RepriseError('RECORDING_DAMAGED', `the recording is damaged at byte ${error.offset}: ${error.message}. ${consequence}`, error);
}
