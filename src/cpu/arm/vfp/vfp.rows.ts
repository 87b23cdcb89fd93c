/**
 * The instruction set of the VFP9-S (VFPv2), in the notation of ARM DDI 0100I, chapter C4. Encodings of coprocessors 10
 * and 11 that no row matches are undefined, and so is all of it with condition 0b1111.
 *
 * Letters of a pattern: `c` condition; `d`, `n`, `m` four bits of a register number, `D`, `N`, `M` the fifth (its lowest)
 * where the register is a single; `s` system register; `o` offset in words or number of registers; `U` add the
 * offset; `W` write back.
 *
 * Templates. `syntax` is the manual's assembler form, `ual` the unified one that disassemblers print today.
 * - `{c}` condition; `{Rd}`, `{Rn}` core registers of the fields `d`, `n`.
 * - `{Sd}`, `{Sn}`, `{Sm}` singles of `dddd:D`, `nnnn:N`, `mmmm:M`; `{Dd}`, `{Dn}`, `{Dm}` doubles of `dddd`, `nnnn`, `mmmm`.
 * - `{Sm1}` the single behind Sm; `{Smpair}` both, in braces.
 * - `{sys}` fpsid (0), fpscr (1), fpexc (8), fpinst (9) or fpinst2 (10).
 * - `{address}` `[Rn]` or `[Rn, #±4o]`; `{!}` `!` if `W` is set.
 * - `{Slist}` `o` singles from Sd, `{Dlist}` `o` doubles from Dd, in braces.
 */
import {
  add,
  divide,
  multiply,
  multiplyAccumulate,
  multiplySubtract,
  negatedMultiply,
  negatedMultiplyAccumulate,
  negatedMultiplySubtract,
  squareRoot,
  subtract,
} from './arithmetic.ts';
import { accumulating, comparing, convertingFormat, convertingInteger, convertingToInteger, copying, dyadic, monadic } from './data-processing.ts';
import { DOUBLE, SINGLE } from './softfloat.ts';
import {
  loadDouble,
  loadMultiple,
  loadSingle,
  moveFromCore,
  movePairFromCore,
  movePairToCore,
  moveToCore,
  storeDouble,
  storeMultiple,
  storeSingle,
} from './transfer.ts';
import { readSystemRegister, type VfpOp, writeSystemRegister } from './vfp.ts';

export interface VfpRow {
  readonly name: string;
  readonly pattern: string;
  readonly syntax: string;
  readonly ual: string;
  /** Section of ARM DDI 0100I. */
  readonly section: string;
  readonly exec: VfpOp;
}

const same = (word: number): number => word;
const withoutSign = (word: number): number => word & 0x7fffffff;
const withOtherSign = (word: number): number => word ^ 0x80000000;

/** The name is what stands before the condition in the manual's syntax. */
const row = (pattern: string, syntax: string, ual: string, section: string, exec: VfpOp): VfpRow =>
  Object.freeze({ name: syntax.slice(0, syntax.indexOf('{')), pattern, syntax, ual, section, exec });

