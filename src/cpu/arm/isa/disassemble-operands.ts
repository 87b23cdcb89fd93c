/**
 * How the fields of an instruction word are printed: the placeholders of the tables' `syntax`, whose list is in
 * `disassemble.ts`.
 */
import { CONDITION_NAMES } from '../condition.ts';

const REGISTERS = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9', 'r10', 'r11', 'r12', 'sp', 'lr', 'pc'];
const SHIFTS = ['lsl', 'lsr', 'asr', 'ror'];
/** By P and U: decrement or increment, after or before. */
const BLOCK_MODES = ['da', '', 'db', 'ib'];
const VFP_SYSTEM: Readonly<Record<number, string>> = { 0: 'fpsid', 1: 'fpscr', 8: 'fpexc', 9: 'fpinst', 10: 'fpinst2' };

/** An instruction word, seen through the pattern of its row: fields by their letters. */
export class Word {
  readonly insn: number;
  readonly address: number;
  /** The pattern without spaces. */
  readonly pattern: string;

  constructor(insn: number, address: number, pattern: string) {
    this.insn = insn;
    this.address = address;
    this.pattern = pattern;
  }

  /** Size in bytes: 4, or 2 for a Thumb instruction. */
  get bytes(): number {
    return this.pattern.length / 8;
  }

  has(letter: string): boolean {
    return this.pattern.includes(letter);
  }

  /** All bits of a letter, most significant first, as one number; 0 if the pattern does not have it. */
  field(letter: string): number {
    const { pattern, insn } = this;
    let value = 0;
    for (let n = 0; n < pattern.length; n++) if (pattern[n] === letter) value = (value << 1) | ((insn >>> (pattern.length - 1 - n)) & 1);
    return value;
  }

  /** The field as a two's complement number. */
  signed(letter: string): number {
    const unused = 32 - (this.pattern.split(letter).length - 1);
    return (this.field(letter) << unused) >> unused;
  }
}

const number = (n: number): string => (n < 10 ? `${n}` : `0x${n.toString(16)}`);
const address = (n: number): string => `#0x${(n >>> 0).toString(16)}`;
const shiftOf = (w: Word): string => SHIFTS[w.field('t')];

/** An 8-bit constant and its rotation: one number if the rotation is the least that gives it, else both. */
function rotated(w: Word): string {
  const value = w.field('i');
  const rotation = 2 * w.field('r');
  const constant = (value >>> rotation) | (value << -rotation);
  let least = 0;
  while (((constant << least) | (constant >>> -least)) & ~0xff) least += 2;
  return rotation === least ? `#${number(constant >>> 0)}` : `#${value}, #${rotation}`;
}

/** Rm and its shift by an immediate: 0 means 32 for the shifts to the right, and RRX for the rotation. */
function shifted(w: Word): string {
  const rm = REGISTERS[w.field('m')];
  const amount = w.field('a');
  if (amount === 0 && w.field('t') === 0) return rm;
  return amount === 0 && w.field('t') === 3 ? `${rm}, rrx` : `${rm}, ${shiftOf(w)} #${amount || 32}`;
}

/** Base and offset, by P and W. A pattern without them is that of a plain offset. */
function indexed(w: Word, offset: string): string {
  const rn = REGISTERS[w.field('n')];
  if (w.has('P') && w.field('P') === 0) return `[${rn}], ${offset}`;
  if (w.field('W')) return `[${rn}, ${offset}]!`;
  return offset === '#0' ? `[${rn}]` : `[${rn}, ${offset}]`;
}

const minus = (w: Word): string => (w.field('U') ? '' : '-');

function list(registers: number): string {
  return `{${REGISTERS.filter((_, n) => registers & (1 << n)).join(', ')}}`;
}

/** Consecutive VFP registers, up to the last one that exists. */
function vfpList(letter: 's' | 'd', first: number, count: number): string {
  const length = Math.min(count, (letter === 's' ? 32 : 16) - first);
  return `{${Array.from({ length }, (_, n) => `${letter}${first + n}`).join(', ')}}`;
}

