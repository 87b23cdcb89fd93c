/** A whole machine with a past: the built-in guest, and bytes that come to its serial port at fixed moments. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { buildIntegratorCp } from '../boards/integratorcp.ts';
import type { Machine } from '../boards/machine.ts';
import type { CpuDebug } from '../bus/debug.ts';
import { type Icount, icount, type Nanoseconds, ns } from '../time/units.ts';
import type { RunStop } from './time-machine.ts';
import type { Witness, WitnessedRun } from './witnessed.ts';

export const LOST_UPDATE = join(import.meta.dirname, '../../guest/lost-update.elf');

export function ledgerMachine(): Machine {
  const kernel = { name: 'lost-update.elf', bytes: readFileSync(LOST_UPDATE) };
  return buildIntegratorCp({
    ramBytes: 0x100000,
    icountShift: 3,
    rtcBase: 1_000_000_000,
    nics: [],
    disks: [],
    files: { kernel, append: '' },
    onGuestMessage: () => {},
  });
}

export interface Byte {
  readonly icount: number;
  readonly byte: number;
}

interface Checkpoint {
  readonly states: readonly Uint8Array[];
  readonly ram: Uint8Array;
}

export class MachineTime implements WitnessedRun {
  readonly machine: Machine;
  readonly start = icount(0);
  readonly end: Icount;
  private readonly bytes: readonly Byte[];
  private next = 0;
  private readonly checkpoints = new Map<number, Checkpoint>();
  private interrupted = false;
  private readonly witnesses = new Set<Witness>();

  /** @param bytes in the order of their counts, no two at one */
  constructor(machine: Machine, bytes: readonly Byte[], end: number, interval: number) {
    this.machine = machine;
    this.bytes = bytes;
    this.end = icount(end);
    for (let at = 0; at <= end; at += interval) {
      while (machine.icount() < at) this.advance(icount(at));
      const states = machine.components.map(({ state }) => state.save());
      this.checkpoints.set(at, { states, ram: machine.memory.ram.slice() });
    }
    while (machine.icount() < end) this.advance(this.end);
  }

  get cpu(): CpuDebug {
    return this.machine.cpu.debug;
  }

  now(): Icount {
    return this.machine.icount();
  }

  guestTime(): Nanoseconds {
    return this.machine.now();
  }

  /** One slice, no further than `limit`; whatever happens at `limit` has not happened yet. */
  private advance(limit: Icount): void {
    const { machine } = this;
    const input = this.bytes[this.next];
    if (input?.icount === machine.icount()) {
      machine.serial[0].receive(input.byte);
      this.next++;
    }
    const stop = machine.advance(icount(Math.min(limit, this.bytes[this.next]?.icount ?? limit)), 100_000);
    if (stop === 'idle') machine.idleUntil(machine.nextWakeup());
  }

  listen(witness: Witness): () => void {
    this.witnesses.add(witness);
    return () => void this.witnesses.delete(witness);
  }

  checkpointBefore(at: Icount): Icount {
    return icount(Math.max(...[...this.checkpoints.keys()].filter((n) => n < at)));
  }

  async seek(at: Icount): Promise<void> {
    const from = Math.max(...[...this.checkpoints.keys()].filter((n) => n <= at));
    const { states, ram } = this.checkpoints.get(from)!;
    this.machine.components.forEach(({ state }, n) => void state.restore(states[n]));
    this.machine.memory.ram.set(ram);
    this.machine.cpu.dropDerived();
    this.next = this.bytes.findIndex((byte) => byte.icount >= from);
    if (this.next < 0) this.next = this.bytes.length;
    while (this.now() < at) this.advance(at);
    this.machine.serial[0].output.take();
  }

  async runForward(limit: Icount): Promise<RunStop> {
    const goal = icount(Math.min(limit, this.end));
    while (this.now() < goal && this.cpu.stop === undefined && !this.interrupted) {
      this.advance(goal);
      this.tell();
      await setImmediate();
    }
    const stop = this.cpu.takeStop();
    if (stop === undefined && this.interrupted) {
      this.interrupted = false;
      return { kind: 'interrupted' };
    }
    return stop ?? { kind: this.now() === limit ? 'limit' : 'end' };
  }

  /** The guest is never idle, so that time is the count. */
  private tell(): void {
    const { bytes, times } = this.machine.serial[0].output.take();
    for (const [n, byte] of bytes.entries()) {
      const at = { icount: icount(times[n] / this.machine.clock.scale), guestTime: ns(times[n]) };
      for (const witness of this.witnesses) witness.serial?.(0, byte, at);
    }
  }

  interrupt(): void {
    this.interrupted = true;
  }
}

/** The built-in guest with a byte every now and then, of which some are lost. */
export function ledgerTime(end = 300_000): MachineTime {
  const bytes = Array.from({ length: 60 }, (_, n) => ({ icount: 100_000 + 3511 * n, byte: 0x61 + (n % 26) }));
  return new MachineTime(ledgerMachine(), bytes, end, 10_000);
}
