/**
 * Breakpoints and watchpoints of the ARM926EJ-S's interpreter. They cost nothing while there are none:
 * - An instruction that may have a breakpoint is never kept decoded. Decoding comes before the condition is looked at, so
 *   that a breakpoint stops at an instruction whose condition fails, too. Code is kept by physical page and breakpoints
 *   are virtual; so all places with the same offset in their page are decoded each time, and the address is compared then.
 * - A page with a watchpoint is never entered into the translation cache, so that each access to it takes the slow path.
 */
import type { AddressSpace } from '../../bus/address-space.ts';
import type { Access, CpuDebug, DebugStop, Space, Watchpoint } from '../../bus/debug.ts';
import type { AccessSize } from '../../bus/device.ts';
import { type GuestMemory, PAGE_BYTES, RAM_BASE } from '../../bus/memory.ts';
import { assert } from '../../errors/errors.ts';
import type { Arm926 } from './cpu.ts';
import { DebugMemory } from './debug-memory.ts';
import { disassembleArm, disassembleThumb } from './isa/disassemble.ts';

/** Thrown out of an instruction that has not begun. One object, so that no stack is captured. */
export const BREAKPOINT = Object.freeze({ debug: 'breakpoint' });

const IN_PAGE = PAGE_BYTES - 1;
const SPAN = 2 ** 32;

/** Whether two stretches of addresses, which may wrap around at 4 GiB, have a byte in common. */
const overlap = (a: number, aLength: number, b: number, bLength: number): boolean => {
  const distance = (b - a + SPAN) % SPAN;
  return distance < aLength || SPAN - distance < bLength;
};

const same = (a: Watchpoint, b: Watchpoint): boolean => a.space === b.space && a.address === b.address && a.length === b.length && a.kind === b.kind;

export class ArmDebug implements CpuDebug {
  armed = false;
  private readonly cpu: Arm926;
  private readonly bus: AddressSpace;
  private readonly memory: DebugMemory;
  private readonly breakpoints = new Set<number>();
  /** Offsets in their page of all breakpoints. */
  private readonly offsets = new Set<number>();
  private everywhere = false;
  private watchpoints: readonly Watchpoint[] = [];
  private pending: DebugStop | undefined;
  /** The count at which an interrupt was taken last. */
  private interruptedAt = -1;
  /** The instruction that is executed whether it has a breakpoint or not. */
  private passing: { readonly icount: number; readonly pc: number } | undefined;

  constructor(cpu: Arm926, memory: GuestMemory, bus: AddressSpace) {
    this.cpu = cpu;
    this.bus = bus;
    this.memory = new DebugMemory(cpu, memory, bus);
    Object.seal(this);
  }

  get stop(): DebugStop | undefined {
    return this.pending;
  }

  takeStop(): DebugStop | undefined {
    const stop = this.pending;
    this.pending = undefined;
    return stop;
  }

  /** The state was changed from outside: what was said of the moment does not hold any more. */
  forgetStop(): void {
    this.pending = undefined;
    this.passing = undefined;
    this.interruptedAt = -1;
  }

  interruptTaken(): void {
    this.interruptedAt = this.cpu.icount();
  }

  get midway(): boolean {
    return this.interruptedAt === this.cpu.icount();
  }

  pass(): void {
    this.passing = { icount: this.cpu.icount(), pc: this.pc() };
  }

  addBreakpoint(address: number): boolean {
    if (this.breakpoints.has(address >>> 0)) return false;
    this.breakpoints.add(address >>> 0);
    this.offsets.add(address & IN_PAGE);
    this.cpu.forgetCode(address & IN_PAGE);
    return true;
  }

  removeBreakpoint(address: number): void {
    if (!this.breakpoints.delete(address >>> 0)) return;
    this.offsets.clear();
    for (const other of this.breakpoints) this.offsets.add(other & IN_PAGE);
  }

  stopEverywhere(everywhere: boolean): void {
    this.everywhere = everywhere;
    this.cpu.dropDerived();
  }

