/**
 * Reads a recording, which may come from anyone and be cut off or damaged. It is checked as a whole before anything of
 * it is used; memory is bounded by a chunk (1 MiB) at a time, and by an embedded input when that is asked for.
 */
import { RepriseError } from '../errors/errors.ts';
import type { RandomAccessSource } from '../host/host.ts';
import { CHUNK, type Chunk, type Cursor, MAX_PAYLOAD, readChunks, readPreamble } from './chunks.ts';
import { Damage } from './damage.ts';
import type { Hasher } from './hasher.ts';
import { decodeHeader } from './header.ts';
import type { End, Header, InputFile, Position } from './model.ts';
import { LogDecoder, type LogRecord, START } from './records.ts';

/** 64 lower-case hex digits. The core has no SHA-256 of its own; a browser's is asynchronous. */
export type Sha256 = (bytes: Uint8Array) => Promise<string> | string;

export interface Recording {
  readonly header: Header;
  /** All records, decoded as they are asked for; each iteration starts anew. @throws RepriseError RECORDING_DAMAGED when the file changed since it was opened */
  readonly log: Iterable<LogRecord>;
  /** Undefined when the recording is truncated: its recorder died, or its disk was full, or the file was cut. It can be replayed to `reached`. */
  readonly end: End | undefined;
  /** The last position that is known: of the end, or of the last record. */
  readonly reached: Position;
  /** In bytes; `whole` is less than `file` when the last chunk is cut off, `inputs` and `log` are with their chunks' overhead. */
  readonly sizes: { readonly file: number; readonly whole: number; readonly inputs: number; readonly log: number };
  /** The bytes of an embedded input; undefined when it is not embedded. @throws RepriseError RECORDING_DAMAGED when they do not have the SHA-256 that the header gives */
  embedded(role: InputFile['role']): Promise<Uint8Array | undefined>;
}

interface Head {
  readonly header: Header;
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
  const { header, inputs, inputStart, logStart } = readHead(source, hasher, size);
  let reached = START;
  let whole = logStart.offset;
  let end: End | undefined;
  try {
    const decoder = new LogDecoder(header);
    for (const chunk of readChunks(source, hasher, logStart, size)) {
      if (chunk.type === CHUNK.LOG) for (const _ of decoder.records(chunk));
      else if (chunk.type === CHUNK.END) end = decoder.end(chunk);
      else throw unexpected(chunk);
      reached = decoder.position;
      whole = chunk.next.offset;
      if (end && whole !== size) throw new Damage(whole, 'something follows the end');
    }
  } catch (error) {
    throw explain(error, usable(whole, reached));
  }
  return {
    header,
    log: { [Symbol.iterator]: () => readLog(source, hasher, header, logStart, whole) },
    end,
    reached,
    sizes: { file: size, whole, inputs: logStart.offset - inputStart.offset, log: whole - logStart.offset },
    async embedded(role) {
      const from = inputs.get(role);
      const file = header.inputs.find((input) => input.role === role);
      if (!from || !file) return undefined;
      const bytes = readInput(source, hasher, from, file.size, logStart.offset);
      if ((await sha256(bytes)) !== file.sha256)
        throw new RepriseError('RECORDING_DAMAGED', `the ${role} in the recording is not the one that its header describes (its SHA-256 differs)`);
      return bytes;
    },
  };
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
    return { header, inputs, inputStart, logStart: next };
  } catch (error) {
    throw explain(error, 'The machine and its inputs are not completely described: nothing of it can be replayed.');
  }
}

function* readLog(source: RandomAccessSource, hasher: Hasher, header: Header, from: Cursor, end: number): Generator<LogRecord, void> {
  try {
    const decoder = new LogDecoder(header);
    let next = from;
    for (const chunk of readChunks(source, hasher, from, end)) {
      if (chunk.type === CHUNK.LOG) yield* decoder.records(chunk);
      next = chunk.next;
    }
    if (next.offset !== end) throw new Damage(next.offset, 'a chunk is gone');
  } catch (error) {
    throw explain(error, 'It was whole when it was opened: something else writes to it.');
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
    throw explain(error, 'It was whole when it was opened: something else writes to it.');
  }
  return bytes;
}

const unexpected = (chunk: Chunk): Damage => new Damage(chunk.offset, `a chunk of type ${chunk.type} does not belong here`);

const usable = (whole: number, { icount }: Position): string =>
  `The ${whole} bytes before are whole and replay up to instruction ${icount}: to use them, cut a copy of the file to that length.`;

function explain(error: unknown, consequence: string): unknown {
  if (!(error instanceof Damage)) return error;
  return new RepriseError('RECORDING_DAMAGED', `the recording is damaged at byte ${error.offset}: ${error.message}. ${consequence}`, error);
}
