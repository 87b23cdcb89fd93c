import { describe, expect, it } from 'vitest';
import { atags } from './atags.ts';

const MiB = 1024 * 1024;

/** The tags of a list: identifier and payload, up to the one that ends it. */
function tagsOf(bytes: Uint8Array): { id: number; payload: Uint8Array }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tags: { id: number; payload: Uint8Array }[] = [];
  for (let at = 0; ; ) {
    const [size, id] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    if (id === 0) {
      expect([size, at + 8]).toEqual([0, bytes.length]);
      return tags;
    }
    tags.push({ id, payload: bytes.slice(at + 8, at + size * 4) });
    at += size * 4;
  }
}
const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
const CORE = { id: 0x54410001, payload: words(1, 4096, 0) };

describe('tagged list', () => {
  it('has core, memory and an end at least', () => {
    expect(tagsOf(atags({ ramBytes: 128 * MiB, append: '' }))).toEqual([CORE, { id: 0x54410002, payload: words(128 * MiB, 0) }]);
  });

  it('says where the initial RAM disk is', () => {
    const tags = tagsOf(atags({ ramBytes: 16 * MiB, initrd: { address: 8 * MiB, size: 1234 }, append: '' }));
    expect(tags[2]).toEqual({ id: 0x54420005, payload: words(8 * MiB, 1234) });
  });

  it.each(['a', 'ab', 'abc', 'abcd', 'console=ttyAMA0 root=/dev/ram', 'x'.repeat(100_000)])('holds the command line, ended by a zero', (append) => {
    const tags = tagsOf(atags({ ramBytes: 16 * MiB, append }));
    const { id, payload } = tags[2];
    expect(id).toBe(0x54410009);
    expect(Buffer.from(payload).toString().replace(/\0*$/, '')).toBe(append);
    expect(payload.length).toBe(Math.ceil((append.length + 1) / 4) * 4);
  });

  it('holds the command line as UTF-8', () => {
    const [, , { payload }] = tagsOf(atags({ ramBytes: 16 * MiB, append: 'name=Zoë' }));
    expect(Buffer.from(payload).toString()).toBe('name=Zoë\0\0\0');
  });
});
