/** A stand-in for the CPU in the tests of the VFP, and a decoder made of its rows. */
import { VFP_ROWS, type VfpRow } from './vfp.rows.ts';
import { FPEXC, VFP_RESET, type VfpHost } from './vfp.ts';

/** Bits of a row's pattern: those that are fixed, and their values. */
export function fixedBits(row: VfpRow): { mask: number; value: number } {
  const pattern = row.pattern.replaceAll(' ', '');
  const bits = (test: (letter: string) => boolean): number => Number.parseInt([...pattern].map((c) => (test(c) ? '1' : '0')).join(''), 2);
  return { mask: bits((c) => c === '0' || c === '1') | 0, value: bits((c) => c === '1') | 0 };
}

/** Bits of the field with this letter, as a number. */
export function field(row: VfpRow, letter: string, insn: number): number {
  const pattern = row.pattern.replaceAll(' ', '');
  let value = 0;
  for (let i = 0; i < 32; i++) if (pattern[i] === letter) value = (value << 1) | ((insn >>> (31 - i)) & 1);
  return value;
}

const decoder = VFP_ROWS.map((row) => ({ row, ...fixedBits(row) }));

/** The first row that matches. */
export const rowOf = (insn: number): VfpRow | undefined => decoder.find(({ mask, value }) => (insn & mask) === value)?.row;

export class TestHost implements VfpHost {
  readonly r = new Int32Array(16);
  readonly vfp = new Uint32Array(32);
  fpscr: number = VFP_RESET.fpscr;
  fpexc: number = FPEXC.EN;
  fpinst: number = VFP_RESET.fpinst;
  fpinst2: number = VFP_RESET.fpinst2;
  privileged = true;
  nzcv = 0;
  /** Memory by word address; every access outside it aborts. */
  readonly memory = new Map<number, number>();
  checksAlignment = false;

  setFlags(nzcv: number): void {
    this.nzcv = nzcv;
  }
  wordAddress(address: number): number {
    if (address & 3 && this.checksAlignment) throw new Error('abort');
    return address & ~3;
  }
  load32(address: number): number {
    if (!this.memory.has(address)) throw new Error('abort');
    return this.memory.get(address)!;
  }
  store32(address: number, value: number): void {
    if (!this.memory.has(address)) throw new Error('abort');
    this.memory.set(address, value >>> 0);
  }

  /** Executes an instruction; false when it is undefined. */
  run(insn: number): boolean {
    return rowOf(insn)?.exec(this, insn) ?? false;
  }
}
