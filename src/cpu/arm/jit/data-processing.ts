/** Data-processing instructions (ARM ARM A4.1, A5.1). */
import { OP } from '../../../jit/wasm-code.ts';
import { immediate } from '../exec/shifter.ts';
import { C, type Context, type FlagSource, N, NZCV, type Plan, V, Z } from './context.ts';
import { interpreted } from './interpreted.ts';

const S = 1 << 20;
const IMMEDIATE = 1 << 25;
const BY_REGISTER = 1 << 4;
const rd = (insn: number): number => (insn >>> 12) & 15;
const rn = (insn: number): number => (insn >>> 16) & 15;
const rs = (insn: number): number => (insn >>> 8) & 15;
const rm = (insn: number): number => insn & 15;
const amount = (insn: number): number => (insn >>> 7) & 31;
const opcode = (insn: number): number => (insn >>> 21) & 15;

const isCompare = (insn: number): boolean => (opcode(insn) & 12) === 8;
const isLogical = (insn: number): boolean => [0, 1, 8, 9, 12, 13, 14, 15].includes(opcode(insn));
const usesCarry = (insn: number): boolean => [5, 6, 7].includes(opcode(insn));
const isRrx = (insn: number): boolean => !(insn & IMMEDIATE) && (insn & 0xff0) === 0x60;
/** Whether the shifter's carry out is the carry flag as it was. */
const keepsCarry = (insn: number): boolean => (insn & IMMEDIATE ? (insn & 0xf00) === 0 : (insn & 0xff0) === 0);

/** Pushes Rm shifted by the immediate in bits 11:7. */
export function pushShifted(context: Context, insn: number): void {
  const { code } = context;
  const by = (op: number, count: number): void => {
    context.read(rm(insn));
    if (count === 0) return;
    code.i32(count);
    code.op(op);
  };
  const count = amount(insn);
  switch (insn & 0x60) {
    case 0x00:
      by(OP.i32Shl, count);
      break;
    case 0x20:
      if (count === 0) code.i32(0);
      else by(OP.i32ShrU, count);
      break;
    case 0x40:
      by(OP.i32ShrS, count || 31);
      break;
    default:
      if (count !== 0) {
        by(OP.i32Rotr, count);
        break;
      }
      context.readFlag(C);
      code.i32(31);
      code.op(OP.i32Shl);
      by(OP.i32ShrU, 1);
      code.op(OP.i32Or);
  }
}

/** Pushes Rm shifted by the low byte of Rs. */
function pushShiftedByRegister(context: Context, insn: number): void {
  const { code, t } = context;
  const type = (insn >>> 5) & 3;
  context.read(rs(insn));
  code.i32(0xff);
  code.op(OP.i32And);
  code.set(t[0]);
  if (type === 3) {
    context.read(rm(insn));
    code.get(t[0]);
    code.op(OP.i32Rotr);
    return;
  }
  if (type === 2) {
    context.read(rm(insn));
    code.get(t[0]);
    code.i32(31);
    code.get(t[0]);
    code.i32(32);
    code.op(OP.i32LtU);
    code.op(OP.select);
    code.op(OP.i32ShrS);
    return;
  }
  context.read(rm(insn));
  code.get(t[0]);
  code.op(type === 0 ? OP.i32Shl : OP.i32ShrU);
  code.i32(0);
  code.get(t[0]);
  code.i32(32);
  code.op(OP.i32LtU);
  code.op(OP.select);
}

function pushOperand(context: Context): void {
  const { insn } = context;
  if (insn & IMMEDIATE) context.code.i32(immediate(insn));
  else if (insn & BY_REGISTER) pushShiftedByRegister(context, insn);
  else pushShifted(context, insn);
}

