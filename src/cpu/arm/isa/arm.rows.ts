/**
 * The ARM instruction set of ARMv5TEJ, as the ARM ARM (DDI 0100I) prints it. Rows are tried in order: where encodings
 * overlap the special one comes first.
 *
 * Pattern letters: c condition, S flags, n d m s h l e register numbers (h and l a high and a low half, e an even one
 * without its bit 0), i immediate, r rotation, t shift type, a shift amount, P U B W addressing bits, x y halves,
 * R f status register and its fields, o q p coprocessor opcodes and number, l register list, z should-be-zero or -one
 * bits that are ignored. `disassemble.ts` says what the syntax is made of.
 */
import { branch, branchExchange, branchLink, branchLinkExchange, branchLinkThumb, breakpoint, swi } from '../exec/branch.ts';
import { moveFromCoprocessor, moveToCoprocessor } from '../exec/coprocessor.ts';
import { dataProcessing } from '../exec/data-processing.ts';
import {
  load,
  loadDouble,
  loadHalf,
  loadSignedByte,
  loadSignedHalf,
  singleTransfer,
  store,
  storeDouble,
  storeHalf,
  swap,
  swapByte,
} from '../exec/load-store.ts';
import { loadMultiple, storeMultiple } from '../exec/load-store-multiple.ts';
import * as mul from '../exec/multiply.ts';
import { preload, readStatus, writeStatusImmediate, writeStatusRegister } from '../exec/status.ts';
import type { Op, Row } from '../op.ts';
import { vfpRows } from './vfp.rows.ts';

/** The data-processing instructions are generated functions: a row only says where they are. */
const byWord: Op = (cpu, insn) => dataProcessing(insn)(cpu, insn);

const MNEMONICS = ['and', 'eor', 'sub', 'rsb', 'add', 'adc', 'sbc', 'rsc', 'tst', 'teq', 'cmp', 'cmn', 'orr', 'mov', 'bic', 'mvn'];
const SECTIONS = [
  'A4.1.4',
  'A4.1.15',
  'A4.1.106',
  'A4.1.60',
  'A4.1.3',
  'A4.1.2',
  'A4.1.65',
  'A4.1.61',
  'A4.1.117',
  'A4.1.116',
  'A4.1.14',
  'A4.1.13',
  'A4.1.42',
  'A4.1.35',
  'A4.1.6',
  'A4.1.41',
];

/** Three rows, one for each kind of second operand, of each of the sixteen operations. */
const dataProcessingRows: Row[] = MNEMONICS.flatMap((mnemonic, opcode) => {
  const compare = opcode >= 8 && opcode <= 11;
  const bits = opcode.toString(2).padStart(4, '0');
  const s = compare ? '1' : 'S';
  const operands = compare ? '{Rn}, ' : mnemonic === 'mov' || mnemonic === 'mvn' ? '{Rd}, ' : '{Rd}, {Rn}, ';
  const registers = `${mnemonic === 'mov' || mnemonic === 'mvn' ? 'zzzz' : 'nnnn'} ${compare ? 'zzzz' : 'dddd'}`;
  const suffix = compare ? '' : '{s}';
  const row = (form: string, pattern: string, operand: string): Row => ({
    name: `${mnemonic.toUpperCase()} (${form})`,
    pattern,
    syntax: `${mnemonic}${suffix}{c} ${operands}${operand}`,
    section: SECTIONS[opcode],
    exec: byWord,
    refine: dataProcessing,
  });
  return [
    row('immediate', `cccc 001${bits}${s} ${registers} rrrr iiiiiiii`, '{rotated}'),
    row('shift by register', `cccc 000${bits}${s} ${registers} ssss 0tt1 mmmm`, '{Rm}, {shift} {Rs}'),
    row('shift by immediate', `cccc 000${bits}${s} ${registers} aaaa att0 mmmm`, '{shifted}'),
  ];
});

