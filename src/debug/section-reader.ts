/** Reads little-endian values and LEB128 numbers of DWARF, never past the end. */
import { RepriseError } from '../errors/errors.ts';

export class SectionReader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  left(): number {
    return this.bytes.length - this.at;
  }

  /** @throws RepriseError BAD_SYMBOLS, as all others here */
  skip(count: number): void {
    if (count < 0 || count > this.left()) throw new RepriseError('BAD_SYMBOLS', 'the debugging information is cut off');
    this.at += count;
  }

  /** The next bytes as a reader of their own. */
  part(count: number): SectionReader {
    this.skip(count);
    return new SectionReader(this.bytes.subarray(this.at - count, this.at));
  }

  u8(): number {
    this.skip(1);
    return this.bytes[this.at - 1];
  }

  u16(): number {
    return this.u8() | (this.u8() << 8);
  }

  u32(): number {
    return (this.u16() | (this.u16() << 16)) >>> 0;
  }

  /** Exact up to 2^53; what is larger makes no sense anywhere here. */
  uleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  sleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return byte & 0x40 ? value - scale : value;
    }
  }

  /** Text up to a zero byte. */
  text(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw new RepriseError('BAD_SYMBOLS', 'the debugging information is cut off');
    const text = String.fromCharCode(...this.bytes.subarray(this.at, Math.min(end, this.at + 4096)));
    this.at = end + 1;
    return text;
  }
}
