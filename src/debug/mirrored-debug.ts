/** The debugger's side of two CPUs that stand for one: breakpoints and watchpoints are set in both, all else is asked of the one that counts. */
import type { CpuDebug, DebugStop, Space, Watchpoint } from '../bus/debug.ts';

export class MirroredDebug implements CpuDebug {
  private readonly breakpoints = new Set<number>();
  private watchpoints: Watchpoint[] = [];
  private readonly all: CpuDebug[] = [];
  private readonly current: () => CpuDebug;

  /** @param current the one that counts at present */
  constructor(current: () => CpuDebug) {
    this.current = current;
  }

  /** Takes one more CPU in. */
  join(debug: CpuDebug): void {
    this.all.push(debug);
    for (const address of this.breakpoints) debug.addBreakpoint(address);
    for (const watchpoint of this.watchpoints) debug.addWatchpoint(watchpoint);
  }

  get armed(): boolean {
    return this.current().armed;
  }
  set armed(armed: boolean) {
    for (const debug of this.all) debug.armed = armed;
  }
  get stop(): DebugStop | undefined {
    return this.current().stop;
  }
  get midway(): boolean {
    return this.current().midway;
  }
  takeStop(): DebugStop | undefined {
    return this.current().takeStop();
  }
  pass(): void {
    this.current().pass();
  }
  addBreakpoint(address: number): boolean {
    this.breakpoints.add(address);
    return this.all.map((debug) => debug.addBreakpoint(address)).some((added) => added);
  }
  removeBreakpoint(address: number): void {
    this.breakpoints.delete(address);
    for (const debug of this.all) debug.removeBreakpoint(address);
  }
  stopEverywhere(everywhere: boolean): void {
    for (const debug of this.all) debug.stopEverywhere(everywhere);
  }
  addWatchpoint(watchpoint: Watchpoint): void {
    this.watchpoints.push(watchpoint);
    for (const debug of this.all) debug.addWatchpoint(watchpoint);
  }
  removeWatchpoint(watchpoint: Watchpoint): void {
    this.watchpoints = this.watchpoints.filter((other) => JSON.stringify(other) !== JSON.stringify(watchpoint));
    for (const debug of this.all) debug.removeWatchpoint(watchpoint);
  }
  clear(): void {
    this.breakpoints.clear();
    this.watchpoints = [];
    for (const debug of this.all) debug.clear();
  }
  watching(): boolean {
    return this.watchpoints.length > 0;
  }
  active(): boolean {
    return this.current().active();
  }
  translate(address: number): number | undefined {
    return this.current().translate(address);
  }
  read(space: Space, address: number, length: number): Uint8Array {
    return this.current().read(space, address, length);
  }
  write(space: Space, address: number, bytes: Uint8Array): number {
    return this.current().write(space, address, bytes);
  }
  stateChanged(): void {
    this.current().stateChanged();
  }
  pc(): number {
    return this.current().pc();
  }
  disassemble(address: number): string | undefined {
    return this.current().disassemble(address);
  }
}
