/** Capstone (capstone-engine.org), a disassembler that was written independently of this one, to compare with. */
import { createRequire } from 'node:module';

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

// The package is a CommonJS module without types.
const load = createRequire(import.meta.url)('@alexaltea/capstone-js') as () => Promise<Capstone>;

export interface Reference {
  /** Text of the instruction in these little-endian halfwords, or undefined if Capstone knows none. */
  arm(insn: number, address: number): string | undefined;
  thumb(insn: number, address: number): string | undefined;
}

export async function capstone(): Promise<Reference> {
  const library = await load();
  const text = (disassembler: Disassembler, bytes: readonly number[], address: number): string | undefined => {
    try {
      const [instruction] = disassembler.disasm(bytes, address);
      return normalised(`${instruction.mnemonic} ${instruction.op_str}`.trim());
    } catch {
      return undefined;
    }
  };
  const arm = new library.Capstone(library.ARCH_ARM, library.MODE_ARM);
  const thumb = new library.Capstone(library.ARCH_ARM, library.MODE_THUMB);
  return {
    arm: (insn, address) => text(arm, [insn & 0xff, (insn >>> 8) & 0xff, (insn >>> 16) & 0xff, insn >>> 24], address),
    thumb: (insn, address) => text(thumb, [insn & 0xff, insn >>> 8], address),
  };
}

function normalised(text: string): string {
  return text;
}
