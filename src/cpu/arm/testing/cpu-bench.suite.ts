/**
 * An ARM926EJ-S with nothing but RAM, at 0 and again at 0x80000000, and a probe device at 0x10000000. Tests put code and
 * registers into it, run it, and look at what came out.
 */
import { AddressSpace } from '../../../bus/address-space.ts';
import { type AccessSize, Device, type GuestLog, type Line } from '../../../bus/device.ts';
import { GuestMemory } from '../../../bus/memory.ts';
import { f64, u32 } from '../../../state/fields.ts';
import { defineState } from '../../../state/layout.ts';
import { Scheduler } from '../../../time/scheduler.ts';
import { type Nanoseconds, NEVER, ns } from '../../../time/units.ts';
import { VirtualClock } from '../../../time/virtual-clock.ts';
import { Arm926 } from '../cpu.ts';
import type { JitOptions } from '../jit/arm-jit.ts';
import { MODE, readCpsr, switchMode, writeCpsr } from '../psr.ts';
import { BANK } from '../state.ts';
import { armWord, thumbHalf } from './assembler.suite.ts';

/** The second window of RAM. */
export const ALIAS = 0x80000000;
export const PROBE = 0x10000000;
/** Offsets in the probe. Anything else reads its own offset, and keeps nothing. */
export const PROBE_NOW = 0x0;
export const PROBE_LINES = 0x4;
export const PROBE_ALARM = 0x8;
/** The order of accesses can be seen here: reads count up. */
export const PROBE_COUNT = 0xc;
/** LINES once more, in the last word of the page. */
export const PROBE_LAST = 0xffc;

const probeState = defineState('probe', 1, {
  lines: u32(0, 'bit 0 nIRQ, bit 1 nFIQ'),
  alarm: f64<Nanoseconds>(NEVER, 'when nIRQ is asserted'),
  count: u32(0, 'reads of COUNT so far'),
});

/** Tells the time, drives the interrupt lines when it is told to (LINES) or some time after that (ALARM). */
class Probe extends Device<typeof probeState.schema, object, { readonly irq: Line; readonly fiq: Line; readonly now: () => Nanoseconds }> {
  constructor(irq: Line, fiq: Line, now: () => Nanoseconds) {
    super('probe', probeState, {}, { irq, fiq, now });
  }
  read(offset: number, _size: AccessSize): number {
    if (offset === PROBE_NOW) return this.wiring.now() >>> 0;
    if (offset === PROBE_LINES) return this.s.lines;
    if (offset === PROBE_COUNT) return ++this.s.count;
    return offset;
  }
  write(offset: number, _size: AccessSize, value: number): void {
    if (offset === PROBE_LINES || offset === PROBE_LAST) {
      this.s.lines = value & 3;
      this.sync();
    }
    if (offset === PROBE_ALARM) this.s.alarm = ns(this.wiring.now() + 1 + (value & 0xff));
  }
  override evaluate(now: Nanoseconds): void {
    if (now < this.s.alarm) return;
    this.s.alarm = NEVER;
    this.s.lines |= 1;
    this.sync();
  }
  override nextWakeup(): Nanoseconds {
    return this.s.alarm;
  }
  private sync(): void {
    this.wiring.irq.set((this.s.lines & 1) !== 0);
    this.wiring.fiq.set((this.s.lines & 2) !== 0);
  }
}

/** Compiles each instruction by itself, the first time that it is executed. */
export const EACH_INSTRUCTION: JitOptions = Object.freeze({ hot: 1, urgent: 2, batch: 1, maxInstructions: 1, unexecuted: true, maxBytes: 1 << 20 });
/** Compiles regions as they come up, executed or not. */
export const EAGERLY: JitOptions = Object.freeze({ hot: 1, urgent: 2, batch: 1, maxInstructions: 100, unexecuted: true, maxBytes: 1 << 20 });
/** Compiles what was executed a few times. */
export const SOON: JitOptions = Object.freeze({ hot: 3, urgent: 9, batch: 4, maxInstructions: 60, unexecuted: false, maxBytes: 1 << 20 });

/** The tier of benches that ask for none: `CPU_TIER=each`, `eager` or `soon` has all tests of the CPU run compiled code. */
const DEFAULT_TIER = { each: EACH_INSTRUCTION, eager: EAGERLY, soon: SOON, interp: undefined }[process.env.CPU_TIER ?? 'interp'];

export type Mode = keyof typeof MODE;

export class CpuBench {
  readonly memory: GuestMemory;
  readonly cpu: Arm926;
  readonly probe: Probe;
  /** What the guest log was told. */
  readonly messages: string[] = [];
  readonly clock: VirtualClock;
  private readonly scheduler: Scheduler;

  /** @param jit what is compiled when; undefined for the interpreter alone */
  constructor(ramBytes = 0x100000, jit: JitOptions | undefined = DEFAULT_TIER) {
    this.memory = new GuestMemory(ramBytes);
    this.clock = new VirtualClock({ icount: () => this.cpu.icount() }, 0);
    const line = (pick: () => Line): Line => ({ set: (level) => pick().set(level) });
    this.probe = new Probe(
      line(() => this.cpu.irq),
      line(() => this.cpu.fiq),
      () => this.clock.now(),
    );
    const log: GuestLog = {
      guestError: (device, what) => void this.messages.push(`${device}: ${what}`),
      unmodelled: (device, what) => void this.messages.push(`${device}: ${what} (not modelled)`),
    };
    this.scheduler = new Scheduler([this.probe], { end: () => this.cpu.endSlice() });
    const windows = [
      { base: 0, bytes: ramBytes },
      { base: ALIAS, bytes: ramBytes },
    ];
    const bus = new AddressSpace(this.clock, this.scheduler, log, windows, [{ base: PROBE, bytes: 0x1000, device: this.probe }]);
    this.cpu = new Arm926(this.memory, bus, jit);
    this.cpu.debug.armed = true;
  }

