/** The library: a recording that is opened, gone through in both directions, and asked questions. */
import type { DebugStop, Space, Watchpoint } from '../bus/debug.ts';
import type { DriveSpec } from '../cli/options/drives.ts';
import { Arm926 } from '../cpu/arm/cpu.ts';
import { countAt } from '../debug/count-at.ts';
import { type Detector, detections, executions } from '../debug/find.ts';
import { type FrameFilter, parseFrameFilter } from '../debug/frame-filter.ts';
import { type Write, writesBackwards } from '../debug/last-write.ts';
import { Names } from '../debug/names.ts';
import { reverseContinue, runArmed } from '../debug/reverse.ts';
import { type TracedRegister, type TraceEntry, trace } from '../debug/trace.ts';
import type { Moment } from '../debug/witnessed.ts';
import { assert, RepriseError } from '../errors/errors.ts';
import { armDescription } from '../gdb/arm.ts';
import { type Register, registersOf } from '../gdb/registers.ts';
import { readInput } from '../host/node/files.ts';
import { type Icount, icount, type Nanoseconds, ns } from '../time/units.ts';
import { type OpenedReplay, openReplay } from './open-replay.ts';

export interface ReplayOptions {
  /** An ELF file or a System.map, for names of addresses. */
  readonly symbols?: string;
  /** Files that the recording does not contain. */
  readonly files?: { readonly kernel?: string; readonly initrd?: string; readonly dtb?: string; readonly bios?: string };
  /** The image of the memory card, where the recording does not contain it; it is not written to. */
  readonly disk?: string;
  /** Bytes for the checkpoints that are used to go back (default 512 MiB). */
  readonly checkpointMemory?: number;
}

/** A part of the run: instructions with a count in [from, to), by default all. */
export interface Range {
  readonly from?: number;
  readonly to?: number;
}

/** Where to stop. */
export interface StopRequest {
  /** Virtual addresses of instructions; the replay stops before them. */
  readonly breakpoints?: readonly number[];
  readonly watchpoints?: readonly Watchpoint[];
  /** Stops for which it is false are passed over. It is asked as the machine stands there: before a breakpoint's instruction, behind a watched access. */
  readonly when?: (stop: DebugStop) => boolean;
}

/** Why the replay stands: at a breakpoint or an access, at the count that was asked for, or at one end of the recording. */
export type Arrival = DebugStop | { readonly kind: 'limit' | 'end' | 'start' | 'interrupted' };

export interface SerialByte extends Moment {
  readonly byte: number;
}

export interface Frame extends Moment {
  /** As the guest sees it. */
  readonly direction: 'sent' | 'received';
  readonly bytes: Uint8Array;
}

export interface DiskAccess extends Moment {
  /** Name of the disk, such as `sd0`. */
  readonly device: string;
  readonly kind: 'read' | 'write' | 'discard' | 'flush';
  /** In bytes; 0 for a flush. */
  readonly offset: number;
  readonly length: number;
}

/**
 * A replay that stands between two instructions. One thing at a time: what is under way must be awaited, and the replay
 * must not be moved while one of the iterations goes on, unless it says so.
 */
export class Replay {
  /** The first and the last moment. */
  readonly start: Icount;
  readonly end: Icount;
  private readonly symbols: Names | undefined;
  private readonly opened: OpenedReplay;
  private readonly registersByName: ReadonlyMap<string, Register>;

  private constructor(opened: OpenedReplay, names: Names | undefined) {
    const { cpu } = opened.session.machine;
    assert(cpu instanceof Arm926, 'every machine has this processor');
    this.opened = opened;
    this.symbols = names;
    this.start = opened.time.start;
    this.end = opened.time.end;
    this.registersByName = new Map(registersOf(armDescription(cpu)).map((register) => [register.name, register]));
  }

  /** Opens a recording; the replay stands at its start. @throws RepriseError when the file, or one that it needs, cannot be used */
  static async open(path: string, { symbols, disk, ...options }: ReplayOptions = {}): Promise<Replay> {
    const names = symbols === undefined ? undefined : new Names(readInput(symbols, 'symbols'));
    return new Replay(await openReplay(path, { ...options, drives: disk === undefined ? [] : [cardAt(disk)] }), names);
  }

  /** Lets go of the recording. */
  close(): Promise<void> {
    return this.opened.close();
  }

  /** Of the file that `symbols` named. @throws RepriseError USAGE when there is none */
  get names(): Names {
    if (this.symbols === undefined) throw new RepriseError('USAGE', 'the replay was opened without symbols');
    return this.symbols;
  }

  /** Instructions executed so far. */
  get icount(): Icount {
    return this.opened.time.now();
  }

  /** Virtual time in nanoseconds. */
  get guestTime(): Nanoseconds {
    return this.opened.time.guestTime();
  }

  /** Goes to the moment before the instruction with that count. @throws RepriseError BAD_VALUE outside of the recording */
  seek(count: number): Promise<void> {
    return this.opened.time.seek(this.inside(count));
  }

  /** Goes to the first moment at that virtual time, in nanoseconds, or later. */
  async seekTime(guestTime: number): Promise<void> {
    await this.opened.time.seek(await countAt(this.opened.time, ns(guestTime)));
  }

  /** A register's unsigned value, by gdb's name: `r0` … `r12`, `sp`, `lr`, `pc`, `cpsr`, `d0` …, `c1_control` … @throws RepriseError BAD_VALUE when there is none of that name */
  register(name: string): bigint {
    const register = this.registersByName.get(name);
    if (register === undefined)
      throw new RepriseError('BAD_VALUE', `there is no register '${name}'; there are ${[...this.registersByName.keys()].join(', ')}`);
    return register.read();
  }

