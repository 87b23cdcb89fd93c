/**
 * Addition, subtraction, multiplication and division of the VFP in the usual case: the coprocessor is enabled, rounds to
 * nearest, works on scalars, traps no inexact result and has signalled one before (so that it does not matter whether this
 * one is); and operands and result are normal numbers, the result not one of the smallest, which may have been tiny before
 * it was rounded. There IEEE 754 leaves nothing open: a host's operation gives the same bits. All else is the interpreter's.
 */
import { OP } from '../../../jit/wasm-code.ts';
import { dOf, mOf, nOf } from '../vfp/data-processing.ts';
import { IXC } from '../vfp/softfloat.ts';
import { FPEXC, FPSCR } from '../vfp/vfp.ts';
import { type Context, NZCV, type Plan, STATE } from './context.ts';
import { pushHigh } from './data-processing.ts';

/** A format's instructions, and the lowest bit of the exponent in the word that holds it. */
const SINGLE = { load: OP.f32Load, operations: [OP.f32Add, OP.f32Sub, OP.f32Mul, OP.f32Div], bits: OP.i32ReinterpretF32, exponent: 1 << 23 };
const DOUBLE = { load: OP.f64Load, operations: [OP.f64Add, OP.f64Sub, OP.f64Mul, OP.f64Div], bits: OP.i64ReinterpretF64, exponent: 1 << 20 };
const OPERATIONS = ['FADD', 'FSUB', 'FMUL', 'FDIV'] as const;

const registerAt = (register: number): number => STATE.vfp + 4 * register;

/** Pushes whether the number whose top word `word` pushes is finite and has an exponent field of at least `least`. */
function pushIsNormal({ code }: Context, word: () => void, exponent: number, least: number): void {
  word();
  code.i32(exponent);
  code.op(OP.i32Add);
  code.i32(0x7fffffff);
  code.op(OP.i32And);
  // Infinities and NaNs have wrapped around to 0.
  code.i32((least + 1) * exponent);
  code.op(OP.i32GeU);
}

/** Pushes whether the word at `address` has, of the bits in `mask`, those of `value`. */
function pushHas({ code }: Context, address: number, mask: number, value: number): void {
  code.loadAt(address);
  code.i32(mask);
  code.op(OP.i32And);
  code.i32(value);
  code.op(OP.i32Eq);
}

const MODES = (3 << FPSCR.RMODE_SHIFT) | (7 << FPSCR.LEN_SHIFT) | FPSCR.IXE | IXC;

function planArithmetic(insn: number, operation: number, isDouble: boolean): Plan {
  const { load, operations, bits, exponent } = isDouble ? DOUBLE : SINGLE;
  const top = isDouble ? 4 : 0;
  return {
    writes: 0,
    sets: 0,
    reads: NZCV,
    seen: true,
    ends: 'no',
    emit: (context) => {
      const { code, t } = context;
      for (const register of [nOf(insn), mOf(insn)]) {
        code.i32(0);
        code.access(load, registerAt(register));
      }
      code.op(operations[operation]);
      code.op(bits);
      code.set(isDouble ? code.wide : t[0]);
      pushHas(context, STATE.fpexc, FPEXC.EX | FPEXC.EN, FPEXC.EN);
      pushHas(context, STATE.fpscr, MODES, IXC);
      code.op(OP.i32And);
      for (const register of [nOf(insn), mOf(insn)]) {
        pushIsNormal(context, () => code.loadAt(registerAt(register) + top), exponent, 1);
        code.op(OP.i32And);
      }
      pushIsNormal(context, () => (isDouble ? pushHigh(context) : code.get(t[0])), exponent, 2);
      code.op(OP.i32And);
      code.either(
        () => {
          code.i32(0);
          code.get(isDouble ? code.wide : t[0]);
          code.access(isDouble ? OP.i64Store : OP.i32Store, registerAt(dOf(insn)));
        },
        () => context.interpret(0),
        0,
      );
    },
  };
}

/** How the rows of the instruction table with these names are translated. */
export const VFP_PLANNERS: readonly (readonly [string, (insn: number) => Plan])[] = OPERATIONS.flatMap((name, operation) => [
  [`${name}S`, (insn: number) => planArithmetic(insn, operation, false)] as const,
  [`${name}D`, (insn: number) => planArithmetic(insn, operation, true)] as const,
]);
