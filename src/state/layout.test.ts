import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RepriseError } from '../errors/errors.ts';
import { bool, f64, f64s, i8, i16, i32, i32s, PRIMITIVE_BYTES, type Schema, u8, u8s, u16, u16s, u32, u32s } from './fields.ts';
import { defineState } from './layout.ts';

/** One field of every kind, with reset values that its memory would not have by itself. */
const all = defineState('all', 1, {
  flag: bool(true, ''),
  byte: u8(0xab, ''),
  signedByte: i8(-2, ''),
  half: u16(0xabcd, ''),
  signedHalf: i16(-3, ''),
  word: u32(0x89abcdef, ''),
  signedWord: i32(-4, ''),
  time: f64(2 ** 53 - 1, ''),
  bytes: u8s(3, '', 7),
  halves: u16s(2, ''),
  words: u32s(2, '', 0xffffffff),
  signedWords: i32s(2, '', -1),
  times: f64s(2, '', 1.5),
});

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof RepriseError) return error.code;
    throw error;
  }
  return 'accepted';
};

describe('layout of a state', () => {
  it('aligns every field and lets none overlap', () => {
    const field = fc.constantFrom<Schema[string]>(
      bool(false, ''),
      u8(0, ''),
      i8(0, ''),
      u16(0, ''),
      i16(0, ''),
      u32(0, ''),
      i32(0, ''),
      f64(0, ''),
      u8s(5, ''),
      u16s(3, ''),
      i32s(7, ''),
      f64s(2, ''),
    );
    fc.assert(
      fc.property(fc.array(field, { maxLength: 20 }), (fields) => {
        const schema = Object.fromEntries(fields.map((f, n) => [`f${n}`, f]));
        const layout = defineState('random', 1, schema);
        const owner: (string | undefined)[] = new Array(layout.bytes);
        for (const [name, f] of Object.entries(schema)) {
          const width = PRIMITIVE_BYTES[f.primitive];
          const from = layout.offsets[name];
          expect(from % width).toBe(0);
          for (let at = from; at < from + width * (f.shape === 'vector' ? f.length : 1); at++) {
            expect(at).toBeLessThan(layout.bytes);
            expect(owner[at]).toBeUndefined();
            owner[at] = name;
          }
        }
        expect(layout.bytes % 8).toBe(0);
      }),
    );
  });

  it('does not depend on the order of declaration', () => {
    const a = defineState('same', 1, { x: u8(1, ''), y: u32(2, ''), z: u8(3, '') });
    const b = defineState('same', 1, { z: u8(3, ''), y: u32(2, ''), x: u8(1, '') });
    expect(b.offsets).toEqual(a.offsets);
    expect(b.hash).toBe(a.hash);
  });

  it('keeps the values of neighbours apart', () => {
    const { fields } = all.create();
    fields.byte = 0x1ff;
    fields.signedByte = 0x80;
    fields.half = -1;
    fields.signedHalf = 0x8000;
    fields.word = -1;
    fields.signedWord = 0xffffffff;
    fields.flag = false;
    fields.time = 2 ** 53;
    expect(fields).toMatchObject({
      flag: false,
      byte: 0xff,
      signedByte: -128,
      half: 0xffff,
      signedHalf: -32768,
      word: 0xffffffff,
      signedWord: -1,
      time: 2 ** 53,
    });
    expect([...fields.bytes, ...fields.halves, ...fields.words, ...fields.signedWords, ...fields.times]).toEqual([
      7, 7, 7, 0, 0, 0xffffffff, 0xffffffff, -1, -1, 1.5, 1.5,
    ]);
  });

  it('lies where it is told to, and touches nothing else', () => {
    const buffer = new ArrayBuffer(3 * all.bytes);
    const around = new Uint8Array(buffer).fill(0xee);
    const state = all.create(buffer, all.bytes);
    expect([...around.subarray(0, all.bytes), ...around.subarray(2 * all.bytes)].every((byte) => byte === 0xee)).toBe(true);
    expect(new DataView(buffer).getUint32(all.bytes + all.offsets.word, true)).toBe(0x89abcdef);
    state.fields.words[1] = 5;
    expect(new DataView(buffer).getUint32(all.bytes + all.offsets.words + 4, true)).toBe(5);
  });
});

