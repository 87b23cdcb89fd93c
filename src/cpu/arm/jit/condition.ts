/** Conditions (ARM ARM A3.2.1) in compiled code: from the operands that set the flags where they are known. */
import { OP } from '../../../jit/wasm-code.ts';
import { C, type Context, type FlagSource, N, V, Z } from './context.ts';

const COMPARISONS: Readonly<Record<number, number>> = {
  0: OP.i32Eq,
  1: OP.i32Ne,
  2: OP.i32GeU,
  3: OP.i32LtU,
  8: OP.i32GtU,
  9: OP.i32LeU,
  10: OP.i32GeS,
  11: OP.i32LtS,
  12: OP.i32GtS,
  13: OP.i32LeS,
};

/** The flags that a condition, 0 to 13, depends on. */
const FLAGS = [Z, Z, C, C, N, N, V, V, C | Z, C | Z, N | V, N | V, N | Z | V, N | Z | V];

/** Whether condition `code` can be had from a source without any flag in memory. */
function isDirect(code: number, source: FlagSource): boolean {
  if (source === 'memory') return false;
  if (source === 'subtraction') return code !== 6 && code !== 7;
  return code === 0 || code === 1 || code === 4 || code === 5 || (source === 'addition' && (code === 2 || code === 3));
}

/** The flags in memory that evaluating condition `code` takes. */
export const flagsRead = (code: number, source: FlagSource): number => (code >= 14 || isDirect(code, source) ? 0 : FLAGS[code]);

/** Pushes whether condition `code`, 0 to 13, holds. */
export function pushCondition(context: Context, code: number): void {
  const { code: out, source, a, b, result } = context;
  if (!isDirect(code, source)) {
    fromMemory(context, code);
    return;
  }
  if (source === 'subtraction') {
    out.get(a);
    out.get(b);
    if (code === 4 || code === 5) {
      out.op(OP.i32Sub);
      out.i32(0);
      out.op(code === 4 ? OP.i32LtS : OP.i32GeS);
    } else out.op(COMPARISONS[code]);
    return;
  }
  out.get(result);
  switch (code) {
    case 0:
      out.op(OP.i32Eqz);
      return;
    case 1:
      return;
    case 2:
    case 3:
      // The sum has wrapped around.
      out.get(a);
      out.op(code === 2 ? OP.i32LtU : OP.i32GeU);
      return;
    default:
      out.i32(0);
      out.op(code === 4 ? OP.i32LtS : OP.i32GeS);
  }
}

function fromMemory(context: Context, code: number): void {
  const { code: out } = context;
  const not = (): void => out.op(OP.i32Eqz);
  switch (code >>> 1) {
    case 0:
      context.readFlag(Z);
      break;
    case 1:
      context.readFlag(C);
      break;
    case 2:
      context.readFlag(N);
      break;
    case 3:
      context.readFlag(V);
      break;
    case 4:
      context.readFlag(C);
      context.readFlag(Z);
      out.op(OP.i32GtU);
      break;
    case 5:
      context.readFlag(N);
      context.readFlag(V);
      out.op(OP.i32Eq);
      break;
    default:
      context.readFlag(N);
      context.readFlag(V);
      out.op(OP.i32Eq);
      context.readFlag(Z);
      out.op(OP.i32GtU);
  }
  if (code & 1) not();
}
