/**
 * A whole computer: CPU, memory, bus, devices, and the few ways in which the world outside can touch it. It knows
 * nothing of recordings; it only promises to execute exactly as far as it is told and to do the same every time.
 */
import type { AddressSpace } from '../bus/address-space.ts';
import type { CpuDebug } from '../bus/debug.ts';
import type { AnyDevice } from '../bus/device.ts';
import type { DiskUser } from '../bus/disk.ts';
import type { GuestMemory } from '../bus/memory.ts';
import { assert } from '../errors/errors.ts';
import type { Schema } from '../state/fields.ts';
import { bool } from '../state/fields.ts';
import { defineState, type State } from '../state/layout.ts';
import type { Scheduler } from '../time/scheduler.ts';
import type { Icount, Nanoseconds } from '../time/units.ts';
import type { VirtualClock } from '../time/virtual-clock.ts';
import type { FrameOutput } from './frame-output.ts';
import type { SerialOutput } from './serial-output.ts';

/** How guest code is executed. Nothing that a guest can see depends on it, so that it is not part of a recording. */
export interface Engine {
  /** By the interpreter alone, or compiled when it is hot. */
  readonly accel: 'interp' | 'jit';
  /** Executions that make code hot, where that is not left to the CPU. */
  readonly hot?: number | undefined;
  /** Milliseconds of real time, for statistics alone; without it they do not tell how long compiling took. */
  readonly stopwatch?: (() => number) | undefined;
}

export const DEFAULT_ENGINE: Engine = Object.freeze({ accel: 'jit' });

/** What a machine needs of its CPU, whatever the instruction set. */
export interface Cpu {
  readonly name: string;
  readonly state: State<Schema>;
  icount(): Icount;
  /** Waiting for an interrupt. */
  halted(): boolean;
  run(budget: number): number;
  reset(): void;
  /** Forgets what is derived from state and memory, after a change from outside. @param pages numbers of the pages that were changed; any may have been if it is left out */
  dropDerived(pages?: readonly number[]): void;
  dropStores(): void;
  readonly debug: CpuDebug;
  readonly inspector: CpuInspector;
  /** What compiled code has done, by name; undefined where there is none. */
  jitStatistics(): Readonly<Record<string, number>> | undefined;
  /** The next instruction, as text. */
  nextInstruction(): string;
}

/** How monitors look into a CPU between two instructions, besides what `CpuDebug` has. Nothing here changes anything. */
export interface CpuInspector {
  /** A register by its name in the assembler's spelling (`r0`, `sp`, `cpsr`), unsigned; undefined when there is none of that name. */
  register(name: string): number | undefined;
  /** The registers as QEMU's `info registers` lays them out. */
  registers(): string;
  /** Width of the instructions that the CPU is executing now, in bytes. */
  instructionBytes(): 2 | 4;
  /** An instruction of that width as text. */
  disassemble(instruction: number, address: number): string;
}

/** A named part of the machine's state. Together with RAM these are all of it. */
export interface Component {
  readonly name: string;
  readonly state: State<Schema>;
}

export interface SerialPort {
  readonly output: SerialOutput;
  /** How many bytes the port can take now. */
  receiveRoom(): number;
  receive(byte: number): void;
}

export interface NetworkPort {
  readonly output: FrameOutput;
  /** Whether a frame can be taken now; otherwise it waits outside. */
  receiveRoom(): boolean;
  receive(frame: Uint8Array): void;
}

/** A disk behind one of the devices; the session does its requests. */
export interface DiskPort {
  readonly name: string;
  readonly user: DiskUser;
}

export interface Keyboard {
  /** The keys that it has: QKeyCode names of QEMU. */
  readonly codes: readonly string[];
  /** Presses or releases a key; one that the keyboard does not have is ignored. */
  key(code: string, down: boolean): void;
}

