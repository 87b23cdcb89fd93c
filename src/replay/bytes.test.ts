import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from './bytes.ts';

const varint = (value: number): number[] => {
  const writer = new ByteWriter();
  writer.varint(value);
  return [...writer.take()];
};
const reading = (...bytes: number[]) => new ByteReader(Uint8Array.from(bytes), 100);

describe('varints', () => {
  it('are seven bits a byte, lowest first', () => {
    expect(varint(0)).toEqual([0]);
    expect(varint(127)).toEqual([0x7f]);
    expect(varint(128)).toEqual([0x80, 0x01]);
    expect(varint(2 ** 32)).toEqual([0x80, 0x80, 0x80, 0x80, 0x10]);
    expect(varint(2 ** 53 - 1)).toEqual([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
  });

  it('come back the same over the whole range, signed ones too', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeNat()), fc.array(fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 })), (naturals, integers) => {
        const writer = new ByteWriter();
        for (const n of naturals) writer.varint(n);
        for (const n of integers) writer.signed(n);
        const reader = new ByteReader(writer.take(), 0);
        expect(naturals.map(() => reader.varint())).toEqual(naturals);
        expect(integers.map(() => reader.signed())).toEqual(integers);
        expect(reader.atEnd).toBe(true);
      }),
    );
  });

  it('keep small negative numbers short', () => {
    const writer = new ByteWriter();
    for (const n of [0, -1, 1, -64, 63]) writer.signed(n);
    expect([...writer.take()]).toEqual([0, 1, 2, 127, 126]);
  });

  it.each([
    ['cut off', [0x80]],
    ['longer than need be', [0x80, 0x00]],
    ['2^53', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]],
    ['of nine bytes', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ['without an end', new Array(1000).fill(0xff)],
  ])('that are %s are refused', (_, bytes) => {
    expect(() => reading(...bytes).varint()).toThrow(expect.objectContaining({ name: 'Damage' }));
  });
});

describe('words and runs of bytes', () => {
  it('have unsigned words, lowest byte first', () => {
    const writer = new ByteWriter();
    writer.u32(0xfedcba98);
    const bytes = writer.take();
    expect([...bytes]).toEqual([0x98, 0xba, 0xdc, 0xfe]);
    expect(new ByteReader(bytes, 0).u32()).toBe(0xfedcba98);
  });

  it('are never read over the end, and the error names the byte in the file', () => {
    const reader = reading(1, 2, 3);
    reader.u8();
    expect(() => reader.bytes(3)).toThrow(expect.objectContaining({ offset: 101 }));
    expect(() => reader.u32()).toThrow(expect.objectContaining({ offset: 101 }));
    expect([...reader.bytes(2)]).toEqual([2, 3]);
    expect(() => reader.u8()).toThrow(expect.objectContaining({ offset: 103 }));
  });

  it('grow with what is written, and taking them starts anew', () => {
    const writer = new ByteWriter();
    const long = Uint8Array.from({ length: 5000 }, (_, i) => i);
    writer.u8(42);
    writer.bytes(long);
    const taken = writer.take();
    writer.u8(43);
    expect(taken[0]).toBe(42);
    expect(taken.subarray(1)).toEqual(long);
    expect([...writer.take()]).toEqual([43]);
  });
});
