/**
 * Makes src/cpu/arm/vfp/golden.txt: what VFP instructions give on QEMU's ARM926. Needs qemu-arm and arm-none-eabi-as/ld.
 *
 *   node scripts/vfp-golden/generate.mjs [cases per group] [seed] [output]
 *
 * The file is a list of groups. `= text | instruction FPSCR | inputs > outputs` begins one, inputs and outputs being
 * numbers of S registers; each line after it is a case: input words, `>`, output words, FPSCR afterwards.
 *
 * QEMU 7.2 is unlike a VFP9-S in these points, which are kept out:
 * - Vectors of singles with a stride of 2: QEMU steps by 4.
 * - Copies of one vector of doubles to another: QEMU writes the second element to the register behind the source's.
 * - The sign of zeros in flush-to-zero mode: QEMU keeps it as VFPv3 does. There are no negative subnormal operands in
 *   that mode; a result can still be a zero of the other sign, which the reader must allow for.
 *
 * To try many more cases: write a big file elsewhere, and run golden.test.ts with VFP_GOLDEN set to its absolute path.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FORMATS, operand, pair, random } from './operands.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const [count = '14', seed = '926', output = join(here, '../../src/cpu/arm/vfp/golden.txt')] = process.argv.slice(2);
const cases = Number(count);
const rng = random(Number(seed));

const FZ = 1 << 24;
const DN = 1 << 25;
const rounding = (mode) => mode << 22;
/** All rounding modes, flush-to-zero, default NaN, both. */
const MODES = [0, rounding(1), rounding(2), rounding(3), FZ, DN, FZ | DN | rounding(2)];

const range = (n) => [...Array(n).keys()];
const words = (precision, register) => (precision === 'S' ? [register] : [2 * register, 2 * register + 1]);
const name = (precision, register) => `${precision.toLowerCase()}${register}`;
const groups = [];

function group(text, fpscr, inputs, outputs, operands) {
  const flush = (fpscr & FZ) !== 0;
  groups.push({ text, fpscr, inputs, outputs, cases: operands.map((list) => list.flatMap(([precision, bits]) => split(precision, bits, flush))) });
}

/** Words of an operand, low one first. */
function split(precision, bits, flush) {
  const f = FORMATS[precision];
  const magnitude = bits & ((1n << (f.width - 1n)) - 1n);
  const value = flush && magnitude < 1n << f.fraction ? magnitude : bits;
  return precision === 'S' ? [Number(value)] : [Number(value & 0xffffffffn), Number(value >> 32n)];
}

const some = (make) => range(cases).map(make);

for (const fpscr of MODES) {
  for (const p of ['S', 'D']) {
    const f = FORMATS[p];
    const s = p.toLowerCase();
    const three = [...words(p, 9), ...words(p, 10)];
    for (const [op, kind] of [
      ['fadd', 'add'],
      ['fsub', 'add'],
      ['fmul', 'multiply'],
      ['fnmul', 'multiply'],
      ['fdiv', 'divide'],
    ]) {
      group(
        `${op}${s} ${name(p, 8)}, ${name(p, 9)}, ${name(p, 10)}`,
        fpscr,
        three,
        words(p, 8),
        some(() => pair(f, kind, rng).map((x) => [p, x])),
      );
    }
    for (const op of ['fmac', 'fnmac', 'fmsc', 'fnmsc']) {
      const operands = () => {
        const [n, m] = pair(f, 'multiply', rng);
        return [operand(f, rng), n, m].map((x) => [p, x]);
      };
      group(`${op}${s} ${name(p, 8)}, ${name(p, 9)}, ${name(p, 10)}`, fpscr, [...words(p, 8), ...three], words(p, 8), some(operands));
    }
    for (const op of ['fsqrt', 'fabs', 'fneg', 'fcpy']) {
      group(
        `${op}${s} ${name(p, 8)}, ${name(p, 9)}`,
        fpscr,
        words(p, 9),
        words(p, 8),
        some(() => [[p, operand(f, rng)]]),
      );
    }
    for (const op of ['fcmp', 'fcmpe']) {
      group(
        `${op}${s} ${name(p, 8)}, ${name(p, 9)}`,
        fpscr,
        [...words(p, 8), ...words(p, 9)],
        [],
        some(() => pair(f, 'add', rng).map((x) => [p, x])),
      );
      group(
        `${op}z${s} ${name(p, 8)}`,
        fpscr,
        words(p, 8),
        [],
        some(() => [[p, operand(f, rng)]]),
      );
    }
    for (const op of ['ftosi', 'ftosiz', 'ftoui', 'ftouiz']) {
      group(
        `${op}${s} s5, ${name(p, 9)}`,
        fpscr,
        words(p, 9),
        [5],
        some(() => [[p, operand(f, rng)]]),
      );
    }
    for (const op of ['fsito', 'fuito']) {
      group(
        `${op}${s} ${name(p, 8)}, s5`,
        fpscr,
        [5],
        words(p, 8),
        some(() => [['S', BigInt(rng.next() >>> rng.below(32))]]),
      );
    }
  }
  group(
    'fcvtds d8, s5',
    fpscr,
    [5],
    [16, 17],
    some(() => [['S', operand(FORMATS.S, rng)]]),
  );
  group(
    'fcvtsd s5, d8',
    fpscr,
    [16, 17],
    [5],
    some(() => [['D', narrowable()]]),
  );
}