export interface Mouse {
  move(dx: number, dy: number, dz: number): void;
  button(mask: number): void;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

export const machineState = defineState('machine', 1, {
  resetRequested: bool(false, 'the guest or the user asked for a system reset'),
});

/** Why `advance` came back. */
export type Stop =
  /** The limit is reached, or it is time to look at the world outside. */
  | 'slice'
  /** The CPU waits for an interrupt; `nextWakeup` says when the machine will go on by itself. */
  | 'idle'
  /** A request of one of the `disks` is due: it has to be done and completed before the machine can go on. */
  | 'disk'
  /** A system reset was asked for and has not been made. */
  | 'reset'
  /** A breakpoint or watchpoint was hit; `cpu.debug.takeStop()` tells which one, and must be called to go on. */
  | 'debug';

export interface MachineParts {
  readonly cpu: Cpu;
  readonly memory: GuestMemory;
  readonly addressSpace: AddressSpace;
  readonly clock: VirtualClock;
  readonly scheduler: Scheduler;
  readonly devices: readonly AnyDevice[];
  readonly serial: readonly SerialPort[];
  readonly nics: readonly NetworkPort[];
  readonly disks: readonly DiskPort[];
  readonly keyboard: Keyboard;
  readonly mouse: Mouse;
  /** The picture on the screen, or undefined while it is off. */
  readonly screen: () => Picture | undefined;
  /** Loads kernel and firmware into the reset machine. */
  readonly boot: () => void;
  readonly resetLatch: State<typeof machineState.schema>;
}

export class Machine {
  readonly cpu: Cpu;
  readonly memory: GuestMemory;
  readonly addressSpace: AddressSpace;
  readonly clock: VirtualClock;
  readonly devices: readonly AnyDevice[];
  readonly components: readonly Component[];
  readonly serial: readonly SerialPort[];
  readonly nics: readonly NetworkPort[];
  readonly disks: readonly DiskPort[];
  readonly keyboard: Keyboard;
  readonly mouse: Mouse;
  readonly screen: () => Picture | undefined;
  private readonly scheduler: Scheduler;
  private readonly boot: () => void;
  private readonly latch: State<typeof machineState.schema>;

  constructor(parts: MachineParts) {
    this.cpu = parts.cpu;
    this.memory = parts.memory;
    this.addressSpace = parts.addressSpace;
    this.clock = parts.clock;
    this.scheduler = parts.scheduler;
    this.devices = parts.devices;
    this.serial = parts.serial;
    this.nics = parts.nics;
    this.disks = parts.disks;
    this.keyboard = parts.keyboard;
    this.mouse = parts.mouse;
    this.screen = parts.screen;
    this.boot = parts.boot;
    this.latch = parts.resetLatch;
    this.components = Object.freeze([
      { name: 'machine', state: this.latch as State<Schema> },
      { name: 'clock', state: this.clock.state as State<Schema> },
      { name: this.cpu.name, state: this.cpu.state },
      ...this.devices.map((device) => ({ name: device.name, state: device.state as State<Schema> })),
    ]);
    for (const device of this.devices) device.seal();
    Object.freeze(this);
    this.boot();
  }

  icount(): Icount {
    return this.cpu.icount();
  }

  now(): Nanoseconds {
    return this.clock.now();
  }

  /**
   * Executes up to instruction count `limit`, exactly, or less far: no more than `slice` instructions at a time, and
   * only until a request of a disk is due, a reset is asked for, the CPU waits or a debugger wants it to stop. Devices are up
   * to date when it returns.
   */
  advance(limit: Icount, slice: number): Stop {
    const end = Math.min(limit, this.icount() + slice);
    for (;;) {
      this.scheduler.evaluate(this.now());
      // First of all: what is due at a moment happens before anything else does there, as with every wake-up. So a
      // reset drops only requests that were not due yet, and a CPU that waits for the disk does not wait too long.
      if (this.diskIsDue()) return 'disk';
      if (this.cpu.debug.stop !== undefined) return 'debug';
      if (this.latch.fields.resetRequested) return 'reset';
      if (this.cpu.halted()) return 'idle';
      const budget = Math.min(end - this.icount(), this.clock.instructionsUntil(this.scheduler.plan()));
      if (this.icount() >= end) return 'slice';
      assert(budget > 0, 'a wake-up lies in the future once devices are up to date');
      this.cpu.run(budget);
    }
  }

  private diskIsDue(): boolean {
    const now = this.now();
    for (const { user } of this.disks) if (user.due() <= now) return true;
    return false;
  }

  /** When an idle machine goes on by itself; NEVER when only the world outside can wake it. */
  nextWakeup(): Nanoseconds {
    return this.scheduler.plan();
  }

  /** Idle time passes, no further than the next wake-up. */
  idleUntil(target: Nanoseconds): void {
    this.clock.idleUntil(target);
    this.scheduler.evaluate(this.now());
  }

  /** Someone presses the reset button: it takes effect at once, between two instructions. */
  requestReset(): void {
    this.latch.fields.resetRequested = true;
  }

  /** The system reset that was asked for: devices and CPU as after power-on, images loaded anew, time going on. */
  reset(): void {
    this.latch.fields.resetRequested = false;
    const now = this.now();
    this.cpu.reset();
    for (const device of this.devices) device.reset(now);
    this.boot();
  }
}
