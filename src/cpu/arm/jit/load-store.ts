/** Loads and stores (ARM ARM A4.1, A5.2 to A5.4): a probe of the translation cache, and the interpreter if it fails. */
import { OP } from '../../../jit/wasm-code.ts';
import type { Context, Plan } from './context.ts';
import { pushShifted } from './data-processing.ts';
import { interpreted } from './interpreted.ts';

const P = 1 << 24;
const U = 1 << 23;
const B = 1 << 22;
const W = 1 << 21;
const L = 1 << 20;
const REGISTER_OFFSET = 1 << 25;
const rd = (insn: number): number => (insn >>> 12) & 15;
const rn = (insn: number): number => (insn >>> 16) & 15;
const writesBack = (insn: number): boolean => !(insn & P) || (insn & W) !== 0;

/** An addressing mode's offset: a known one, or code that pushes its magnitude. */
type Offset = number | ((context: Context) => void);

/** How wide a transfer is, the instruction that makes it, and whether the user's permissions count. */
interface Transfer {
  readonly op: number;
  readonly alignment: number;
  readonly asUser?: true;
}
const WORD: Transfer = { op: OP.i32Load, alignment: 3 };
const BYTE: Transfer = { op: OP.i32Load8U, alignment: 0 };
const HALF: Transfer = { op: OP.i32Load16U, alignment: 1 };
const SIGNED_BYTE: Transfer = { op: OP.i32Load8S, alignment: 0 };
const SIGNED_HALF: Transfer = { op: OP.i32Load16S, alignment: 1 };
const STORE_WORD: Transfer = { op: OP.i32Store, alignment: 3 };
const STORE_BYTE: Transfer = { op: OP.i32Store8, alignment: 0 };
const STORE_HALF: Transfer = { op: OP.i32Store16, alignment: 1 };

const wordOffset = (insn: number): Offset => {
  if (insn & REGISTER_OFFSET) return (context) => pushShifted(context, insn);
  return insn & U ? insn & 0xfff : -(insn & 0xfff);
};
const halfOffset = (insn: number): Offset => {
  if (!(insn & B)) return (context) => context.read(insn & 15);
  const magnitude = ((insn >>> 4) & 0xf0) | (insn & 15);
  return insn & U ? magnitude : -magnitude;
};

/** Pushes base plus or minus offset. */
function pushSum(context: Context, insn: number, offset: Offset): void {
  const { code } = context;
  context.read(rn(insn));
  if (typeof offset === 'number') {
    if (offset === 0) return;
    code.i32(offset);
    code.op(OP.i32Add);
    return;
  }
  offset(context);
  code.op(insn & U ? OP.i32Add : OP.i32Sub);
}

/** Leaves the address in t[0], and the base's new value, if there is one, in t[2]. */
function setAddress(context: Context, insn: number, offset: Offset): void {
  const { code, t } = context;
  pushSum(context, insn, offset);
  if (insn & P) {
    code.set(t[0]);
    return;
  }
  code.set(t[2]);
  context.read(rn(insn));
  code.set(t[0]);
}

function writeBack(context: Context, insn: number): void {
  if (writesBack(insn)) context.write(rn(insn), () => context.code.get(context.t[insn & P ? 0 : 2]));
}

const registersOf = (...registers: readonly number[]): number => registers.reduce((bits, n) => bits | (n === 15 ? 0 : 1 << n), 0);

/** The instruction's translation in the fast case, or the interpreter. */
function probed(context: Context, access: 'load' | 'store', { alignment, asUser }: Omit<Transfer, 'op'>, written: number, fast: () => void): void {
  const { code, t } = context;
  code.probe(access, t[0], t[1], alignment, asUser);
  code.either(fast, () => context.interpretAndReload(written), 0);
}

/** A load of one register. */
function planLoad(insn: number, transfer: Transfer, offset: Offset): Plan {
  const back = writesBack(insn);
  if (back && rn(insn) === 15) return interpreted('no');
  if (rd(insn) === 15) return transfer === WORD ? planLoadPc(insn, offset) : interpreted('always');
  const writes = registersOf(rd(insn), ...(back ? [rn(insn)] : []));
  return {
    writes,
    sets: 0,
    reads: 0,
    seen: true,
    ends: 'no',
    emit: (context) => {
      const { code, t } = context;
      setAddress(context, insn, offset);
      probed(context, 'load', transfer, writes, () => {
        const value = (): void => {
          code.translated(t[0], t[1]);
          code.access(transfer.op, 0);
        };
        if (back && rn(insn) !== rd(insn)) writeBack(context, insn);
        context.write(rd(insn), value);
      });
    },
  };
}

