/** Multiplies, long multiplies, and the multiplies and saturating sums of the E extension (ARM ARM A4.1). */
import type { Arm926 } from '../cpu.ts';
import { NEXT, type Op } from '../op.ts';

const S = 1 << 20;
const rdOf = (insn: number): number => (insn >>> 16) & 15;
const rnOf = (insn: number): number => (insn >>> 12) & 15;
const rsOf = (insn: number): number => (insn >>> 8) & 15;

/** N and Z from a 32-bit result; C and V stay as they are (ARMv5). */
function setNZ(cpu: Arm926, value: number): void {
  cpu.nzcv[0] = value >>> 31;
  cpu.nzcv[1] = value === 0 ? 1 : 0;
}

export const multiply: Op = (cpu, insn) => {
  const x = Math.imul(cpu.r[insn & 15], cpu.r[rsOf(insn)]);
  cpu.r[rdOf(insn)] = x;
  if (insn & S) setNZ(cpu, x);
  return NEXT;
};

export const multiplyAccumulate: Op = (cpu, insn) => {
  const x = (Math.imul(cpu.r[insn & 15], cpu.r[rsOf(insn)]) + cpu.r[rnOf(insn)]) | 0;
  cpu.r[rdOf(insn)] = x;
  if (insn & S) setNZ(cpu, x);
  return NEXT;
};

/** High word of the unsigned 64-bit product, by 16-bit halves so that every partial sum is exact. */
export function unsignedHigh(a: number, b: number): number {
  const [al, ah, bl, bh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const low = al * bl;
  const middle = ah * bl + (low >>> 16);
  const carry = (middle & 0xffff) + al * bh;
  return (ah * bh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) | 0;
}

/** High word of the signed 64-bit product. */
export const signedHigh = (a: number, b: number): number => (unsignedHigh(a, b) - (a < 0 ? b : 0) - (b < 0 ? a : 0)) | 0;

/** UMULL, SMULL, UMLAL, SMLAL: RdHi in bits 19:16, RdLo in 15:12. */
const long =
  (high: (a: number, b: number) => number, accumulate: boolean): Op =>
  (cpu, insn) => {
    const { r, nzcv } = cpu;
    const a = r[insn & 15];
    const b = r[rsOf(insn)];
    let low = Math.imul(a, b);
    let top = high(a, b);
    if (accumulate) {
      const sum = (low >>> 0) + (r[rnOf(insn)] >>> 0);
      top = (top + r[rdOf(insn)] + (sum > 0xffffffff ? 1 : 0)) | 0;
      low = sum | 0;
    }
    r[rnOf(insn)] = low;
    r[rdOf(insn)] = top;
    if (insn & S) {
      nzcv[0] = top >>> 31;
      nzcv[1] = (low | top) === 0 ? 1 : 0;
    }
    return NEXT;
  };

export const umull = long(unsignedHigh, false);
export const umlal = long(unsignedHigh, true);
export const smull = long(signedHigh, false);
export const smlal = long(signedHigh, true);

/** The half of `value` that an x or y bit selects, sign-extended. */
const half = (value: number, top: number): number => (top ? value >> 16 : (value << 16) >> 16);
const x = (cpu: Arm926, insn: number): number => half(cpu.r[insn & 15], insn & (1 << 5));
const y = (cpu: Arm926, insn: number): number => half(cpu.r[rsOf(insn)], insn & (1 << 6));

/** The 32-bit sum; sets Q when it overflows as a signed one, without saturating. */
function addStickily(cpu: Arm926, a: number, b: number): number {
  const sum = (a + b) | 0;
  if (((a ^ sum) & (b ^ sum)) < 0) cpu.s.q = 1;
  return sum;
}

export const smlaxy: Op = (cpu, insn) => {
  cpu.r[rdOf(insn)] = addStickily(cpu, x(cpu, insn) * y(cpu, insn), cpu.r[rnOf(insn)]);
  return NEXT;
};

export const smulxy: Op = (cpu, insn) => {
  cpu.r[rdOf(insn)] = x(cpu, insn) * y(cpu, insn);
  return NEXT;
};

/** Bits 47:16 of Rm times a half of Rs: exact in a double. */
const wide = (cpu: Arm926, insn: number): number => Math.floor((cpu.r[insn & 15] * y(cpu, insn)) / 0x10000) | 0;

export const smulwy: Op = (cpu, insn) => {
  cpu.r[rdOf(insn)] = wide(cpu, insn);
  return NEXT;
};

export const smlawy: Op = (cpu, insn) => {
  cpu.r[rdOf(insn)] = addStickily(cpu, wide(cpu, insn), cpu.r[rnOf(insn)]);
  return NEXT;
};

export const smlalxy: Op = (cpu, insn) => {
  const { r } = cpu;
  const product = x(cpu, insn) * y(cpu, insn);
  const sum = (product >>> 0) + (r[rnOf(insn)] >>> 0);
  r[rdOf(insn)] = r[rdOf(insn)] + (product < 0 ? -1 : 0) + (sum > 0xffffffff ? 1 : 0);
  r[rnOf(insn)] = sum;
  return NEXT;
};

function saturate(cpu: Arm926, value: number): number {
  if (value === (value | 0)) return value;
  cpu.s.q = 1;
  return value < 0 ? -0x80000000 : 0x7fffffff;
}

/** Rd is in bits 15:12 and Rn in 19:16 for these four. */
const saturating =
  (compute: (cpu: Arm926, rm: number, rn: number) => number): Op =>
  (cpu, insn) => {
    cpu.r[(insn >>> 12) & 15] = compute(cpu, cpu.r[insn & 15], cpu.r[(insn >>> 16) & 15]);
    return NEXT;
  };

export const qadd = saturating((cpu, rm, rn) => saturate(cpu, rm + rn));
export const qsub = saturating((cpu, rm, rn) => saturate(cpu, rm - rn));
export const qdadd = saturating((cpu, rm, rn) => saturate(cpu, rm + saturate(cpu, rn * 2)));
export const qdsub = saturating((cpu, rm, rn) => saturate(cpu, rm - saturate(cpu, rn * 2)));

export const countLeadingZeros: Op = (cpu, insn) => {
  cpu.r[(insn >>> 12) & 15] = Math.clz32(cpu.r[insn & 15]);
  return NEXT;
};
