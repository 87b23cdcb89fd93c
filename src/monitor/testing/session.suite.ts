/** For the tests of monitors: a session over a real machine whose time passes only when it is told to, and a console. */
import type { Machine } from '../../boards/machine.ts';
import { RepriseError } from '../../errors/errors.ts';
import type { ControlConsole, Presence } from '../../host/host.ts';
import { applyInput } from '../../session/apply.ts';
import { buildMachine } from '../../session/build.ts';
import type {
  PersonInput,
  ReplayControl,
  RunState,
  SessionControl,
  SessionEvent,
  SessionMode,
  SnapshotControl,
  SnapshotSummary,
  Surroundings,
} from '../../session/control.ts';
import { bios, FarEnd, OPTIONS } from '../../session/session.suite.ts';
import { type Icount, type Nanoseconds, ns, icount as toIcount } from '../../time/units.ts';

export interface TestSessionOptions {
  readonly guest: Uint8Array;
  readonly mode?: SessionMode;
  readonly state?: RunState;
  readonly surroundings?: Partial<Surroundings>;
}

export class TestSession implements SessionControl {
  readonly machine: Machine;
  readonly mode: SessionMode;
  readonly recordingName: string | undefined;
  readonly surroundings: Surroundings;
  readonly replay: ReplayControl | undefined;
  /** Everything that was done to the guest, with the delay that was asked for in milliseconds. */
  readonly inputs: (readonly [PersonInput, number])[] = [];
  readonly kept: SnapshotSummary[] = [];
  quits = 0;
  breakpoint: Icount | undefined;
  /** While it is set, saving a snapshot takes until it resolves. */
  gate: Promise<void> | undefined;
  private state: RunState;
  private readonly listeners = new Set<(event: SessionEvent) => void>();

  constructor({ guest, mode = 'record', state = 'running', surroundings }: TestSessionOptions) {
    this.machine = buildMachine(OPTIONS, bios(guest), () => {});
    this.mode = mode;
    this.recordingName = mode === 'run' ? undefined : 'test.rec';
    this.surroundings = { disks: [], network: [], characterDevices: [], ...surroundings };
    this.state = state;
    this.replay = mode === 'replay' ? this.replayControl() : undefined;
  }

  readonly snapshots: SnapshotControl = {
    save: async (name = 'vm-20261125024038') => {
      await this.gate;
      if (name === 'full') throw new RepriseError('DISK_FULL', 'no room for it');
      const old = this.kept.findIndex((kept) => kept.name === name);
      if (old >= 0) this.kept.splice(old, 1);
      const summary: SnapshotSummary = {
        id: String(this.kept.length + 1),
        name,
        vmStateBytes: 1_234_762,
        date: { seconds: 1_795_574_438, nanoseconds: 0 },
        vmClockNs: this.now(),
        icount: this.machine.icount(),
      };
      this.kept.push(summary);
      return summary;
    },
    load: async (name) => void this.find(name),
    delete: async (name) => void this.kept.splice(this.find(name), 1),
    list: async () => this.kept,
  };

  /** Executes so many instructions. */
  advance(count: number): void {
    this.machine.advance(toIcount(this.machine.icount() + count), count);
  }

  runState(): RunState {
    return this.state;
  }

  position(): { icount: Icount; bias: Nanoseconds } {
    return { icount: this.machine.icount(), bias: ns(0) };
  }

  now(): Nanoseconds {
    return this.machine.now();
  }

  async stop(): Promise<void> {
    if (this.state !== 'running') return;
    this.state = 'paused';
    this.tell({ kind: 'stop' });
  }

  async cont(): Promise<void> {
    if (this.state === 'running') return;
    this.state = 'running';
    this.tell({ kind: 'resume' });
  }

  async between<T>(task: () => T | Promise<T>): Promise<T> {
    return task();
  }

  input(input: PersonInput, after = ns(0)): void {
    if (this.mode === 'replay') throw new RepriseError('REPLAY_READ_ONLY', 'only the recording may change the guest of a replay');
    this.inputs.push([input, after / 1e6]);
    applyInput(this.machine, input);
    if (input.kind === 'reset') this.tell({ kind: 'reset', guest: false });
  }

  quit(): void {
    this.quits++;
    this.tell({ kind: 'shutdown', guest: false, reason: 'host-qmp-quit' });
  }

  onEvent(listener: (event: SessionEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(event: SessionEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  readonly forks: string[] = [];

  private find(name: string): number {
    const at = this.kept.findIndex((kept) => kept.name === name);
    if (at < 0) throw new RepriseError('NO_SNAPSHOT', `Snapshot '${name}' does not exist in one or more devices`);
    return at;
  }

  private replayControl(): ReplayControl {
    return {
      end: { icount: toIcount(1000), bias: ns(0) },
      setBreakpoint: (icount) => {
        if (icount < this.machine.icount()) throw new RepriseError('BAD_VALUE', 'cannot set breakpoint at the instruction in the past');
        this.breakpoint = icount;
      },
      deleteBreakpoint: () => {
        this.breakpoint = undefined;
      },
      breakpoint: () => this.breakpoint,
      seek: async (icount) => this.advance(icount - this.machine.icount()),
      fork: async (path) => void this.forks.push(path),
    };
  }
}

/** A console with someone at its far end. */
export class TestConsole implements ControlConsole {
  readonly backend = new FarEnd();
  private tell: (presence: Presence) => void = () => {};

  onPresence(listener: (presence: Presence) => void): void {
    this.tell = listener;
  }

  presence(presence: Presence): void {
    this.tell(presence);
  }

  /** Types, lets all that follows from it happen, and returns what is said in answer. */
  async ask(text: string | Uint8Array): Promise<string> {
    this.backend.said = '';
    this.backend.type(typeof text === 'string' ? text : Buffer.from(text).toString('latin1'));
    await settled();
    return this.backend.said;
  }
}

export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