/** Sets C to the carry out of a shift by an immediate; no register has been written yet. */
function setShifterCarry(context: Context): void {
  const { insn, code } = context;
  if (keepsCarry(insn)) return;
  context.setFlag(C, () => {
    if (insn & IMMEDIATE) {
      code.i32(immediate(insn) >>> 31);
      return;
    }
    const count = amount(insn);
    const left = (insn & 0x60) === 0;
    const right = (insn & 0x60) === 0x60 ? count - 1 : (count || 32) - 1;
    context.read(rm(insn));
    const bit = left ? 32 - count : right < 0 ? 0 : right;
    if (bit !== 0) {
      code.i32(bit);
      code.op(OP.i32ShrU);
    }
    if (bit !== 31) {
      code.i32(1);
      code.op(OP.i32And);
    }
  });
}

const BINARY: Readonly<Record<number, number>> = {
  0: OP.i32And,
  1: OP.i32Xor,
  2: OP.i32Sub,
  4: OP.i32Add,
  8: OP.i32And,
  9: OP.i32Xor,
  12: OP.i32Or,
};

/** Pushes the result, without regard to flags. */
function pushResult(context: Context): void {
  const { insn, code } = context;
  const first = (): void => context.read(rn(insn));
  const second = (): void => pushOperand(context);
  const complement = (): void => {
    second();
    code.i32(-1);
    code.op(OP.i32Xor);
  };
  const minusOnePlusCarry = (): void => {
    code.i32(1);
    code.op(OP.i32Sub);
    context.readFlag(C);
    code.op(OP.i32Add);
  };
  switch (opcode(insn)) {
    case 3:
      second();
      first();
      code.op(OP.i32Sub);
      break;
    case 5:
      first();
      second();
      code.op(OP.i32Add);
      context.readFlag(C);
      code.op(OP.i32Add);
      break;
    case 6:
      first();
      second();
      code.op(OP.i32Sub);
      minusOnePlusCarry();
      break;
    case 7:
      second();
      first();
      code.op(OP.i32Sub);
      minusOnePlusCarry();
      break;
    case 13:
      second();
      break;
    case 14:
      first();
      complement();
      code.op(OP.i32And);
      break;
    case 15:
      complement();
      break;
    default:
      first();
      second();
      code.op(BINARY[opcode(insn)]);
  }
}

const plain = (context: Context): void => context.write(rd(context.insn), () => pushResult(context));

/** MOV pc, … and its kin: no interworking, and no flags. */
const toPc = (context: Context): void => {
  context.branchTo(() => {
    pushResult(context);
    context.code.i32(~3);
    context.code.op(OP.i32And);
  });
};

const logicalWithFlags = (context: Context): void => {
  const { code, insn, result } = context;
  pushResult(context);
  code.set(result);
  setShifterCarry(context);
  if (!isCompare(insn)) context.write(rd(insn), () => code.get(result));
  context.setNZ();
};

/** SUB, CMP and RSB: local a minus local b. */
const subtractionWithFlags = (context: Context): void => {
  const { code, insn, a, b, result, t } = context;
  const reverse = opcode(insn) === 3;
  // Nothing of the source is overwritten before both operands are read.
  context.read(rn(insn));
  code.set(t[1]);
  pushOperand(context);
  code.set(reverse ? a : b);
  code.get(t[1]);
  code.set(reverse ? b : a);
  const difference = (): void => {
    code.get(a);
    code.get(b);
    code.op(OP.i32Sub);
  };
  if (!isCompare(insn)) context.write(rd(insn), difference);
  if (context.flags & (N | V)) {
    difference();
    code.set(result);
  }
  context.setFlag(N, () => {
    code.get(result);
    code.i32(31);
    code.op(OP.i32ShrU);
  });
  context.setFlag(Z, () => {
    code.get(a);
    code.get(b);
    code.op(OP.i32Eq);
  });
  context.setFlag(C, () => {
    code.get(a);
    code.get(b);
    code.op(OP.i32GeU);
  });
  context.setFlag(V, () => {
    code.get(a);
    code.get(b);
    code.op(OP.i32Xor);
    code.get(a);
    code.get(result);
    code.op(OP.i32Xor);
    code.op(OP.i32And);
    code.i32(31);
    code.op(OP.i32ShrU);
  });
};