  /** Puts ARM instructions, or data words, into RAM. */
  words(address: number, ...words: number[]): this {
    words.forEach((word, n) => {
      this.memory.ram[address + 4 * n] = word;
      this.memory.ram[address + 4 * n + 1] = word >>> 8;
      this.memory.ram[address + 4 * n + 2] = word >>> 16;
      this.memory.ram[address + 4 * n + 3] = word >>> 24;
    });
    this.cpu.dropDerived();
    return this;
  }

  /** Puts Thumb instructions into RAM. */
  halves(address: number, ...halves: number[]): this {
    halves.forEach((half, n) => {
      this.memory.ram[address + 2 * n] = half;
      this.memory.ram[address + 2 * n + 1] = half >>> 8;
    });
    this.cpu.dropDerived();
    return this;
  }

  /** Puts an ARM program into RAM, in the spelling of the disassembler. */
  arm(address: number, ...lines: string[]): this {
    return this.words(address, ...lines.map((line, n) => armWord(line, address + 4 * n)));
  }

  /** Puts a Thumb program into RAM. */
  thumb(address: number, ...lines: string[]): this {
    return this.halves(address, ...lines.map((line, n) => thumbHalf(line, address + 2 * n)));
  }

  word(address: number): number {
    const { ram } = this.memory;
    return (ram[address] | (ram[address + 1] << 8) | (ram[address + 2] << 16) | (ram[address + 3] << 24)) >>> 0;
  }

  /** R0 to R15 of the current mode, unsigned. */
  r(n: number): number {
    return this.cpu.r[n] >>> 0;
  }
  get pc(): number {
    return this.r(15);
  }
  /** Goes on at `address`, in Thumb state if bit 0 is set. */
  set pc(address: number) {
    this.cpu.s.t = address & 1;
    this.cpu.r[15] = address & ~1;
  }
  set(registers: Readonly<Record<number, number>>): this {
    for (const [n, value] of Object.entries(registers)) this.cpu.r[Number(n)] = value;
    return this;
  }
  get cpsr(): number {
    return readCpsr(this.cpu);
  }
  set cpsr(value: number) {
    writeCpsr(this.cpu, value);
  }
  /** N, Z, C, V and Q as a number: bits 31:27 of the CPSR. */
  get flags(): number {
    return this.cpsr >>> 27;
  }
  get mode(): Mode {
    return (Object.keys(MODE) as Mode[]).find((name) => MODE[name] === this.cpu.s.mode)!;
  }
  set mode(mode: Mode) {
    switchMode(this.cpu, MODE[mode]);
  }
  spsr(mode: keyof typeof BANK): number {
    return this.cpu.s.spsr[BANK[mode]];
  }

  /** Executes `n` instructions, or fewer if the CPU halts or the probe's alarm is set. The alarm itself does not come. */
  run(n: number): number {
    this.scheduler.plan();
    return this.cpu.run(n);
  }

  /** Executes ARM instructions at 0x8000, one after the other as long as none branches. */
  execute(...lines: string[]): this {
    this.arm(0x8000, ...lines);
    this.pc = 0x8000;
    this.run(lines.length);
    return this;
  }

  /** Executes Thumb instructions at 0x8000. */
  executeThumb(...lines: string[]): this {
    this.thumb(0x8000, ...lines);
    this.pc = 0x8001;
    this.run(lines.length);
    return this;
  }

  /**
   * Runs up to `limit` instructions since power-on as a machine does: in slices that end where the probe wakes up. While
   * the CPU waits, time passes; returns false if nothing will ever end the wait. A breakpoint or watchpoint ends it.
   */
  advance(limit: number, slice: number): boolean {
    while (this.cpu.icount() < limit) {
      this.scheduler.evaluate(this.clock.now());
      if (this.cpu.s.halted) {
        const wakeup = this.probe.nextWakeup();
        if (wakeup === NEVER) return false;
        this.clock.idleUntil(wakeup);
        continue;
      }
      const budget = Math.min(limit - this.cpu.icount(), slice, this.clock.instructionsUntil(this.scheduler.plan()));
      this.cpu.run(budget);
      if (this.cpu.debug.stop !== undefined) break;
    }
    return true;
  }

  /** Everything that a guest can ever see: two benches with equal snapshots are in the same state. */
  snapshot(): readonly [cpu: Uint8Array, probe: Uint8Array, clock: Uint8Array, ram: Uint8Array] {
    return [this.cpu.state.save(), this.probe.state.save(), this.clock.state.save(), this.memory.ram.slice()];
  }

  restore([cpu, probe, clock, ram]: ReturnType<CpuBench['snapshot']>): void {
    this.cpu.state.restore(cpu);
    this.probe.state.restore(probe);
    this.clock.state.restore(clock);
    this.memory.ram.set(ram);
    this.cpu.dropDerived();
  }

  /** What is different from another bench's snapshot: state fields by name, and the first RAM address. */
  differences([cpu, probe, clock, ram]: ReturnType<CpuBench['snapshot']>): string[] {
    const words = (bytes: Uint8Array): Int32Array => new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const [ours, theirs] = [words(this.memory.ram), words(ram)];
    let n = 0;
    while (n < ours.length && ours[n] === theirs[n]) n++;
    return [
      ...this.cpu.state.diff(cpu),
      ...this.probe.state.diff(probe).map((field) => `probe.${field}`),
      ...this.clock.state.diff(clock).map((field) => `clock.${field}`),
      ...(n === ours.length ? [] : [`RAM at 0x${(4 * n).toString(16)}`]),
    ];
  }
}