/** A single's number: its lowest bit is a field of its own, in upper case. */
const single = (w: Word, letter: string): number => w.field(letter) * 2 + w.field(letter.toUpperCase());

type Print = (w: Word) => string;
const flag =
  (letter: string, text: string): Print =>
  (w) =>
    w.field(letter) ? text : '';
const registers = (letters: string): Record<string, Print> =>
  Object.fromEntries([...letters].map((letter) => [`R${letter}`, (w: Word) => REGISTERS[w.field(letter)]]));
const vfpRegisters = (letters: string): Record<string, Print> =>
  Object.fromEntries(
    [...letters].flatMap((letter): [string, Print][] => [
      [`S${letter}`, (w) => `s${single(w, letter)}`],
      [`D${letter}`, (w) => `d${w.field(letter)}`],
    ]),
  );
const scaled = (scale: number): Record<string, Print> => ({
  [`imm*${scale}`]: (w) => `#${number(w.field('i') * scale)}`,
  [`offset*${scale}`]: (w) => (w.field('i') === 0 ? '' : `, #${number(w.field('i') * scale)}`),
});

export const PLACEHOLDERS: Readonly<Record<string, Print>> = {
  c: (w) => CONDITION_NAMES[w.field('c')],
  s: flag('S', 's'),
  ...registers('dnmshl'),
  pair: (w) => `${REGISTERS[2 * w.field('e')]}, ${REGISTERS[2 * w.field('e') + 1]}`,
  imm: (w) => `#${number(w.field('i'))}`,
  imm32: (w) => `#${number(w.field('i') || 32)}`,
  ...scaled(1),
  ...scaled(2),
  ...scaled(4),
  rotated,
  shift: shiftOf,
  shifted,
  x: (w) => (w.field('x') ? 't' : 'b'),
  y: (w) => (w.field('y') ? 't' : 'b'),
  psr: (w) => (w.field('R') ? 'spsr' : 'cpsr'),
  fields: (w) => {
    const names = [...'fsxc'].filter((_, n) => w.field('f') & (8 >>> n)).join('');
    return names === '' ? '' : `_${names}`;
  },
  t: (w) => (w.field('W') && !w.field('P') ? 't' : ''),
  mode2: (w) => indexed(w, `${w.has('i') ? '#' : ''}${minus(w)}${w.has('i') ? number(w.field('i')) : shifted(w)}`),
  mode3: (w) => {
    const magnitude = w.field('B') ? `${number((w.field('i') << 4) | w.field('m'))}` : REGISTERS[w.field('m')];
    return indexed(w, `${w.field('B') ? '#' : ''}${minus(w)}${magnitude}`);
  },
  mode4: (w) => BLOCK_MODES[2 * w.field('P') + w.field('U')],
  '!': (w) => ((w.has('W') ? w.field('W') : ~w.field('l') & (1 << w.field('n'))) ? '!' : ''),
  '^': flag('S', ' ^'),
  registers: (w) => list(w.field('l')),
  'registers+lr': (w) => list(w.field('l') | (w.field('E') << 14)),
  'registers+pc': (w) => list(w.field('l') | (w.field('E') << 15)),
  target: (w) => address(w.address + 2 * w.bytes + w.signed('i') * w.bytes + 2 * w.field('h')),
  high: (w) => address(w.address + 4 + w.signed('i') * 0x1000),
  cp: (w) => `p${w.field('p')}`,
  op1: (w) => `#${w.field('o')}`,
  op2: (w) => `#${w.field('q')}`,
  CRn: (w) => `c${w.field('n')}`,
  CRm: (w) => `c${w.field('m')}`,
  ...vfpRegisters('dnm'),
  Sm1: (w) => `s${single(w, 'm') + 1}`,
  Smpair: (w) => vfpList('s', single(w, 'm'), 2),
  sys: (w) => VFP_SYSTEM[w.field('s')] ?? `fp${w.field('s')}`,
  address: (w) => indexed(w, `#${minus(w)}${number(4 * w.field('o'))}`),
  Slist: (w) => vfpList('s', single(w, 'd'), w.field('o')),
  Dlist: (w) => vfpList('d', w.field('d'), w.field('o')),
};
