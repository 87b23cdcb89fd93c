/**
 * Stores checkpoints in a recording: of RAM and disks only what has changed since the one before, each content once,
 * compressed beside the run. A checkpoint is written in one piece once all of it is compressed.
 */

import type { WrittenBlocks } from '../block/written.ts';
import { WRITTEN_BLOCK } from '../block/written.ts';
import { isZero } from '../block/zeros.ts';
import { type DirtyPages, type GuestMemory, PAGE_BYTES } from '../bus/memory.ts';
import type { Compressor } from '../host/host.ts';
import { BODY_PIECE, CHUNK_CONTENTS, encodeBegin, encodeBodyPiece, encodeContents, encodeEnd } from '../replay/checkpoint-chunks.ts';
import type { Hasher } from '../replay/hasher.ts';
import type { Position } from '../replay/model.ts';
import type { NamedState } from './blocks.ts';
import { encodeBody } from './checkpoint-body.ts';
import { ContentTable, MAX_UNITS, ZEROS } from './content-table.ts';

/** Compressed by now or not, so many pieces of 1 MiB are in memory at most; with more the machine stands until they are written. */
const PIECES_IN_FLIGHT = 32;
/** Contents that are found again, in the order of their first appearance: some 10 MiB of memory. */
const REMEMBERED = 2 ** 16;
/** Not the seed of the digests' hashes, so that two pages which are taken for one another there have different hashes here. */
const SEED = 1n;

/** The machine at its start, with all that its stored checkpoints are to hold. */
export interface CheckpointSource {
  readonly memory: GuestMemory;
  /** Of the machine and its outputs; the rest of the replay follows from the log. */
  readonly states: readonly NamedState[];
  readonly disks: readonly WrittenBlocks[];
  /** Pages were marked clean. */
  dropStores(): void;
}

/** Where the parts of checkpoints go, in order. */
export interface CheckpointSink {
  /** @throws RepriseError DISK_FULL and others */
  checkpoint(payload: Uint8Array): void;
}

export class CheckpointWriter {
  private readonly source: CheckpointSource;
  private readonly sink: CheckpointSink;
  private readonly compressor: Compressor;
  private readonly hasher: Hasher;
  private readonly dirty: DirtyPages;
  private readonly ram = new ContentTable();
  private readonly disks: readonly ContentTable[];
  private readonly remembered = new Map<bigint, number>();
  /** Number of the last content in the file. */
  private last: number;
  /** Contents that are gathered for a chunk, and how many. */
  private piece = new Uint8Array(0);
  private gathered = 0;
  /** Parts of the checkpoint under way that are not written. */
  private parts: Promise<Uint8Array>[] = [];
  /** Done when everything is written that was to be written while the machine runs. */
  private written: Promise<void> = Promise.resolve();

  /** @param lastContent number of the last content that the recording has already */
  constructor(source: CheckpointSource, sink: CheckpointSink, compressor: Compressor, hasher: Hasher, lastContent: number) {
    this.source = source;
    this.sink = sink;
    this.compressor = compressor;
    this.hasher = hasher;
    this.last = lastContent;
    this.dirty = source.memory.track(false);
    this.disks = source.disks.map(() => new ContentTable());
  }

  /** Pages and blocks that the next checkpoint would have to look at; of pages, as of the last digest. */
  get changed(): number {
    return this.source.disks.reduce((sum, disk) => sum + disk.changed, this.dirty.count);
  }

  /**
   * Stores the machine as it is now, at the moment of a digest. The machine may go on when this is done; the rest is
   * written beside it.
   * @returns false when too much has changed for any checkpoint to hold
   * @throws RepriseError of the sink, also about the one before, and of the disks
   */
  async take(position: Position): Promise<boolean> {
    const { source, ram, disks } = this;
    await this.settled();
    let begun = false;
    const makeRoom = async (): Promise<void> => {
      if (this.parts.length < PIECES_IN_FLIGHT) return;
      if (!begun) this.sink.checkpoint(encodeBegin(position));
      begun = true;
      await this.writeParts();
    };
    for (const page of this.dirty.take()) {
      ram.set(page, this.contentOf(source.memory.page(page)));
      await makeRoom();
    }
    source.dropStores();
    for (const [n, disk] of source.disks.entries()) {
      const blocks = disk.take();
      if (blocks === undefined) return false;
      for (const block of blocks) {
        disks[n].set(block, this.contentOf(await readBlock(disk, block)));
        await makeRoom();
      }
      if (disks[n].size > MAX_UNITS) return false;
    }
    this.closePiece();
    const body = encodeBody(
      source.states.map(({ state }) => state.bytes),
      [ram, ...disks],
    );
    if (body === undefined) return false;
    for (let at = 0; at < body.length; at += BODY_PIECE) this.compress(body.subarray(at, at + BODY_PIECE), encodeBodyPiece);
    // Nothing may come between the parts of a checkpoint: either all of them are written later, or all of them now.
    this.written = begun ? this.writeRest() : this.writeWhole(position);
    if (begun) await this.written;
    // Whoever comes next is told of a failure.
    else this.written.catch(() => {});
    return true;
  }

  /** Everything is written. @throws RepriseError of the sink */
  settled(): Promise<void> {
    return this.written;
  }

  private contentOf(bytes: Uint8Array): number {
    if (isZero(bytes)) return ZEROS;
    const hash = this.hasher.h64(bytes, SEED);
    const known = this.remembered.get(hash);
    if (known !== undefined) return known;
    this.gather(bytes);
    if (this.remembered.size === REMEMBERED) this.remembered.delete(this.remembered.keys().next().value as bigint);
    this.remembered.set(hash, ++this.last);
    return this.last;
  }

  private gather(bytes: Uint8Array): void {
    if (this.gathered === 0) this.piece = new Uint8Array(CHUNK_CONTENTS * PAGE_BYTES);
    this.piece.set(bytes, this.gathered++ * PAGE_BYTES);
    if (this.gathered === CHUNK_CONTENTS) this.closePiece();
  }

  private closePiece(): void {
    if (this.gathered > 0) this.compress(this.piece.subarray(0, this.gathered * PAGE_BYTES), encodeContents);
    this.gathered = 0;
  }

  private compress(bytes: Uint8Array, encode: (bytes: Uint8Array, short: Uint8Array) => Uint8Array): void {
    const part = this.compressor.deflate(bytes).then((short) => encode(bytes, short));
    // Waited for later, one after the other.
    part.catch(() => {});
    this.parts.push(part);
  }

  private async writeParts(): Promise<void> {
    for (const part of this.parts) this.sink.checkpoint(await part);
    this.parts = [];
  }

  private async writeRest(): Promise<void> {
    await this.writeParts();
    this.sink.checkpoint(encodeEnd());
  }

  private async writeWhole(position: Position): Promise<void> {
    const parts = await Promise.all(this.parts);
    this.parts = [];
    for (const part of [encodeBegin(position), ...parts, encodeEnd()]) this.sink.checkpoint(part);
  }
}

/** The last block of a disk may be shorter; zeros fill it. */
async function readBlock(disk: WrittenBlocks, block: number): Promise<Uint8Array> {
  const at = block * WRITTEN_BLOCK;
  const bytes = await disk.read(at, Math.min(WRITTEN_BLOCK, disk.size - at));
  if (bytes.length === WRITTEN_BLOCK) return bytes;
  const whole = new Uint8Array(WRITTEN_BLOCK);
  whole.set(bytes);
  return whole;
}
