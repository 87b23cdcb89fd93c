import { expect, test } from 'vitest';
import { isZero } from './zeros.ts';

test('one byte anywhere shows, whatever the alignment', () => {
  const buffer = new Uint8Array(64).fill(1);
  for (let start = 0; start < 8; start++) {
    for (let length = 0; length < 24; length++) {
      const bytes = buffer.subarray(start, start + length);
      bytes.fill(0);
      expect(isZero(bytes)).toBe(true);
      for (let n = 0; n < length; n++) {
        bytes[n] = 0x80;
        expect(isZero(bytes)).toBe(false);
        bytes[n] = 0;
      }
      buffer.fill(1);
    }
  }
});
