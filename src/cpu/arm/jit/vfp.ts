/**
 * Data processing of the VFP in the usual case. The coprocessor is enabled, traps no inexact result, and works on scalars. An
 * operation that may round does so to nearest, and an inexact result has been signalled before, so that it does not matter
 * whether this one is. Operands are normal numbers (or zeros, where they cannot do harm), and so is the result: not one of
 * the smallest, which may have been tiny before it was rounded. There IEEE 754 leaves nothing open: a host's operation gives
 * the same bits. All else is the interpreter's.
 */
import { OP } from '../../../jit/wasm-code.ts';
import { COMPARED } from '../vfp/conversion.ts';
import { dOf, mOf, nOf } from '../vfp/data-processing.ts';
import { IXC } from '../vfp/softfloat.ts';
import { FPEXC, FPSCR } from '../vfp/vfp.ts';
import { type Context, NZCV, type Plan, STATE } from './context.ts';
import { pushHigh } from './data-processing.ts';

/** Where a register's word is in memory. */
export const registerAt = (register: number): number => STATE.vfp + 4 * register;

/** A format: its WebAssembly instructions, which word of two holds sign and exponent, and the exponent's lowest bit there. */
const SINGLE = {
  isDouble: false,
  load: OP.f32Load,
  store: OP.f32Store,
  add: OP.f32Add,
  subtract: OP.f32Sub,
  multiply: OP.f32Mul,
  divide: OP.f32Div,
  negate: OP.f32Neg,
  squareRoot: OP.f32Sqrt,
  equal: OP.f32Eq,
  less: OP.f32Lt,
  bits: OP.i32ReinterpretF32,
  fromSigned: OP.f32ConvertI32S,
  fromUnsigned: OP.f32ConvertI32U,
  toSigned: OP.i32TruncF32S,
  toUnsigned: OP.i32TruncF32U,
  top: 0,
  exponent: 1 << 23,
  bias: 127,
} as const;
const DOUBLE = {
  isDouble: true,
  load: OP.f64Load,
  store: OP.f64Store,
  add: OP.f64Add,
  subtract: OP.f64Sub,
  multiply: OP.f64Mul,
  divide: OP.f64Div,
  negate: OP.f64Neg,
  squareRoot: OP.f64Sqrt,
  equal: OP.f64Eq,
  less: OP.f64Lt,
  bits: OP.i64ReinterpretF64,
  fromSigned: OP.f64ConvertI32S,
  fromUnsigned: OP.f64ConvertI32U,
  toSigned: OP.i32TruncF64S,
  toUnsigned: OP.i32TruncF64U,
  top: 4,
  exponent: 1 << 20,
  bias: 1023,
} as const;
type Format = typeof SINGLE | typeof DOUBLE;

/** Bits of the FPSCR that must be as in `IXC`: for what never rounds, for what does, and for what works on vectors as well. */
const EXACT = FPSCR.IXE;
const LENGTH = 7 << FPSCR.LEN_SHIFT;
const INEXACT = FPSCR.IXE | IXC;
const ROUNDED = INEXACT | (3 << FPSCR.RMODE_SHIFT);

const push = ({ code }: Context, { load }: Format, register: number): void => {
  code.i32(0);
  code.access(load, registerAt(register));
};

/** Pushes the word with the exponent. */
const pushTop = ({ code }: Context, { top }: Format, register: number): void => code.loadAt(registerAt(register) + top);

/** Pushes whether the word at `address` has, of the bits in `mask`, those of `value`. */
function pushHas({ code }: Context, address: number, mask: number, value: number): void {
  code.loadAt(address);
  code.i32(mask);
  code.op(OP.i32And);
  code.i32(value);
  code.op(OP.i32Eq);
}

/** Pushes whether the coprocessor takes instructions. */
export const pushAccepts = (context: Context): void => pushHas(context, STATE.fpexc, FPEXC.EX | FPEXC.EN, FPEXC.EN);

/** Pushes whether it takes one for which those bits of the FPSCR matter. */
function pushAcceptsWith(context: Context, mask: number): void {
  pushAccepts(context);
  pushHas(context, STATE.fpscr, mask, mask & IXC);
  context.code.op(OP.i32And);
}

/** Pushes whether the number whose top word `word` pushes is finite and has an exponent field of at least `least`. */
function pushIsNormal({ code }: Context, { exponent }: Format, word: () => void, least = 1): void {
  word();
  code.i32(exponent);
  code.op(OP.i32Add);
  code.i32(0x7fffffff);
  code.op(OP.i32And);
  // Infinities and NaNs have wrapped around to 0.
  code.i32((least + 1) * exponent);
  code.op(OP.i32GeU);
}

