/**
 * A live run: the machine goes on with the world outside attached, and is recorded if a recorder is given.
 */
import type { BlockNode } from '../block/node.ts';
import type { Machine, Stop } from '../boards/machine.ts';
import { assert, RepriseError } from '../errors/errors.ts';
import type { CharBackend } from '../host/host.ts';
import type { NetBackend } from '../net/net.ts';
import type { EndReason, Input, Position } from '../replay/model.ts';
import { MAX_PATCH_BYTES } from '../replay/records.ts';
import type { NamedState } from '../snapshot/blocks.ts';
import { type Icount, type Nanoseconds, NEVER, ns, icount as toIcount } from '../time/units.ts';
import { applyInput } from './apply.ts';
import type { Bell } from './bell.ts';
import type { PersonInput, SessionEvent, SessionMode, SnapshotControl } from './control.ts';
import { type ControlledOptions, ControlledRun } from './controlled-run.ts';
import { DiskFault, DiskService } from './disks.ts';
import { lastCount, withinTime } from './end-of-time.ts';
import { InputDoor } from './inputs.ts';
import { type OutputListener, takeOutputs } from './outputs.ts';
import { MachineSnapshots, noSnapshots, type SnapshotPlace, type SnapshotUser } from './snapshots.ts';

/** Instructions between two looks at the world outside, at least and at most: so many that about `SLICE_MS` go by. */
const MIN_SLICE = 1 << 16;
const MAX_SLICE = 1 << 20;
const SLICE_MS = 2;
/** Real milliseconds after which the host may deliver what has arrived. */
const TURN_MS = 4;
const FLUSH_MS = 500;
/** With `sleep` virtual time follows real time; behind by more than this it does not try to catch up. */
const MAX_LAG_MS = 100;
const SHUTDOWN_REASON: Readonly<Record<EndReason, Extract<SessionEvent, { kind: 'shutdown' }>['reason']>> = {
  'guest-reset': 'guest-reset',
  quit: 'host-qmp-quit',
  interrupted: 'host-signal',
  error: 'host-error',
  'disk-error': 'host-error',
};

/** What a live run tells to whoever records it. */
export interface Recorder {
  /** Identifies the recording in its snapshots. */
  readonly recordingId: string;
  /** What a snapshot needs to know of the recording, besides the machine. */
  readonly states: readonly NamedState[];
  /** The instruction count at which the next digest is due. */
  nextDigest(): Icount;
  /** The machine stands until it is done. @throws RepriseError */
  digest(position: Position): Promise<void>;
  sent(stream: number, bytes: Uint8Array): void;
  event(position: Position, input: Input): void;
  /** Makes what happened so far safe. */
  flush(position: Position): void;
  end(position: Position, reason: EndReason): void;
}

export interface LiveOptions extends ControlledOptions {
  /** One for each serial port. */
  readonly serial: readonly CharBackend[];
  /** One for each network interface. */
  readonly network: readonly NetBackend[];
  /** One for each disk. */
  readonly disks?: readonly BlockNode[] | undefined;
  /** Where snapshots are kept; undefined when there is no place for them. */
  readonly snapshots?: SnapshotPlace | undefined;
  /** Told of every frame that the guest sends or gets, in the order of their virtual times. */
  readonly frame?: ((bytes: Uint8Array, at: Nanoseconds) => void) | undefined;
  /** Virtual time does not run ahead of real time while the guest idles. */
  readonly sleep: boolean;
  /** A reset ends the run. */
  readonly noReboot: boolean;
  readonly recorder?: Recorder | undefined;
  /** Called now and then, for a progress line. */
  readonly onProgress?: ((machine: Machine) => void) | undefined;
}

export class LiveRun extends ControlledRun {
  readonly mode: SessionMode;
  readonly inputs: InputDoor;
  readonly snapshots: SnapshotControl;
  readonly replay: undefined;
  protected readonly bell: Bell;
  private readonly options: LiveOptions;
  private readonly disks: DiskService;
  private quitting: EndReason | undefined;
  /** The reset that is under way was asked for by a person. */
  private resetByHost = false;
  private lastFlush = 0;
  private lastTurn = 0;
  private lastLook = 0;
  private slice = MIN_SLICE;
  /** A slice has run since the last look. */
  private ranSlice = false;
  private readonly outputs: OutputListener = {
    hashed: (stream, bytes) => this.recorder?.sent(stream, bytes),
    serial: (port, bytes) => this.options.serial[port].write(bytes),
    frame: (nic, bytes, at) => {
      this.slice = MIN_SLICE;
      this.options.frame?.(bytes, at);
      this.options.network[nic].send(bytes);
    },
  };
  /** Real time at which virtual time was 0, as far as the pace is concerned. */
  private anchor = 0;

