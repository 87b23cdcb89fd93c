/** A replay with someone at the controls: a monitor, a debugger, or only a person who presses Ctrl-C. */
import { assert, RepriseError } from '../errors/errors.ts';
import type { Position } from '../replay/model.ts';
import { type Icount, type Nanoseconds, NEVER, icount as toIcount } from '../time/units.ts';
import { Bell } from './bell.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { ReplayControl, SnapshotControl } from './control.ts';
import { type ControlledOptions, ControlledRun } from './controlled-run.ts';
import type { ReplayRun, ReplayStop } from './replay-run.ts';
import { MachineSnapshots, noSnapshots, type SnapshotPlace } from './snapshots.ts';
import type { Witness } from './witness.ts';

/** Why a session is over. `forked`: its machine goes on in a live run. */
export type SessionStop = ReplayStop | 'forked';

/** A place in a run, by its count or by its virtual time. */
export type Moment = { readonly icount: Icount } | { readonly time: Nanoseconds };

export interface ReplaySessionOptions extends Omit<ControlledOptions, 'machine'> {
  readonly run: ReplayRun;
  readonly recordingId: string;
  /** The last moment of the recording. */
  readonly end: Position;
  readonly snapshots?: SnapshotPlace | undefined;
  /** Undefined: nobody can go back. */
  readonly checkpoints: Checkpoints | undefined;
  /** At its end the replay stands, for going back, until someone quits. */
  readonly stayAtEnd: boolean;
  /** Makes a live run of this one's machine; then this one is over. @throws RepriseError and the replay can go on */
  readonly fork?: ((path: string) => Promise<void>) | undefined;
  /** Stop here, and be done. */
  readonly to?: Moment | undefined;
}

export class ReplaySession extends ControlledRun {
  readonly mode = 'replay';
  readonly snapshots: SnapshotControl;
  readonly replay: ReplayControl;
  protected readonly bell = new Bell();
  private readonly options: ReplaySessionOptions;
  private readonly run: ReplayRun;
  private quitting = false;
  private forked = false;
  private breakpoint: Icount | undefined;
  /** What happens on the way to a moment is no news. */
  private seeking = false;

  constructor(options: ReplaySessionOptions) {
    super({ ...options, machine: options.run.machine });
    this.options = options;
    this.run = options.run;
    this.replay = {
      end: options.end,
      setBreakpoint: (icount) => this.setBreakpoint(icount),
      deleteBreakpoint: () => {
        this.breakpoint = undefined;
      },
      breakpoint: () => this.breakpoint,
      seek: (icount) => this.between(() => this.seek(icount)),
      fork: (path) => this.between(() => this.fork(path)),
    };
    this.snapshots = options.snapshots
      ? new MachineSnapshots(
          {
            machine: this.machine,
            position: () => this.position(),
            between: (state, task) => this.between(() => this.during(state, task)),
            settle: () => this.run.forwardOutput(),
            replayStates: this.run.states,
            recording: options.recordingId,
            mayLoad: () => {},
            loaded: () => this.run.moved(),
          },
          options.snapshots,
        )
      : noSnapshots('the recording cannot be written to, and there is no overlay: there is no place for a snapshot');
  }

  quit(): void {
    this.quitting = true;
    this.run.interrupt();
    this.bell.ring();
  }

  input(): never {
    throw new RepriseError('REPLAY_READ_ONLY', 'this is a replay: what the guest gets is what was recorded, and nothing else');
  }

  /** `-loadvm`: begins with a snapshot. To be called before `serve`. @throws RepriseError */
  async loadFirst(name: string): Promise<void> {
    const loaded = this.snapshots.load(name);
    await this.doTasks();
    await loaded;
  }