/** A load of R15. Where bit 0 asks for the other instruction set, that is left to the interpreter. */
function planLoadPc(insn: number, offset: Offset): Plan {
  const writes = writesBack(insn) ? registersOf(rn(insn)) : 0;
  return {
    writes,
    sets: 0,
    reads: 0,
    seen: true,
    ends: 'always',
    emit: (context) => {
      const { code, t } = context;
      setAddress(context, insn, offset);
      code.probe('load', t[0], t[1], 3);
      code.if(0x7f);
      code.translated(t[0], t[1]);
      code.access(OP.i32Load, 0);
      code.else();
      code.i32(1 - context.thumb);
      code.end();
      exitByLoad(context, writes, () => writeBack(context, insn));
    },
  };
}

/** What was loaded into R15 is on the stack, or a word with the other instruction set's bit 0 if it could not be loaded. */
function exitByLoad(context: Context, writes: number, before: () => void): void {
  const { code, t } = context;
  code.tee(t[3]);
  code.i32(1);
  code.op(OP.i32And);
  if (!context.thumb) code.op(OP.i32Eqz);
  code.either(
    () => {
      before();
      context.branchTo(() => {
        code.get(t[3]);
        code.i32(context.thumb ? ~1 : ~3);
        code.op(OP.i32And);
      });
    },
    () => context.interpretAndReload(writes),
    0,
  );
}

/** A store of one register. */
function planStore(insn: number, transfer: Transfer, offset: Offset): Plan {
  const back = writesBack(insn);
  if (back && rn(insn) === 15) return interpreted('no');
  const writes = back ? registersOf(rn(insn)) : 0;
  return {
    writes,
    sets: 0,
    reads: 0,
    seen: true,
    ends: 'no',
    emit: (context) => {
      const { code, t } = context;
      setAddress(context, insn, offset);
      // Loaded before, so that it is cached on both ways.
      if (rd(insn) !== 15) {
        context.read(rd(insn));
        code.set(t[3]);
      }
      probed(context, 'store', transfer, writes, () => {
        code.translated(t[0], t[1]);
        if (rd(insn) === 15) code.i32(context.pc + 4);
        else code.get(t[3]);
        code.access(transfer.op, 0);
        writeBack(context, insn);
      });
    },
  };
}

/** LDR, STR, LDRB and STRB. `address` is the instruction's; `isConstant` says of a word in its page whether it has stayed as it is. */
export function planSingle(insn: number, address: number, isConstant: (address: number) => boolean): Plan {
  const kin = insn & B ? (insn & L ? BYTE : STORE_BYTE) : insn & L ? WORD : STORE_WORD;
  // LDRT and its kin.
  const transfer: Transfer = !(insn & P) && insn & W ? { ...kin, asUser: true } : kin;
  if (!(insn & L)) return planStore(insn, transfer, wordOffset(insn));
  const literal = address + 8 + (insn & U ? insn & 0xfff : -(insn & 0xfff));
  const inPage = ((literal ^ address) & ~0xfff) === 0 && (literal & 3) === 0;
  if (rn(insn) === 15 && inPage && !(insn & (REGISTER_OFFSET | B)) && !writesBack(insn) && rd(insn) !== 15 && isConstant(literal))
    return planLiteral(rd(insn), literal);
  return planLoad(insn, transfer, wordOffset(insn));
}

/** A constant beside the code: a store to it is a store to the code, so that its value can be relied on. */
export function planLiteral(register: number, literal: number): Plan {
  return {
    writes: 1 << register,
    sets: 0,
    reads: 0,
    seen: false,
    ends: 'no',
    emit: (context) => context.write(register, () => context.code.i32(context.constant(literal))),
  };
}

/** LDRH, STRH, LDRSB, LDRSH. */
export const planHalf = (insn: number): Plan => planLoad(insn, HALF, halfOffset(insn));
export const planSignedByte = (insn: number): Plan => planLoad(insn, SIGNED_BYTE, halfOffset(insn));
export const planSignedHalf = (insn: number): Plan => planLoad(insn, SIGNED_HALF, halfOffset(insn));
export const planStoreHalf = (insn: number): Plan => planStore(insn, STORE_HALF, halfOffset(insn));

