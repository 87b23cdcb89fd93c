/**
 * What a live run and a replay have in common as seen by monitors and debuggers: the machine is held and let go, tasks
 * are done between two instructions, and listeners are told what happens.
 */
import type { Machine } from '../boards/machine.ts';
import type { DebugStop } from '../bus/debug.ts';
import { RepriseError } from '../errors/errors.ts';
import type { HostClock } from '../host/host.ts';
import type { Position } from '../replay/model.ts';
import { type Icount, LIMIT, type Nanoseconds, icount as toIcount } from '../time/units.ts';
import type { Bell } from './bell.ts';
import type { PersonInput, ReplayControl, RunState, SessionControl, SessionEvent, SessionMode, SnapshotControl, Surroundings } from './control.ts';

/** What somebody waits for, to be done between two instructions. */
interface Task {
  run(): Promise<void>;
  giveUp(error: RepriseError): void;
}

/** Why a run that a debugger let go on stands again. */
export type RunStop =
  | DebugStop
  /** The count that was asked for is reached; nothing has happened at it yet. */
  | { readonly kind: 'limit' }
  /** There is no more. */
  | { readonly kind: 'end' }
  | { readonly kind: 'interrupted' };

/** How far a debugger lets the run go on. */
interface Errand {
  readonly limit: Icount;
  done(stop: RunStop): void;
}

export interface ControlledOptions {
  readonly machine: Machine;
  readonly clock: HostClock;
  /** The machine stands until someone says `cont` (QEMU's -S). */
  readonly startHeld?: boolean | undefined;
  readonly surroundings?: Surroundings | undefined;
  /** Name of the recording's file, for people. */
  readonly recordingName?: string | undefined;
}

const NO_SURROUNDINGS: Surroundings = { disks: [], network: [], characterDevices: [] };

export abstract class ControlledRun implements SessionControl {
  readonly machine: Machine;
  readonly surroundings: Surroundings;
  readonly recordingName: string | undefined;
  abstract readonly mode: SessionMode;
  abstract readonly snapshots: SnapshotControl;
  abstract readonly replay: ReplayControl | undefined;
  protected readonly clock: HostClock;
  /** Rings when the loop has something to look at. */
  protected abstract readonly bell: Bell;
  private state: RunState;
  private readonly tasks: Task[] = [];
  private readonly listeners = new Set<(event: SessionEvent) => void>();
  private over = false;
  private errand: Errand | undefined;
  /** An interruption that came while no errand was under way. */
  private interrupted = false;

  protected constructor({ machine, clock, startHeld = false, surroundings = NO_SURROUNDINGS, recordingName }: ControlledOptions) {
    this.machine = machine;
    this.clock = clock;
    this.surroundings = surroundings;
    this.recordingName = recordingName;
    this.state = startHeld ? 'prelaunch' : 'running';
  }

  abstract quit(): void;
  abstract input(input: PersonInput, after?: Nanoseconds): void;

  runState(): RunState {
    return this.state;
  }

  position(): Position {
    return { icount: this.machine.icount(), bias: this.machine.clock.state.fields.bias };
  }

  now(): Nanoseconds {
    return this.machine.now();
  }

  stop(): Promise<void> {
    return this.between(() => this.hold('paused'));
  }

  cont(): Promise<void> {
    return this.between(() => this.release());
  }

  between<T>(task: () => T | Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const giveUp = reject;
      if (this.over) return giveUp(ended());
      this.tasks.push({
        giveUp,
        run: async () => {
          try {
            resolve(await task());
          } catch (error) {
            reject(error);
          }
        },
      });
      this.bell.ring();
      this.taskArrived();
    });
  }

  /**
   * For debuggers: lets a run that stands go on until instruction count `limit`, a stop of the CPU's debugger, which it
   * takes, its end, or `interrupt`; then it stands again. Whoever holds the run meanwhile interrupts it, too.
   */
  runForward(limit: Icount): Promise<RunStop> {
    return new Promise((resolve) => {
      if (this.over) return resolve({ kind: 'end' });
      if (this.interrupted) {
        this.interrupted = false;
        return resolve({ kind: 'interrupted' });
      }
      this.errand?.done({ kind: 'interrupted' });
      this.errand = { limit, done: resolve };
      const long = limit >= LIMIT;
      if (this.isHeld()) {
        this.state = 'running';
        this.released();
        if (long) this.tell({ kind: 'resume' });
      }
      this.bell.ring();
    });
  }

  /** Makes a `runForward` that is under way come back soon; one that has not begun comes back at once. */
  interrupt(): void {
    if (this.errand === undefined) this.interrupted = true;
    else this.between(() => this.completeErrand({ kind: 'interrupted' })).catch(() => {});
  }

  onEvent(listener: (event: SessionEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** A task waits: the loop should come to a point between two instructions soon. */
  protected taskArrived(): void {}

  /** The machine begins to stand, or goes on. */
  protected released(): void {}

  protected isHeld(): boolean {
    return this.state !== 'running';
  }

  protected hasTasks(): boolean {
    return this.tasks.length > 0;
  }

  protected hold(state: Exclude<RunState, 'running'>): void {
    const ran = this.state === 'running';
    this.state = state;
    if (ran) this.tell({ kind: 'stop' });
    this.finishErrand({ kind: 'interrupted' });
  }

  /** Where a debugger wants the run to stand again, at the latest. */
  protected errandLimit(): Icount {
    return this.errand?.limit ?? toIcount(Number.MAX_SAFE_INTEGER);
  }

  protected onErrand(): boolean {
    return this.errand !== undefined;
  }

  /** What a debugger waited for has come. Steps of it are no news to anybody else. */
  protected completeErrand(stop: RunStop): void {
    if (this.errand === undefined) return;
    const long = this.errand.limit >= LIMIT;
    this.state = 'debug';
    if (long) this.tell({ kind: 'stop' });
    this.finishErrand(stop);
  }

  private finishErrand(stop: RunStop): void {
    const { errand } = this;
    this.errand = undefined;
    errand?.done(stop);
  }

  protected release(): void {
    if (!this.isHeld()) return;
    this.state = 'running';
    this.released();
    this.tell({ kind: 'resume' });
  }

  /** The state while a task that takes long is under way; then the one from before. */
  protected async during<T>(state: 'save-vm' | 'restore-vm', task: () => Promise<T>): Promise<T> {
    const before = this.state;
    this.state = state;
    try {
      return await task();
    } finally {
      this.state = before;
    }
  }

  protected tell(event: SessionEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  /** Between two instructions: does what was asked for, in order. */
  protected async doTasks(): Promise<void> {
    for (let task = this.tasks.shift(); task !== undefined; task = this.tasks.shift()) await task.run();
  }

  /** The run is over: whoever still waits is told. */
  protected finish(event: Extract<SessionEvent, { kind: 'shutdown' }>): void {
    this.over = true;
    this.state = 'shutdown';
    this.tell(event);
    this.finishErrand({ kind: 'end' });
    for (const task of this.tasks.splice(0)) task.giveUp(ended());
  }
}

const ended = (): RepriseError => new RepriseError('RUN_ENDED', 'the run has ended');
