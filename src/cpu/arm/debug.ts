/** How monitors look into the CPU between two instructions, without a trace. */
import type { AddressSpace } from '../../bus/address-space.ts';
import type { GuestMemory } from '../../bus/memory.ts';
import type { Arm926 } from './cpu.ts';
import { disassembleArm, disassembleThumb } from './isa/disassemble.ts';
import { bankOf, hasSpsr, MODE, readCpsr } from './psr.ts';
import { type Translation, translate } from './translation.ts';

/** Other names of registers (ARM ARM A2.3, AAPCS 5.1.1). */
const ALIASES: Readonly<Record<string, number>> = { sb: 9, sl: 10, fp: 11, ip: 12, sp: 13, lr: 14, pc: 15 };

const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
const two = (value: number): string => String(value).padStart(2, '0');

export class ArmDebug {
  private readonly cpu: Arm926;
  private readonly memory: GuestMemory;
  private readonly bus: AddressSpace;

  constructor(cpu: Arm926, memory: GuestMemory, bus: AddressSpace) {
    this.cpu = cpu;
    this.memory = memory;
    this.bus = bus;
    Object.freeze(this);
  }

  /** Permissions are not asked for: who looks from outside may see what the running mode may not. */
  translate(virtual: number): number | undefined {
    const found: Translation = { fault: 0, physical: 0, readable: false, writable: false, permissionFault: 0, uniform: false };
    // As for a fetch: the walk of a data access could lock an entry of the TLB.
    translate(this.cpu.s, this.memory, this.bus, virtual, true, false, found, () => {});
    return found.fault === 0 ? found.physical >>> 0 : undefined;
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