export const armRows: readonly Row[] = [
  // Unconditional space (condition field 1111).
  { name: 'PLD (immediate)', pattern: '1111 0101 U101 nnnn 1111 iiii iiii iiii', syntax: 'pld {mode2}', section: 'A4.1.45', exec: preload },
  { name: 'PLD (register)', pattern: '1111 0111 U101 nnnn 1111 aaaa att0 mmmm', syntax: 'pld {mode2}', section: 'A4.1.45', exec: preload },
  { name: 'BLX (immediate)', pattern: '1111 101h iiii iiii iiii iiii iiii iiii', syntax: 'blx {target}', section: 'A4.1.8', exec: branchLinkThumb },

  // Multiplies, in the space of data processing with bits 7 and 4 set.
  { name: 'MUL', pattern: 'cccc 0000 000S dddd zzzz ssss 1001 mmmm', syntax: 'mul{s}{c} {Rd}, {Rm}, {Rs}', section: 'A4.1.40', exec: mul.multiply },
  {
    name: 'MLA',
    pattern: 'cccc 0000 001S dddd nnnn ssss 1001 mmmm',
    syntax: 'mla{s}{c} {Rd}, {Rm}, {Rs}, {Rn}',
    section: 'A4.1.34',
    exec: mul.multiplyAccumulate,
  },
  {
    name: 'UMULL',
    pattern: 'cccc 0000 100S hhhh llll ssss 1001 mmmm',
    syntax: 'umull{s}{c} {Rl}, {Rh}, {Rm}, {Rs}',
    section: 'A4.1.129',
    exec: mul.umull,
  },
  {
    name: 'UMLAL',
    pattern: 'cccc 0000 101S hhhh llll ssss 1001 mmmm',
    syntax: 'umlal{s}{c} {Rl}, {Rh}, {Rm}, {Rs}',
    section: 'A4.1.128',
    exec: mul.umlal,
  },
  {
    name: 'SMULL',
    pattern: 'cccc 0000 110S hhhh llll ssss 1001 mmmm',
    syntax: 'smull{s}{c} {Rl}, {Rh}, {Rm}, {Rs}',
    section: 'A4.1.87',
    exec: mul.smull,
  },
  {
    name: 'SMLAL',
    pattern: 'cccc 0000 111S hhhh llll ssss 1001 mmmm',
    syntax: 'smlal{s}{c} {Rl}, {Rh}, {Rm}, {Rs}',
    section: 'A4.1.76',
    exec: mul.smlal,
  },

  { name: 'SWP', pattern: 'cccc 0001 0000 nnnn dddd zzzz 1001 mmmm', syntax: 'swp{c} {Rd}, {Rm}, [{Rn}]', section: 'A4.1.108', exec: swap },
  { name: 'SWPB', pattern: 'cccc 0001 0100 nnnn dddd zzzz 1001 mmmm', syntax: 'swpb{c} {Rd}, {Rm}, [{Rn}]', section: 'A4.1.109', exec: swapByte },

  { name: 'LDRH', pattern: 'cccc 000P UBW1 nnnn dddd iiii 1011 mmmm', syntax: 'ldrh{c} {Rd}, {mode3}', section: 'A4.1.28', exec: loadHalf },
  { name: 'STRH', pattern: 'cccc 000P UBW0 nnnn dddd iiii 1011 mmmm', syntax: 'strh{c} {Rd}, {mode3}', section: 'A4.1.104', exec: storeHalf },
  { name: 'LDRSB', pattern: 'cccc 000P UBW1 nnnn dddd iiii 1101 mmmm', syntax: 'ldrsb{c} {Rd}, {mode3}', section: 'A4.1.29', exec: loadSignedByte },
  { name: 'LDRSH', pattern: 'cccc 000P UBW1 nnnn dddd iiii 1111 mmmm', syntax: 'ldrsh{c} {Rd}, {mode3}', section: 'A4.1.30', exec: loadSignedHalf },
  { name: 'LDRD', pattern: 'cccc 000P UBW0 nnnn eee0 iiii 1101 mmmm', syntax: 'ldrd{c} {pair}, {mode3}', section: 'A4.1.26', exec: loadDouble },
  { name: 'STRD', pattern: 'cccc 000P UBW0 nnnn eee0 iiii 1111 mmmm', syntax: 'strd{c} {pair}, {mode3}', section: 'A4.1.102', exec: storeDouble },

  // Miscellaneous, in the space of compares without S.
  { name: 'MRS', pattern: 'cccc 0001 0R00 zzzz dddd zzzz 0000 zzzz', syntax: 'mrs{c} {Rd}, {psr}', section: 'A4.1.38', exec: readStatus },
  {
    name: 'MSR (register)',
    pattern: 'cccc 0001 0R10 ffff zzzz zzzz 0000 mmmm',
    syntax: 'msr{c} {psr}{fields}, {Rm}',
    section: 'A4.1.39',
    exec: writeStatusRegister,
  },
  {
    name: 'MSR (immediate)',
    pattern: 'cccc 0011 0R10 ffff zzzz rrrr iiii iiii',
    syntax: 'msr{c} {psr}{fields}, {rotated}',
    section: 'A4.1.39',
    exec: writeStatusImmediate,
  },
  { name: 'BX', pattern: 'cccc 0001 0010 zzzz zzzz zzzz 0001 mmmm', syntax: 'bx{c} {Rm}', section: 'A4.1.10', exec: branchExchange },
  // With no Jazelle hardware enabled BXJ is BX (ARM ARM A4.1.11).
  { name: 'BXJ', pattern: 'cccc 0001 0010 zzzz zzzz zzzz 0010 mmmm', syntax: 'bxj{c} {Rm}', section: 'A4.1.11', exec: branchExchange },
  { name: 'BLX (register)', pattern: 'cccc 0001 0010 zzzz zzzz zzzz 0011 mmmm', syntax: 'blx{c} {Rm}', section: 'A4.1.9', exec: branchLinkExchange },
  { name: 'CLZ', pattern: 'cccc 0001 0110 zzzz dddd zzzz 0001 mmmm', syntax: 'clz{c} {Rd}, {Rm}', section: 'A4.1.12', exec: mul.countLeadingZeros },
  { name: 'BKPT', pattern: 'cccc 0001 0010 iiii iiii iiii 0111 iiii', syntax: 'bkpt {imm}', section: 'A4.1.7', exec: breakpoint },
  { name: 'QADD', pattern: 'cccc 0001 0000 nnnn dddd zzzz 0101 mmmm', syntax: 'qadd{c} {Rd}, {Rm}, {Rn}', section: 'A4.1.45', exec: mul.qadd },
  { name: 'QSUB', pattern: 'cccc 0001 0010 nnnn dddd zzzz 0101 mmmm', syntax: 'qsub{c} {Rd}, {Rm}, {Rn}', section: 'A4.1.52', exec: mul.qsub },
  { name: 'QDADD', pattern: 'cccc 0001 0100 nnnn dddd zzzz 0101 mmmm', syntax: 'qdadd{c} {Rd}, {Rm}, {Rn}', section: 'A4.1.49', exec: mul.qdadd },
  { name: 'QDSUB', pattern: 'cccc 0001 0110 nnnn dddd zzzz 0101 mmmm', syntax: 'qdsub{c} {Rd}, {Rm}, {Rn}', section: 'A4.1.50', exec: mul.qdsub },
  {
    name: 'SMLAxy',
    pattern: 'cccc 0001 0000 dddd nnnn ssss 1yx0 mmmm',
    syntax: 'smla{x}{y}{c} {Rd}, {Rm}, {Rs}, {Rn}',
    section: 'A4.1.74',
    exec: mul.smlaxy,
  },
  {
    name: 'SMLAWy',
    pattern: 'cccc 0001 0010 dddd nnnn ssss 1y00 mmmm',
    syntax: 'smlaw{y}{c} {Rd}, {Rm}, {Rs}, {Rn}',
    section: 'A4.1.79',
    exec: mul.smlawy,
  },
  {
    name: 'SMULWy',
    pattern: 'cccc 0001 0010 dddd zzzz ssss 1y10 mmmm',
    syntax: 'smulw{y}{c} {Rd}, {Rm}, {Rs}',
    section: 'A4.1.89',
    exec: mul.smulwy,
  },
  {
    name: 'SMLALxy',
    pattern: 'cccc 0001 0100 hhhh llll ssss 1yx0 mmmm',
    syntax: 'smlal{x}{y}{c} {Rl}, {Rh}, {Rm}, {Rs}',
    section: 'A4.1.77',
    exec: mul.smlalxy,
  },
  {
    name: 'SMULxy',
    pattern: 'cccc 0001 0110 dddd zzzz ssss 1yx0 mmmm',
    syntax: 'smul{x}{y}{c} {Rd}, {Rm}, {Rs}',
    section: 'A4.1.86',
    exec: mul.smulxy,
  },

  ...dataProcessingRows,

  {
    name: 'LDR (immediate)',
    pattern: 'cccc 010P U0W1 nnnn dddd iiii iiii iiii',
    syntax: 'ldr{t}{c} {Rd}, {mode2}',
    section: 'A4.1.23',
    exec: load,
    refine: singleTransfer,
  },
  {
    name: 'STR (immediate)',
    pattern: 'cccc 010P U0W0 nnnn dddd iiii iiii iiii',
    syntax: 'str{t}{c} {Rd}, {mode2}',
    section: 'A4.1.99',
    exec: store,
    refine: singleTransfer,
  },
  {
    name: 'LDRB (immediate)',
    pattern: 'cccc 010P U1W1 nnnn dddd iiii iiii iiii',
    syntax: 'ldrb{t}{c} {Rd}, {mode2}',
    section: 'A4.1.24',
    exec: load,
    refine: singleTransfer,
  },
  {
    name: 'STRB (immediate)',
    pattern: 'cccc 010P U1W0 nnnn dddd iiii iiii iiii',
    syntax: 'strb{t}{c} {Rd}, {mode2}',
    section: 'A4.1.100',
    exec: store,
    refine: singleTransfer,
  },
  {
    name: 'LDR (register)',
    pattern: 'cccc 011P U0W1 nnnn dddd aaaa att0 mmmm',
    syntax: 'ldr{t}{c} {Rd}, {mode2}',
    section: 'A4.1.23',
    exec: load,
    refine: singleTransfer,
  },
  {
    name: 'STR (register)',
    pattern: 'cccc 011P U0W0 nnnn dddd aaaa att0 mmmm',
    syntax: 'str{t}{c} {Rd}, {mode2}',
    section: 'A4.1.99',
    exec: store,
    refine: singleTransfer,
  },
  {
    name: 'LDRB (register)',
    pattern: 'cccc 011P U1W1 nnnn dddd aaaa att0 mmmm',
    syntax: 'ldrb{t}{c} {Rd}, {mode2}',
    section: 'A4.1.24',
    exec: load,
    refine: singleTransfer,
  },
  {
    name: 'STRB (register)',
    pattern: 'cccc 011P U1W0 nnnn dddd aaaa att0 mmmm',
    syntax: 'strb{t}{c} {Rd}, {mode2}',
    section: 'A4.1.100',
    exec: store,
    refine: singleTransfer,
  },

  {
    name: 'LDM',
    pattern: 'cccc 100P USW1 nnnn llll llll llll llll',
    syntax: 'ldm{mode4}{c} {Rn}{!}, {registers}{^}',
    section: 'A4.1.20',
    exec: loadMultiple,
  },
  {
    name: 'STM',
    pattern: 'cccc 100P USW0 nnnn llll llll llll llll',
    syntax: 'stm{mode4}{c} {Rn}{!}, {registers}{^}',
    section: 'A4.1.97',
    exec: storeMultiple,
  },
  { name: 'B', pattern: 'cccc 1010 iiii iiii iiii iiii iiii iiii', syntax: 'b{c} {target}', section: 'A4.1.5', exec: branch },
  { name: 'BL', pattern: 'cccc 1011 iiii iiii iiii iiii iiii iiii', syntax: 'bl{c} {target}', section: 'A4.1.5', exec: branchLink },

  ...vfpRows,
  {
    name: 'MCR',
    pattern: 'cccc 1110 ooo0 nnnn dddd pppp qqq1 mmmm',
    syntax: 'mcr{c} {cp}, {op1}, {Rd}, {CRn}, {CRm}, {op2}',
    section: 'A4.1.32',
    exec: moveToCoprocessor,
  },
  {
    name: 'MRC',
    pattern: 'cccc 1110 ooo1 nnnn dddd pppp qqq1 mmmm',
    syntax: 'mrc{c} {cp}, {op1}, {Rd}, {CRn}, {CRm}, {op2}',
    section: 'A4.1.36',
    exec: moveFromCoprocessor,
  },
  { name: 'SWI', pattern: 'cccc 1111 iiii iiii iiii iiii iiii iiii', syntax: 'svc{c} {imm}', section: 'A4.1.107', exec: swi },
];