  addWatchpoint(watchpoint: Watchpoint): void {
    assert(watchpoint.length >= 1 && watchpoint.length <= SPAN, 'a watchpoint watches something');
    this.removeWatchpoint(watchpoint);
    this.watchpoints = [...this.watchpoints, watchpoint];
  }

  removeWatchpoint(watchpoint: Watchpoint): void {
    this.watchpoints = this.watchpoints.filter((other) => !same(other, watchpoint));
    this.cpu.mmu.flush();
  }

  clear(): void {
    this.breakpoints.clear();
    this.offsets.clear();
    this.everywhere = false;
    this.watchpoints = [];
    this.cpu.mmu.flush();
  }

  active(): boolean {
    return this.armed && (this.everywhere || this.breakpoints.size > 0 || this.watchpoints.length > 0);
  }

  /** Whether the instruction at this address is to be decoded each time. */
  decodesEachTime(address: number): boolean {
    return this.everywhere || this.offsets.has(address & IN_PAGE);
  }

  /** Called when the next instruction is the one at `address`, with R15 as while it executes. */
  stopsBefore(address: number): boolean {
    const pc = address >>> 0;
    if (!this.armed || !(this.everywhere || this.breakpoints.has(pc))) return false;
    const icount = this.cpu.icount();
    if (this.passing?.icount === icount && this.passing.pc === pc) return false;
    this.pending = { kind: 'breakpoint', icount, pc };
    return true;
  }

  watching(): boolean {
    return this.watchpoints.length > 0;
  }

  /** Whether an access of this kind to the 4 KiB around two addresses of the same byte may have to be told. */
  watches(access: Access, virtual: number, physical: number): boolean {
    return this.find(access, virtual & ~IN_PAGE, physical & ~IN_PAGE, PAGE_BYTES) !== undefined;
  }

  /** An access is done. Of an instruction's accesses the first that is watched counts. */
  accessed(access: Access, virtual: number, physical: number, size: AccessSize, before: number | undefined, value: number): void {
    if (!this.armed || this.pending !== undefined) return;
    const watchpoint = this.find(access, virtual, physical, size);
    if (watchpoint === undefined) return;
    const { cpu } = this;
    const mask = size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff;
    this.pending = {
      kind: 'watchpoint',
      watchpoint,
      icount: cpu.icount(),
      pc: (cpu.r[15] - (cpu.s.t ? 4 : 8)) >>> 0,
      access,
      address: virtual >>> 0,
      physical: physical >>> 0,
      size,
      before: before === undefined ? undefined : (before & mask) >>> 0,
      value: (value & mask) >>> 0,
    };
    cpu.endSlice();
  }

  private find(access: Access, virtual: number, physical: number, size: number): Watchpoint | undefined {
    return this.watchpoints.find(({ space, address, length, kind }) => {
      if (kind !== 'access' && kind !== access) return false;
      if (space === 'virtual') return overlap(address, length, virtual >>> 0, size);
      return overlap(this.firstAlias(address), length, this.firstAlias(physical), size);
    });
  }

  /** RAM has several physical addresses; this is the one in its first window. */
  private firstAlias(physical: number): number {
    const offset = this.bus.ramOffset(physical);
    return offset < 0 ? physical >>> 0 : this.bus.ramWindows[0].base + (offset - RAM_BASE);
  }

  stateChanged(): void {
    this.cpu.dropDerived();
  }

  pc(): number {
    return this.cpu.r[15] >>> 0;
  }

  translate(address: number): number | undefined {
    return this.memory.translate(address);
  }

  read(space: Space, address: number, length: number): Uint8Array {
    return this.memory.read(space, address, length);
  }

  write(space: Space, address: number, bytes: Uint8Array): number {
    return this.memory.write(space, address, bytes);
  }

  disassemble(address: number): string | undefined {
    const thumb = this.cpu.s.t !== 0;
    const size = thumb ? 2 : 4;
    const bytes = this.read('virtual', address, size);
    if (bytes.length < size) return undefined;
    const low = bytes[0] | (bytes[1] << 8);
    return thumb ? disassembleThumb(low, address) : disassembleArm(low | (bytes[2] << 16) | (bytes[3] << 24), address);
  }
}
