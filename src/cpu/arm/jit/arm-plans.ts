/** How each ARM instruction is translated, by the row of the instruction table. What is not here is left to the interpreter. */
import { immediate } from '../exec/shifter.ts';
import { armRow } from '../isa/decode.ts';
import { planBranch, planBranchLink, planExchange, planReadStatus, planWriteStatus } from './branch.ts';
import type { Plan } from './context.ts';
import { planMoveFromCoprocessor, planMoveToCoprocessor } from './coprocessor.ts';
import { planDataProcessing } from './data-processing.ts';
import { interpreted } from './interpreted.ts';
import { planBlock, planDouble, planHalf, planSignedByte, planSignedHalf, planSingle, planStoreHalf } from './load-store.ts';
import { planCountLeadingZeros, planLongMultiply, planMultiply } from './multiply.ts';
import { VFP_PLANNERS } from './vfp.ts';
import { VFP_TRANSFER_PLANNERS } from './vfp-transfer.ts';

type Planner = (insn: number, address: number, isConstant: (address: number) => boolean) => Plan;

const OPERATIONS = ['AND', 'EOR', 'SUB', 'RSB', 'ADD', 'ADC', 'SBC', 'RSC', 'TST', 'TEQ', 'CMP', 'CMN', 'ORR', 'MOV', 'BIC', 'MVN'];
const FORMS = ['immediate', 'shift by register', 'shift by immediate'];
const nothing: Plan = { writes: 0, sets: 0, reads: 0, seen: false, ends: 'no', emit: () => {} };

const PLANNERS: ReadonlyMap<string, Planner> = new Map<string, Planner>([
  ...OPERATIONS.flatMap((name) => FORMS.map((form): [string, Planner] => [`${name} (${form})`, planDataProcessing])),
  ['MUL', planMultiply],
  ['MLA', planMultiply],
  ['UMULL', planLongMultiply],
  ['UMLAL', planLongMultiply],
  ['SMULL', planLongMultiply],
  ['SMLAL', planLongMultiply],
  ['CLZ', planCountLeadingZeros],
  ...['LDR', 'STR', 'LDRB', 'STRB'].flatMap((name) => ['immediate', 'register'].map((form): [string, Planner] => [`${name} (${form})`, planSingle])),
  ['LDRH', planHalf],
  ['STRH', planStoreHalf],
  ['LDRSB', planSignedByte],
  ['LDRSH', planSignedHalf],
  ['LDRD', (insn) => planDouble(insn, true)],
  ['STRD', (insn) => planDouble(insn, false)],
  ['LDM', planBlock],
  ['STM', planBlock],
  ['PLD (immediate)', () => nothing],
  ['PLD (register)', () => nothing],
  ['B', planBranch],
  ['BL', planBranchLink],
  ['BX', (insn) => planExchange(insn & 15)],
  ['BXJ', (insn) => planExchange(insn & 15)],
  ['BLX (register)', (insn, address) => planExchange(insn & 15, address + 4)],
  ['BLX (immediate)', () => interpreted('comesBack')],
  ['SWI', () => interpreted('comesBack')],
  ['BKPT', () => interpreted('always')],
  ['MRS', planReadStatus],
  ['MSR (register)', (insn) => planWriteStatus(insn, undefined)],
  ['MSR (immediate)', (insn) => planWriteStatus(insn, immediate(insn))],
  ['MCR', planMoveToCoprocessor],
  ['MRC', planMoveFromCoprocessor],
  ...VFP_PLANNERS,
  ...VFP_TRANSFER_PLANNERS,
]);

/** The plan of an ARM instruction. `isConstant`: whether the word at an address in its page has stayed as it is. */
export function planArm(insn: number, address: number, isConstant: (address: number) => boolean): Plan {
  const row = armRow(insn);
  if (row === undefined) return interpreted('always');
  return PLANNERS.get(row.name)?.(insn, address, isConstant) ?? interpreted('no');
}
