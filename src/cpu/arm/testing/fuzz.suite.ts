/**
 * Random programs that do everything at once: all instructions in both instruction sets, code that changes itself and
 * its page tables, faults, interrupts, waiting. They mean nothing, but whatever they do must not depend on how they are run.
 */
import { armRows } from '../isa/arm.rows.ts';
import { thumbRows } from '../isa/thumb.rows.ts';
import type { Row } from '../op.ts';
import { armWord } from './assembler.suite.ts';
import { CpuBench, PROBE } from './cpu-bench.suite.ts';
import { PageTables } from './page-tables.suite.ts';
import { Random } from './random.suite.ts';

export const RAM_BYTES = 0x180000;
const ARM_CODE = 0x8000;
const THUMB_CODE = 0xa000;
const DATA = 0x20000;
const CODE_BYTES = 0x1800;
/** Where everything is mapped a second time: code and data by pages, then by a section. */
const PAGES = 0x5000000;
const SECTION = 0x6000000;

/** Branches with far targets and arbitrary coprocessor instructions would end every program soon. */
const armBody = armRows.filter(({ name }) => !/^(B|BL|BLX \(immediate\)|MCR|MRC|SWI|BKPT)$/.test(name));
const thumbBody = thumbRows.filter(({ name }) => !/^(B |BL|BX|SWI|BKPT|undefined)/.test(name));
const BASES = [ARM_CODE, THUMB_CODE, DATA, DATA + 0x1000, 0x100000, PROBE, PAGES, PAGES + DATA, SECTION + ARM_CODE, PAGES + ARM_CODE, 0x7000000];

class Program {
  readonly random: Random;
  constructor(seed: number) {
    this.random = new Random(seed);
  }

  private row(rows: readonly Row[]): number {
    return this.random.wordOf(this.random.pick(rows));
  }

  private always(word: number): number {
    return this.random.chance(70) ? ((word & 0x0fffffff) | 0xe0000000) >>> 0 : word;
  }

  /** Low registers are kept for addresses, and changed less often than others. */
  private register(): number {
    return this.random.below(this.random.chance(60) ? 6 : 13);
  }

  /** Loads an address that there is something at. */
  private address(register: string): string[] {
    const base = this.random.pick(BASES);
    const low = base & 0xffffff;
    return base === low ? [`mov ${register}, #${base}`] : [`mov ${register}, #${base - low}`, `add ${register}, ${register}, #${low}`];
  }

  /** One ARM instruction, or two that belong together. */
  private armPiece(at: number): string[] | number[] {
    const { random } = this;
    const r = (): string => `r${this.register()}`;
    const kind = random.below(100);
    if (kind < 28) return [this.always(this.row(armBody))];
    if (kind < 42) return this.address(r());
    if (kind < 46) return [`add ${r()}, ${r()}, #${random.below(64) * 4}`];
    if (kind < 66) {
      const access = random.pick(['ldr', 'str', 'ldrb', 'strb', 'ldrh', 'strh', 'ldr', 'str']);
      return [`${access} ${r()}, [${r()}, #${random.below(32) * 4}]`];
    }
    if (kind < 70) return [`${random.pick(['ldm', 'stm', 'stmdb', 'ldmib'])} ${r()}, {r1, r2, r7, r9}`];
    if (kind < 74) return [`ldr${random.pick(['', 't', 'b'])} ${r()}, [${r()}], #${random.below(8) * 4}`];
    if (kind < 80) return [`b${random.pick(['eq', 'ne', 'cs', 'lt', 'hi'])} #${at + 4 * (random.below(24) - 6)}`];
    if (kind < 81) return [`b #${at + 4 + 4 * random.below(16)}`];
    if (kind < 83) return [`bl #${at + 4 * random.below(16)}`];
    if (kind < 85) return [`blx #${THUMB_CODE + 2 * random.below(CODE_BYTES / 2)}`];
    if (kind < 87) return [random.pick(['svc #1', 'bkpt #1', 'mrs r7, cpsr', 'msr cpsr_f, r7'])];
    if (kind < 90) return [`msr cpsr_c, #${random.pick([0x10, 0x10, 0x13, 0x1f, 0x12, 0x11, 0xd3])}`];
    if (kind < 95)
      return [`mov r12, #${PROBE}`, `mov r11, #${random.below(8)}`, `${random.pick(['str', 'str', 'ldr'])} r11, [r12, #${4 * random.below(4)}]`];
    return this.system();
  }

  private system(): string[] {
    const { random } = this;
    return random.pick([
      ['mov r12, #0x28000', 'mcr p15, #0, r12, c2, c0, #0'],
      ['mov r12, #0x100000', 'mcr p15, #0, r12, c2, c0, #0'],
      ['mvn r12, #0', 'mcr p15, #0, r12, c3, c0, #0'],
      ['mov r12, #0x55', 'mcr p15, #0, r12, c3, c0, #0'],
      [`mov r12, #${1 + 4 * random.below(64)}`, 'mcr p15, #0, r12, c3, c0, #0'],
      ['mov r12, #1', 'mcr p15, #0, r12, c1, c0, #0'],
      ['mov r12, #3', 'mcr p15, #0, r12, c1, c0, #0'],
      ['mov r12, #0', 'mcr p15, #0, r12, c1, c0, #0'],
      [`mov r12, #${PROBE}`, `mov r11, #${random.below(256)}`, 'str r11, [r12, #8]', 'mcr p15, #0, r12, c7, c0, #4'],
      ['mcr p15, #0, r12, c7, c0, #4'],
      ['mov r12, #1', 'mcr p15, #0, r12, c10, c0, #0'],
      ['mov r12, #0', 'mcr p15, #0, r12, c10, c0, #0'],
      [`mov r12, #${PAGES}`, 'mcr p15, #0, r12, c8, c7, #1'],
      ['mov r12, #0x2000000', 'mcr p15, #0, r12, c13, c0, #0'],
      ['mov r12, #0', 'mcr p15, #0, r12, c13, c0, #0'],
      ['mrc p15, #0, r7, c6, c0, #0', 'mrc p15, #0, r8, c5, c0, #0'],
    ]);
  }

