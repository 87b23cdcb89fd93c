/** The library: a recording that is opened, gone through in both directions, and asked questions. */
import type { DebugStop, Space, Watchpoint } from '../bus/debug.ts';
import { Arm926 } from '../cpu/arm/cpu.ts';
import { countAt } from '../debug/count-at.ts';
import type { DiskAccess, Frame, SerialByte } from '../debug/find.ts';
import { type FrameFilter, parseFrameFilter } from '../debug/frame-filter.ts';
import type { Write } from '../debug/last-write.ts';
import { Names } from '../debug/names.ts';
import { reverseContinue, runArmed } from '../debug/reverse.ts';
import type { TraceEntry } from '../debug/trace.ts';
import type { Moment } from '../debug/witnessed.ts';
import { assert, RepriseError } from '../errors/errors.ts';
import { armDescription } from '../gdb/arm.ts';
import { type Register, registersOf } from '../gdb/registers.ts';
import { readInput } from '../host/node/files.ts';
import type { DriveSpec } from '../options/drives.ts';
import { type Icount, icount, type Nanoseconds, ns } from '../time/units.ts';
import { Inquiry } from './inquiry.ts';
import { type OpenedReplay, openReplay } from './open-replay.ts';
import type { AnswerTo, Question } from './questions.ts';

export interface ReplayOptions {
  /** An ELF file or a System.map, for names of addresses. */
  readonly symbols?: string;
  /** Files that the recording does not contain. */
  readonly files?: { readonly kernel?: string; readonly initrd?: string; readonly dtb?: string; readonly bios?: string };
  /** The image of the memory card, where the recording does not contain it; it is not written to. */
  readonly disk?: string;
  /** Bytes for the checkpoints that are used to go back (default 512 MiB). */
  readonly checkpointMemory?: number;
  /**
   * Workers that iterations may use (default 1: none). With more, an iteration over a recording with stored checkpoints, or
   * a long trace, is done by workers side by side, and this replay stays where it is.
   */
  readonly jobs?: number;
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
  private readonly inquiry: Inquiry;
  private readonly registersByName: ReadonlyMap<string, Register>;

  private constructor(opened: OpenedReplay, names: Names | undefined, jobs: number) {
    const { cpu } = opened.session.machine;
    assert(cpu instanceof Arm926, 'every machine has this processor');
    this.opened = opened;
    this.inquiry = new Inquiry(opened, jobs);
    this.symbols = names;
    this.start = opened.time.start;
    this.end = opened.time.end;
    this.registersByName = new Map(registersOf(armDescription(cpu)).map((register) => [register.name, register]));
  }

  /** Opens a recording; the replay stands at its start. @throws RepriseError when the file, or one that it needs, cannot be used */
  static async open(path: string, { symbols, disk, jobs = 1, ...options }: ReplayOptions = {}): Promise<Replay> {
    if (!Number.isInteger(jobs) || jobs < 1) throw new RepriseError('BAD_VALUE', `${jobs} is not a number of workers`);
    const names = symbols === undefined ? undefined : new Names(readInput(symbols, 'symbols'));
    return new Replay(await openReplay(path, { ...options, drives: disk === undefined ? [] : [cardAt(disk)] }), names, jobs);
  }

  /** Lets go of the recording. */
  close(): Promise<void> {
    this.inquiry.close();
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
    this.inquiry.interrupt();
  }

  /** The writes to memory, the last one before `before` (by default the end) first. The replay may be moved between two of them. @param length in bytes */
  writes(
    address: number,
    length: number,
    { space = 'virtual', before = this.end }: { space?: Space; before?: number } = {},
  ): AsyncGenerator<Write, void> {
    return this.all({ kind: 'writes', stretch: { space, address, length } }, { to: before });
  }

  /** Every execution of the instruction at a virtual address. The replay stands before each. */
  executions(address: number, range: Range = {}): AsyncGenerator<Moment, void> {
    return this.all({ kind: 'executions', address }, range);
  }

  /** Every instruction, and what it changed. The replay stands behind each. */
  trace(range: Range): AsyncGenerator<TraceEntry, void> {
    return this.all({ kind: 'trace' }, range);
  }

  /** What the guest sends on a serial port. The replay may be moved between two bytes. */
  serial(port = 0, range: Range = {}): AsyncGenerator<SerialByte, void> {
    return this.all({ kind: 'serial', port }, range);
  }

  /** Frames that the guest sends or gets. The replay may be moved between two of them. @param filter see `parseFrameFilter` @throws RepriseError BAD_VALUE of the filter */
  frames(filter: string | FrameFilter = () => true, range: Range = {}): AsyncGenerator<Frame, void> {
    if (typeof filter === 'string') parseFrameFilter(filter);
    const found = this.all({ kind: 'frames', filter: typeof filter === 'string' ? filter : undefined }, range);
    return typeof filter === 'string' ? found : matching(found, ({ bytes }) => filter(bytes));
  }

  /** Requests of the guest to its disks, as they are done. The replay may be moved between two of them. */
  diskRequests(range: Range = {}): AsyncGenerator<DiskAccess, void> {
    return this.all({ kind: 'disk-requests' }, range);
  }

  private all<Q extends Question>(question: Q, { from = this.start, to = this.end }: Range): AsyncGenerator<AnswerTo<Q>, void> {
    return this.inquiry.answers(question, this.inside(from), this.inside(to));
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

  private inside(count: number): Icount {
    if (!Number.isInteger(count) || count < this.start || count > this.end)
      throw new RepriseError('BAD_VALUE', `${count} is not an instruction count from ${this.start} to ${this.end}`);
    return icount(count);
  }
}

async function* matching<T>(items: AsyncIterable<T>, matches: (item: T) => boolean): AsyncGenerator<T, void> {
  for await (const item of items) if (matches(item)) yield item;
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