// biome-ignore format: one row per line, in columns
export const VFP_ROWS: readonly VfpRow[] = Object.freeze([
  // Arithmetic with two operands
  row('cccc 1110 0D00 nnnn dddd 1010 N0M0 mmmm', 'FMACS{c} {Sd}, {Sn}, {Sm}',     'vmla{c}.f32 {Sd}, {Sn}, {Sm}',    'C4.1.25', accumulating(SINGLE, multiplyAccumulate)),
  row('cccc 1110 0000 nnnn dddd 1011 0000 mmmm', 'FMACD{c} {Dd}, {Dn}, {Dm}',     'vmla{c}.f64 {Dd}, {Dn}, {Dm}',    'C4.1.24', accumulating(DOUBLE, multiplyAccumulate)),
  row('cccc 1110 0D00 nnnn dddd 1010 N1M0 mmmm', 'FNMACS{c} {Sd}, {Sn}, {Sm}',    'vmls{c}.f32 {Sd}, {Sn}, {Sm}',    'C4.1.46', accumulating(SINGLE, negatedMultiplyAccumulate)),
  row('cccc 1110 0000 nnnn dddd 1011 0100 mmmm', 'FNMACD{c} {Dd}, {Dn}, {Dm}',    'vmls{c}.f64 {Dd}, {Dn}, {Dm}',    'C4.1.45', accumulating(DOUBLE, negatedMultiplyAccumulate)),
  row('cccc 1110 0D01 nnnn dddd 1010 N0M0 mmmm', 'FMSCS{c} {Sd}, {Sn}, {Sm}',     'vnmls{c}.f32 {Sd}, {Sn}, {Sm}',   'C4.1.36', accumulating(SINGLE, multiplySubtract)),
  row('cccc 1110 0001 nnnn dddd 1011 0000 mmmm', 'FMSCD{c} {Dd}, {Dn}, {Dm}',     'vnmls{c}.f64 {Dd}, {Dn}, {Dm}',   'C4.1.35', accumulating(DOUBLE, multiplySubtract)),
  row('cccc 1110 0D01 nnnn dddd 1010 N1M0 mmmm', 'FNMSCS{c} {Sd}, {Sn}, {Sm}',    'vnmla{c}.f32 {Sd}, {Sn}, {Sm}',   'C4.1.48', accumulating(SINGLE, negatedMultiplySubtract)),
  row('cccc 1110 0001 nnnn dddd 1011 0100 mmmm', 'FNMSCD{c} {Dd}, {Dn}, {Dm}',    'vnmla{c}.f64 {Dd}, {Dn}, {Dm}',   'C4.1.47', accumulating(DOUBLE, negatedMultiplySubtract)),
  row('cccc 1110 0D10 nnnn dddd 1010 N0M0 mmmm', 'FMULS{c} {Sd}, {Sn}, {Sm}',     'vmul{c}.f32 {Sd}, {Sn}, {Sm}',    'C4.1.41', dyadic(SINGLE, multiply)),
  row('cccc 1110 0010 nnnn dddd 1011 0000 mmmm', 'FMULD{c} {Dd}, {Dn}, {Dm}',     'vmul{c}.f64 {Dd}, {Dn}, {Dm}',    'C4.1.40', dyadic(DOUBLE, multiply)),
  row('cccc 1110 0D10 nnnn dddd 1010 N1M0 mmmm', 'FNMULS{c} {Sd}, {Sn}, {Sm}',    'vnmul{c}.f32 {Sd}, {Sn}, {Sm}',   'C4.1.50', dyadic(SINGLE, negatedMultiply)),
  row('cccc 1110 0010 nnnn dddd 1011 0100 mmmm', 'FNMULD{c} {Dd}, {Dn}, {Dm}',    'vnmul{c}.f64 {Dd}, {Dn}, {Dm}',   'C4.1.49', dyadic(DOUBLE, negatedMultiply)),
  row('cccc 1110 0D11 nnnn dddd 1010 N0M0 mmmm', 'FADDS{c} {Sd}, {Sn}, {Sm}',     'vadd{c}.f32 {Sd}, {Sn}, {Sm}',    'C4.1.4',  dyadic(SINGLE, add)),
  row('cccc 1110 0011 nnnn dddd 1011 0000 mmmm', 'FADDD{c} {Dd}, {Dn}, {Dm}',     'vadd{c}.f64 {Dd}, {Dn}, {Dm}',    'C4.1.3',  dyadic(DOUBLE, add)),
  row('cccc 1110 0D11 nnnn dddd 1010 N1M0 mmmm', 'FSUBS{c} {Sd}, {Sn}, {Sm}',     'vsub{c}.f32 {Sd}, {Sn}, {Sm}',    'C4.1.61', dyadic(SINGLE, subtract)),
  row('cccc 1110 0011 nnnn dddd 1011 0100 mmmm', 'FSUBD{c} {Dd}, {Dn}, {Dm}',     'vsub{c}.f64 {Dd}, {Dn}, {Dm}',    'C4.1.60', dyadic(DOUBLE, subtract)),
  row('cccc 1110 1D00 nnnn dddd 1010 N0M0 mmmm', 'FDIVS{c} {Sd}, {Sn}, {Sm}',     'vdiv{c}.f32 {Sd}, {Sn}, {Sm}',    'C4.1.18', dyadic(SINGLE, divide)),
  row('cccc 1110 1000 nnnn dddd 1011 0000 mmmm', 'FDIVD{c} {Dd}, {Dn}, {Dm}',     'vdiv{c}.f64 {Dd}, {Dn}, {Dm}',    'C4.1.17', dyadic(DOUBLE, divide)),

  // Copies and arithmetic with one operand
  row('cccc 1110 1D11 0000 dddd 1010 01M0 mmmm', 'FCPYS{c} {Sd}, {Sm}',           'vmov{c}.f32 {Sd}, {Sm}',          'C4.1.14', copying(SINGLE, same)),
  row('cccc 1110 1011 0000 dddd 1011 0100 mmmm', 'FCPYD{c} {Dd}, {Dm}',           'vmov{c}.f64 {Dd}, {Dm}',          'C4.1.13', copying(DOUBLE, same)),
  row('cccc 1110 1D11 0000 dddd 1010 11M0 mmmm', 'FABSS{c} {Sd}, {Sm}',           'vabs{c}.f32 {Sd}, {Sm}',          'C4.1.2',  copying(SINGLE, withoutSign)),
  row('cccc 1110 1011 0000 dddd 1011 1100 mmmm', 'FABSD{c} {Dd}, {Dm}',           'vabs{c}.f64 {Dd}, {Dm}',          'C4.1.1',  copying(DOUBLE, withoutSign)),
  row('cccc 1110 1D11 0001 dddd 1010 01M0 mmmm', 'FNEGS{c} {Sd}, {Sm}',           'vneg{c}.f32 {Sd}, {Sm}',          'C4.1.44', copying(SINGLE, withOtherSign)),
  row('cccc 1110 1011 0001 dddd 1011 0100 mmmm', 'FNEGD{c} {Dd}, {Dm}',           'vneg{c}.f64 {Dd}, {Dm}',          'C4.1.43', copying(DOUBLE, withOtherSign)),
  row('cccc 1110 1D11 0001 dddd 1010 11M0 mmmm', 'FSQRTS{c} {Sd}, {Sm}',          'vsqrt{c}.f32 {Sd}, {Sm}',         'C4.1.54', monadic(SINGLE, squareRoot)),
  row('cccc 1110 1011 0001 dddd 1011 1100 mmmm', 'FSQRTD{c} {Dd}, {Dm}',          'vsqrt{c}.f64 {Dd}, {Dm}',         'C4.1.53', monadic(DOUBLE, squareRoot)),

  // Comparisons
  row('cccc 1110 1D11 0100 dddd 1010 01M0 mmmm', 'FCMPS{c} {Sd}, {Sm}',           'vcmp{c}.f32 {Sd}, {Sm}',          'C4.1.10', comparing(SINGLE, false, false)),
  row('cccc 1110 1011 0100 dddd 1011 0100 mmmm', 'FCMPD{c} {Dd}, {Dm}',           'vcmp{c}.f64 {Dd}, {Dm}',          'C4.1.5',  comparing(DOUBLE, false, false)),
  row('cccc 1110 1D11 0100 dddd 1010 11M0 mmmm', 'FCMPES{c} {Sd}, {Sm}',          'vcmpe{c}.f32 {Sd}, {Sm}',         'C4.1.7',  comparing(SINGLE, true, false)),
  row('cccc 1110 1011 0100 dddd 1011 1100 mmmm', 'FCMPED{c} {Dd}, {Dm}',          'vcmpe{c}.f64 {Dd}, {Dm}',         'C4.1.6',  comparing(DOUBLE, true, false)),
  row('cccc 1110 1D11 0101 dddd 1010 0100 0000', 'FCMPZS{c} {Sd}',                'vcmp{c}.f32 {Sd}, #0',            'C4.1.12', comparing(SINGLE, false, true)),
  row('cccc 1110 1011 0101 dddd 1011 0100 0000', 'FCMPZD{c} {Dd}',                'vcmp{c}.f64 {Dd}, #0',            'C4.1.11', comparing(DOUBLE, false, true)),
  row('cccc 1110 1D11 0101 dddd 1010 1100 0000', 'FCMPEZS{c} {Sd}',               'vcmpe{c}.f32 {Sd}, #0',           'C4.1.9',  comparing(SINGLE, true, true)),
  row('cccc 1110 1011 0101 dddd 1011 1100 0000', 'FCMPEZD{c} {Dd}',               'vcmpe{c}.f64 {Dd}, #0',           'C4.1.8',  comparing(DOUBLE, true, true)),

  // Conversions
  row('cccc 1110 1011 0111 dddd 1010 11M0 mmmm', 'FCVTDS{c} {Dd}, {Sm}',          'vcvt{c}.f64.f32 {Dd}, {Sm}',      'C4.1.15', convertingFormat(SINGLE, DOUBLE)),
  row('cccc 1110 1D11 0111 dddd 1011 1100 mmmm', 'FCVTSD{c} {Sd}, {Dm}',          'vcvt{c}.f32.f64 {Sd}, {Dm}',      'C4.1.16', convertingFormat(DOUBLE, SINGLE)),
  row('cccc 1110 1D11 1000 dddd 1010 01M0 mmmm', 'FUITOS{c} {Sd}, {Sm}',          'vcvt{c}.f32.u32 {Sd}, {Sm}',      'C4.1.67', convertingInteger(SINGLE, false)),
  row('cccc 1110 1011 1000 dddd 1011 01M0 mmmm', 'FUITOD{c} {Dd}, {Sm}',          'vcvt{c}.f64.u32 {Dd}, {Sm}',      'C4.1.66', convertingInteger(DOUBLE, false)),
  row('cccc 1110 1D11 1000 dddd 1010 11M0 mmmm', 'FSITOS{c} {Sd}, {Sm}',          'vcvt{c}.f32.s32 {Sd}, {Sm}',      'C4.1.52', convertingInteger(SINGLE, true)),
  row('cccc 1110 1011 1000 dddd 1011 11M0 mmmm', 'FSITOD{c} {Dd}, {Sm}',          'vcvt{c}.f64.s32 {Dd}, {Sm}',      'C4.1.51', convertingInteger(DOUBLE, true)),
  row('cccc 1110 1D11 1100 dddd 1010 01M0 mmmm', 'FTOUIS{c} {Sd}, {Sm}',          'vcvtr{c}.u32.f32 {Sd}, {Sm}',     'C4.1.65', convertingToInteger(SINGLE, false, false)),
  row('cccc 1110 1D11 1100 dddd 1011 0100 mmmm', 'FTOUID{c} {Sd}, {Dm}',          'vcvtr{c}.u32.f64 {Sd}, {Dm}',     'C4.1.64', convertingToInteger(DOUBLE, false, false)),
  row('cccc 1110 1D11 1100 dddd 1010 11M0 mmmm', 'FTOUIZS{c} {Sd}, {Sm}',         'vcvt{c}.u32.f32 {Sd}, {Sm}',      'C4.1.65', convertingToInteger(SINGLE, false, true)),
  row('cccc 1110 1D11 1100 dddd 1011 1100 mmmm', 'FTOUIZD{c} {Sd}, {Dm}',         'vcvt{c}.u32.f64 {Sd}, {Dm}',      'C4.1.64', convertingToInteger(DOUBLE, false, true)),
  row('cccc 1110 1D11 1101 dddd 1010 01M0 mmmm', 'FTOSIS{c} {Sd}, {Sm}',          'vcvtr{c}.s32.f32 {Sd}, {Sm}',     'C4.1.63', convertingToInteger(SINGLE, true, false)),
  row('cccc 1110 1D11 1101 dddd 1011 0100 mmmm', 'FTOSID{c} {Sd}, {Dm}',          'vcvtr{c}.s32.f64 {Sd}, {Dm}',     'C4.1.62', convertingToInteger(DOUBLE, true, false)),
  row('cccc 1110 1D11 1101 dddd 1010 11M0 mmmm', 'FTOSIZS{c} {Sd}, {Sm}',         'vcvt{c}.s32.f32 {Sd}, {Sm}',      'C4.1.63', convertingToInteger(SINGLE, true, true)),
  row('cccc 1110 1D11 1101 dddd 1011 1100 mmmm', 'FTOSIZD{c} {Sd}, {Dm}',         'vcvt{c}.s32.f64 {Sd}, {Dm}',      'C4.1.62', convertingToInteger(DOUBLE, true, true)),

  // Between core registers and VFP registers. FMSTAT is the FMRX of FPSCR to R15 and must be looked for before it.
  row('cccc 1110 0000 nnnn dddd 1010 N001 0000', 'FMSR{c} {Sn}, {Rd}',            'vmov{c} {Sn}, {Rd}',              'C4.1.37', moveFromCore(0)),
  row('cccc 1110 0001 nnnn dddd 1010 N001 0000', 'FMRS{c} {Rd}, {Sn}',            'vmov{c} {Rd}, {Sn}',              'C4.1.33', moveToCore(0)),
  row('cccc 1110 0000 nnnn dddd 1011 0001 0000', 'FMDLR{c} {Dn}, {Rd}',           'vmov{c}.32 {Dn}[0], {Rd}',        'C4.1.27', moveFromCore(0)),
  row('cccc 1110 0001 nnnn dddd 1011 0001 0000', 'FMRDL{c} {Rd}, {Dn}',           'vmov{c}.32 {Rd}, {Dn}[0]',        'C4.1.30', moveToCore(0)),
  row('cccc 1110 0010 nnnn dddd 1011 0001 0000', 'FMDHR{c} {Dn}, {Rd}',           'vmov{c}.32 {Dn}[1], {Rd}',        'C4.1.26', moveFromCore(1)),
  row('cccc 1110 0011 nnnn dddd 1011 0001 0000', 'FMRDH{c} {Rd}, {Dn}',           'vmov{c}.32 {Rd}, {Dn}[1]',        'C4.1.29', moveToCore(1)),
  row('cccc 1100 0100 nnnn dddd 1010 00M1 mmmm', 'FMSRR{c} {Smpair}, {Rd}, {Rn}', 'vmov{c} {Sm}, {Sm1}, {Rd}, {Rn}', 'C4.1.38', movePairFromCore),
  row('cccc 1100 0101 nnnn dddd 1010 00M1 mmmm', 'FMRRS{c} {Rd}, {Rn}, {Smpair}', 'vmov{c} {Rd}, {Rn}, {Sm}, {Sm1}', 'C4.1.32', movePairToCore),
  row('cccc 1100 0100 nnnn dddd 1011 0001 mmmm', 'FMDRR{c} {Dm}, {Rd}, {Rn}',     'vmov{c} {Dm}, {Rd}, {Rn}',        'C4.1.28', movePairFromCore),
  row('cccc 1100 0101 nnnn dddd 1011 0001 mmmm', 'FMRRD{c} {Rd}, {Rn}, {Dm}',     'vmov{c} {Rd}, {Rn}, {Dm}',        'C4.1.31', movePairToCore),
  row('cccc 1110 1110 ssss dddd 1010 0001 0000', 'FMXR{c} {sys}, {Rd}',           'vmsr{c} {sys}, {Rd}',             'C4.1.42', writeSystemRegister),
  row('cccc 1110 1111 0001 1111 1010 0001 0000', 'FMSTAT{c}',                     'vmrs{c} apsr_nzcv, fpscr',        'C4.1.39', readSystemRegister),
  row('cccc 1110 1111 ssss dddd 1010 0001 0000', 'FMRX{c} {Rd}, {sys}',           'vmrs{c} {Rd}, {sys}',             'C4.1.34', readSystemRegister),

  // Between memory and VFP registers
  row('cccc 1101 UD01 nnnn dddd 1010 oooo oooo', 'FLDS{c} {Sd}, {address}',       'vldr{c} {Sd}, {address}',         'C4.1.23', loadSingle),
  row('cccc 1101 U001 nnnn dddd 1011 oooo oooo', 'FLDD{c} {Dd}, {address}',       'vldr{c} {Dd}, {address}',         'C4.1.19', loadDouble),
  row('cccc 1101 UD00 nnnn dddd 1010 oooo oooo', 'FSTS{c} {Sd}, {address}',       'vstr{c} {Sd}, {address}',         'C4.1.59', storeSingle),
  row('cccc 1101 U000 nnnn dddd 1011 oooo oooo', 'FSTD{c} {Dd}, {address}',       'vstr{c} {Dd}, {address}',         'C4.1.55', storeDouble),
  row('cccc 1100 1DW1 nnnn dddd 1010 oooo oooo', 'FLDMIAS{c} {Rn}{!}, {Slist}',   'vldmia{c} {Rn}{!}, {Slist}',      'C4.1.21', loadMultiple),
  row('cccc 1100 10W1 nnnn dddd 1011 oooo ooo0', 'FLDMIAD{c} {Rn}{!}, {Dlist}',   'vldmia{c} {Rn}{!}, {Dlist}',      'C4.1.20', loadMultiple),
  row('cccc 1100 10W1 nnnn dddd 1011 oooo ooo1', 'FLDMIAX{c} {Rn}{!}, {Dlist}',   'fldmiax{c} {Rn}{!}, {Dlist}',     'C4.1.22', loadMultiple),
  row('cccc 1101 0D11 nnnn dddd 1010 oooo oooo', 'FLDMDBS{c} {Rn}!, {Slist}',     'vldmdb{c} {Rn}!, {Slist}',        'C4.1.21', loadMultiple),
  row('cccc 1101 0011 nnnn dddd 1011 oooo ooo0', 'FLDMDBD{c} {Rn}!, {Dlist}',     'vldmdb{c} {Rn}!, {Dlist}',        'C4.1.20', loadMultiple),
  row('cccc 1101 0011 nnnn dddd 1011 oooo ooo1', 'FLDMDBX{c} {Rn}!, {Dlist}',     'fldmdbx{c} {Rn}!, {Dlist}',       'C4.1.22', loadMultiple),
  row('cccc 1100 1DW0 nnnn dddd 1010 oooo oooo', 'FSTMIAS{c} {Rn}{!}, {Slist}',   'vstmia{c} {Rn}{!}, {Slist}',      'C4.1.57', storeMultiple),
  row('cccc 1100 10W0 nnnn dddd 1011 oooo ooo0', 'FSTMIAD{c} {Rn}{!}, {Dlist}',   'vstmia{c} {Rn}{!}, {Dlist}',      'C4.1.56', storeMultiple),
  row('cccc 1100 10W0 nnnn dddd 1011 oooo ooo1', 'FSTMIAX{c} {Rn}{!}, {Dlist}',   'fstmiax{c} {Rn}{!}, {Dlist}',     'C4.1.58', storeMultiple),
  row('cccc 1101 0D10 nnnn dddd 1010 oooo oooo', 'FSTMDBS{c} {Rn}!, {Slist}',     'vstmdb{c} {Rn}!, {Slist}',        'C4.1.57', storeMultiple),
  row('cccc 1101 0010 nnnn dddd 1011 oooo ooo0', 'FSTMDBD{c} {Rn}!, {Dlist}',     'vstmdb{c} {Rn}!, {Dlist}',        'C4.1.56', storeMultiple),
  row('cccc 1101 0010 nnnn dddd 1011 oooo ooo1', 'FSTMDBX{c} {Rn}!, {Dlist}',     'fstmdbx{c} {Rn}!, {Dlist}',       'C4.1.58', storeMultiple),
]);
