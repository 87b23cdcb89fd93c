/** Stands for a session that another one may take over from: a replay that is forked goes on as a live run. */
import type { Machine } from '../boards/machine.ts';
import type { Position } from '../replay/model.ts';
import type { Nanoseconds } from '../time/units.ts';
import type { PersonInput, ReplayControl, RunState, SessionControl, SessionEvent, SessionMode, SnapshotControl, Surroundings } from './control.ts';

export class SwitchedSession implements SessionControl {
  private session: SessionControl;
  private readonly listeners = new Set<(event: SessionEvent) => void>();
  private unhear: () => void;

  constructor(session: SessionControl) {
    this.session = session;
    this.unhear = session.onEvent((event) => this.tell(event));
  }

  /** From now on it stands for that one; what becomes of the one before is no news. */
  follow(next: SessionControl): void {
    this.unhear();
    this.session = next;
    this.unhear = next.onEvent((event) => this.tell(event));
  }

  get machine(): Machine {
    return this.session.machine;
  }
  get mode(): SessionMode {
    return this.session.mode;
  }
  get recordingName(): string | undefined {
    return this.session.recordingName;
  }
  get surroundings(): Surroundings {
    return this.session.surroundings;
  }
  get snapshots(): SnapshotControl {
    return this.session.snapshots;
  }
  get replay(): ReplayControl | undefined {
    return this.session.replay;
  }
  runState(): RunState {
    return this.session.runState();
  }
  position(): Position {
    return this.session.position();
  }
  now(): Nanoseconds {
    return this.session.now();
  }
  stop(): Promise<void> {
    return this.session.stop();
  }
  cont(): Promise<void> {
    return this.session.cont();
  }
  between<T>(task: () => T | Promise<T>): Promise<T> {
    return this.session.between(task);
  }
  input(input: PersonInput, after?: Nanoseconds): void {
    this.session.input(input, after);
  }
  quit(): void {
    this.session.quit();
  }
  onEvent(listener: (event: SessionEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private tell(event: SessionEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}