  constructor(options: LiveOptions) {
    super(options);
    this.options = options;
    this.mode = options.recorder === undefined ? 'run' : 'record';
    this.inputs = new InputDoor(options.machine);
    this.bell = this.inputs.bell;
    this.disks = new DiskService(options.machine, options.disks ?? []);
    this.snapshots = options.snapshots
      ? new MachineSnapshots(this.snapshotUser(), options.snapshots)
      : noSnapshots('no disk of this machine can keep a snapshot; give it one with a qcow2 image, or record the run');
    options.serial.forEach((backend, port) => {
      this.inputs.onPressure(port, (paused) => backend.pauseInput(paused));
      backend.onInput((bytes) => this.inputs.pushSerial(port, bytes));
    });
    options.network.forEach((backend, nic) => {
      backend.onFrame((frame) => this.inputs.pushFrame(nic, frame));
    });
  }

  /** Ends the run between two instructions. */
  quit(reason: EndReason = 'quit'): void {
    this.quitting ??= reason;
    this.bell.ring();
  }

  input(input: PersonInput, after: Nanoseconds = ns(0)): void {
    this.inputs.push(input, ns(this.machine.now() + after));
  }

  /** Writes all that has happened so far. @throws RepriseError of the recording's file */
  makeSafe(): void {
    this.recorder?.flush(this.position());
  }

  /** A debugger has changed the machine, which stands: the recording has to know. */
  changed(component: string, offset: number, bytes: Uint8Array): void {
    assert(this.isHeld() && !this.machine.cpu.debug.midway, 'a debugger changes a machine that stands at the moment of a count');
    for (let at = 0; at < bytes.length; at += MAX_PATCH_BYTES)
      this.recorder?.event(this.position(), { kind: 'patch', component, offset: offset + at, bytes: bytes.slice(at, at + MAX_PATCH_BYTES) });
  }

  /** Runs until the guest resets (with `noReboot`) or someone quits. @throws RepriseError */
  async run(): Promise<EndReason> {
    const { recorder, clock } = this;
    this.lastFlush = this.lastTurn = clock.milliseconds();
    this.released();
    let reason: EndReason;
    try {
      reason = await this.loop();
      await this.disks.flush();
    } catch (error) {
      // The recording stays whole up to here; the error itself matters more than a failure to say so.
      try {
        recorder?.end(this.position(), 'error');
      } catch {}
      this.finish({ kind: 'shutdown', guest: false, reason: 'host-error' });
      throw error;
    }
    recorder?.end(this.position(), reason);
    this.finish({ kind: 'shutdown', guest: reason === 'guest-reset', reason: SHUTDOWN_REASON[reason] });
    return reason;
  }

  /** Time passed while the machine stood: it does not try to catch up. */
  protected override released(): void {
    this.anchor = this.clock.milliseconds() - this.machine.now() / 1e6;
  }

  private get recorder(): Recorder | undefined {
    return this.options.recorder;
  }

  private async loop(): Promise<EndReason> {
    const { machine, inputs, recorder } = this;
    for (;;) {
      await this.attendHost();
      await this.doTasks();
      if (this.quitting !== undefined && !machine.cpu.debug.midway) return (await this.serveDisks()) ? this.quitting : 'disk-error';
      if (this.isHeld() && this.quitting === undefined) {
        recorder?.flush(this.position());
        const rung = this.bell.rung();
        if (!this.hasTasks()) await this.clock.wait(Number.POSITIVE_INFINITY, rung);
        continue;
      }
      if (!(await this.serveDisks())) continue;
      // A debugger may have stopped behind the moment of this count, where a replay lets inputs in.
      if (!machine.cpu.debug.midway) inputs.drain((input) => this.admit(input));
      const due = recorder?.nextDigest();
      const last = lastCount(machine);
      const goal = this.errandLimit();
      const stop: Stop = machine.advance(toIcount(Math.min(due ?? last, last, goal)), this.slice);
      this.ranSlice = stop === 'slice';
      this.forwardOutput();
      if (machine.icount() === due) await recorder?.digest(this.position());
      // A request that is due at the same moment comes first.
      if (stop === 'debug') this.completeErrand(machine.cpu.debug.takeStop() ?? { kind: 'interrupted' });
      else if (stop !== 'disk' && machine.icount() === goal) this.completeErrand({ kind: 'limit' });
      else if (stop === 'reset') {
        if (this.options.noReboot) return 'guest-reset';
        machine.reset();
        this.tell({ kind: 'reset', guest: !this.resetByHost });
        this.resetByHost = false;
      } else if (machine.icount() === last)
        throw new RepriseError('TIME_LIMIT', 'the guest has reached the end of exact time (2^53 nanoseconds, 104 days)');
      else if (stop === 'idle' && !inputs.ready()) await this.idle();
    }
  }

