import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GuestMemory } from '../bus/memory.ts';
import { OP, WasmCode } from './wasm-code.ts';
import { instantiate } from './wasm-host.ts';
import { encodeModule } from './wasm-module.ts';

const memory = new GuestMemory(0x10000);
const pages = memory.bytes.length / 0x10000;
const NOTHING = { memoryPages: pages, imports: [], tableSize: 0, types: [] } as const;

/** Runs code that leaves a number. */
function evaluate(write: (code: WasmCode) => void, argument = 0): number {
  const code = new WasmCode();
  write(code);
  const bytes = encodeModule({ ...NOTHING, functions: [{ signature: { parameters: 1, results: 1 }, i32Locals: 0, i64Locals: 1, code }] });
  return instantiate(memory, bytes, {}).exports.f0(argument);
}

describe('the encoder', () => {
  it('encodes every number', () => {
    const edges = [0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, -8192, -8193, 0x7fffffff, -0x80000000];
    for (const n of edges) expect(evaluate((code) => code.i32(n))).toBe(n);
    fc.assert(fc.property(fc.integer(), (n) => evaluate((code) => code.i32(n)) === n));
  });

  it('counts the depth of branches from labels', () => {
    // Leaves the second of three blocks, or the first, or none.
    const choose = (code: WasmCode): void => {
      const outer = code.block();
      const middle = code.block();
      const inner = code.block();
      code.get(0);
      code.brTable([inner, middle, outer]);
      code.end();
      code.i32(10);
      code.op(OP.return);
      code.end();
      code.i32(20);
      code.op(OP.return);
      code.end();
      code.i32(30);
    };
    expect([0, 1, 2, 99].map((n) => evaluate(choose, n))).toEqual([10, 20, 30, 30]);
  });

  it('writes functions of any length, with 64-bit locals', () => {
    const code = (out: WasmCode): void => {
      for (let n = 0; n < 20_000; n++) {
        out.get(0);
        out.op(OP.i64ExtendI32U);
        out.set(1);
      }
      out.get(1);
      out.i64(32);
      out.op(OP.i64Shl);
      out.i64(32);
      out.op(OP.i64ShrU);
      out.op(OP.i32WrapI64);
    };
    expect(evaluate(code, 0x12345)).toBe(0x12345);
  });
});
