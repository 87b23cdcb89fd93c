import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RepriseError } from '../errors/errors.ts';
import { readExpression } from './expression.ts';

const registers = (name: string): number | undefined =>
  new Map([
    ['r1', 5],
    ['pc', 0xffff0000],
  ]).get(name);
const value = (text: string): bigint => readExpression(text, 0, registers).value;

describe('an expression', () => {
  // What QEMU 7.2 prints for the same.
  it.each([
    ['1+2*3', 7n],
    ['5 & 4 | 1', 5n],
    ['1+2&3', 3n],
    ['0x10 % 3', 1n],
    ['010 + 10', 18n],
    ['-1', -1n],
    ['~0', -1n],
    ['-(2 + 3) * +4', -20n],
    ["'A' + 1", 66n],
    ['$r1 * 2', 10n],
    ['$pc+4', 0xffff0004n],
    ['7 / -2', -3n],
    ['0xffffffffffffffff', -1n],
    ['0x7fffffffffffffff + 1', -(2n ** 63n)],
  ])('%s', (text, expected) => expect(value(text)).toBe(expected));

  it.each([
    ['', 'unexpected end of expression'],
    ['(1', "')' expected"],
    ['1/0', 'division by zero'],
    ['1%0', 'division by zero'],
    ['$nope', 'unknown register'],
    ['x', "invalid char 'x' in expression"],
    ['09', "'09' is not an octal number"],
    ['0x10000000000000000', 'number too large'],
    ["'ab'", "missing terminating ' character"],
    ['('.repeat(5000), 'nested too deeply'],
    ['-'.repeat(5000), 'nested too deeply'],
  ])('%s: %s', (text, message) => expect(() => value(text)).toThrow(message));

  it('ends where it can go no further', () => {
    expect(readExpression('1 + 2  rest', 0, registers)).toEqual({ value: 3n, end: 7 });
    expect(readExpression('skip 1 << 3', 5, registers)).toEqual({ value: 1n, end: 7 });
  });

  it('is a number of 64 bits, or an error', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789xab+-*/%&|^~()$r1 '), maxLength: 40 }), (text) => {
        try {
          expect(BigInt.asIntN(64, value(text))).toBe(value(text));
        } catch (error) {
          expect(error).toBeInstanceOf(RepriseError);
        }
      }),
    );
  });
});
