/**
 * Random cases for the rows of the instruction tables: an instruction word and a state of the machine to execute it in.
 * Left out is what the ARM ARM calls UNPREDICTABLE, and what QEMU does unlike an ARM926EJ-S: accesses that are not
 * aligned, the value of a stored R15, and returns from exceptions by other instructions than MOVS, SUBS and LDM.
 */
import { bankOf, MODES } from './qemu.mjs';

/** Where instructions are put, and memory with contents (`contents`) around it. */
export const CODE = 0x8000;
export const FILLED = { from: 0x4000, to: 0xc000 };
/** The word that memory holds at an address of `FILLED`. */
export const contents = (address) => (Math.imul(address & ~3, 0x9e3779b1) ^ 0x5bd1e995) >>> 0;

/** All registers of the CPU by name, R8 to R14 by mode, with the values that they have where a case does not say another. */
export const DEFAULTS = {};
for (let n = 0; n < 13; n++) DEFAULTS[`r${n}`] = (n * 0x11111111 + 0x01020304) >>> 0;
for (let n = 8; n < 13; n++) DEFAULTS[`r${n}_fiq`] = 0xf1900000 + n;
for (const [name, mode] of Object.entries(MODES)) {
  DEFAULTS[`r13_${name}`] = 0x50001000 + 0x100 * mode;
  DEFAULTS[`r14_${name}`] = 0x60002000 + 0x100 * mode;
  if (name !== 'usr') DEFAULTS[`spsr_${name}`] = (0x00000010 | ((mode & 15) << 28)) >>> 0;
}
DEFAULTS.pc = CODE;
DEFAULTS.psr = 0xd3;

/** The name of R0 to R15 in a mode. */
export function nameOf(n, mode) {
  if (n === 15) return 'pc';
  if (n >= 13) return `r${n}_${bankOf(mode)}`;
  return n >= 8 && mode === MODES.fiq ? `r${n}_fiq` : `r${n}`;
}

const patternOf = (row) => row.pattern.replaceAll(' ', '');

/** The field of a letter: its bits together, most significant first. */
function fieldOf(pattern, insn, letter) {
  let value = 0;
  for (let n = 0; n < pattern.length; n++) if (pattern[n] === letter) value = (value << 1) | ((insn >>> (pattern.length - 1 - n)) & 1);
  return value;
}

/** Nibbles that should be all ones; other ignored bits should be zero. */
const ONES = { MRS: [0], 'MSR (register)': [0], 'MSR (immediate)': [0], BX: [0, 1, 2], BXJ: [0, 1, 2], 'BLX (register)': [0, 1, 2], CLZ: [0, 1] };

function randomWord(row, isa, rng) {
  let nibble = -1;
  let word = 0;
  let before = '';
  for (const bit of row.pattern) {
    if (bit === 'z' && before !== 'z') nibble++;
    before = bit;
    if (bit === ' ') continue;
    const ignored = isa === 'A' && ONES[row.name]?.includes(nibble) ? 1 : 0;
    word = (word << 1) | (bit === '0' || bit === '1' ? Number(bit) : bit === 'z' ? ignored : rng.below(2));
  }
  if (isa === 'A' && row.pattern.startsWith('cccc') && (word >>> 28 === 15 || rng.chance(60))) word = (word & 0x0fffffff) | 0xe0000000;
  return word >>> 0;
}

const SHIFTS = [
  (x, n) => (n < 32 ? x << n : 0),
  (x, n) => (n < 32 ? x >>> n : 0),
  (x, n) => x >> Math.min(n, 31),
  (x, n) => (x >>> (n & 31)) | (x << (-n & 31)),
];

/**
 * What a row does to memory: its base register and what is added to it, the register in that if there is one, and how many
 * bytes are accessed with which alignment. `reg` gives the value of a register. Undefined if it does not access memory.
 */
