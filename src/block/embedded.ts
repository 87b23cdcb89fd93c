/** A disk whose used blocks are kept elsewhere, such as in a recording: read-only, its holes are zeros. */
import { assert, RepriseError } from '../errors/errors.ts';
import { CONTENT_BLOCK } from './content.ts';
import type { Extent, SparseNode } from './extents.ts';
import { checkRange } from './range.ts';

/** What is kept of a disk in one piece. */
export interface EmbeddedExtent {
  /** On the disk; a multiple of `CONTENT_BLOCK`. */
  readonly offset: number;
  /** Of whole blocks, unless it ends with the disk; at most `MAX_EXTENT_BYTES`. */
  readonly length: number;
  /** Exactly `length` bytes. @throws RepriseError */
  read(): Uint8Array | Promise<Uint8Array>;
}

export const MAX_EXTENT_BYTES = 2 ** 24;
/** What was read last is held, up to so many bytes. */
const CACHE_BYTES = 2 ** 24;

export class EmbeddedDisk implements SparseNode {
  readonly size: number;
  readonly readOnly = true;
  private readonly extents: readonly EmbeddedExtent[];
  /** By number of the extent, the least recently used first. A read that is under way is shared. */
  private readonly cache = new Map<number, Promise<Uint8Array>>();
  private cachedBytes = 0;

  /** @param extents in order of their offsets @throws RepriseError RECORDING_DAMAGED when they cannot be a disk's */
  constructor(size: number, extents: readonly EmbeddedExtent[]) {
    let end = 0;
    for (const { offset, length } of extents) {
      const fits =
        Number.isSafeInteger(offset) && Number.isSafeInteger(length) && length > 0 && length <= MAX_EXTENT_BYTES && offset + length <= size;
      const whole = offset % CONTENT_BLOCK === 0 && (length % CONTENT_BLOCK === 0 || offset + length === size);
      if (!fits || !whole || offset < end) throw damaged(`${length} bytes at offset ${offset} of a disk of ${size} bytes`);
      end = offset + length;
    }
    this.size = size;
    this.extents = extents;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this, offset, length);
    const out = new Uint8Array(length);
    for (let number = this.firstEndingAfter(offset); number < this.extents.length; number++) {
      const extent = this.extents[number];
      if (extent.offset >= offset + length) break;
      const from = Math.max(offset, extent.offset);
      const to = Math.min(offset + length, extent.offset + extent.length);
      out.set((await this.bytesOf(number)).subarray(from - extent.offset, to - extent.offset), from - offset);
    }
    return out;
  }

  async extent(offset: number): Promise<Extent> {
    const next = this.extents[this.firstEndingAfter(offset)];
    if (next === undefined) return { zero: true, length: this.size - offset };
    if (next.offset > offset) return { zero: true, length: next.offset - offset };
    return { zero: false, length: next.offset + next.length - offset };
  }

  async write(): Promise<void> {
    assert(false, 'an embedded disk is not written');
  }

  async flush(): Promise<void> {}

  async discard(): Promise<void> {
    assert(false, 'an embedded disk is not written');
  }

  /** Lets go of what is held. The extents are their owner's. */
  async close(): Promise<void> {
    this.cache.clear();
    this.cachedBytes = 0;
  }

  /** Number of the extent; that of all extents when there is none. */
  private firstEndingAfter(offset: number): number {
    let [low, high] = [0, this.extents.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.extents[middle].offset + this.extents[middle].length > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private bytesOf(number: number): Promise<Uint8Array> {
    const held = this.cache.get(number);
    if (held !== undefined) {
      this.cache.delete(number);
      this.cache.set(number, held);
      return held;
    }
    const { length } = this.extents[number];
    for (const oldest of this.cache.keys()) {
      if (this.cachedBytes + length <= CACHE_BYTES) break;
      this.forget(oldest);
    }
    const reading = this.load(number);
    this.cache.set(number, reading);
    this.cachedBytes += length;
    // What failed is tried again.
    reading.catch(() => {
      if (this.cache.get(number) === reading) this.forget(number);
    });
    return reading;
  }

  private async load(number: number): Promise<Uint8Array> {
    const extent = this.extents[number];
    const { offset, length } = extent;
    const bytes = await extent.read();
    if (bytes.length !== length) throw damaged(`${bytes.length} bytes instead of ${length} at offset ${offset}`);
    return bytes;
  }

  private forget(number: number): void {
    this.cache.delete(number);
    this.cachedBytes -= this.extents[number].length;
  }
}

const damaged = (what: string): RepriseError => new RepriseError('RECORDING_DAMAGED', `the recording is damaged: it has a disk with ${what}`);
