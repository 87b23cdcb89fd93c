/** Who wrote there? */
import type { Space } from '../bus/debug.ts';
import { type Icount, icount, type Nanoseconds } from '../time/units.ts';
import { addressJson, addressText, hexAddress, type Names } from './names.ts';
import { reverseContinue } from './reverse.ts';
import type { WitnessedRun } from './witnessed.ts';

export interface Stretch {
  readonly space: Space;
  readonly address: number;
  /** In bytes, at least 1. */
  readonly length: number;
}

export interface Write {
  /** The instruction, and virtual time before it. */
  readonly icount: Icount;
  readonly guestTime: Nanoseconds;
  readonly pc: number;
  /** Where it wrote: virtual address and size. */
  readonly address: number;
  readonly size: number;
  /** The watched bytes before and after it; shorter where they are not RAM. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/**
 * The writes to a stretch of memory in [start, before), the last one first; an instruction counts once. The machine may be
 * anywhere between two of them, and breakpoints of others must not be set.
 */
export async function* writesBackwards(
  machine: WitnessedRun,
  stretch: Stretch,
  before: Icount = machine.end,
  start: Icount = machine.start,
): AsyncGenerator<Write, void> {
  const { cpu } = machine;
  const watchpoint = { ...stretch, kind: 'write' } as const;
  for (let from = before; ; ) {
    await machine.seek(from);
    cpu.addWatchpoint(watchpoint);
    try {
      const stop = await reverseContinue(machine, undefined, start);
      if (stop.kind !== 'watchpoint') return;
      const old = cpu.read(stretch.space, stretch.address, stretch.length);
      const guestTime = machine.guestTime();
      await machine.runForward(icount(stop.icount + 1));
      const { icount: at, pc, address, size } = stop;
      yield { icount: at, guestTime, pc, address, size, before: old, after: cpu.read(stretch.space, stretch.address, stretch.length) };
      from = at;
    } finally {
      cpu.removeWatchpoint(watchpoint);
    }
  }
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
/** Up to a double word is a number to people, what is longer is bytes. */
const valueText = (bytes: Uint8Array): string => (bytes.length <= 8 ? `0x${hex(bytes.toReversed())}` : hex(bytes));

export function writeText({ icount: at, guestTime, pc, before, after }: Write, names: Names | undefined): string {
  return `instruction ${at} (${(guestTime / 1e9).toFixed(9)} s) at ${addressText(pc, names)}: ${valueText(before)} -> ${valueText(after)}`;
}

export function writeJson({ icount: at, guestTime, pc, address, size, before, after }: Write, names: Names | undefined): object {
  return {
    icount: at,
    nanoseconds: guestTime,
    by: 'cpu',
    ...addressJson(pc, names),
    address: hexAddress(address),
    size,
    before: hex(before),
    after: hex(after),
  };
}
