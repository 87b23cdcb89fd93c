/**
 * An assembler for tests, which reads the templates of the instruction tables backwards. It takes what the disassembler
 * prints (numbers in any base), and has the disassembler check what it made. No VFP.
 */
import { CONDITION_NAMES } from '../condition.ts';
import { armRows } from '../isa/arm.rows.ts';
import { disassembleArm, disassembleThumb } from '../isa/disassemble.ts';
import { thumbRows } from '../isa/thumb.rows.ts';
import type { Row } from '../op.ts';

/** Values of fields by their letters. */
type Fields = Record<string, number>;

const REGISTER = 'r\\d+|sp|lr|pc';
const NUMBER = '#-?(?:0x[0-9a-f]+|\\d+)';
const registerOf = (text: string): number => ({ sp: 13, lr: 14, pc: 15 })[text] ?? Number(text.slice(1));
const numberOf = (text: string): number => (text.startsWith('#-') ? -Number(text.slice(2)) : Number(text.slice(1)));
const SHIFTS = ['lsl', 'lsr', 'asr', 'ror'];

function readShifted(text: string, fields: Fields): void {
  const [register, shift] = text.split(', ');
  fields.m = registerOf(register);
  const [type, amount = '#0'] = (shift ?? 'lsl').split(' ');
  fields.t = type === 'rrx' ? 3 : SHIFTS.indexOf(type);
  fields.a = numberOf(amount) & 31;
}

function readRotated(text: string, fields: Fields): void {
  const [value, rotation] = text.split(', ').map(numberOf);
  fields.i = value;
  fields.r = (rotation ?? 0) / 2;
  for (let r = 0; rotation === undefined && r < 16; r++) {
    const unrotated = (value << (2 * r)) | (value >>> (32 - 2 * r));
    if (r === 0 ? value <= 0xff : (unrotated & ~0xff) === 0) {
      fields.i = unrotated;
      fields.r = r;
      return;
    }
  }
}

/** `[base]`, `[base, offset]`, `[base, offset]!` or `[base], offset`. `half` splits an immediate into two fields. */
function readAddress(text: string, fields: Fields, half: boolean): void {
  const [, base, inside = '', mark, behind = ''] = /^\[(\w+)(?:, (.*))?\](!?)(?:, (.*))?$/.exec(text)!;
  fields.n = registerOf(base);
  fields.P = behind === '' ? 1 : 0;
  if (mark === '!') fields.W = 1;
  const offset = inside || behind || '#0';
  const negative = /^#?-/.test(offset);
  fields.U = negative ? 0 : 1;
  if (!offset.startsWith('#')) {
    readShifted(offset.replace('-', ''), fields);
    return;
  }
  const magnitude = Math.abs(numberOf(offset));
  fields.B = 1;
  fields.i = half ? magnitude >>> 4 : magnitude;
  if (half) fields.m = magnitude & 15;
}

const readList = (text: string): number =>
  text
    .slice(1, -1)
    .split(', ')
    .reduce((list, register) => (register === '' ? list : list | (1 << registerOf(register))), 0);

/** For each placeholder: what it looks like, and how its text becomes fields. `size` is that of the instruction in bytes. */
type Reader = readonly [pattern: string, read: (text: string, fields: Fields, address: number, size: number) => void];
const register = (letter: string): Reader => [REGISTER, (text, fields) => void (fields[letter] = registerOf(text))];
const flag = (letter: string, set: string): Reader => [`${set}|`, (text, fields) => void (fields[letter] = text === '' ? 0 : 1)];
const scaled = (scale: number): Reader => [NUMBER, (text, fields) => void (fields.i = numberOf(text) / scale)];
const offset = (scale: number): Reader => [`(?:, ${NUMBER})?`, (text, fields) => void (fields.i = text === '' ? 0 : numberOf(text.slice(2)) / scale)];

