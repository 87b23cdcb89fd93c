/** Branches (ARM ARM A4.1), and the status register accesses that kernels make often. */
import { OP } from '../../../jit/wasm-code.ts';
import { MODE } from '../psr.ts';
import { ALL, type Context, NZCV, type Plan, STATE } from './context.ts';
import { interpreted } from './interpreted.ts';

const target = (insn: number, address: number): number => (address + 8 + ((insn << 8) >> 6)) | 0;

export function planBranch(insn: number, address: number): Plan {
  const to = target(insn, address);
  return { writes: 0, sets: 0, reads: 0, seen: true, ends: 'always', target: to, emit: (context) => context.branch(to) };
}

export function planBranchLink(insn: number, address: number): Plan {
  const to = target(insn, address);
  return {
    writes: 0,
    sets: 0,
    reads: 0,
    seen: true,
    ends: 'always',
    target: to,
    emit: (context) => {
      link(context);
      context.branch(to);
    },
  };
}

/** LR is written in memory alone: the block ends here. */
function link(context: Context): void {
  context.code.storeAt(STATE.r + 4 * 14, () => context.code.i32(context.address + 4));
}

/** BX and BLX: bit 0 of Rm selects the instruction set. */
export function planExchange(insn: number, links: boolean): Plan {
  return {
    writes: 0,
    sets: 0,
    reads: 0,
    seen: true,
    ends: 'always',
    emit: (context) => {
      const { code, t } = context;
      context.read(insn & 15);
      code.set(t[0]);
      if (links) link(context);
      code.get(t[0]);
      code.i32(1);
      code.op(OP.i32And);
      code.if();
      code.storeAt(STATE.t, () => code.i32(1));
      exitTo(context, ~1);
      code.end();
      exitTo(context, ~3);
    },
  };
}

function exitTo(context: Context, mask: number): void {
  const { code, t } = context;
  context.branchTo(() => {
    code.get(t[0]);
    code.i32(mask);
    code.op(OP.i32And);
  });
}

/** MRS of the CPSR. */
export function planReadStatus(insn: number): Plan {
  const rd = (insn >>> 12) & 15;
  if (insn & (1 << 22) || rd === 15) return interpreted('no');
  return {
    writes: 1 << rd,
    sets: 0,
    reads: NZCV,
    seen: false,
    ends: 'no',
    emit: (context) => {
      const { code } = context;
      context.write(rd, () => {
        code.loadAt(STATE.mode);
        for (const [at, bit] of [
          [STATE.nzcv, 31],
          [STATE.nzcv + 4, 30],
          [STATE.nzcv + 8, 29],
          [STATE.nzcv + 12, 28],
          [STATE.q, 27],
          [STATE.i, 7],
          [STATE.f, 6],
        ]) {
          code.loadAt(at);
          code.i32(bit);
          code.op(OP.i32Shl);
          code.op(OP.i32Or);
        }
      });
    },
  };
}

/** MSR CPSR_c, Rm: masks interrupts and lets them in again. A change of mode, or an interrupt that is due, is the interpreter's. */
export function planWriteStatus(insn: number, immediate: number | undefined): Plan {
  if (((insn >>> 16) & 15) !== 1 || insn & (1 << 22)) return interpreted('likely');
  const value = ({ code, t }: Context): void => code.get(t[0]);
  return {
    writes: 0,
    sets: 0,
    reads: NZCV,
    seen: true,
    ends: 'likely',
    emit: (context) => {
      const { code, t } = context;
      if (immediate === undefined) context.read(insn & 15);
      else code.i32(immediate);
      code.set(t[0]);
      value(context);
      code.i32(0x1f);
      code.op(OP.i32And);
      code.i32(0x10);
      code.op(OP.i32Or);
      code.loadAt(STATE.mode);
      code.op(OP.i32Eq);
      code.loadAt(STATE.mode);
      code.i32(MODE.usr);
      code.op(OP.i32Ne);
      code.op(OP.i32And);
      for (const [line, bit] of [
        [STATE.irqLine, 7],
        [STATE.fiqLine, 6],
      ]) {
        // No line, or masked.
        code.i32(0);
        code.access(OP.i32Load8U, line);
        code.op(OP.i32Eqz);
        bitOf(context, bit);
        code.op(OP.i32Or);
        code.op(OP.i32And);
      }
      code.either(
        () => {
          code.storeAt(STATE.i, () => bitOf(context, 7));
          code.storeAt(STATE.f, () => bitOf(context, 6));
        },
        () => context.interpret(ALL),
        0,
      );
    },
  };
}

function bitOf({ code, t }: Context, bit: number): void {
  code.get(t[0]);
  code.i32(bit);
  code.op(OP.i32ShrU);
  code.i32(1);
  code.op(OP.i32And);
}

/** MCR: cache maintenance, of which drivers do much, has no effect in a privileged mode; all else is the interpreter's. */
export function planMoveToCoprocessor(insn: number): Plan {
  const isCacheOperation = (insn & 0x000f0f10) === 0x00070f10;
  const isWait = (insn & 15) === 0;
  if (!isCacheOperation || isWait) return interpreted('likely');
  return {
    writes: 0,
    sets: 0,
    reads: NZCV,
    seen: true,
    ends: 'no',
    emit: (context) => {
      const { code } = context;
      code.loadAt(STATE.mode);
      code.i32(MODE.usr);
      code.op(OP.i32Eq);
      code.conditional(() => context.interpret(0));
    },
  };
}
