/** Multiplies and CLZ (ARM ARM A4.1). */
import { OP } from '../../../jit/wasm-code.ts';
import { N, type Plan, Z } from './context.ts';
import { pushHigh } from './data-processing.ts';
import { interpreted } from './interpreted.ts';

const S = 1 << 20;
const rd = (insn: number): number => (insn >>> 12) & 15;
const rn = (insn: number): number => (insn >>> 16) & 15;
const rs = (insn: number): number => (insn >>> 8) & 15;
const rm = (insn: number): number => insn & 15;

/** MUL and MLA: Rd in bits 19:16, the addend in 15:12. */
export function planMultiply(insn: number): Plan {
  if (rn(insn) === 15) return interpreted('no');
  const flags = (insn & S) !== 0;
  return {
    writes: 1 << rn(insn),
    sets: flags ? N | Z : 0,
    reads: 0,
    seen: false,
    ends: 'no',
    ...(flags ? { source: 'result' } : {}),
    emit: (context) => {
      const { code, result } = context;
      context.read(rm(insn));
      context.read(rs(insn));
      code.op(OP.i32Mul);
      if (insn & (1 << 21)) {
        context.read(rd(insn));
        code.op(OP.i32Add);
      }
      code.set(flags ? result : context.t[0]);
      context.write(rn(insn), () => code.get(flags ? result : context.t[0]));
      if (flags) context.setNZ();
    },
  };
}

/** UMULL, UMLAL, SMULL, SMLAL: RdHi in bits 19:16, RdLo in 15:12. */
export function planLongMultiply(insn: number): Plan {
  const high = rn(insn);
  const low = rd(insn);
  if (high === 15 || low === 15) return interpreted('no');
  const flags = (insn & S) !== 0;
  const extend = insn & (1 << 22) ? OP.i64ExtendI32S : OP.i64ExtendI32U;
  return {
    writes: (1 << high) | (1 << low),
    sets: flags ? N | Z : 0,
    reads: 0,
    seen: false,
    ends: 'no',
    ...(flags ? { source: 'memory' } : {}),
    emit: (context) => {
      const { code } = context;
      context.read(rm(insn));
      code.op(extend);
      context.read(rs(insn));
      code.op(extend);
      code.op(OP.i64Mul);
      if (insn & (1 << 21)) {
        context.read(high);
        code.op(OP.i64ExtendI32U);
        code.i64(32);
        code.op(OP.i64Shl);
        context.read(low);
        code.op(OP.i64ExtendI32U);
        code.op(OP.i64Or);
        code.op(OP.i64Add);
      }
      code.set(code.wide);
      context.write(low, () => {
        code.get(code.wide);
        code.op(OP.i32WrapI64);
      });
      context.write(high, () => pushHigh(context));
      if (!flags) return;
      context.setFlag(N, () => {
        pushHigh(context);
        code.i32(31);
        code.op(OP.i32ShrU);
      });
      context.setFlag(Z, () => {
        code.get(code.wide);
        code.op(OP.i64Eqz);
      });
    },
  };
}

export function planCountLeadingZeros(insn: number): Plan {
  if (rd(insn) === 15) return interpreted('no');
  return {
    writes: 1 << rd(insn),
    sets: 0,
    reads: 0,
    seen: false,
    ends: 'no',
    emit: (context) =>
      context.write(rd(insn), () => {
        context.read(rm(insn));
        context.code.op(OP.i32Clz);
      }),
  };
}