const READERS: Readonly<Record<string, Reader>> = {
  c: [
    CONDITION_NAMES.slice(0, 14).join('|').concat('|'),
    (text, fields) => void (fields.c = text === '' ? 14 : CONDITION_NAMES.indexOf(text as 'eq')),
  ],
  s: flag('S', 's'),
  t: flag('W', 't'),
  ...Object.fromEntries([...'dnmshl'].map((letter) => [`R${letter}`, register(letter)])),
  pair: [`(?:${REGISTER}), (?:${REGISTER})`, (text, fields) => void (fields.e = registerOf(text.split(', ')[0]) >>> 1)],
  imm: scaled(1),
  'imm*1': scaled(1),
  'imm*2': scaled(2),
  'imm*4': scaled(4),
  'offset*1': offset(1),
  'offset*2': offset(2),
  'offset*4': offset(4),
  imm32: [NUMBER, (text, fields) => void (fields.i = numberOf(text) & 31)],
  rotated: [`${NUMBER}(?:, ${NUMBER})?`, readRotated],
  shift: [SHIFTS.join('|'), (text, fields) => void (fields.t = SHIFTS.indexOf(text))],
  shifted: [`(?:${REGISTER})(?:, .*)?`, readShifted],
  x: ['[bt]', (text, fields) => void (fields.x = text === 't' ? 1 : 0)],
  y: ['[bt]', (text, fields) => void (fields.y = text === 't' ? 1 : 0)],
  psr: ['[cs]psr', (text, fields) => void (fields.R = text === 'spsr' ? 1 : 0)],
  fields: ['(?:_[fsxc]+)?', (text, fields) => void (fields.f = [...text.slice(1)].reduce((mask, letter) => mask | (1 << 'cxsf'.indexOf(letter)), 0))],
  mode2: ['\\[.*', (text, fields) => readAddress(text, fields, false)],
  mode3: ['\\[.*', (text, fields) => readAddress(text, fields, true)],
  mode4: [
    'da|db|ib|',
    (text, fields) => {
      fields.U = text.startsWith('d') ? 0 : 1;
      fields.P = text.endsWith('b') ? 1 : 0;
    },
  ],
  '!': flag('W', '!'),
  '^': flag('S', ' \\^'),
  registers: ['\\{.*\\}', (text, fields) => void (fields.l = readList(text))],
  'registers+lr': ['\\{.*\\}', (text, fields) => Object.assign(fields, { l: readList(text) & 0xff, E: readList(text) >>> 14 })],
  'registers+pc': ['\\{.*\\}', (text, fields) => Object.assign(fields, { l: readList(text) & 0xff, E: readList(text) >>> 15 })],
  target: [
    NUMBER,
    (text, fields, address, size) => {
      const distance = (numberOf(text) - address - 2 * size) | 0;
      fields.i = distance >> (size / 2);
      fields.h = (distance >>> 1) & 1;
    },
  ],
  high: [NUMBER, (text, fields, address) => void (fields.i = ((numberOf(text) - address - 4) | 0) >> 12)],
  cp: ['p\\d+', (text, fields) => void (fields.p = Number(text.slice(1)))],
  op1: [NUMBER, (text, fields) => void (fields.o = numberOf(text))],
  op2: [NUMBER, (text, fields) => void (fields.q = numberOf(text))],
  CRn: ['c\\d+', (text, fields) => void (fields.n = Number(text.slice(1)))],
  CRm: ['c\\d+', (text, fields) => void (fields.m = Number(text.slice(1)))],
};

interface Form {
  readonly expression: RegExp;
  readonly names: readonly string[];
  readonly pattern: string;
}

const escaped = (text: string): string => text.replace(/[.*+?^$()|[\]\\]/g, '\\$&');

/** The row's template as an expression; undefined where it has placeholders that are not read here. */
function formOf({ syntax, pattern }: Row): Form | undefined {
  const parts = syntax.split(/\{(.+?)\}/);
  const names = parts.filter((_, n) => n % 2 === 1);
  if (names.some((name) => READERS[name] === undefined)) return undefined;
  const expression = parts.map((part, n) => (n % 2 === 1 ? `(${READERS[part][0]})` : escaped(part))).join('');
  return { expression: new RegExp(`^${expression}$`), names, pattern: pattern.replaceAll(' ', '') };
}

/** Forms by the first letter of their mnemonics. */
type Forms = Readonly<Record<string, readonly Form[]>>;

function formsOf(rows: readonly Row[]): Forms {
  const forms: Record<string, Form[]> = {};
  for (const row of rows) {
    const form = formOf(row);
    if (form !== undefined) (forms[row.syntax[0]] ??= []).push(form);
  }
  return forms;
}
const armForms = formsOf(armRows);
const thumbForms = formsOf(thumbRows);

/** Writes fields into a pattern; of each the low bits, and zeros where nothing is given. */
function fill(pattern: string, fields: Fields): number {
  const left: Fields = { ...fields };
  let word = 0;
  for (let n = pattern.length - 1; n >= 0; n--) {
    const letter = pattern[n];
    const bit = letter === '0' || letter === '1' ? Number(letter) : (left[letter] ?? 0) & 1;
    if (left[letter] !== undefined) left[letter] >>= 1;
    word |= bit << (pattern.length - 1 - n);
  }
  return word >>> 0;
}

/** Numbers in one base and no offset of zero, so that texts can be compared. */
const plain = (text: string): string =>
  text
    .replace(new RegExp(NUMBER, 'g'), (found) => (found.startsWith('#-') ? `#-${Number(found.slice(2))}` : `#${Number(found.slice(1))}`))
    .replace(', #0]', ']');

function assemble(text: string, address: number, forms: Forms, size: number, print: (insn: number, address: number) => string): number {
  for (const { expression, names, pattern } of forms[text[0]] ?? []) {
    const match = expression.exec(text);
    if (match === null) continue;
    const fields: Fields = { c: 14 };
    for (const [n, name] of names.entries()) READERS[name][1](match[n + 1], fields, address, size);
    const word = fill(pattern, fields);
    if (plain(print(word, address)) === plain(text)) return word;
  }
  throw new Error(`cannot assemble ${text}`);
}

/** The word of an ARM instruction at `address`. @throws Error when it is none. */
export const armWord = (text: string, address = 0): number => assemble(text, address, armForms, 4, disassembleArm);
/** The half-word of a Thumb instruction at `address`. @throws Error when it is none. */
export const thumbHalf = (text: string, address = 0): number => assemble(text, address, thumbForms, 2, disassembleThumb);
