/** Capstone (capstone-engine.org), a disassembler that was written independently of this one, to compare with. */
// @ts-expect-error: the package has no types.
import load from '@alexaltea/capstone-js';

interface Instruction {
  readonly mnemonic: string;
  readonly op_str: string;
}
interface Disassembler {
  /** @throws when the bytes are no instruction. */
  disasm(bytes: readonly number[], address: number): readonly Instruction[];
}
interface Capstone {
  readonly ARCH_ARM: number;
  readonly MODE_ARM: number;
  readonly MODE_THUMB: number;
  readonly Capstone: new (architecture: number, mode: number) => Disassembler;
}

export interface Reference {
  /** Text of an ARM instruction in the spelling of `disassemble.ts`; undefined if it is none of ARMv5TEJ's. */
  arm(insn: number, address: number): string | undefined;
  thumb(insn: number, address: number): string | undefined;
  /** Text of the two halves of a BL or BLX in Thumb state. */
  thumbPair(first: number, second: number, address: number): string | undefined;
}

type Spelling = readonly [theirs: RegExp, ours: string];

/** Where Capstone spells the same instruction otherwise than `disassemble.ts` does: its spelling and ours, in order. */
const SPELLINGS: readonly Spelling[] = [
  // Names of registers in the procedure call standard.
  [/\bsb\b/g, 'r9'],
  [/\bsl\b/g, 'r10'],
  [/\bfp\b/g, 'r11'],
  [/\bip\b/g, 'r12'],
  // Other names of the conditions CS and CC.
  [/^(\w+)hs\b/, '$1cs'],
  [/^(\w+)lo\b/, '$1cc'],
];
const ARM_SPELLINGS: readonly Spelling[] = [
  // The flags by themselves, as a register.
  [/^(mrs\w* \w+), apsr$/, '$1, cpsr'],
  [/^(mrc\w* \w+, #\d), apsr_nzcv,/, '$1, pc,'],
  [/\bapsr_nzcvqg\b/, 'cpsr_fs'],
  [/\bapsr_nzcvq\b/, 'cpsr_f'],
  [/\bapsr_g\b/, 'cpsr_s'],
  // MOV with a shifted operand under the name of the shift.
  [/^(lsl|lsr|asr|ror)(s?)(\w*) (\w+, \w+), (#?\w+)$/, 'mov$2$3 $4, $1 $5'],
  [/^rrx(s?)(\w*) (\w+, \w+)$/, 'mov$1$2 $3, rrx'],
  // Transfers with the stack as PUSH and POP.
  [/^push(\w*) \{(\w+)\}$/, 'str$1 $2, [sp, #-4]!'],
  [/^pop(\w*) \{(\w+)\}$/, 'ldr$1 $2, [sp], #4'],
  [/^push(\w*) /, 'stmdb$1 sp!, '],
  [/^pop(\w*) /, 'ldm$1 sp!, '],
  [/^vpush(\w*) /, 'vstmdb$1 sp!, '],
  [/^vpop(\w*) /, 'vldmia$1 sp!, '],
];
const THUMB_SPELLINGS: readonly Spelling[] = [
  [/^adr (\w+), /, 'add $1, pc, '],
  // The first operand of an addition to the high registers, twice.
  [/^add (\w+), (\w+), \1$/, 'add $1, $2'],
  [/^movs (\w+, \w+)$/, 'lsls $1, #0'],
  [/^trap$/, 'udf #0xfe'],
];

/** What later architectures gave a meaning to: words that are UNPREDICTABLE or undefined in this one. */
const NEWER = [
  /^(ldrht|strht|ldrsbt|ldrsht|hint|nop|bxns|blxns)/,
  // Registers and transfers of VFPv3 and Advanced SIMD.
  /\bd(1[6-9]|[23]\d)\b/,
  /mvfr/,
  /^vmov\w*\.[us]?(8|16)/,
];

function inOurSpelling(text: string, spellings: readonly Spelling[]): string {
  const spelled = [...SPELLINGS, ...spellings].reduce((result, [theirs, ours]) => result.replace(theirs, ours), text);
  return spelled.replace(/ (lsl|lsr|asr|ror) #(0x\w+)$/, (_, shift: string, amount: string) => ` ${shift} #${Number(amount)}`);
}

const little = (value: number, bytes: number): number[] => Array.from({ length: bytes }, (_, n) => (value >>> (8 * n)) & 0xff);

export async function capstone(): Promise<Reference> {
  const library: Capstone = await load();
  const arm = new library.Capstone(library.ARCH_ARM, library.MODE_ARM);
  const thumb = new library.Capstone(library.ARCH_ARM, library.MODE_THUMB);
  const text = (disassembler: Disassembler, bytes: readonly number[], address: number, spellings: readonly Spelling[]): string | undefined => {
    try {
      const [{ mnemonic, op_str }] = disassembler.disasm(bytes, address);
      const found = `${mnemonic} ${op_str}`.trim();
      return NEWER.some((newer) => newer.test(found)) ? undefined : inOurSpelling(found, spellings);
    } catch {
      return undefined;
    }
  };
  return {
    arm: (insn, address) => text(arm, little(insn, 4), address, ARM_SPELLINGS),
    thumb: (insn, address) => text(thumb, little(insn, 2), address, THUMB_SPELLINGS),
    thumbPair: (first, second, address) => text(thumb, [...little(first, 2), ...little(second, 2)], address, THUMB_SPELLINGS),
  };
}