/** V of a sum: both operands have the sign that the result has not. */
function setSumOverflow(context: Context): void {
  const { code, a, b, result } = context;
  context.setFlag(V, () => {
    code.get(a);
    code.get(result);
    code.op(OP.i32Xor);
    code.get(b);
    code.get(result);
    code.op(OP.i32Xor);
    code.op(OP.i32And);
    code.i32(31);
    code.op(OP.i32ShrU);
  });
}

/** ADD and CMN. */
const additionWithFlags = (context: Context): void => {
  const { code, insn, a, b, result, t } = context;
  context.read(rn(insn));
  code.set(t[1]);
  pushOperand(context);
  code.set(b);
  code.get(t[1]);
  code.tee(a);
  code.get(b);
  code.op(OP.i32Add);
  code.set(result);
  if (!isCompare(insn)) context.write(rd(insn), () => code.get(result));
  context.setNZ();
  context.setFlag(C, () => {
    code.get(result);
    code.get(a);
    code.op(OP.i32LtU);
  });
  setSumOverflow(context);
};

/** ADC, SBC and RSC: a sum of three, the subtrahend complemented, in 64 bits. */
const withCarryAndFlags = (context: Context): void => {
  const { code, insn, a, b, result, t } = context;
  const kind = opcode(insn);
  const complement = (): void => {
    code.i32(-1);
    code.op(OP.i32Xor);
  };
  context.read(rn(insn));
  if (kind === 7) complement();
  code.set(t[1]);
  pushOperand(context);
  if (kind === 6) complement();
  code.set(b);
  code.get(t[1]);
  code.tee(a);
  code.op(OP.i64ExtendI32U);
  code.get(b);
  code.op(OP.i64ExtendI32U);
  code.op(OP.i64Add);
  context.readFlag(C);
  code.op(OP.i64ExtendI32U);
  code.op(OP.i64Add);
  code.tee(code.wide);
  code.op(OP.i32WrapI64);
  code.set(result);
  context.write(rd(insn), () => code.get(result));
  context.setNZ();
  context.setFlag(C, () => pushHigh(context));
  setSumOverflow(context);
};

/** Pushes the high word of the 64-bit scratch local. */
export function pushHigh({ code }: Context): void {
  code.get(code.wide);
  code.i64(32);
  code.op(OP.i64ShrU);
  code.op(OP.i32WrapI64);
}

/** How a data-processing instruction is translated. */
export function planDataProcessing(insn: number): Plan {
  const reads = usesCarry(insn) || isRrx(insn) ? C : 0;
  const flags = (insn & S) !== 0;
  if (!isCompare(insn) && rd(insn) === 15) {
    if (flags) return interpreted('always');
    return { writes: 0, sets: 0, reads, seen: true, ends: 'always', emit: toPc };
  }
  const writes = isCompare(insn) ? 0 : 1 << rd(insn);
  if (!flags) return { writes, sets: 0, reads, seen: false, ends: 'no', emit: plain };
  if (isLogical(insn)) {
    if (!(insn & IMMEDIATE) && insn & BY_REGISTER) return interpreted('no');
    return { writes, sets: N | Z | (keepsCarry(insn) ? 0 : C), reads, seen: false, ends: 'no', source: 'result', emit: logicalWithFlags };
  }
  const [source, emit]: [FlagSource, Plan['emit']] = usesCarry(insn)
    ? ['result', withCarryAndFlags]
    : [2, 3, 10].includes(opcode(insn))
      ? ['subtraction', subtractionWithFlags]
      : ['addition', additionWithFlags];
  return { writes, sets: NZCV, reads, seen: false, ends: 'no', source, emit };
}
