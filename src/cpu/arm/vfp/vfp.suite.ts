/** A stand-in for the CPU in the tests of the VFP, and a decoder made of its rows. */
import { VFP_ROWS, type VfpRow } from './vfp.rows.ts';
import { FPEXC, FPSCR, VFP_RESET, type VfpHost } from './vfp.ts';

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

/** Operands by their names in the templates (`Sd`, `Dm`, `Rn`, `sys`), or by a letter of the pattern (`o`, `U`, `W`). */
type Operands = Readonly<Record<string, number>>;

/** The word of an unconditional instruction. */
export function assemble(name: string, operands: Operands = {}): number {
  const row = VFP_ROWS.find((candidate) => candidate.name === name)!;
  const letters: Record<string, number> = { c: 14 };
  for (const [key, value] of Object.entries(operands)) {
    const letter = key === 'sys' ? 's' : key.at(-1)!;
    letters[letter] = key.startsWith('S') ? value >> 1 : value;
    if (key.startsWith('S')) letters[letter.toUpperCase()] = value & 1;
  }
  const pattern = row.pattern.replaceAll(' ', '');
  let word = 0;
  for (let i = 31; i >= 0; i--) {
    const letter = pattern[i];
    const fixed = letter === '0' || letter === '1';
    if ((fixed ? Number(letter) : (letters[letter] ?? 0)) & 1) word |= 1 << (31 - i);
    if (!fixed) letters[letter] = (letters[letter] ?? 0) >> 1;
  }
  return word;
}

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

/** Bits of a double in a D register. */
export function setDouble(host: TestHost, d: number, bits: bigint): void {
  host.vfp[2 * d] = Number(bits & 0xffffffffn);
  host.vfp[2 * d + 1] = Number(bits >> 32n);
}
export const getDouble = (host: TestHost, d: number): bigint => (BigInt(host.vfp[2 * d + 1]) << 32n) | BigInt(host.vfp[2 * d]);

/** Bits of a JavaScript number. */
export function bitsOf(x: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  return view.getBigUint64(0);
}

/** FPSCR.LEN and STRIDE for vectors of `length` elements. */
export const vectorOf = (length: number, stride: 0 | 1 | 2 | 3 = 0): number => ((length - 1) << FPSCR.LEN_SHIFT) | (stride << FPSCR.STRIDE_SHIFT);