/** A double that is often close to what a single can hold. */
function narrowable() {
  if (rng.chance(40)) return operand(FORMATS.D, rng);
  const exponent = BigInt(1023 - 155 + rng.below(290));
  return (BigInt(rng.below(2)) << 63n) | (exponent << 52n) | (operand(FORMATS.D, rng) & 0xfffffffffffffn);
}

// Short vectors: LEN and STRIDE that the manual allows, and registers in all banks; all registers go in and out.
const ALL = range(32);
for (const [p, len, stride] of [
  ['S', 2, 0],
  ['S', 3, 0],
  ['S', 8, 0],
  ['D', 2, 0],
  ['D', 3, 0],
  ['D', 4, 0],
  ['D', 2, 3],
]) {
  const fpscr = ((len - 1) << 16) | (stride << 20);
  const s = p.toLowerCase();
  const [a, b, c] = p === 'S' ? [14, 19, 29] : [6, 9, 15];
  const [scalar, otherScalar] = [2, 3];
  const full = () => range(p === 'S' ? 32 : 16).map(() => [p, operand(FORMATS[p], rng)]);
  const r = (n) => name(p, n);
  for (const text of [
    `fadd${s} ${r(a)}, ${r(b)}, ${r(c)}`,
    `fmul${s} ${r(a)}, ${r(b)}, ${r(scalar)}`,
    `fsub${s} ${r(scalar)}, ${r(b)}, ${r(c)}`,
    `fmac${s} ${r(c)}, ${r(a)}, ${r(b)}`,
    `fdiv${s} ${r(b)}, ${r(scalar)}, ${r(otherScalar)}`,
    `fneg${s} ${r(b)}, ${r(p === 'S' ? a : scalar)}`,
    `fsqrt${s} ${r(c)}, ${r(scalar)}`,
    `fcmp${s} ${r(a)}, ${r(b)}`,
  ]) {
    group(text, fpscr, ALL, ALL, range(Math.ceil(cases / 14)).map(full));
  }
}

const work = mkdtempSync(join(tmpdir(), 'vfp-golden-'));
try {
  const path = (file) => join(work, file);
  const run = (command, ...args) => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  writeFileSync(path('insns.s'), `.arch armv5te\n.fpu vfpv2\n${groups.map((g) => `${g.text}\n`).join('')}`);
  run('arm-none-eabi-as', '-o', path('insns.o'), path('insns.s'));
  run('arm-none-eabi-objcopy', '-O', 'binary', '-j', '.text', path('insns.o'), path('insns.bin'));
  const insns = readFileSync(path('insns.bin'));
  run('arm-none-eabi-gcc', '-mcpu=arm926ej-s', '-nostdlib', '-static', '-o', path('runner'), join(here, 'runner.S'));

  // Registers that are no inputs hold their number, so that a stray write shows.
  const records = groups.flatMap((g, i) =>
    g.cases.map((values) => {
      const registers = range(32);
      g.inputs.forEach((register, n) => {
        registers[register] = values[n];
      });
      return [insns.readUInt32LE(4 * i), g.fpscr, ...registers];
    }),
  );
  writeFileSync(path('in'), Buffer.from(Uint32Array.from(records.flat()).buffer));
  execFileSync('sh', ['-c', `qemu-arm -cpu arm926 ${path('runner')} < ${path('in')} > ${path('out')}`], { stdio: 'inherit' });
  const out = readFileSync(path('out'));
  if (out.length !== records.length * 132) throw new Error(`the runner stopped after ${out.length / 132} of ${records.length} cases`);

  const hex = (x) => x.toString(16).padStart(8, '0');
  let at = 0;
  const lines = groups.flatMap((g, i) => [
    `= ${g.text} | ${hex(insns.readUInt32LE(4 * i))} ${hex(g.fpscr)} | ${g.inputs.join(' ')} > ${g.outputs.join(' ')}`,
    ...g.cases.map((values, n) => {
      const result = range(33).map((word) => out.readUInt32LE(at * 132 + 4 * word));
      const before = records[at++].slice(2);
      for (const register of range(32)) {
        if (!g.outputs.includes(register) && result[1 + register] !== before[register]) throw new Error(`${g.text}: case ${n} changed S${register}`);
      }
      return `${values.map(hex).join(' ')} > ${[...g.outputs.map((register) => result[1 + register]), result[0]].map(hex).join(' ')}`;
    }),
  ]);
  writeFileSync(output, `${lines.join('\n')}\n`);
} finally {
  rmSync(work, { recursive: true });
}
