/** Reads `golden.txt` (see scripts/arm-golden/generate.mjs, which describes it) and replays its cases. */
import { MODE, readCpsr, switchMode, writeCpsr } from '../psr.ts';
import { BANK } from '../state.ts';
import type { CpuBench } from './cpu-bench.suite.ts';

const CODE = 0x8000;
const FILLED = { from: 0x4000, to: 0xc000 };
const contents = (address: number): number => (Math.imul(address & ~3, 0x9e3779b1) ^ 0x5bd1e995) >>> 0;

/** All registers by name, R8 to R14 by mode. */
export type Registers = Record<string, number>;

const BANKS = Object.keys(BANK) as (keyof typeof BANK)[];
const DEFAULTS: Registers = { pc: CODE, psr: 0xd3 };
for (let n = 0; n < 13; n++) DEFAULTS[`r${n}`] = (n * 0x11111111 + 0x01020304) >>> 0;
for (let n = 8; n < 13; n++) DEFAULTS[`r${n}_fiq`] = 0xf1900000 + n;
for (const bank of BANKS) {
  DEFAULTS[`r13_${bank}`] = 0x50001000 + 0x100 * MODE[bank];
  DEFAULTS[`r14_${bank}`] = 0x60002000 + 0x100 * MODE[bank];
  if (bank !== 'usr') DEFAULTS[`spsr_${bank}`] = (0x10 | ((MODE[bank] & 15) << 28)) >>> 0;
}

export interface Case {
  readonly text: string;
  readonly words: readonly number[];
  readonly before: Registers;
  readonly memoryBefore: ReadonlyMap<number, number>;
  readonly after: Registers;
  readonly memoryAfter: ReadonlyMap<number, number>;
}

export interface Group {
  readonly thumb: boolean;
  /** Name of the row. */
  readonly name: string;
  readonly cases: readonly Case[];
}

function assignments(items: readonly string[]): [Registers, Map<number, number>] {
  const registers: Registers = {};
  const memory = new Map<number, number>();
  for (const item of items) {
    const [name, value] = item.split('=');
    if (name.startsWith('@')) memory.set(Number.parseInt(name.slice(1), 16), Number.parseInt(value, 16));
    else registers[name] = Number.parseInt(value, 16);
  }
  return [registers, memory];
}

function parseCase(text: string, thumb: boolean): Case {
  const items = text.split(' ');
  const arrow = items.indexOf('>');
  const words = items.filter((item, n) => n < arrow && !item.includes('='));
  const [given, memoryBefore] = assignments(items.slice(words.length, arrow));
  const [changed, memoryAfter] = assignments(items.slice(arrow + 1).filter((item) => item !== ''));
  const before = { ...DEFAULTS, ...given };
  const pc = before.pc + words.length * (thumb ? 2 : 4);
  return { text, words: words.map((word) => Number.parseInt(word, 16)), before, memoryBefore, after: { ...before, pc, ...changed }, memoryAfter };
}

export function parseGolden(text: string): Group[] {
  return text.split(/^= /m).flatMap((part) => {
    if (part === '') return [];
    const [head, ...lines] = part.trimEnd().split('\n');
    const thumb = head.startsWith('T ');
    return [{ thumb, name: head.slice(2), cases: lines.map((line) => parseCase(line, thumb)) }];
  });
}

/** Gives all registers their values, whatever mode the CPU is in. */
function writeRegisters({ cpu }: CpuBench, values: Registers): void {
  for (const bank of BANKS) {
    switchMode(cpu, MODE[bank]);
    cpu.r[13] = values[`r13_${bank}`];
    cpu.r[14] = values[`r14_${bank}`];
    if (bank !== 'usr') cpu.s.spsr[BANK[bank]] = values[`spsr_${bank}`];
    for (let n = 0; n < 13; n++) cpu.r[n] = values[bank === 'fiq' && n >= 8 ? `r${n}_fiq` : `r${n}`];
  }
  writeCpsr(cpu, values.psr);
  cpu.r[15] = values.pc;
}

function readRegisters({ cpu }: CpuBench): Registers {
  const values: Registers = { psr: readCpsr(cpu), pc: cpu.r[15] >>> 0 };
  const mode = cpu.s.mode;
  for (const bank of BANKS) {
    switchMode(cpu, MODE[bank]);
    values[`r13_${bank}`] = cpu.r[13] >>> 0;
    values[`r14_${bank}`] = cpu.r[14] >>> 0;
    if (bank !== 'usr') values[`spsr_${bank}`] = cpu.s.spsr[BANK[bank]];
    for (let n = 0; n < 13; n++) values[bank === 'fiq' && n >= 8 ? `r${n}_fiq` : `r${n}`] = cpu.r[n] >>> 0;
  }
  switchMode(cpu, mode);
  return values;
}

/** Fills the memory that the cases use. */
export function fillMemory(bench: CpuBench): void {
  for (let address = FILLED.from; address < FILLED.to; address += 4) bench.words(address, contents(address));
}

/** Executes a case and returns what came out otherwise than in QEMU: `name: value instead of value`. */
export function replay(bench: CpuBench, { words, before, memoryBefore, after, memoryAfter }: Case, thumb: boolean): string[] {
  writeRegisters(bench, before);
  for (const [address, value] of memoryBefore) bench.words(address, value);
  if (thumb) bench.halves(before.pc, ...words);
  else bench.words(before.pc, ...words);
  const code = { from: before.pc & ~3, to: before.pc + 4 * words.length };
  const expectedMemory = new Map([...memoryBefore, ...memoryAfter]);
  for (let address = code.from; address < code.to; address += 4) expectedMemory.set(address, bench.word(address));

  bench.run(words.length);

  const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;
  const registers = readRegisters(bench);
  const wrong = Object.keys(after)
    .filter((name) => registers[name] !== after[name])
    .map((name) => `${name}: ${hex(registers[name])} instead of ${hex(after[name])}`);
  const memory = new Uint32Array(bench.memory.ram.buffer, bench.memory.ram.byteOffset);
  for (let address = FILLED.from; address < FILLED.to; address += 4) {
    const actual = memory[address >>> 2];
    if (actual === contents(address) && !expectedMemory.has(address)) continue;
    const expected = expectedMemory.get(address) ?? contents(address);
    if (actual !== expected) wrong.push(`memory at ${hex(address)}: ${hex(actual)} instead of ${hex(expected)}`);
    bench.words(address, contents(address));
  }
  return wrong;
}
