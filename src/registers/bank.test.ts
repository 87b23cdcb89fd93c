import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineState } from '../state/layout.ts';
import { absent, type BitField, bankTable, defineBank, type Register, ro, rsvd, rw, w1c, wo } from './bank.ts';

const bank = defineBank('Example', 'DDI 0000A', {
  CR: {
    offset: 0x00,
    width: 16,
    reset: 0x300,
    section: '3.1',
    fields: { EN: rw(0), MODE: rw(3, 1, 'the mode'), STATUS: ro(4), KICK: wo(5), DONE: w1c(7, 6), DMA: absent(9, 8), reserved: rsvd(15, 10) },
  },
  DATA: { offset: 0x04, width: 32, reset: 0xffffffff, section: '3.2', fields: { DATA: rw(31, 0) } },
  FLAG: { offset: 0x08, width: 8, reset: 0x80, section: '3.3', fields: { TOP: rw(7), rest: rsvd(6, 0) } },
  RIS: { offset: 0x0c, width: 32, reset: 0, section: '3.4', computed: true, fields: { RIS: ro(31, 0) } },
});

/** A bank of this one register. */
const one = (register: Partial<Register>, also: Record<string, Register> = {}) =>
  defineBank('X', 'doc', { R: { offset: 0, width: 8, reset: 0, section: '1', fields: { ALL: rw(7, 0) }, ...register }, ...also });

describe('register bank', () => {
  it('yields masks by name', () => {
    expect(bank.mask.CR).toEqual({ EN: 1, MODE: 0xe, STATUS: 0x10, KICK: 0x20, DONE: 0xc0, DMA: 0x300, reserved: 0xfc00 });
    expect(bank.mask.DATA.DATA).toBe(0xffffffff);
    expect(bank.mask.FLAG.TOP).toBe(0x80);
  });

  it('yields masks of every position and width as unsigned numbers', () => {
    for (let high = 0; high < 32; high++) {
      for (let low = 0; low <= high; low++) {
        const fields: Record<string, BitField> = { F: rw(high, low) };
        if (high < 31) fields.above = rsvd(31, high + 1);
        if (low > 0) fields.below = rsvd(low - 1, 0);
        expect(BigInt(one({ width: 32, fields }).mask.R.F as number)).toBe(((1n << BigInt(high - low + 1)) - 1n) << BigInt(low));
      }
    }
  });

  it('finds registers by their offset', () => {
    expect(bank.at(0x04)).toBe('DATA');
    expect(bank.at(0x0c)).toBe('RIS');
    expect(bank.at(0x01)).toBeUndefined();
    expect(bank.at(0x10)).toBeUndefined();
  });

  it('gives a state field, with width and reset value, to each register that is not computed', () => {
    expect(Object.keys(bank.stored)).toEqual(['CR', 'DATA', 'FLAG']);
    expect(bank.stored.CR).toMatchObject({ primitive: 'u16', reset: 0x300, doc: 'CR, 3.1' });
    expect(bank.stored.FLAG).toMatchObject({ primitive: 'u8', reset: 0x80 });
    expect(defineState('example', 1, { ...bank.stored }).create().fields).toMatchObject({ CR: 0x300, DATA: 0xffffffff, FLAG: 0x80 });
  });

  it('lists everything in the published table', () => {
    const table = bankTable(bank);
    expect(table).toContain('## Example\n\nDDI 0000A');
    expect(table).toContain('| 0x000 | **CR** | | reset 0x300 | 3.1 |');
    expect(table).toContain('| | MODE | 3:1 | rw | the mode |');
    expect(table).toContain('| | EN | 0 | rw |');
    expect(table).toContain('| | DMA | 9:8 | absent |');
  });
});

describe('a write', () => {
  it('takes rw bits, clears w1c bits where it is 1, and keeps the rest', () => {
    expect(bank.merge('CR', 0, 0xffff)).toBe(0x000f);
    expect(bank.merge('CR', 0xffff, 0)).toBe(0xfff0);
    expect(bank.merge('CR', 0x00d0, 0x0040)).toBe(0x0090);
    expect(bank.merge('DATA', 0, 0xdeadbeef)).toBe(0xdeadbeef);
    expect(bank.merge('RIS', 5, 0xffffffff)).toBe(5);
  });

  it('follows each bit’s own rule, whatever the neighbours are', () => {
    const word = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(word, word, (old, written) => {
        const merged = bank.merge('CR', old, written);
        for (let bit = 0; bit < 16; bit++) {
          const [was, is, w] = [old, merged, written].map((value) => (value >>> bit) & 1);
          const name = Object.entries(bank.registers.CR.fields).find(([, f]) => f.low <= bit && bit <= f.high)?.[1].access;
          expect(is).toBe(name === 'rw' ? w : name === 'w1c' ? was & (1 - w) : was);
        }
      }),
    );
  });

  it('of a bit that is not modelled is named, when it would change it', () => {
    expect(bank.absentIn('CR', 0x300, 0x300)).toEqual([]);
    expect(bank.absentIn('CR', 0x300, 0x30f)).toEqual([]);
    expect(bank.absentIn('CR', 0x300, 0x200)).toEqual(['CR.DMA']);
    expect(bank.absentIn('CR', 0x000, 0x100)).toEqual(['CR.DMA']);
    expect(bank.absentIn('DATA', 0, 0xffffffff)).toEqual([]);
  });
});

describe('a wrong table throws, naming register and fault', () => {
  it.each<[string, () => unknown, string]>([
    ['bits of two fields', () => one({ fields: { A: rw(4, 0), B: rw(7, 4) } }), 'R.B overlaps another field'],
    ['the top bit of two fields', () => one({ width: 32, fields: { A: rw(31, 0), B: rw(31) } }), 'R.B overlaps another field'],
    ['undescribed bits', () => one({ fields: { A: rw(3, 0), B: rw(7, 6) } }), 'R: bits 0x30 are not described'],
    ['an undescribed top bit', () => one({ width: 32, fields: { A: rw(30, 0) } }), 'R: bits 0x80000000 are not described'],
    ['no fields', () => one({ fields: {} }), 'R: bits 0xff are not described'],
    ['no section of the datasheet', () => one({ section: '' }), 'R names no section'],
    ['one offset twice', () => one({}, { S: { offset: 0, width: 8, reset: 0, section: '1', fields: { A: rw(7, 0) } } }), 'S and R share offset 0x0'],
    ['a field outside of the register', () => one({ fields: { A: rw(8, 0) } }), 'R.A [8:0] lies outside 8 bits'],
    ['a field upside down', () => one({ fields: { A: rw(0, 7) } }), 'R.A [0:7] lies outside'],
    ['a reset value that does not fit', () => one({ reset: 0x100 }), 'the reset value does not fit'],
  ])('%s', (_, define, message) => {
    expect(define).toThrow(`register table of X: `);
    expect(define).toThrow(message);
  });
});