/** Pushes whether a register holds a normal number or a zero. */
function pushIsNormalOrZero(context: Context, format: Format, register: number): void {
  const { code } = context;
  const top = (): void => pushTop(context, format, register);
  pushIsNormal(context, format, top);
  top();
  code.i32(1);
  code.op(OP.i32Shl);
  if (format.isDouble) {
    code.loadAt(registerAt(register));
    code.op(OP.i32Or);
  }
  code.op(OP.i32Eqz);
  code.op(OP.i32Or);
}

/** An instruction that is done by `fast` if what `condition` pushes is not 0. */
const plan = (condition: (context: Context) => void, fast: (context: Context) => void): Plan => ({
  writes: 0,
  sets: 0,
  reads: NZCV,
  seen: true,
  ends: 'no',
  emit: (context) => {
    condition(context);
    context.code.either(
      () => fast(context),
      () => context.interpret(0),
      0,
    );
  },
});

/**
 * Sd or Dd = what `compute` pushes, of these registers.
 * @param parts intermediate results that must be normal numbers, too
 */
function computed(
  format: Format,
  d: number,
  operands: readonly number[],
  compute: (context: Context) => void,
  parts: readonly ((context: Context) => void)[] = [],
): Plan {
  return plan(
    (context) => {
      const { code, t } = context;
      pushAcceptsWith(context, ROUNDED | LENGTH);
      for (const register of operands) {
        pushIsNormal(context, format, () => pushTop(context, format, register));
        code.op(OP.i32And);
      }
      for (const value of [...parts, compute]) {
        value(context);
        code.op(format.bits);
        code.set(format.isDouble ? code.wide : t[0]);
        pushIsNormal(context, format, () => (format.isDouble ? pushHigh(context) : code.get(t[0])), 2);
        code.op(OP.i32And);
      }
    },
    // The bits of what was computed last.
    ({ code, t }) => {
      code.i32(0);
      code.get(format.isDouble ? code.wide : t[0]);
      code.access(format.isDouble ? OP.i64Store : OP.i32Store, registerAt(d));
    },
  );
}

type Operation = 'add' | 'subtract' | 'multiply' | 'divide';

const planDyadic =
  (format: Format, operation: Operation, negated = false) =>
  (insn: number): Plan =>
    computed(format, dOf(insn), [nOf(insn), mOf(insn)], (context) => {
      push(context, format, nOf(insn));
      push(context, format, mOf(insn));
      context.code.op(format[operation]);
      if (negated) context.code.op(format.negate);
    });

/** Fd = plus or minus Fd plus or minus Fn * Fm: the product is rounded, and so is the sum. */
const planAccumulate =
  (format: Format, minusD: boolean, minusProduct: boolean) =>
  (insn: number): Plan => {
    const operands = [dOf(insn), nOf(insn), mOf(insn)];
    const product = (context: Context): void => {
      push(context, format, nOf(insn));
      push(context, format, mOf(insn));
      context.code.op(format.multiply);
    };
    const sum = (context: Context): void => {
      const { code } = context;
      push(context, format, dOf(insn));
      if (minusD) code.op(format.negate);
      product(context);
      code.op(minusProduct ? format.subtract : format.add);
    };
    return computed(format, dOf(insn), operands, sum, [product]);
  };

const planSquareRoot =
  (format: Format) =>
  (insn: number): Plan =>
    computed(format, dOf(insn), [mOf(insn)], (context) => {
      push(context, format, mOf(insn));
      context.code.op(format.squareRoot);
    });

/** FCPY, FABS, FNEG: whatever the operand is. `sign` changes the word with the sign. */
const planCopy =
  (format: Format, sign: (context: Context) => void) =>
  (insn: number): Plan =>
    plan(
      (context) => pushAcceptsWith(context, EXACT | LENGTH),
      (context) => {
        const { code } = context;
        if (format.isDouble) code.storeAt(registerAt(dOf(insn)), () => code.loadAt(registerAt(mOf(insn))));
        code.storeAt(registerAt(dOf(insn)) + format.top, () => {
          pushTop(context, format, mOf(insn));
          sign(context);
        });
      },
    );
const SIGNS = {
  FCPY: () => {},
  FABS: ({ code }: Context) => {
    code.i32(0x7fffffff);
    code.op(OP.i32And);
  },
  FNEG: ({ code }: Context) => {
    code.i32(1 << 31);
    code.op(OP.i32Xor);
  },
};

