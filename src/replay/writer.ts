/** Writes a recording, chunk by chunk. What a call gave back from is in the sink, and stays there if the process dies. */
import { assert } from '../errors/errors.ts';
import type { AppendSink } from '../host/host.ts';
import { CHUNK, ChunkWriter, type Cursor, MAX_PAYLOAD } from './chunks.ts';
import { encodeExtent } from './disk-chunks.ts';
import type { Hasher } from './hasher.ts';
import { encodeHeader } from './header.ts';
import type { Digest, End, Header, InputEvent, InputFile, Position } from './model.ts';
import { LogEncoder } from './records.ts';

/** Buffered records beyond this are written without waiting for `flush`. */
const EAGER_BYTES = 256 * 1024;

export class RecordingWriter {
  private readonly chunks: ChunkWriter;
  private readonly log: LogEncoder;
  /** Identifies the recording in its snapshots: the same header is the same run. 16 hex digits. */
  readonly id: string;

  private constructor(chunks: ChunkWriter, log: LogEncoder, id: string) {
    this.chunks = chunks;
    this.log = log;
    this.id = id;
    Object.freeze(this);
  }

  /**
   * Writes the head: the header and the files that it says are embedded. Where disks are embedded, too, they follow
   * (`disk`), and where the start is kept in the recording, its snapshot. `sync` then makes the file count. The sink stays
   * the caller's to close.
   * @param embedded the bytes of each embedded file, and of no other
   * @throws RepriseError BAD_VALUE when the header has something that cannot be recorded (nothing is written then), and as `AppendSink.append`
   */
  static create(sink: AppendSink, header: Header, embedded: ReadonlyMap<InputFile['role'], Uint8Array>, hasher: Hasher): RecordingWriter {
    for (const { role, size, embedded: inside } of header.inputs)
      assert(embedded.get(role)?.length === (inside ? size : undefined), 'the embedded inputs are those that the header names');
    const encoded = encodeHeader(header);
    const chunks = ChunkWriter.begin(sink, hasher);
    chunks.append(CHUNK.HEADER, encoded);
    for (const { role } of header.inputs) {
      const bytes = embedded.get(role) ?? new Uint8Array(0);
      for (let at = 0; at < bytes.length; at += MAX_PAYLOAD) chunks.append(CHUNK.INPUT, bytes.subarray(at, at + MAX_PAYLOAD));
    }
    return new RecordingWriter(chunks, new LogEncoder(header), recordingId(encoded, hasher));
  }

  /** Adds used bytes of an embedded disk, at most `MAX_EXTENT`; in the order of disks and offsets, before anything else. @throws RepriseError as `AppendSink.append` */
  disk(disk: number, offset: number, bytes: Uint8Array): void {
    this.chunks.append(CHUNK.DISK, encodeExtent(disk, offset, bytes));
  }

  /** Adds an event at or after the last position. @throws RepriseError as `AppendSink.append` */
  event(event: InputEvent): void {
    this.log.event(event);
    this.writeIfLong();
  }

  /** Adds a digest at a multiple of the header's interval. @throws RepriseError as `AppendSink.append` */
  digest(digest: Digest): void {
    this.log.digest(digest);
    this.writeIfLong();
  }

  /** Writes what has been added, and that the run reached `position`. Does nothing when neither is news. @throws RepriseError as `AppendSink.append` */
  flush(position: Position): void {
    const { icount, bias } = this.log.position;
    if (position.icount !== icount || position.bias !== bias) this.log.progress(position);
    this.write();
  }

  /** Writes the rest and the end, and syncs. Nothing can be added any more. @throws RepriseError as `AppendSink.append` */
  finish(end: End): void {
    this.write();
    this.log.end(end);
    this.chunks.append(CHUNK.END, this.log.take());
    this.chunks.sync();
  }

  /** Adds a part of a snapshot, behind all that was added before. @throws RepriseError as `AppendSink.append` */
  snapshot(payload: Uint8Array): void {
    this.write();
    this.chunks.append(CHUNK.SNAPSHOT, payload);
  }

  /** Adds a part of a checkpoint, behind all that was added before. @throws RepriseError as `AppendSink.append` */
  checkpoint(payload: Uint8Array): void {
    this.write();
    this.chunks.append(CHUNK.CHECKPOINT, payload);
  }

  /** Where the next chunk will stand. */
  get end(): Cursor {
    return this.chunks.end;
  }

  /** Makes what was written survive the death of the host. @throws RepriseError as `AppendSink.append` */
  sync(): void {
    this.chunks.sync();
  }

  private writeIfLong(): void {
    if (this.log.length >= EAGER_BYTES) this.write();
  }

  private write(): void {
    if (this.log.length > 0) this.chunks.append(CHUNK.LOG, this.log.take());
  }
}

export const recordingId = (header: Uint8Array, hasher: Hasher): string => hasher.h64(header, 0n).toString(16).padStart(16, '0');
