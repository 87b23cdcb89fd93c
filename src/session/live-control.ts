/** A live run as monitors see it. */
import type { Machine } from '../boards/machine.ts';
import { RepriseError } from '../errors/errors.ts';
import type { Position } from '../replay/model.ts';
import { type Nanoseconds, ns } from '../time/units.ts';
import type { PersonInput, RunState, SessionControl, SessionEvent, SessionMode, SnapshotControl, Surroundings } from './control.ts';
import type { LiveRun } from './live.ts';

const noStore = async (): Promise<never> => {
  throw new RepriseError('NO_SNAPSHOT_STORE', 'no block device can store vmstate for snapshot');
};

export class LiveControl implements SessionControl {
  readonly machine: Machine;
  readonly mode: SessionMode;
  readonly recordingName: string | undefined;
  readonly surroundings: Surroundings;
  readonly snapshots: SnapshotControl = { save: noStore, load: noStore, delete: noStore, list: noStore };
  readonly replay = undefined;
  private readonly run: LiveRun;
  private state: RunState;
  private readonly listeners = new Set<(event: SessionEvent) => void>();

  /** @param stopped the run waits for `cont` before its first instruction */
  constructor(run: LiveRun, recordingName: string | undefined, surroundings: Surroundings, stopped: boolean) {
    this.run = run;
    this.machine = run.machine;
    this.mode = recordingName === undefined ? 'run' : 'record';
    this.recordingName = recordingName;
    this.surroundings = surroundings;
    this.state = stopped ? 'prelaunch' : 'running';
    if (stopped) run.setStopped(true);
  }

  runState(): RunState {
    return this.state;
  }

  position(): Position {
    return this.run.position();
  }

  now(): Nanoseconds {
    return this.machine.now();
  }

  async stop(): Promise<void> {
    if (this.state !== 'running') return;
    this.state = 'paused';
    this.run.setStopped(true);
    this.tell({ kind: 'stop' });
  }

  async cont(): Promise<void> {
    if (this.state === 'running') return;
    this.state = 'running';
    this.tell({ kind: 'resume' });
    this.run.setStopped(false);
  }

  /** Whoever calls does so while the run lets the host have its turn, which is between two instructions. */
  async between<T>(task: () => T | Promise<T>): Promise<T> {
    return task();
  }

  input(input: PersonInput, after: Nanoseconds = ns(0)): void {
    this.run.inputs.push(input, ns(this.machine.now() + after));
    if (input.kind === 'reset') this.tell({ kind: 'reset', guest: false });
  }

  quit(): void {
    this.tell({ kind: 'shutdown', guest: false, reason: 'host-qmp-quit' });
    this.run.quit('quit');
  }

  onEvent(listener: (event: SessionEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private tell(event: SessionEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}