  private admit(input: Input): void {
    this.recorder?.event(this.position(), input);
    if (input.kind === 'reset') this.resetByHost = true;
    applyInput(this.machine, input);
    this.slice = MIN_SLICE;
    if (input.kind === 'frame') this.options.frame?.(input.bytes, this.machine.now());
  }

  /**
   * Does the requests that are due: always before an input enters, and before the end, so that a replay knows when.
   * One that fails is still under way: the machine stands, and `cont` tries again.
   * @returns whether none is left
   */
  private async serveDisks(): Promise<boolean> {
    if (!this.disks.due()) return true;
    if (this.runState() === 'io-error') return false;
    try {
      await this.disks.serve();
      return true;
    } catch (error) {
      if (!(error instanceof DiskFault)) throw error;
      const { device, operation, message, cause } = error;
      // In QEMU's order: why the machine stops, and then that it does.
      this.tell({
        kind: 'block-io-error',
        device,
        operation,
        noSpace: cause instanceof RepriseError && cause.code === 'DISK_FULL',
        reason: message,
      });
      this.hold('io-error');
      return false;
    }
  }

  private snapshotUser(): SnapshotUser {
    const { recorder } = this;
    return {
      machine: this.machine,
      position: () => this.position(),
      between: (state, task) => this.between(() => this.during(state, task)),
      settle: async () => {
        this.forwardOutput();
        await this.disks.flush();
      },
      replayStates: recorder?.states ?? [],
      recording: recorder?.recordingId ?? '',
      mayLoad: () => {
        if (recorder === undefined) return;
        throw new RepriseError(
          'RECORDING_LINEAR',
          'a recording goes straight on: no snapshot can be loaded while it is made; end it and replay it, or begin another one there with -loadvm',
        );
      },
      loaded: () => this.released(),
    };
  }

  private forwardOutput(): void {
    takeOutputs(this.machine, this.outputs);
  }

  /** Lets the host have its turn now and then, waits for slow outputs, keeps the recording safe. */
  private async attendHost(): Promise<void> {
    const { clock } = this;
    const { serial, onProgress } = this.options;
    const now = clock.milliseconds();
    if (this.ranSlice) this.paceSlices(now - this.lastLook);
    this.lastLook = now;
    if (now - this.lastFlush >= FLUSH_MS || serial.some(({ congested }) => congested)) {
      this.recorder?.flush(this.position());
      onProgress?.(this.machine);
      this.lastFlush = now;
    }
    for (const backend of serial) {
      while (backend.congested && this.quitting === undefined && !this.hasTasks()) await Promise.race([backend.drained(), this.bell.rung()]);
    }
    if (now - this.lastTurn < TURN_MS) return;
    await clock.turn();
    this.lastLook = this.lastTurn = clock.milliseconds();
  }

  /**
   * A slice took so long: the next one is to take about `SLICE_MS`, whether its code is interpreted or compiled. After traffic
   * it begins anew with the shortest: an answer enters between two slices, and the guest waits for it.
   */
  private paceSlices(milliseconds: number): void {
    if (milliseconds > SLICE_MS) this.slice = Math.max(MIN_SLICE, this.slice / 2);
    else if (milliseconds < SLICE_MS / 2) this.slice = Math.min(MAX_SLICE, this.slice * 2);
  }

  /** The CPU waits: time passes up to the next wake-up, or until something comes in. */
  private async idle(): Promise<void> {
    const { machine, clock } = this;
    const { network } = this.options;
    // An answer that is on its way from the world must not come after the guest has stopped waiting for it.
    const sleep = this.options.sleep || network.some(({ busy }) => busy);
    const wake = ns(Math.min(machine.nextWakeup(), this.inputs.nextDue()));
    if (!sleep && wake !== NEVER) {
      machine.idleUntil(withinTime(wake));
      return;
    }
    const rung = this.bell.rung();
    this.recorder?.flush(this.position());
    const begin = clock.milliseconds();
    this.anchor = Math.max(this.anchor, begin - machine.now() / 1e6 - MAX_LAG_MS);
    const wait = wake === NEVER ? Number.POSITIVE_INFINITY : this.anchor + wake / 1e6 - begin;
    if (wait > 0) await clock.wait(wait, rung);
    this.lastTurn = clock.milliseconds();
    // Without `sleep` nothing is scheduled here, and virtual time stands still until someone comes.
    if (!sleep) return;
    const passed = this.lastTurn - begin;
    machine.idleUntil(withinTime(passed >= wait ? wake : ns(Math.min(wake, machine.now() + Math.floor(passed * 1e6)))));
  }
}
