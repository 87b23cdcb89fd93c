/** The VFP's instruction table, as rows of the CPU's own. */
import type { Arm926 } from '../cpu.ts';
import { undefinedInstruction } from '../exceptions.ts';
import { NEXT, type Row } from '../op.ts';
import { VFP_ROWS } from '../vfp/vfp.rows.ts';

export const vfpRows: readonly Row[] = VFP_ROWS.map(({ name, pattern, ual, section, exec }) => ({
  name,
  pattern,
  syntax: ual,
  section,
  exec: (cpu: Arm926, insn: number) => (exec(cpu.vfp, insn) ? NEXT : undefinedInstruction(cpu)),
}));
