/**
 * A machine that is being recorded, with a past: going back from the present, what was recorded so far is replayed by a
 * second machine; at the present the live one takes over again.
 */
import type { CpuDebug } from '../bus/debug.ts';
import type { Checkpoints } from '../session/checkpoints.ts';
import type { LiveRun } from '../session/live.ts';
import type { ReplayRun } from '../session/replay-run.ts';
import { type Icount, icount } from '../time/units.ts';
import { MirroredDebug } from './mirrored-debug.ts';
import type { RunStop, TimeMachine } from './time-machine.ts';

/** What was recorded so far, as a replay that can go anywhere in it. */
export interface Past {
  readonly run: ReplayRun;
  readonly checkpoints: Checkpoints;
}

export class RecordingTime implements TimeMachine {
  readonly start: Icount;
  private readonly live: LiveRun;
  private readonly reach: () => Promise<Past>;
  private readonly debug: MirroredDebug;
  private past: Past | undefined;
  /** The present up to which the past was brought. */
  private reached = -1;
  private inPast = false;
  private interrupted = false;

  /** @param reach brings the past up to the present, at which the live run stands. @throws RepriseError */
  constructor(live: LiveRun, start: Icount, reach: () => Promise<Past>) {
    this.live = live;
    this.start = start;
    this.reach = reach;
    this.debug = new MirroredDebug(() => this.machine.cpu.debug);
    this.debug.join(live.machine.cpu.debug);
  }

  get cpu(): CpuDebug {
    return this.debug;
  }

  /** The machine that stands for the moment where the debugger is. */
  get machine(): LiveRun['machine'] {
    return this.inPast && this.past !== undefined ? this.past.run.machine : this.live.machine;
  }

  /** Whether that is before the present. */
  get isPast(): boolean {
    return this.inPast;
  }

  /** The present. */
  get end(): Icount {
    return this.live.position().icount;
  }

  now(): Icount {
    return this.machine.icount();
  }

  async seek(target: Icount): Promise<void> {
    if (target >= this.end) {
      this.toPresent();
      return;
    }
    const { checkpoints } = await this.openPast();
    this.inPast = true;
    await checkpoints.seek(target);
  }

  /** Checkpoints are taken only where someone was; the first one is the start. */
  checkpointBefore(target: Icount): Icount {
    return this.past?.checkpoints.before(target) ?? this.start;
  }

  async runForward(limit: Icount): Promise<RunStop> {
    if (this.inPast && this.past !== undefined) {
      const stop = await this.runPast(this.past.run, icount(Math.min(limit, this.end)));
      if (stop !== undefined) return stop;
      this.toPresent();
      if (limit <= this.end) return { kind: 'limit' };
    }
    return this.live.runForward(limit);
  }

  interrupt(): void {
    if (this.inPast) {
      this.interrupted = true;
      this.past?.run.interrupt();
    } else this.live.interrupt();
  }

  /** The debugger has gone: the live run is all that counts. */
  toPresent(): void {
    this.inPast = false;
  }

  /** Undefined when the present is reached. */
  private async runPast(run: ReplayRun, limit: Icount): Promise<RunStop | undefined> {
    for (;;) {
      if (this.interrupted) {
        this.interrupted = false;
        return { kind: 'interrupted' };
      }
      const stop = await run.run(limit);
      if (stop === 'debug') {
        const taken = run.machine.cpu.debug.takeStop();
        if (taken !== undefined) return taken;
      } else if (stop === 'limit') return limit < this.end ? { kind: 'limit' } : undefined;
      else if (stop === 'end') return undefined;
    }
  }

  private async openPast(): Promise<Past> {
    const known = this.past;
    if (known !== undefined && this.reached === this.end) return known;
    const past = await this.reach();
    this.reached = this.end;
    if (past !== known) this.debug.join(past.run.machine.cpu.debug);
    this.past = past;
    return past;
  }
}
