/** How monitors look into the CPU between two instructions, without a trace. */
import type { Arm926 } from './cpu.ts';
import { disassembleArm, disassembleThumb } from './isa/disassemble.ts';
import { bankOf, hasSpsr, MODE, readCpsr } from './psr.ts';

/** Other names of registers (ARM ARM A2.3, AAPCS 5.1.1). */
const ALIASES: Readonly<Record<string, number>> = { sb: 9, sl: 10, fp: 11, ip: 12, sp: 13, lr: 14, pc: 15 };

const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
const two = (value: number): string => String(value).padStart(2, '0');

export class ArmInspector {
  private readonly cpu: Arm926;

  constructor(cpu: Arm926) {
    this.cpu = cpu;
    Object.freeze(this);
  }

  register(name: string): number | undefined {
    const { s, r } = this.cpu;
    const number = /^r(\d|1[0-5])$/.exec(name)?.[1] ?? (Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined);
    if (number !== undefined) return r[Number(number)] >>> 0;
    switch (name) {
      case 'cpsr':
        return readCpsr(this.cpu);
      case 'spsr':
        return hasSpsr(s.mode) ? s.spsr[bankOf(s.mode)] : undefined;
      case 'fpscr':
        return s.fpscr;
      default:
        return undefined;
    }
  }

  registers(): string {
    const { s, r } = this.cpu;
    const lines: string[] = [];
    for (let n = 0; n < 16; n += 4) lines.push([0, 1, 2, 3].map((k) => `R${two(n + k)}=${hex(r[n + k])}`).join(' '));
    const psr = readCpsr(this.cpu);
    const flags = [...'NZCV'].map((letter, n) => ((psr >>> (31 - n)) & 1 ? letter : '-')).join('');
    const mode = Object.keys(MODE).find((name) => MODE[name as keyof typeof MODE] === s.mode) ?? '???';
    lines.push(`PSR=${hex(psr)} ${flags} ${s.t ? 'T' : 'A'} ${mode}32`);
    lines.push(`FPSCR: ${hex(s.fpscr)}`);
    return lines.join('\n');
  }

  instructionBytes(): 2 | 4 {
    return this.cpu.s.t ? 2 : 4;
  }

  disassemble(instruction: number, address: number): string {
    return this.cpu.s.t ? disassembleThumb(instruction, address) : disassembleArm(instruction, address);
  }
}