  armCode(): number[] {
    const words: number[] = [];
    while (words.length < CODE_BYTES / 4) {
      for (const piece of this.armPiece(ARM_CODE + 4 * words.length))
        words.push(typeof piece === 'string' ? armWord(piece, ARM_CODE + 4 * words.length) : piece);
    }
    return words;
  }

  thumbCode(): number[] {
    const { random } = this;
    return Array.from({ length: CODE_BYTES / 2 }, () => {
      const kind = random.below(100);
      if (kind < 80) return this.row(thumbBody);
      if (kind < 90) return 0xd000 | (random.below(14) << 8) | random.below(10);
      if (kind < 94) return 0xe000 | random.below(8);
      if (kind < 96) return 0xf800 | random.below(4);
      // bx pc, bx lr, svc, str to the address in r4
      return random.pick([0x4778, 0x4770, 0xdf01, 0x6020]);
    });
  }
}

/** Handlers that go on somewhere: behind what failed, or at the beginning. */
const VECTORS: readonly (readonly string[])[] = [
  ['mov pc, #0x8000'],
  ['movs pc, lr'],
  ['movs pc, lr'],
  ['b #0x40'],
  ['subs pc, lr, #4'],
  ['mov pc, #0x8000'],
  ['b #0x60'],
  // FIQ and, at 0x60, IRQ: lower the lines. A prefetch abort, at 0x40, goes back to the code, somewhere else each time.
  ['mov sp, #0x10000000', 'str sp, [sp, #4]', 'subs pc, lr, #4'],
];

/** A bench with the program of this number. Equal numbers give equal benches. */
export function fuzzProgram(seed: number): CpuBench {
  const program = new Program(seed);
  const { random } = program;
  const bench = new CpuBench(RAM_BYTES);
  VECTORS.forEach((lines, n) => {
    bench.arm(4 * n, ...lines);
  });
  bench.arm(0x40, 'add sp, sp, #0x2c0', 'and lr, sp, #0xfc0', 'orr lr, lr, #0x8000', 'movs pc, lr');
  bench.arm(0x60, 'mov sp, #0x10000000', 'str sp, [sp, #4]', 'subs pc, lr, #4');
  bench.words(ARM_CODE, ...program.armCode()).halves(THUMB_CODE, ...program.thumbCode());

  const tables = new PageTables(bench)
    .section(0, 0)
    .section(0x100000, 0x100000)
    .section(PROBE, PROBE)
    .section(SECTION, 0, { domain: 2, ap: random.below(4) });
  for (const page of [0x8000, 0x9000, 0xa000, 0xb000, 0x20000, 0x21000])
    tables.small(PAGES + page, page, {
      aps: random.pick([
        [3, 3, 3, 3],
        [3, 3, 3, 3],
        [3, 1, 3, 2],
      ]),
      domain: 1,
    });
  tables.large(PAGES + 0x100000, 0x100000).tiny(PAGES + 0x200000, DATA);
  // Data worth loading and storing elsewhere: descriptors, instructions, addresses of descriptors.
  const interesting = [
    0xc12,
    0x100c12,
    0x412,
    0,
    DATA | 0xff2,
    0x8ff2,
    0xaff2,
    0xe1a00001,
    0xe2833001,
    0x1c491840,
    0xbf00e001,
    tables.first(PAGES),
    tables.first(0),
  ];
  bench.words(DATA, ...Array.from({ length: 0x400 }, () => (random.chance(50) ? random.pick(interesting) : random.next())));
  for (let n = 0; n < 13; n++) bench.cpu.r[n] = random.chance(70) ? random.pick(BASES) + 4 * random.below(64) : random.next();
  bench.set({ 13: DATA + 0x800, 14: ARM_CODE });
  if (random.chance(75)) tables.enable({ domains: { 0: 1, 1: 1, 2: random.pick([0, 1, 3]) }, control: random.pick([0, 2, 0x100, 0x200]) });
  bench.cpsr = ((random.below(32) << 27) | random.pick([0x10, 0x13, 0x13, 0x1f, 0x53, 0xd3])) >>> 0;
  bench.pc = bench.cpu.s.control & 1 ? random.pick([ARM_CODE, PAGES + ARM_CODE, SECTION + ARM_CODE, THUMB_CODE + 1]) : ARM_CODE;
  bench.cpu.s.fpexc = 0x40000000;
  // An inexact result has been signalled, and many registers hold ordinary numbers: what compiled code does by itself.
  bench.cpu.s.fpscr = random.pick([0, 0x10, 0x10]);
  for (let n = 0; n < 32; n++) bench.cpu.s.vfp[n] = random.chance(70) ? 0x3ff00000 + random.below(0x200000) : random.next();
  bench.cpu.dropDerived();
  return bench;
}
