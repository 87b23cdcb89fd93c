/** The primitive values of a recording: bytes, little-endian words and varints. See docs/recording-format.md. */
import { Damage } from './damage.ts';

const LOW_BITS = 0x7f;
const MORE = 0x80;
/** 2^53 - 1 needs 53 bits: eight groups of seven. */
const LONGEST_VARINT = 8;

/** A buffer that grows. */
export class ByteWriter {
  private buffer = new Uint8Array(256);
  length = 0;

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  u32(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.u8((value >>> shift) & 0xff);
  }

  /** @param value 0 to 2^53 - 1. Arithmetic, not shifts: those would cut it to 32 bits. */
  varint(value: number): void {
    let rest = value;
    for (; rest > LOW_BITS; rest = Math.floor(rest / MORE)) this.u8((rest % MORE) + MORE);
    this.u8(rest);
  }

  /** Zigzag: 0, -1, 1, -2, … become 0, 1, 2, 3, … @param value -2^52 to 2^52 - 1 */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  bytes(values: ArrayLike<number>): void {
    this.reserve(values.length);
    this.buffer.set(values, this.length);
    this.length += values.length;
  }

  /** A copy of what was written; the writer is empty again. */
  take(): Uint8Array {
    const taken = this.buffer.slice(0, this.length);
    this.length = 0;
    return taken;
  }

  private reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(2 * this.buffer.length, this.length + count));
    grown.set(this.buffer);
    this.buffer = grown;
  }
}

/** Reads what `ByteWriter` wrote, from bytes that may be anything. Every method throws `Damage` instead of reading on past the end. */
export class ByteReader {
  private readonly source: Uint8Array;
  private readonly base: number;
  private position = 0;

  /** @param base where in the file the bytes begin, for errors */
  constructor(source: Uint8Array, base: number) {
    this.source = source;
    this.base = base;
  }

  get offset(): number {
    return this.base + this.position;
  }

  get atEnd(): boolean {
    return this.position === this.source.length;
  }

  /** Bytes that have not been read. */
  get left(): number {
    return this.source.length - this.position;
  }

  u8(): number {
    return this.bytes(1)[0];
  }

  u32(): number {
    const [a, b, c, d] = this.bytes(4);
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }

  /** Only the shortest encoding counts, so that equal values are equal bytes. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 1; count <= LONGEST_VARINT; count++, factor *= MORE) {
      const byte = this.u8();
      value += (byte & LOW_BITS) * factor;
      if (byte >= MORE) continue;
      if (byte === 0 && count > 1) this.refuse('a number is longer than it need be');
      if (value > Number.MAX_SAFE_INTEGER) this.refuse('a number is above 2^53');
      return value;
    }
    return this.refuse('a number is above 2^53');
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A view, not a copy. */
  bytes(count: number): Uint8Array {
    if (count > this.source.length - this.position) this.refuse('something runs over the end of its chunk');
    const view = this.source.subarray(this.position, this.position + count);
    this.position += count;
    return view;
  }

  refuse(why: string): never {
    throw new Damage(this.offset, why);
  }
}