  /** Replays until the end, `to`, or someone quits. @throws RepriseError, DivergenceError among them */
  async serve(): Promise<SessionStop> {
    let stop: SessionStop;
    try {
      stop = await this.loop();
    } catch (error) {
      this.finish({ kind: 'shutdown', guest: false, reason: 'host-error' });
      throw error;
    }
    this.finish({ kind: 'shutdown', guest: false, reason: stop === 'interrupted' ? 'host-qmp-quit' : 'replay-end' });
    return stop;
  }

  protected override taskArrived(): void {
    this.run.interrupt();
  }

  private async loop(): Promise<SessionStop> {
    const { run, options } = this;
    for (;;) {
      await this.doTasks();
      if (this.quitting) return 'interrupted';
      if (this.forked) return 'forked';
      if (this.isHeld()) {
        const rung = this.bell.rung();
        if (!this.hasTasks()) await this.clock.wait(Number.POSITIVE_INFINITY, rung);
        continue;
      }
      const { icount, time } = { icount: Number.MAX_SAFE_INTEGER, time: NEVER, ...options.to };
      const stop = await run.run(toIcount(Math.min(this.breakpoint ?? Number.MAX_SAFE_INTEGER, icount, this.errandLimit())), time);
      if (stop === 'interrupted') continue;
      if (stop === 'debug') this.completeErrand(this.machine.cpu.debug.takeStop() ?? { kind: 'interrupted' });
      else if (stop === 'limit' && this.position().icount === this.errandLimit()) this.completeErrand({ kind: 'limit' });
      else if (stop === 'end' && this.onErrand()) this.completeErrand({ kind: 'end' });
      else if (stop === 'limit' && this.position().icount === this.breakpoint) {
        this.breakpoint = undefined;
        this.hold('debug');
      } else if (stop === 'end' && options.stayAtEnd) this.hold('paused');
      else return stop;
    }
  }

  private setBreakpoint(icount: Icount): void {
    if (icount < this.position().icount)
      throw new RepriseError('BAD_VALUE', 'cannot set breakpoint at the instruction in the past; replay_seek goes back to it');
    this.breakpoint = icount;
    this.run.interrupt();
    this.bell.ring();
  }

  /** For debuggers: goes to a moment between the start and the end; `interrupt` does not stop it. @throws RepriseError */
  goTo(icount: Icount): Promise<void> {
    return this.between(() => this.travel(icount));
  }

  private async travel(icount: Icount): Promise<void> {
    this.seeking = true;
    try {
      await this.during('restore-vm', () => this.checkpoints().seek(icount, () => this.quitting));
    } finally {
      this.seeking = false;
    }
  }

  /** Has `witness` told of all that happens, but not on the way to a moment. Returns how to stop that. */
  listen(witness: Witness): () => void {
    const { serial, frame, disk } = witness;
    return this.run.listen({
      serial: (...what) => void (this.seeking || serial?.apply(witness, what)),
      frame: (...what) => void (this.seeking || frame?.apply(witness, what)),
      disk: (...what) => void (this.seeking || disk?.apply(witness, what)),
    });
  }

  /** A moment before that one, which is after the start, that is quickly reached. */
  checkpointBefore(icount: Icount): Icount {
    return this.checkpoints().before(icount);
  }

  private checkpoints(): Checkpoints {
    const { checkpoints } = this.options;
    assert(checkpoints !== undefined, 'whoever can go back has checkpoints');
    return checkpoints;
  }

  private async fork(path: string): Promise<void> {
    const { fork } = this.options;
    if (fork === undefined) throw new RepriseError('USAGE', 'this replay cannot be forked');
    this.hold('paused');
    await this.run.forwardOutput();
    await this.during('save-vm', () => fork(path));
    this.forked = true;
  }

  /** Goes to a moment, and stands there. */
  private async seek(icount: Icount): Promise<void> {
    const { end } = this.options;
    if (icount > end.icount) throw new RepriseError('BAD_VALUE', `the recording ends at instruction ${end.icount}`);
    this.hold('paused');
    await this.travel(icount);
  }
}
