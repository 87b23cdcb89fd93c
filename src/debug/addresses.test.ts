import { describe, expect, it } from 'vitest';
import { parseAddress, parseStretch } from './addresses.ts';
import { Names } from './names.ts';

const names = new Names(new Uint8Array(Buffer.from('c0008000 T _text\nc077b0c0 D jiffies_64\n')));

describe('an address', () => {
  it.each([
    ['0xc0008000', 0xc0008000],
    ['4096', 4096],
    ['0xffffffff', 0xffffffff],
    ['jiffies_64', 0xc077b0c0],
    ['_text+0x10', 0xc0008010],
    ['0x8000+4', 0x8004],
  ])('may be %s', (text, address) => {
    expect(parseAddress(text, names)).toBe(address);
  });

  it.each(['', '+4', '_text+', '_text+x', '_text+1+2'])('is not: %j', (text) => {
    expect(() => parseAddress(text, names)).toThrow(expect.objectContaining({ code: 'BAD_VALUE' }));
  });

  it('by name needs symbols that have it', () => {
    expect(() => parseAddress('0x100000000', names)).toThrow(expect.objectContaining({ code: 'NO_SUCH_SYMBOL' }));
    expect(() => parseAddress('nothing', names)).toThrow(expect.objectContaining({ code: 'NO_SUCH_SYMBOL' }));
    expect(() => parseAddress('_text', undefined)).toThrow('--symbols');
  });
});

describe('a stretch', () => {
  it('has a length, or the usual one', () => {
    expect(parseStretch('jiffies_64:8', names, 4)).toEqual({ address: 0xc077b0c0, length: 8 });
    expect(parseStretch('0x8000', undefined, 4)).toEqual({ address: 0x8000, length: 4 });
    for (const text of ['0x8000:0', '0x8000:', '0x8000:4097', '0x8000:1:2']) expect(() => parseStretch(text, names, 4)).toThrow('ADDRESS[:LENGTH]');
  });
});