/** LDRD and STRD: both words lie in one page if the address is a multiple of 8. */
export function planDouble(insn: number, isLoad: boolean): Plan {
  const back = writesBack(insn);
  const first = rd(insn) & 14;
  if (first === 14 || (back && rn(insn) === 15)) return interpreted(first === 14 && isLoad ? 'always' : 'no');
  const writes = registersOf(...(isLoad ? [first, first + 1] : []), ...(back ? [rn(insn)] : []));
  return {
    writes,
    sets: 0,
    reads: 0,
    seen: true,
    ends: 'no',
    emit: (context) => {
      const { code, t } = context;
      setAddress(context, insn, halfOffset(insn));
      if (!isLoad) for (const n of [first, first + 1]) touch(context, n);
      probed(context, isLoad ? 'load' : 'store', { alignment: 7 }, writes, () => {
        code.translated(t[0], t[1]);
        code.set(t[1]);
        if (!isLoad) storeWords(context, [first, first + 1], (n) => context.read(n));
        writeBack(context, insn);
        if (isLoad) loadWords(context, [first, first + 1]);
      });
    },
  };
}

/** Loads a register into its local, so that both ways of what follows have it. */
function touch(context: Context, register: number): void {
  if (register === 15) return;
  context.read(register);
  context.code.op(OP.drop);
}

/** Loads registers from ascending words, the first at the byte offset in t[1]. */
function loadWords(context: Context, registers: readonly number[]): void {
  const { code, t } = context;
  registers.forEach((register, n) => {
    context.write(register, () => {
      code.get(t[1]);
      code.access(OP.i32Load, 4 * n);
    });
  });
}

/** Stores registers likewise; `value` pushes what is stored of one. */
function storeWords(context: Context, registers: readonly number[], value: (register: number) => void): void {
  const { code, t } = context;
  registers.forEach((register, n) => {
    code.get(t[1]);
    value(register);
    code.access(OP.i32Store, 4 * n);
  });
}

/** LDM and STM without ^: one probe for all, which must lie in one page. */
export function planBlock(insn: number): Plan {
  const list = insn & 0xffff;
  const base = rn(insn);
  const isLoad = (insn & L) !== 0;
  const toPc = isLoad && (list & 0x8000) !== 0;
  if (insn & B || list === 0 || base === 15) return interpreted(toPc ? 'always' : 'no');
  const registers = Array.from({ length: 16 }, (_, n) => n).filter((n) => list & (1 << n));
  const bytes = 4 * registers.length;
  const sets = isLoad ? registers.filter((n) => n < 15) : [];
  const back = (insn & W) !== 0 && !sets.includes(base);
  const writes = registersOf(...sets, ...(back ? [base] : []));
  const start = insn & U ? (insn & P ? 4 : 0) : insn & P ? -bytes : 4 - bytes;
  return {
    writes,
    sets: 0,
    reads: 0,
    seen: true,
    ends: toPc ? 'always' : 'no',
    emit: (context) => {
      const { code, t } = context;
      context.read(base);
      if (start !== 0) {
        code.i32(start);
        code.op(OP.i32Add);
      }
      code.set(t[0]);
      if (back) {
        context.read(base);
        code.i32(insn & U ? bytes : -bytes);
        code.op(OP.i32Add);
        code.set(t[2]);
      }
      if (!isLoad) for (const n of registers) touch(context, n);
      code.probe(isLoad ? 'load' : 'store', t[0], t[1], 3);
      if (bytes > 4) {
        code.get(t[0]);
        code.i32(0xfff);
        code.op(OP.i32And);
        code.i32(0x1000 - bytes);
        code.op(OP.i32LeU);
        code.op(OP.i32And);
      }
      const finish = (): void => {
        if (back) context.write(base, () => code.get(t[2]));
      };
      if (toPc) {
        code.if(0x7f);
        code.translated(t[0], t[1]);
        code.tee(t[1]);
        code.access(OP.i32Load, bytes - 4);
        code.else();
        code.i32(1 - context.thumb);
        code.end();
        exitByLoad(context, writes, () => {
          loadWords(context, sets);
          finish();
        });
        return;
      }
      code.either(
        () => {
          code.translated(t[0], t[1]);
          code.set(t[1]);
          if (isLoad) loadWords(context, sets);
          else {
            // The base is stored as it was if it is the lowest register, else as it will be.
            const changed = back && registers[0] !== base;
            storeWords(context, registers, (n) => {
              if (n === 15) code.i32(context.pc + 4);
              else if (n === base && changed) code.get(t[2]);
              else context.read(n);
            });
          }
          finish();
        },
        () => context.interpretAndReload(writes),
        0,
      );
    },
  };
}