describe('state', () => {
  it('begins with its reset values and returns to them', () => {
    const state = all.create();
    const fresh = state.save();
    expect(state.fields).toMatchObject({ flag: true, byte: 0xab, signedByte: -2, half: 0xabcd, signedHalf: -3, signedWord: -4, time: 2 ** 53 - 1 });
    expect([...state.fields.words]).toEqual([0xffffffff, 0xffffffff]);
    state.bytes.fill(1);
    state.reset();
    expect(state.save()).toEqual(fresh);
  });

  it('saves a copy and restores it', () => {
    const a = all.create();
    a.fields.word = 1;
    a.fields.bytes[2] = 9;
    const saved = a.save();
    a.fields.word = 2;
    const b = all.create();
    b.restore(saved);
    expect(b.fields.word).toBe(1);
    expect([...b.fields.bytes]).toEqual([7, 7, 9]);
    saved.fill(0);
    expect(b.fields.word).toBe(1);
  });

  it('names exactly the fields that differ, in the order of declaration', () => {
    const a = all.create();
    const saved = a.save();
    expect(a.diff(saved)).toEqual([]);
    a.fields.times[1] = 2;
    a.fields.byte = 0;
    a.fields.flag = false;
    expect(a.diff(saved)).toEqual(['flag', 'byte', 'times']);
    a.restore(saved);
    expect(a.diff(saved)).toEqual([]);
  });

  it('is frozen: no field can be added, no vector replaced', () => {
    const state = all.create();
    expect(() => Object.assign(state.fields, { stray: 1 })).toThrow(TypeError);
    expect(() => Object.assign(state.fields, { words: new Uint32Array(2) })).toThrow(TypeError);
    expect(() => Object.assign(state, { fields: {} })).toThrow(TypeError);
    expect(() => Object.assign(all, { version: 2 })).toThrow(TypeError);
  });

  it('has its accessors on one prototype that all states of a layout share', () => {
    const [a, b] = [all.create().fields, all.create().fields];
    expect(Object.getPrototypeOf(a)).toBe(Object.getPrototypeOf(b));
    for (const [name, field] of Object.entries(all.schema)) {
      const own = Object.getOwnPropertyDescriptor(a, name);
      if (field.shape === 'vector') expect(own?.value).toBeDefined();
      else {
        expect(own).toBeUndefined();
        expect(Object.getOwnPropertyDescriptor(Object.getPrototypeOf(a), name)).toMatchObject({
          get: expect.any(Function),
          set: expect.any(Function),
        });
      }
    }
    a.word = 1;
    expect(b.word).toBe(0x89abcdef);
  });
});

describe('a saved block from a file', () => {
  it('is refused when its length is another, and cannot be compared', () => {
    const state = all.create();
    for (const length of [0, all.bytes - 1, all.bytes + 1]) {
      expect(codeOf(() => state.restore(new Uint8Array(length)))).toBe('STATE_SIZE');
      expect(codeOf(() => state.diff(new Uint8Array(length)))).toBe('STATE_SIZE');
    }
  });

  it('is refused, naming the field, when a boolean or a double has no meaning; the state stays as it was', () => {
    const state = all.create();
    const before = state.save();
    const flag = state.save();
    flag[all.offsets.flag] = 2;
    expect(() => state.restore(flag)).toThrow('all.flag: 2 is not a boolean');
    for (const offset of [all.offsets.time, all.offsets.times + 8]) {
      // Quiet, signalling, and with the sign bit.
      for (const high of [0x7ff80000, 0x7ff00001, 0xfff80000]) {
        const block = state.save();
        new DataView(block.buffer).setUint32(offset + 4, high, true);
        expect(codeOf(() => state.restore(block))).toBe('STATE_VALUE');
      }
    }
    expect(state.save()).toEqual(before);
  });

  it('may be part of a larger buffer at any offset', () => {
    const saved = all.create().save();
    const file = new Uint8Array(saved.length + 3);
    file.set(saved, 3);
    const state = all.create();
    state.fields.word = 0;
    state.restore(file.subarray(3));
    expect(state.diff(saved)).toEqual([]);
  });

  it('never does anything but restore or refuse', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: all.bytes, maxLength: all.bytes }), fc.integer({ min: 0, max: 2 }), (block, flag) => {
        block[all.offsets.flag] = flag;
        const state = all.create();
        const before = state.save();
        const outcome = codeOf(() => state.restore(block));
        if (outcome === 'accepted') expect(state.diff(block)).toEqual([]);
        else {
          expect(outcome).toBe('STATE_VALUE');
          expect(state.save()).toEqual(before);
        }
      }),
    );
  });
});

describe('hash of a schema', () => {
  const schema = { a: u8(0, 'doc'), b: u32s(4, 'doc'), c: bool(false, 'doc') };
  const { hash } = defineState('part', 1, schema);
  const changes: readonly (readonly [string, number])[] = [
    ['its name', defineState('other', 1, schema).hash],
    ['its version', defineState('part', 2, schema).hash],
    ['a field more', defineState('part', 1, { ...schema, d: u8(0, '') }).hash],
    ['a field less', defineState('part', 1, { a: schema.a, b: schema.b }).hash],
    ['a field renamed', defineState('part', 1, { z: schema.a, b: schema.b, c: schema.c }).hash],
    ['two fields swapped', defineState('part', 1, { a: schema.c, b: schema.b, c: schema.a }).hash],
    ['another type', defineState('part', 1, { ...schema, a: i8(0, '') }).hash],
    ['another width', defineState('part', 1, { ...schema, a: u16(0, '') }).hash],
    ['a boolean instead of a byte', defineState('part', 1, { ...schema, a: bool(false, '') }).hash],
    ['another reset value', defineState('part', 1, { ...schema, a: u8(1, '') }).hash],
    ['another reset value of a vector', defineState('part', 1, { ...schema, b: u32s(4, '', 1) }).hash],
    ['another length', defineState('part', 1, { ...schema, b: u32s(5, '') }).hash],
    ['a scalar instead of a vector of one', defineState('part', 1, { ...schema, b: u32(0, '') }).hash],
  ];

  it.each(changes)('changes with %s', (_, other) => {
    expect(other).not.toBe(hash);
  });

  it('tells all of these apart', () => {
    expect(new Set(changes.map(([, other]) => other)).size).toBe(changes.length);
  });

  it('does not change with the documentation', () => {
    expect(defineState('part', 1, { ...schema, a: u8(0, 'other words') }).hash).toBe(hash);
  });
});