  /** Names of all registers. */
  registerNames(): string[] {
    return [...this.registersByName.keys()];
  }

  /** Bytes of RAM, up to the first one that is not RAM. */
  memory(address: number, length: number, space: Space = 'virtual'): Uint8Array {
    return this.opened.time.cpu.read(space, address, length);
  }

  /** The instruction at a virtual address as text; undefined where there is no RAM. */
  disassemble(address: number): string | undefined {
    return this.opened.time.cpu.disassemble(address);
  }

  /** Goes on to the next stop, to a count, or to the end. A breakpoint at the present instruction does not count. */
  async forward({ to, when = () => true, ...stops }: StopRequest & { readonly to?: number }): Promise<Arrival> {
    const { time } = this.opened;
    const limit = this.inside(to ?? this.end);
    return this.stopping(stops, async () => {
      for (;;) {
        time.cpu.pass();
        const stop = await runArmed(time, limit);
        if (stop.kind === 'limit' && to === undefined) return { kind: 'end' };
        if ((stop.kind !== 'breakpoint' && stop.kind !== 'watchpoint') || when(stop)) return stop;
      }
    });
  }

  /** Goes back to the last stop before the present moment, or to the start. It stands before the access of a watchpoint. */
  async backward({ when, ...stops }: StopRequest): Promise<Arrival> {
    return this.stopping(stops, async () => {
      const stop = await reverseContinue(this.opened.time, when);
      assert(stop.kind !== 'step', 'only steps end so');
      return stop;
    });
  }

  /** Makes what is under way come back soon: `forward` and `backward` with `interrupted`, iterations with their end. */
  interrupt(): void {
    this.opened.time.interrupt();
  }

  /** The writes to memory, the last one before `before` (by default the end) first. The replay may be moved between two of them. @param length in bytes */
  writes(
    address: number,
    length: number,
    { space = 'virtual', before = this.end }: { space?: Space; before?: number } = {},
  ): AsyncGenerator<Write, void> {
    return writesBackwards(this.opened.time, { space, address, length }, this.inside(before));
  }

  /** Every execution of the instruction at a virtual address. The replay stands before each. */
  executions(address: number, range: Range = {}): AsyncGenerator<Moment, void> {
    return executions(this.opened.time, address, ...this.bounds(range));
  }

  /** Every instruction, and what it changed. The replay stands behind each. */
  trace(range: Range): AsyncGenerator<TraceEntry, void> {
    const registers: TracedRegister[] = [...this.registersByName.values()].filter(({ name }) => name !== 'pc' && name !== 'icount');
    return trace(this.opened.time, registers, ...this.bounds(range));
  }

  /** What the guest sends on a serial port. The replay may be moved between two bytes. */
  serial(port = 0, range: Range = {}): AsyncGenerator<SerialByte, void> {
    return this.all(range, (happened) => ({
      serial(from, byte, at) {
        if (from === port) happened({ ...at, byte });
      },
    }));
  }

  /** Frames that the guest sends or gets. The replay may be moved between two of them. @param filter see `parseFrameFilter` @throws RepriseError BAD_VALUE of the filter */
  frames(filter: string | FrameFilter = () => true, range: Range = {}): AsyncGenerator<Frame, void> {
    const matches = typeof filter === 'string' ? parseFrameFilter(filter) : filter;
    return this.all(range, (happened) => ({
      frame(bytes, direction, at) {
        if (matches(bytes)) happened({ ...at, direction, bytes: bytes.slice() });
      },
    }));
  }

  /** Requests of the guest to its disks, as they are done. The replay may be moved between two of them. */
  diskRequests(range: Range = {}): AsyncGenerator<DiskAccess, void> {
    return this.all(range, (happened) => ({
      disk(device, request, at) {
        const [offset, length] =
          request.kind === 'flush' ? [0, 0] : [request.offset, request.kind === 'write' ? request.bytes.length : request.length];
        happened({ ...at, device, kind: request.kind, offset, length });
      },
    }));
  }

  private all<T>(range: Range, detector: Detector<T>): AsyncGenerator<T, void> {
    return detections(this.opened.time, detector, ...this.bounds(range));
  }

  private async stopping(
    { breakpoints = [], watchpoints = [] }: Pick<StopRequest, 'breakpoints' | 'watchpoints'>,
    run: () => Promise<Arrival>,
  ): Promise<Arrival> {
    const { cpu } = this.opened.time;
    for (const address of breakpoints) cpu.addBreakpoint(address);
    for (const watchpoint of watchpoints) cpu.addWatchpoint(watchpoint);
    try {
      return await run();
    } finally {
      cpu.clear();
    }
  }

  private bounds({ from = this.start, to = this.end }: Range): [Icount, Icount] {
    return [this.inside(from), this.inside(to)];
  }

  private inside(count: number): Icount {
    if (!Number.isInteger(count) || count < this.start || count > this.end)
      throw new RepriseError('BAD_VALUE', `${count} is not an instruction count from ${this.start} to ${this.end}`);
    return icount(count);
  }
}

const cardAt = (file: string): DriveSpec => ({
  id: 'sd0',
  file,
  format: undefined,
  readOnly: false,
  temporary: true,
  blkreplay: undefined,
  allowedBacking: [],
});