function accessOf(row, isa, insn, reg, carry) {
  const f = (letter) => fieldOf(patternOf(row), insn, letter);
  const { syntax } = row;
  const width = /^(ldr|str)(h|sh)/.test(syntax) ? 2 : /^(ldr|str)(b|sb)/.test(syntax) ? 1 : /^(ldrd|strd)/.test(syntax) ? 8 : 4;
  if (syntax.startsWith('swp')) return { base: f('n'), offset: 0, width: syntax.startsWith('swpb') ? 1 : 4, bytes: 4 };
  const count = [...f('l').toString(2)].filter((bit) => bit === '1').length + f('E');
  if (syntax.includes('{mode4}')) {
    const size = count * 4;
    const offset = f('U') ? (f('P') ? 4 : 0) : f('P') ? -size : 4 - size;
    return { base: f('n'), offset, width: 4, bytes: size };
  }
  if (syntax.startsWith('push')) return { base: 13, offset: -count * 4, width: 4, bytes: count * 4 };
  if (syntax.startsWith('pop')) return { base: 13, offset: 0, width: 4, bytes: count * 4 };
  if (/^(stm|ldm) /.test(syntax)) return { base: f('n'), offset: 0, width: 4, bytes: count * 4 };
  if (/\{mode[23]\}/.test(syntax) && syntax !== 'pld {mode2}') {
    const immediate = syntax.includes('{mode3}') ? f('B') : row.pattern.includes('i');
    let magnitude;
    if (syntax.includes('{mode3}')) magnitude = immediate ? (f('i') << 4) | f('m') : reg(f('m'));
    else if (immediate) magnitude = f('i');
    else {
      const amount = f('a');
      const rm = reg(f('m')) | 0;
      magnitude = f('t') === 3 && amount === 0 ? (carry << 31) | (rm >>> 1) : SHIFTS[f('t')](rm, amount || (f('t') === 0 ? 0 : 32));
    }
    const offset = f('P') ? (f('U') ? magnitude : -magnitude) : 0;
    return { base: f('n'), index: immediate ? undefined : f('m'), offset: offset | 0, width, bytes: width };
  }
  if (isa === 'T') {
    const scale = Number(/(?:offset|imm)\*(\d)\}?\]/.exec(syntax)?.[1] ?? 0);
    if (syntax.includes('[{Rn}, {Rm}]')) return { base: f('n'), index: f('m'), offset: reg(f('m')) | 0, width, bytes: width };
    if (syntax.includes('[{Rn}{offset')) return { base: f('n'), offset: f('i') * scale, width, bytes: width };
    if (syntax.includes('[sp{offset')) return { base: 13, offset: f('i') * scale, width, bytes: width };
    if (syntax.includes('[pc, ')) return { base: 15, offset: f('i') * scale, width, bytes: width };
  }
  return undefined;
}

const DATA_PROCESSING = / \((immediate|shift by register|shift by immediate)\)$/;
const isDataProcessing = (row, isa) => isa === 'A' && DATA_PROCESSING.test(row.name) && !/^(MSR|LDR|STR|BLX|PLD)/.test(row.name);