/** Numbers can be compared whatever the modes are, and a NaN is the interpreter's. */
const planCompare =
  (format: Format, withZero: boolean) =>
  (insn: number): Plan =>
    plan(
      (context) => {
        pushAcceptsWith(context, EXACT);
        for (const register of withZero ? [dOf(insn)] : [dOf(insn), mOf(insn)]) {
          pushIsNormalOrZero(context, format, register);
          context.code.op(OP.i32And);
        }
      },
      (context) => {
        const { code } = context;
        const compared = (comparison: number, more: number): void => {
          push(context, format, dOf(insn));
          if (withZero) {
            code.i32(0);
            code.op(format.fromSigned);
          } else push(context, format, mOf(insn));
          code.op(comparison);
          code.i32(more << FPSCR.NZCV_SHIFT);
          code.op(OP.i32Mul);
          code.op(OP.i32Add);
        };
        code.storeAt(STATE.fpscr, () => {
          code.loadAt(STATE.fpscr);
          code.i32(~(15 << FPSCR.NZCV_SHIFT));
          code.op(OP.i32And);
          code.i32(COMPARED.GREATER << FPSCR.NZCV_SHIFT);
          code.op(OP.i32Add);
          compared(format.less, COMPARED.LESS - COMPARED.GREATER);
          compared(format.equal, COMPARED.EQUAL - COMPARED.GREATER);
        });
      },
    );

/** FSITO and FUITO: a double holds every integer. */
const planFromInteger =
  (format: Format, conversion: 'fromSigned' | 'fromUnsigned') =>
  (insn: number): Plan =>
    plan(
      (context) => pushAcceptsWith(context, format.isDouble ? EXACT : ROUNDED),
      (context) => {
        const { code } = context;
        code.i32(0);
        code.loadAt(registerAt(mOf(insn)));
        code.op(format[conversion]);
        code.access(format.store, registerAt(dOf(insn)));
      },
    );

/** FTOSIZ and FTOUIZ: towards zero, of numbers that fit. */
const planToInteger =
  (format: Format, signed: boolean) =>
  (insn: number): Plan =>
    plan(
      (context) => {
        const { code } = context;
        pushAcceptsWith(context, INEXACT);
        pushIsNormalOrZero(context, format, mOf(insn));
        code.op(OP.i32And);
        pushTop(context, format, mOf(insn));
        if (signed) {
          code.i32(0x7fffffff);
          code.op(OP.i32And);
        }
        code.i32((format.bias + (signed ? 31 : 32)) * format.exponent);
        code.op(OP.i32LtU);
        code.op(OP.i32And);
      },
      (context) => {
        const { code } = context;
        code.storeAt(registerAt(dOf(insn)), () => {
          push(context, format, mOf(insn));
          code.op(signed ? format.toSigned : format.toUnsigned);
        });
      },
    );

/** FCVTDS: a double holds every single. */
const planWiden = (insn: number): Plan =>
  plan(
    (context) => {
      pushAcceptsWith(context, EXACT);
      pushIsNormalOrZero(context, SINGLE, mOf(insn));
      context.code.op(OP.i32And);
    },
    (context) => {
      context.code.i32(0);
      push(context, SINGLE, mOf(insn));
      context.code.op(OP.f64PromoteF32);
      context.code.access(OP.f64Store, registerAt(dOf(insn)));
    },
  );

/** Both formats of an instruction. */
const both = (name: string, planner: (format: Format) => (insn: number) => Plan): [string, (insn: number) => Plan][] => [
  [`${name}S`, planner(SINGLE)],
  [`${name}D`, planner(DOUBLE)],
];

/** How the rows of the instruction table with these names are translated. */
export const VFP_PLANNERS: readonly (readonly [string, (insn: number) => Plan])[] = [
  ...both('FADD', (format) => planDyadic(format, 'add')),
  ...both('FSUB', (format) => planDyadic(format, 'subtract')),
  ...both('FMUL', (format) => planDyadic(format, 'multiply')),
  ...both('FNMUL', (format) => planDyadic(format, 'multiply', true)),
  ...both('FDIV', (format) => planDyadic(format, 'divide')),
  ...both('FMAC', (format) => planAccumulate(format, false, false)),
  ...both('FNMAC', (format) => planAccumulate(format, false, true)),
  ...both('FMSC', (format) => planAccumulate(format, true, false)),
  ...both('FNMSC', (format) => planAccumulate(format, true, true)),
  ...both('FSQRT', planSquareRoot),
  ...Object.entries(SIGNS).flatMap(([name, sign]) => both(name, (format) => planCopy(format, sign))),
  ...['FCMP', 'FCMPE'].flatMap((name) => both(name, (format) => planCompare(format, false))),
  ...['FCMPZ', 'FCMPEZ'].flatMap((name) => both(name, (format) => planCompare(format, true))),
  ...both('FSITO', (format) => planFromInteger(format, 'fromSigned')),
  ...both('FUITO', (format) => planFromInteger(format, 'fromUnsigned')),
  ...both('FTOSIZ', (format) => planToInteger(format, true)),
  ...both('FTOUIZ', (format) => planToInteger(format, false)),
  ['FCVTDS', planWiden],
];
