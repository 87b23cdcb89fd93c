import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonStream, type Message } from './json-stream.ts';

const messages = (text: string): Message[] => {
  const stream = new JsonStream();
  return [...Buffer.from(text), 0x0a].flatMap((byte) => stream.take(byte));
};
const values = (text: string): unknown[] =>
  messages(text).map((message) => JSON.parse(JSON.stringify('value' in message ? message.value : message.error.message)));

describe('a stream of JSON', () => {
  it('gives the values that JSON.parse gives, however they follow each other', () => {
    // QMP has neither NUL in strings nor lone surrogates nor a key twice, and -0 is 0.
    const json = fc
      .json({ stringUnit: 'binary', noUnicodeString: false } as never)
      .filter((text) => !text.includes('\\u0000') && !text.includes('-0'));
    fc.assert(
      fc.property(fc.array(json, { maxLength: 5 }), fc.constantFrom(' ', '\n', '\r\n'), (texts, between) => {
        expect(values(texts.join(between))).toEqual(texts.map((text) => JSON.parse(text)));
      }),
    );
  });

  it('says something about everything else, and goes on', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const stream = new JsonStream();
        for (const byte of bytes) stream.take(byte);
        stream.take(0xff);
        const after = [...Buffer.from('{"execute":"x"}')].flatMap((byte) => stream.take(byte));
        expect(after).toEqual([{ value: Object.assign(Object.create(null), { execute: 'x' }) }]);
      }),
    );
  });

  it('knows what Unicode is', () => {
    expect(values('"\\ud83d\\ude00" "\\u00e9" "\\u0000" "\\udc00" "\\u12g4"')).toEqual([
      '😀',
      'é',
      'JSON parse error, \\u0000 is not a valid Unicode character',
      'JSON parse error, \\udc00 is not a valid Unicode character',
      "JSON parse error, invalid hex escape '\\u12g4' in string",
    ]);
    const stream = new JsonStream();
    expect([0x22, 0xc3, 0x28, 0x22].flatMap((byte) => stream.take(byte))).toMatchObject([
      { error: { message: 'JSON parse error, invalid UTF-8 sequence in string' } },
    ]);
  });
});