/** Registers that an instruction names, by field. */
function registersOf(row, insn) {
  const pattern = patternOf(row);
  const found = {};
  for (const letter of 'dnmshl') {
    const named = row.syntax.includes(`{R${letter}}`) || (letter !== 'l' && /\{(mode|shifted)/.test(row.syntax));
    if (named && pattern.includes(letter)) found[letter] = fieldOf(pattern, insn, letter);
  }
  if (row.syntax.includes('{pair}')) {
    found.e = 2 * fieldOf(pattern, insn, 'e');
    found.f = found.e + 1;
  }
  if (/mode3/.test(row.syntax) && fieldOf(pattern, insn, 'B')) delete found.m;
  return found;
}

/** Whether the manual leaves the result open, or QEMU is known to differ. */
function excluded(row, isa, insn) {
  const pattern = patternOf(row);
  const f = (letter) => fieldOf(pattern, insn, letter);
  const r = registersOf(row, insn);
  const { name, syntax } = row;
  const writesBack = pattern.includes('P') ? !f('P') || f('W') : f('W');
  if (isa === 'T') {
    if (/^(ADD \(4\)|CMP \(3\)|MOV \(3\))$/.test(name)) return Math.max(r.d ?? r.n, r.m) < 8 || (name.startsWith('CMP') && r.n === 15);
    if (name === 'BLX (2)') return r.m === 15;
    if (name === 'MUL') return r.d === r.m;
    if (/^(PUSH|POP)$/.test(name)) return f('l') === 0 && f('E') === 0;
    if (name === 'STMIA') return f('l') === 0 || (f('l') & (1 << f('n')) && f('l') & ((1 << f('n')) - 1));
    if (name === 'LDMIA') return f('l') === 0;
    return false;
  }
  if (isDataProcessing(row, isa)) {
    if (name.includes('shift by register')) return Object.values(r).includes(15);
    return r.d === 15 && f('S') === 1;
  }
  if (/^(B|BL|BLX \(immediate\)|SWI|BKPT|PLD.*)$/.test(name)) return r.m === 15;
  if (name === 'BX' || name === 'BXJ') return false;
  if (/^[US]M(UL|LA)L/.test(name)) return Object.values(r).includes(15) || r.h === r.l || (!name.includes('xy') && (r.h === r.m || r.l === r.m));
  if (/^(MUL|MLA)$/.test(name)) return Object.values(r).includes(15) || r.d === r.m;
  if (/^SWPB?$/.test(name)) return Object.values(r).includes(15) || r.n === r.m || r.n === r.d;
  if (syntax.includes('{mode4}')) {
    const list = f('l');
    if (r.n === 15 || list === 0) return true;
    if (f('S'))
      return (
        (f('W') === 1 && !(syntax.startsWith('ldm') && list & 0x8000)) ||
        (syntax.startsWith('stm') && list & 0x8000) ||
        (f('W') === 1 && list & (1 << r.n))
      );
    if (syntax.startsWith('stm')) return list & 0x8000 || (f('W') && list & (1 << r.n) && list & ((1 << r.n) - 1));
    return f('W') && list & (1 << r.n);
  }
  if (/\{mode[23]\}/.test(syntax)) {
    if (syntax.includes('{mode3}')) {
      if (!f('P') && f('W')) return true;
      if (!f('B') && f('i') !== 0) return true;
      if (r.d === 15 || r.e === 14) return true;
      if (syntax.startsWith('ldrd') && !f('B') && (r.m === r.e || r.m === r.f)) return true;
    }
    if (r.m === 15) return true;
    if (writesBack && (r.n === 15 || r.n === r.d || r.n === r.e || r.n === r.f || r.n === r.m)) return true;
    if (r.d === 15 && (/^(str|ldrb)/.test(syntax) || (!f('P') && f('W')))) return true;
    return false;
  }
  return Object.values(r).includes(15);
}

/** A target of a branch that keeps to one instruction set: bits 1:0 are not 10. */
const branchTarget = (rng) => {
  const target = rng.next();
  return target & 1 ? target : (target & ~3) >>> 0;
};

/**
 * One case, or undefined if the dice were unlucky: the instructions, the registers and memory words that differ from the
 * defaults, and the range of memory that the case may change.
 */
export function makeCase(row, isa, rng) {
  const insn = randomWord(row, isa, rng);
  if (excluded(row, isa, insn)) return undefined;
  if (row.syntax.includes('{mode4}') && insn & (1 << 22)) return undefined;
  const flags = rng.below(32) << 27;
  const mode = MODES.svc;
  const registers = { psr: (flags | 0xc0 | (isa === 'T' ? 0x20 : 0) | mode) >>> 0 };
  if (isa === 'T' && rng.chance(50)) registers.pc = CODE + 2;
  const pc = registers.pc ?? CODE;
  const names = registersOf(row, insn);
  const values = {};
  for (const n of Object.values(names)) if (n !== 15) values[n] = rng.operand();
  if (row.name.includes('shift by register') || /^(LSL|LSR|ASR|ROR)( \(2\))?$/.test(row.name))
    values[names.s] = rng.pick([0, 1, 2, 31, 32, 33, 63, 64, 255, 256, rng.next()]);
  if (/^(BX|BXJ|BLX \(register\)|BLX \(2\))$/.test(row.name) && names.m !== 15) values[names.m] = branchTarget(rng);
  if (isa === 'T' && /, suffix/.test(row.name)) values[14] = (rng.next() & ~3) >>> 0;
  if (isa === 'T' && names.m === 15 && pc & 2) return undefined;

  const pcValue = pc + (isa === 'T' ? 4 : 8);
  const reg = (n) => (n === 15 ? pcValue : (values[n] ?? DEFAULTS[nameOf(n, mode)]));
  const access = accessOf(row, isa, insn, reg, (flags >>> 29) & 1);
  const memory = {};
  let window;
  if (access !== undefined) {
    let base;
    if (access.base === 15) base = pcValue & (isa === 'T' ? ~3 : ~0);
    else if (access.index === access.base) {
      // A register that is base and index: only small values stay within the memory that is filled.
      values[access.base] = 0x4400 + 8 * rng.below(0x100);
      base = values[access.base];
      access.offset = accessOf(row, isa, insn, reg, (flags >>> 29) & 1).offset;
    } else {
      const target = 0x5000 + access.width * rng.below(0x2000 / access.width);
      base = (target - access.offset) >>> 0;
      values[access.base] = base;
    }
    const start = (base + access.offset) >>> 0;
    if (start % access.width !== 0 || start < FILLED.from + 16 || start + access.bytes > FILLED.to - 16) return undefined;
    window = { from: (start & ~3) - 8, to: ((start + access.bytes + 3) & ~3) + 8 };
    if (window.from <= pc && window.to >= pc && /^(st|swp|push)/.test(row.syntax)) return undefined;
    const loadsPc =
      (names.d === 15 && row.syntax.startsWith('ldr')) ||
      (/^ldm/.test(row.syntax) && isa === 'A' && insn & 0x8000) ||
      (row.name === 'POP' && insn & 0x100);
    if (loadsPc) {
      const at = start + access.bytes - 4;
      if (access.base === 15 && at === pc) return undefined;
      memory[at] = branchTarget(rng);
    }
  }
  for (const [n, value] of Object.entries(values)) registers[nameOf(Number(n), mode)] = value >>> 0;
  const words = [insn];
  // QEMU executes both halves of a BL at once.
  if (row.name === 'BL, prefix') words.push((rng.chance(50) ? 0xf800 : 0xe800) | (rng.below(0x400) << 1));
  return { words, registers, memory, window, banked: false };
}

const VALID_MODES = [...Object.values(MODES), 0x1f];
const randomPsr = (rng, thumb) => ((rng.below(32) << 27) | (rng.below(4) << 6) | (thumb ? 0x20 : 0) | rng.pick(VALID_MODES)) >>> 0;

/** Words that no row of the ARM table describes. Coprocessors 10 and 11 are the VFP's. */
const UNDEFINED = [
  0xe7f000f0, 0xe7ffffff, 0xe6000010, 0xe7100070, 0xe1c210d0, 0xe1c210f0, 0xe3000000, 0xe0400090, 0xe0600090, 0xe1800090, 0xe1000040, 0xee000000,
  0xee110e10, 0xee010510, 0xed900100, 0xec400000, 0xec500f00, 0xfe000010, 0xf57ff01f, 0xf4100000, 0xf8000000, 0xf1000000, 0x17f000f0, 0x07f000f0,
];
export const undefinedRow = { name: 'undefined', pattern: '', syntax: '' };

/** Whether a row has effects on modes or their registers, so that `makeBankedCase` has cases for it. */
export function isBanked(row) {
  if (row === undefinedRow || /^(MRS|MSR.*|SWI|BKPT|LDM|STM|undefined)$/.test(row.name)) return true;
  return /^(MOV|SUB) \((immediate|shift by immediate)\)$/.test(row.name);
}

/** Rows of which every case is a banked one. */
export const isOnlyBanked = (row) => row === undefinedRow || /^(MRS|MSR.*|SWI|BKPT|undefined)$/.test(row.name);

/** The same for what happens to modes and banked registers, in any mode: exceptions, returns, status and user registers. */
export function makeBankedCase(row, isa, rng) {
  const pattern = patternOf(row);
  const f = (letter) => fieldOf(pattern, insn, letter);
  let insn = row === undefinedRow ? rng.pick(UNDEFINED) : randomWord(row, isa, rng);
  if (isa === 'A' && row.name === 'BKPT') insn = ((insn & 0x0fffffff) | 0xe0000000) >>> 0;
  const mode = rng.pick(VALID_MODES);
  const own = mode !== MODES.usr && mode !== 0x1f;
  const flags = rng.below(32) << 27;
  const registers = { psr: (flags | (rng.below(4) << 6) | (isa === 'T' ? 0x20 : 0) | mode) >>> 0 };
  if (isa === 'T' && rng.chance(50)) registers.pc = CODE + 2;
  const set = (n, value) => {
    registers[nameOf(n, mode)] = value >>> 0;
  };
  for (const name of ['fiq', 'irq', 'svc', 'abt', 'und']) if (rng.chance(30)) registers[`spsr_${name}`] = randomPsr(rng, rng.chance(30));
  const memory = {};
  let window;
  if (row.name === 'MRS') {
    if (f('d') === 15 || (f('R') && !own)) return undefined;
  } else if (row.name.startsWith('MSR')) {
    if (f('R') && !own) return undefined;
    const value = row.name.includes('register') ? ((rng.next() & 0xff000000) | randomPsr(rng, false)) >>> 0 : SHIFTS[3](f('i'), 2 * f('r'));
    // Reserved bits stay out of it, and so does a change of the instruction set or to no mode.
    if (f('R') === 0 && f('f') & 1 && (value & 0x20 || !VALID_MODES.includes(value & 0x1f))) return undefined;
    if (value & 0x07ffff00) return undefined;
    if (row.name.includes('register')) {
      if (f('m') === 15) return undefined;
      set(f('m'), value);
    }
  } else if (row.syntax.includes('{mode4}')) {
    insn |= 1 << 22;
    insn >>>= 0;
    if (!own || excluded(row, isa, insn)) return undefined;
    const access = accessOf(row, isa, insn, undefined, 0);
    const start = 0x5000 + 4 * rng.below(0x800);
    set(access.base, start - access.offset);
    window = { from: start - 8, to: start + access.bytes + 8 };
  } else if (isDataProcessing(row, isa)) {
    insn = (insn | 0x0010f000) >>> 0;
    if (!own) return undefined;
    const names = registersOf(row, insn);
    for (const n of [names.n, names.m]) if (n !== undefined && n !== 15) set(n, rng.operand());
    registers[`spsr_${bankOf(mode)}`] = randomPsr(rng, rng.chance(40));
  }
  return { words: [insn], registers, memory, window, banked: true };
}
