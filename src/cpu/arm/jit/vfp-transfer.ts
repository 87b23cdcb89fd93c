/** Moves between the VFP's registers, core registers and memory, while the coprocessor is enabled. */
import { OP } from '../../../jit/wasm-code.ts';
import { dOf, mOf, nOf } from '../vfp/data-processing.ts';
import { FPSCR } from '../vfp/vfp.ts';
import { C, type Context, N, NZCV, type Plan, STATE, V, Z } from './context.ts';
import { interpreted } from './interpreted.ts';
import { pushAccepts, registerAt } from './vfp.ts';

const U = 1 << 23;
const W = 1 << 21;
const rd = (insn: number): number => (insn >>> 12) & 15;
const rn = (insn: number): number => (insn >>> 16) & 15;

const transfer = { sets: 0, reads: NZCV, seen: true, ends: 'no' } as const;
/** A function's registers; longer lists are rare. */
const MAX_WORDS = 16;

/** Words of VFP registers from core registers. */
function planFromCore(pairs: readonly (readonly [to: number, from: number])[]): Plan {
  return {
    ...transfer,
    writes: 0,
    emit: (context) => {
      const { code } = context;
      // Loaded before, so that they are cached on both ways.
      for (const [, from] of pairs) {
        context.read(from);
        code.op(OP.drop);
      }
      pushAccepts(context);
      code.either(
        () => {
          for (const [to, from] of pairs) code.storeAt(registerAt(to), () => context.read(from));
        },
        () => context.interpret(0),
        0,
      );
    },
  };
}

/** Core registers from words of VFP registers. */
function planToCore(pairs: readonly (readonly [to: number, from: number])[]): Plan {
  const writes = pairs.reduce((bits, [to]) => bits | (1 << to), 0);
  return {
    ...transfer,
    writes,
    emit: (context) => {
      const { code } = context;
      pushAccepts(context);
      code.either(
        () => {
          for (const [to, from] of pairs) context.write(to, () => code.loadAt(registerAt(from)));
        },
        () => context.interpretAndReload(writes),
        0,
      );
    },
  };
}

const planMove =
  (toCore: boolean, half: 0 | 1) =>
  (insn: number): Plan => {
    if (rd(insn) === 15) return interpreted('no');
    const word = nOf(insn) + half;
    return toCore ? planToCore([[rd(insn), word]]) : planFromCore([[word, rd(insn)]]);
  };

const planMovePair =
  (toCore: boolean) =>
  (insn: number): Plan => {
    const m = mOf(insn);
    if (rd(insn) === 15 || rn(insn) === 15 || m === 31) return interpreted('no');
    if (!toCore)
      return planFromCore([
        [m, rd(insn)],
        [m + 1, rn(insn)],
      ]);
    return planToCore([
      [rd(insn), m],
      [rn(insn), m + 1],
    ]);
  };

/** FMSTAT: the flags of the last comparison. */
const planFlags = (): Plan => ({
  ...transfer,
  writes: 0,
  sets: NZCV,
  source: 'memory',
  emit: (context) => {
    const { code } = context;
    pushAccepts(context);
    code.either(
      () => {
        [V, C, Z, N].forEach((flag, bit) => {
          context.setFlag(flag, () => {
            code.loadAt(STATE.fpscr);
            code.i32(FPSCR.NZCV_SHIFT + bit);
            code.op(OP.i32ShrU);
            code.i32(1);
            code.op(OP.i32And);
          });
        });
      },
      () => context.interpret(0),
      0,
    );
  },
});

/** Words from `first` on, at Rn plus `start`; Rn becomes Rn plus `step` then, if that is not 0. They must lie in one page. */
function planWords(insn: number, isLoad: boolean, first: number, words: number, start: number, step: number): Plan {
  const base = rn(insn);
  const writes = step === 0 ? 0 : 1 << base;
  return {
    ...transfer,
    writes,
    emit: (context) => {
      const { code, t } = context;
      const pushSum = (more: number): void => {
        context.read(base);
        code.i32(more);
        code.op(OP.i32Add);
      };
      pushSum(start);
      code.set(t[0]);
      code.probe(isLoad ? 'load' : 'store', t[0], t[1], 3);
      pushAccepts(context);
      code.op(OP.i32And);
      if (words > 1) {
        code.get(t[0]);
        code.i32(0xfff);
        code.op(OP.i32And);
        code.i32(0x1000 - 4 * words);
        code.op(OP.i32LeU);
        code.op(OP.i32And);
      }
      code.either(
        () => {
          code.translated(t[0], t[1]);
          code.set(t[1]);
          for (let n = 0; n < words; n++) moveWord(context, isLoad, registerAt(first + n), 4 * n);
          if (step !== 0) context.write(base, () => pushSum(step));
        },
        () => context.interpretAndReload(writes),
        0,
      );
    },
  };
}

/** Moves a word of a register from or to the byte offset in t[1] plus `offset`. */
function moveWord({ code, t }: Context, isLoad: boolean, register: number, offset: number): void {
  if (isLoad) {
    code.storeAt(register, () => {
      code.get(t[1]);
      code.access(OP.i32Load, offset);
    });
    return;
  }
  code.get(t[1]);
  code.loadAt(register);
  code.access(OP.i32Store, offset);
}

const planSingle =
  (isLoad: boolean, words: 1 | 2) =>
  (insn: number): Plan => {
    const offset = (insn & 0xff) * 4;
    return planWords(insn, isLoad, dOf(insn), words, insn & U ? offset : -offset, 0);
  };

/** The X forms, of which lists have an odd number of words, skip the last. */
const planMultiple =
  (isLoad: boolean) =>
  (insn: number): Plan => {
    const words = insn & (insn & 0x100 ? 0xfe : 0xff);
    const bytes = (insn & 0xff) * 4;
    if (words === 0 || words > MAX_WORDS || dOf(insn) + words > 32 || rn(insn) === 15) return interpreted('no');
    const step = insn & U ? bytes : -bytes;
    return planWords(insn, isLoad, dOf(insn), words, insn & U ? 0 : step, insn & W ? step : 0);
  };

/** How the rows of the instruction table with these names are translated. */
export const VFP_TRANSFER_PLANNERS: readonly (readonly [string, (insn: number) => Plan])[] = [
  ['FMSR', planMove(false, 0)],
  ['FMRS', planMove(true, 0)],
  ['FMDLR', planMove(false, 0)],
  ['FMRDL', planMove(true, 0)],
  ['FMDHR', planMove(false, 1)],
  ['FMRDH', planMove(true, 1)],
  ['FMSRR', planMovePair(false)],
  ['FMDRR', planMovePair(false)],
  ['FMRRS', planMovePair(true)],
  ['FMRRD', planMovePair(true)],
  ['FMSTAT', planFlags],
  ['FLDS', planSingle(true, 1)],
  ['FLDD', planSingle(true, 2)],
  ['FSTS', planSingle(false, 1)],
  ['FSTD', planSingle(false, 2)],
  ...['IA', 'DB'].flatMap((direction) =>
    ['S', 'D', 'X'].flatMap((kind): [string, (insn: number) => Plan][] => [
      [`FLDM${direction}${kind}`, planMultiple(true)],
      [`FSTM${direction}${kind}`, planMultiple(false)],
    ]),
  ),
];
