/** Sessions as debuggers see them: a live run goes only forwards, a replay in both directions. */
import type { CpuDebug } from '../bus/debug.ts';
import type { ControlledRun, RunStop } from '../session/controlled-run.ts';
import type { ReplaySession } from '../session/replay-session.ts';
import type { Icount, Nanoseconds } from '../time/units.ts';
import type { Runner } from './time-machine.ts';
import type { Witness, WitnessedRun } from './witnessed.ts';

export class SessionRunner implements Runner {
  protected readonly session: ControlledRun;

  constructor(session: ControlledRun) {
    this.session = session;
  }

  get cpu(): CpuDebug {
    return this.session.machine.cpu.debug;
  }

  now(): Icount {
    return this.session.position().icount;
  }

  runForward(limit: Icount): Promise<RunStop> {
    return this.session.runForward(limit);
  }

  interrupt(): void {
    this.session.interrupt();
  }
}

export class ReplayTime extends SessionRunner implements WitnessedRun {
  private readonly replay: ReplaySession;
  readonly start: Icount;
  readonly end: Icount;

  constructor(replay: ReplaySession, start: Icount, end: Icount) {
    super(replay);
    this.replay = replay;
    this.start = start;
    this.end = end;
  }

  seek(icount: Icount): Promise<void> {
    return this.replay.goTo(icount);
  }

  checkpointBefore(icount: Icount): Icount {
    return this.replay.checkpointBefore(icount);
  }

  guestTime(): Nanoseconds {
    return this.replay.now();
  }

  listen(witness: Witness): () => void {
    return this.replay.listen(witness);
  }
}
