/** The contents of a disk inside a recording: chunks of used bytes, in order. Layout: docs/recording-format.md. */
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Chunk, Cursor } from './chunks.ts';
import { packed, unpacked } from './packing.ts';

/** Bytes of a disk in one chunk, at most. */
export const MAX_EXTENT = 512 * 1024;

/** A stretch of a disk that a chunk holds. */
export interface EmbeddedExtent {
  readonly disk: number;
  readonly offset: number;
  readonly length: number;
  /** The chunk. */
  readonly at: Cursor;
}

export function encodeExtent(disk: number, offset: number, bytes: Uint8Array): Uint8Array {
  const out = new ByteWriter();
  out.u8(disk);
  out.varint(offset);
  packed(out, bytes);
  return out.take();
}

/** @throws Damage */
export function decodeExtent(chunk: Chunk): { readonly disk: number; readonly offset: number; readonly length: number; bytes(): Uint8Array } {
  const reader = new ByteReader(chunk.payload, chunk.payloadOffset);
  const disk = reader.u8();
  const offset = reader.varint();
  const { length, bytes } = unpacked(reader, MAX_EXTENT);
  return { disk, offset, length, bytes };
}
