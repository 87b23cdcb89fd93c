/** What happened, instruction by instruction. */
import { icount as count, type Icount } from '../time/units.ts';
import { addressJson, addressText, type Names } from './names.ts';
import { runArmed } from './reverse.ts';
import type { TimeMachine } from './time-machine.ts';

/** A register as its name and how to read it. */
export interface TracedRegister {
  readonly name: string;
  readonly bits: number;
  read(): bigint;
}

export interface Change {
  readonly name: string;
  readonly bits: number;
  readonly value: bigint;
}

export type TraceEntry =
  /** Registers but the program counter that differ behind the instruction. */
  | { readonly kind: 'instruction'; readonly icount: Icount; readonly pc: number; readonly text: string; readonly changes: readonly Change[] }
  /** An interrupt is taken before the instruction with that count; `pc` is the vector. */
  | { readonly kind: 'interrupt'; readonly icount: Icount; readonly pc: number; readonly changes: readonly Change[] };

/** Every instruction with a count in [from, to). @param registers those whose changes are told; the program counter should not be among them */
export async function* trace(machine: TimeMachine, registers: readonly TracedRegister[], from: Icount, to: Icount): AsyncGenerator<TraceEntry, void> {
  const { cpu } = machine;
  await machine.seek(from);
  const known = new Map(registers.map((register) => [register.name, register.read()]));
  const changes = (): Change[] => {
    const changed: Change[] = [];
    for (const register of registers) {
      const { name, bits } = register;
      const value = register.read();
      if (known.get(name) === value) continue;
      known.set(name, value);
      changed.push({ name, bits, value });
    }
    return changed;
  };
  cpu.stopEverywhere(true);
  try {
    for (;;) {
      const next = cpu.pc();
      const stop = await runArmed(machine, to);
      if (stop.kind !== 'breakpoint') return;
      const { icount, pc } = stop;
      const entered = changes();
      if (pc !== next || entered.length > 0) yield { kind: 'interrupt', icount, pc, changes: entered };
      const text = cpu.disassemble(pc) ?? '?';
      await machine.runForward(count(icount + 1));
      yield { kind: 'instruction', icount, pc, text, changes: changes() };
    }
  } finally {
    cpu.stopEverywhere(false);
  }
}

const hex = ({ value, bits }: Change): string => value.toString(16).padStart(bits / 4, '0');

export function traceText(entry: TraceEntry, names: Names | undefined): string {
  const changes = entry.changes.map((change) => ` ${change.name}=${hex(change)}`).join('');
  const what = entry.kind === 'interrupt' ? '(interrupt)' : entry.text;
  return `${String(entry.icount).padStart(12)} ${addressText(entry.pc, names)}: ${changes === '' ? what : `${what.padEnd(28)} ${changes}`}`;
}

export function traceJson(entry: TraceEntry, names: Names | undefined): object {
  const changed = Object.fromEntries(entry.changes.map((change) => [change.name, `0x${hex(change)}`]));
  const { kind, icount } = entry;
  return { kind, icount, ...addressJson(entry.pc, names), ...(entry.kind === 'instruction' && { text: entry.text }), changed };
}
