/** What the remote serial protocol needs of a machine, whatever its CPU and whether it runs live or is replayed. */
import type { Space, Watchpoint } from '../bus/debug.ts';
import type { CpuDescription, Register } from './registers.ts';

export type Direction = 'forward' | 'backward';

/** Why a resumed machine stands again. */
export type StopReason =
  /** A step is done. */
  | { readonly kind: 'step' }
  | { readonly kind: 'breakpoint' }
  /** At `address`; the access has happened, or going backwards has been taken back. */
  | { readonly kind: 'watchpoint'; readonly watchpoint: Watchpoint; readonly address: number }
  | { readonly kind: 'interrupted' }
  /** There is nothing before, or nothing behind. */
  | { readonly kind: 'history-begin' }
  | { readonly kind: 'history-end' }
  /** The machine is gone. */
  | { readonly kind: 'exited' };

export interface DebugTarget {
  readonly cpu: CpuDescription;
  /** Whether it can be resumed backwards. */
  readonly canReverse: boolean;
  /** Holds the machine for a debugger that has come. */
  attach(): Promise<void>;
  /** The debugger has gone: forgets its breakpoints and watchpoints, lets the machine go on. */
  detach(): Promise<void>;
  /** Ends the session. */
  kill(): void;
  /** What of these bytes can be read, up to the first that cannot. */
  read(space: Space, address: number, length: number): Uint8Array;
  /** Returns how many bytes were written. @throws RepriseError REPLAY_READ_ONLY */
  write(space: Space, address: number, bytes: Uint8Array): number;
  /** @throws RepriseError REPLAY_READ_ONLY */
  writeRegister(register: Register, value: bigint): void;
  addBreakpoint(address: number): void;
  removeBreakpoint(address: number): void;
  addWatchpoint(watchpoint: Watchpoint): void;
  removeWatchpoint(watchpoint: Watchpoint): void;
  /** Goes on by one instruction, or until something happens. @throws RepriseError */
  resume(direction: Direction, how: 'step' | 'continue'): Promise<StopReason>;
  /** Makes a machine that was resumed stop soon. */
  interrupt(): void;
  /** Does a command of the human monitor. Returns what it prints. */
  monitor(command: string): Promise<string>;
}
