/** Branches (ARM ARM A4.1), and the status register accesses that kernels make often. */
import { OP } from '../../../jit/wasm-code.ts';
import { MODE } from '../psr.ts';
import { ALL, type Context, NZCV, type Plan, STATE } from './context.ts';
import { interpreted } from './interpreted.ts';

const exit = { writes: 0, sets: 0, reads: 0, seen: true } as const;

/** A branch to a known address in the same instruction set. */
export const planJump = (target: number): Plan => ({ ...exit, ends: 'always', target, emit: (context) => context.branch(target) });

/** The same, and R14 is set. */
export const planCall = (target: number, back: number): Plan => ({
  ...exit,
  ends: 'comesBack',
  target,
  emit: (context) => {
    link(context, back);
    context.branch(target);
  },
});

const target = (insn: number, address: number): number => (address + 8 + ((insn << 8) >> 6)) | 0;
export const planBranch = (insn: number, address: number): Plan => planJump(target(insn, address));
export const planBranchLink = (insn: number, address: number): Plan => planCall(target(insn, address), address + 4);

/** R14 is written in memory alone: the block ends here. */
function link(context: Context, back: number): void {
  context.code.storeAt(STATE.r + 4 * 14, () => context.code.i32(back));
}

/** BX and BLX: bit 0 of a register selects the instruction set. `back`: what R14 is set to, if it is. */
export const planExchange = (register: number, back?: number): Plan => ({
  ...exit,
  ends: back === undefined ? 'always' : 'comesBack',
  emit: (context) => {
    const { code, t } = context;
    context.read(register);
    code.set(t[0]);
    if (back !== undefined) link(context, back);
    const goOn = (state: 0 | 1): void => {
      if (state !== context.thumb) code.storeAt(STATE.t, () => code.i32(state));
      context.branchTo(() => {
        code.get(t[0]);
        code.i32(state ? ~1 : ~3);
        code.op(OP.i32And);
      }, state);
    };
    code.get(t[0]);
    code.i32(1);
    code.op(OP.i32And);
    code.if();
    goOn(1);
    code.end();
    goOn(0);
  },
});

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
  if (((insn >>> 16) & 15) !== 1 || insn & (1 << 22)) return interpreted('comesBack');
  const value = ({ code, t }: Context): void => code.get(t[0]);
  return {
    writes: 0,
    sets: 0,
    reads: NZCV,
    seen: true,
    ends: 'comesBack',
    mayGoOn: true,
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
