/** The table: no two rows overlap, and Capstone reads every encoding as the row's unified template says. */
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from 'vitest';
import { VFP_ROWS, type VfpRow } from './vfp.rows.ts';
import { field, fixedBits, rowOf, TestHost } from './vfp.suite.ts';

interface Capstone {
  disasm(code: number[], address: number): { mnemonic: string; op_str: string }[];
}

const disassembler: { engine?: Capstone } = {};
beforeAll(async () => {
  const load = createRequire(import.meta.url)('@alexaltea/capstone-js');
  const cs = await load();
  disassembler.engine = new cs.Capstone(cs.ARCH_ARM, cs.MODE_ARM);
});

function capstone(insn: number): string {
  try {
    const [{ mnemonic, op_str }] = disassembler.engine!.disasm([insn & 255, (insn >>> 8) & 255, (insn >>> 16) & 255, insn >>> 24], 0);
    return `${mnemonic} ${op_str}`.trim();
  } catch {
    return 'not an instruction';
  }
}

const CORE = 'r0 r1 r2 r3 r4 r5 r6 r7 r8 sb sl fp ip sp lr pc'.split(' ');
const CONDITIONS = 'eq ne hs lo mi pl vs vc hi ls ge lt gt le'.split(' ');
const SYSTEM = new Map([
  [0, 'fpsid'],
  [1, 'fpscr'],
  [8, 'fpexc'],
  [9, 'fpinst'],
  [10, 'fpinst2'],
]);

/** Fills in the placeholders that `vfp.rows.ts` describes. */
function render(template: string, row: VfpRow, insn: number): string {
  const get = (letter: string): number => field(row, letter, insn);
  const single = (letter: string): number => get(letter) * 2 + get(letter.toUpperCase());
  const list = (kind: string, first: number, count: number): string =>
    `{${Array.from({ length: count }, (_, i) => `${kind}${first + i}`).join(', ')}}`;
  const address = (): string => {
    const sign = get('U') ? '' : '-';
    return `[${CORE[get('n')]}${get('o') || sign ? `, #${sign}${hex(get('o') * 4)}` : ''}]`;
  };
  const fill: Record<string, () => string> = {
    c: () => CONDITIONS[get('c')] ?? '',
    Rd: () => CORE[get('d')],
    Rn: () => CORE[get('n')],
    Sd: () => `s${single('d')}`,
    Sn: () => `s${single('n')}`,
    Sm: () => `s${single('m')}`,
    Sm1: () => `s${single('m') + 1}`,
    Smpair: () => list('s', single('m'), 2),
    Dd: () => `d${get('d')}`,
    Dn: () => `d${get('n')}`,
    Dm: () => `d${get('m')}`,
    sys: () => SYSTEM.get(get('s'))!,
    address,
    '!': () => (get('W') ? '!' : ''),
    Slist: () => list('s', single('d'), get('o')),
    Dlist: () => list('d', get('d'), get('o')),
  };
  return template.replaceAll(/\{([^}]+)\}/g, (_, name: string) => fill[name]());
}

/** Capstone prints immediates above 9 in hexadecimal. */
const hex = (n: number): string => (n > 9 || n === 0 ? `0x${n.toString(16)}` : `${n}`);

/** An instruction of this row that has its fields at random, within what the manual defines. */
function example(row: VfpRow, random: () => number): number {
  const { mask, value } = fixedBits(row);
  for (;;) {
    const insn = ((random() * 2 ** 32) & ~mask) | value | 0;
    const get = (letter: string): number => field(row, letter, insn);
    const defined =
      get('c') < 15 &&
      // R13 and R15 have forms of their own in other assemblers (vpush, literals) or are UNPREDICTABLE.
      (!row.syntax.includes('{Rn}') || get('n') < 13) &&
      (!row.syntax.includes('{address}') || get('n') < 15) &&
      (!row.syntax.includes('{Rd}') || get('d') < 13) &&
      (!row.syntax.includes('{Smpair}') || (get('m') * 2 + get('M') < 31 && get('n') !== get('d'))) &&
      (!row.syntax.includes('{sys}') || SYSTEM.has(get('s'))) &&
      (!row.syntax.includes('{Slist}') || (get('o') > 0 && get('d') * 2 + get('D') + get('o') <= 32)) &&
      (!row.syntax.includes('{Dlist}') || (get('o') > 0 && get('d') + get('o') <= 16));
    if (defined) return insn;
  }
}

/** A fixed sequence of numbers from 0 to 1, so that a failure comes back. */
function sequence(seed: number): () => number {
  const state = { x: seed };
  return () => {
    state.x = (Math.imul(state.x, 1664525) + 1013904223) >>> 0;
    return state.x / 2 ** 32;
  };
}

describe('VFP instruction table', () => {
  it.each(VFP_ROWS.map((row) => [row.name, row] as const))('%s reads as in Capstone', (_, row) => {
    const random = sequence(row.name.length);
    for (let i = 0; i < 60; i++) {
      const insn = example(row, random);
      expect(rowOf(insn)?.name).toBe(row.name);
      expect(`${(insn >>> 0).toString(16)} ${render(row.ual, row, insn)}`).toBe(`${(insn >>> 0).toString(16)} ${capstone(insn)}`);
    }
  });

  it("shows the manual's syntax", () => {
    const shown = (insn: number): string => render(rowOf(insn)!.syntax, rowOf(insn)!, insn);
    expect(shown(0xee344a85)).toBe('FADDS s8, s9, s10');
    expect(shown(0x0c410a31)).toBe('FMSRReq {s3, s4}, r0, r1');
    expect(shown(0xecbd0b21)).toBe('FLDMIAX sp!, {d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11, d12, d13, d14, d15}');
    expect(shown(0xeef1fa10)).toBe('FMSTAT');
  });

  it('has disjoint rows, but for FMSTAT, which is a form of FMRX', () => {
    const overlaps = VFP_ROWS.flatMap((a, i) =>
      VFP_ROWS.slice(i + 1)
        .filter((b) => ((fixedBits(a).value ^ fixedBits(b).value) & fixedBits(a).mask & fixedBits(b).mask) === 0)
        .map((b) => `${a.name} ${b.name}`),
    );
    expect(overlaps).toEqual(['FMSTAT FMRX']);
    for (const { pattern } of VFP_ROWS) expect(pattern.replaceAll(' ', '')).toMatch(/^cccc[01a-zA-Z]{16}101[01][01a-zA-Z]{8}$/);
  });

  it.each([
    ['VMOV immediate (VFPv3)', 0xeeb70a00],
    ['VFMA (VFPv4)', 0xeea00a00],
    ['VCVT with fixed point (VFPv3)', 0xeeba0a40],
    ['VCVTB (half precision)', 0xeeb20a40],
    ['VMRS of MVFR0', 0xeef70a10],
    ['VADD on D16', 0xee700b00],
    ['VCMP with zero, Sm not 0', 0xeeb50a41],
    ['VMOV to a core register with stray low bits', 0xee100a11],
    ['load multiple with P and U', 0xedb00a01],
    ['VDUP', 0xee800b10],
  ])('has no %s', (_, insn) => {
    expect(new TestHost().run(insn)).toBe(false);
  });
});
