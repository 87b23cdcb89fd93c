/**
 * What a debugger asks of a CPU, whatever the instruction set. All of it is host data: breakpoints and watchpoints are
 * not part of the machine's state, and nothing here changes what the guest can see, but for `write`.
 */
import type { Icount } from '../time/units.ts';

/** Addresses of the running program, through its current mapping, or of the bus. */
export type Space = 'virtual' | 'physical';

export type Access = 'read' | 'write';

/** `access` is either. */
export type WatchKind = Access | 'access';

/** Stops the CPU after an instruction that accesses one of `length` bytes (at least 1, within 4 GiB) at `address`. */
export interface Watchpoint {
  readonly space: Space;
  readonly address: number;
  readonly length: number;
  readonly kind: WatchKind;
}

/** Why the CPU has stopped before its slice was over. */
export type DebugStop =
  /** The instruction at `pc`, with count `icount`, is the next; it has not begun. */
  { readonly kind: 'breakpoint'; readonly icount: Icount; readonly pc: number } | WatchStop;

/** The instruction at `pc`, with count `icount`, is done: the machine stands behind it. Of several accesses, the first one that was watched. */
export interface WatchStop {
  readonly kind: 'watchpoint';
  readonly watchpoint: Watchpoint;
  readonly icount: Icount;
  readonly pc: number;
  readonly access: Access;
  /** What was accessed: virtual and physical address, and size in bytes. */
  readonly address: number;
  readonly physical: number;
  readonly size: number;
  /** What was there before a write to RAM; undefined for a device. */
  readonly before: number | undefined;
  /** What was read or written. */
  readonly value: number;
}

export interface CpuDebug {
  /** Nothing stops the CPU while this is false, as at first: whoever wants it to stop switches it on while the machine runs for him. */
  armed: boolean;
  /** Why the CPU has stopped, until it is taken. */
  readonly stop: DebugStop | undefined;
  /** An interrupt was taken at the present count: its moment, at which inputs enter, lies behind already. */
  readonly midway: boolean;
  /** Takes the reason of the stop, so that the machine can go on. */
  takeStop(): DebugStop | undefined;
  /** A breakpoint at the instruction where the CPU stands is not hit when it goes on from here; to be called when it is about to. */
  pass(): void;
  /** Returns false if it was there already. */
  addBreakpoint(address: number): boolean;
  removeBreakpoint(address: number): void;
  /** While this is so, there is a breakpoint at every instruction. */
  stopEverywhere(everywhere: boolean): void;
  addWatchpoint(watchpoint: Watchpoint): void;
  removeWatchpoint(watchpoint: Watchpoint): void;
  /** Removes all breakpoints and watchpoints, the one everywhere included. */
  clear(): void;
  /** Whether there is a watchpoint, armed or not. */
  watching(): boolean;
  /** Whether the CPU may stop: it is armed, and there is a breakpoint or a watchpoint. */
  active(): boolean;

  /** Where a virtual address leads at present, without faults and whatever the permissions; undefined where nothing is mapped. */
  translate(address: number): number | undefined;
  /** Bytes of RAM, up to the first one that is not RAM: a device would notice that it is read. */
  read(space: Space, address: number, length: number): Uint8Array;
  /** Writes RAM likewise. Returns how many bytes were written. This the guest can see. */
  write(space: Space, address: number, bytes: Uint8Array): number;
  /** To be called when registers were changed from outside. */
  stateChanged(): void;
  /** Address of the next instruction, between instructions. */
  pc(): number;
  /** The instruction at a virtual address as text, in the instruction set that the CPU is in; undefined where there is no RAM. */
  disassemble(address: number): string | undefined;
}
