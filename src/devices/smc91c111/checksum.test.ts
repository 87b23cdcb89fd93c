import { describe, expect, it } from 'vitest';
import { addressHash, isSealed, seal } from './checksum.ts';

describe('CRC of Ethernet', () => {
  it('is that of IEEE 802.3: the check value of "123456789", lowest byte first', () => {
    const wire = Uint8Array.from([...'123456789'].map((c) => c.charCodeAt(0)).concat([0, 0, 0, 0]));
    seal(wire);
    expect([...wire.subarray(9)]).toEqual([0x26, 0x39, 0xf4, 0xcb]);
    expect(isSealed(wire)).toBe(true);
    for (let i = 0; i < wire.length; i++) {
      const damaged = wire.slice();
      damaged[i] ^= 0x10;
      expect(isSealed(damaged)).toBe(false);
    }
  });

  it('hashes addresses as in the examples of the datasheet (8.2)', () => {
    const hash = (first: number) => addressHash(Uint8Array.of(first, 0, 0, 0, 0, 0));
    expect([0xed, 0x0d, 0x01, 0x2f].map(hash)).toEqual([0b000_000, 0b010_000, 0b100_111, 0b111_111]);
  });
});
