/** A run as a debugger's target. */
import type { Space, Watchpoint } from '../bus/debug.ts';
import { type ReverseStop, reverseContinue, reverseStep, runArmed } from '../debug/reverse.ts';
import type { Runner, RunStop, TimeMachine } from '../debug/time-machine.ts';
import { icount, LIMIT } from '../time/units.ts';
import type { CpuDescription, Register } from './registers.ts';
import type { DebugTarget, Direction, StopReason } from './target.ts';

/** What the session that owns the machine does for its debugger. */
export interface TargetOwner {
  attach(): Promise<void>;
  detach(): Promise<void>;
  kill(): void;
  /** @throws RepriseError REPLAY_READ_ONLY while the guest must not be changed */
  beforeWrite(): void;
  /** These bytes of memory were written, as far as they are RAM. */
  wroteMemory(space: Space, address: number, bytes: Uint8Array): void;
  /** Registers may have been written. */
  wroteRegisters(): void;
  monitor(command: string): Promise<string>;
}

export class MachineTarget implements DebugTarget {
  private readonly describe: () => CpuDescription;
  private forward: Runner;
  private history: TimeMachine | undefined;
  private readonly owner: TargetOwner;
  private interrupting = false;

  /**
   * @param describe the CPU of the machine that stands for the present moment
   * @param history the same run, if it can be gone through backwards
   */
  constructor(describe: () => CpuDescription, forward: Runner, history: TimeMachine | undefined, owner: TargetOwner) {
    this.describe = describe;
    this.forward = forward;
    this.history = history;
    this.owner = owner;
  }

  /** The machine goes on in another run. */
  follow(forward: Runner, history: TimeMachine | undefined): void {
    this.forward = forward;
    this.history = history;
  }

  get cpu(): CpuDescription {
    return this.describe();
  }

  get canReverse(): boolean {
    return this.history !== undefined;
  }

  attach(): Promise<void> {
    return this.owner.attach();
  }

  detach(): Promise<void> {
    this.forward.cpu.clear();
    return this.owner.detach();
  }

  kill(): void {
    this.owner.kill();
  }

  read(space: Space, address: number, length: number): Uint8Array {
    return this.forward.cpu.read(space, address, length);
  }

  write(space: Space, address: number, bytes: Uint8Array): number {
    this.owner.beforeWrite();
    const written = this.forward.cpu.write(space, address, bytes);
    this.owner.wroteMemory(space, address, bytes.subarray(0, written));
    return written;
  }

  writeRegister(register: Register, value: bigint): void {
    this.owner.beforeWrite();
    register.write?.(value);
    this.forward.cpu.stateChanged();
    this.owner.wroteRegisters();
  }

  addBreakpoint(address: number): void {
    this.forward.cpu.addBreakpoint(address);
  }

  removeBreakpoint(address: number): void {
    this.forward.cpu.removeBreakpoint(address);
  }

  addWatchpoint(watchpoint: Watchpoint): void {
    this.forward.cpu.addWatchpoint(watchpoint);
  }

  removeWatchpoint(watchpoint: Watchpoint): void {
    this.forward.cpu.removeWatchpoint(watchpoint);
  }

  async resume(direction: Direction, how: 'step' | 'continue'): Promise<StopReason> {
    this.interrupting = false;
    const reason = await this.go(direction, how);
    // An interrupt that came too late must not stop the next run.
    if (this.interrupting && reason.kind !== 'interrupted') await this.forward.runForward(this.forward.now());
    return reason;
  }

  private async go(direction: Direction, how: 'step' | 'continue'): Promise<StopReason> {
    const { forward, history } = this;
    if (direction === 'backward' && history !== undefined)
      return this.reason(await (how === 'step' ? reverseStep(history) : reverseContinue(history)));
    forward.cpu.pass();
    return this.reason(await runArmed(forward, icount(how === 'step' ? forward.now() + 1 : LIMIT)));
  }

  private reason(stop: RunStop | ReverseStop): StopReason {
    switch (stop.kind) {
      case 'limit':
        return { kind: 'step' };
      case 'start':
        return { kind: 'history-begin' };
      case 'end':
        return { kind: this.history === undefined ? 'exited' : 'history-end' };
      case 'watchpoint':
        return { kind: 'watchpoint', watchpoint: stop.watchpoint, address: watchedAddress(stop.watchpoint, stop.address) };
      case 'breakpoint':
      case 'step':
      case 'interrupted':
        return { kind: stop.kind };
    }
  }

  interrupt(): void {
    this.interrupting = true;
    this.forward.interrupt();
  }
  monitor(command: string): Promise<string> {
    return this.owner.monitor(command);
  }
}

/** A debugger knows its watchpoints by their addresses: the first byte of the access that is watched. */
const watchedAddress = ({ space, address }: Watchpoint, accessed: number): number => (space === 'physical' ? address : Math.max(address, accessed));
