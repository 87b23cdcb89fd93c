/**
 * A live run: the machine goes on with the world outside attached, and is recorded if a recorder is given.
 */
import type { Machine, Stop } from '../boards/machine.ts';
import { RepriseError } from '../errors/errors.ts';
import type { CharBackend, HostClock } from '../host/host.ts';
import type { NetBackend } from '../net/net.ts';
import type { EndReason, Input, Position } from '../replay/model.ts';
import { type Icount, NEVER, ns, icount as toIcount } from '../time/units.ts';
import { applyInput } from './apply.ts';
import { lastCount, withinTime } from './end-of-time.ts';
import { InputDoor } from './inputs.ts';
import { type OutputListener, takeOutputs } from './outputs.ts';

/** Instructions between two looks at the world outside: about a millisecond. */
const SLICE = 65_536;
/** Real milliseconds after which the host may deliver what has arrived. */
const TURN_MS = 4;
const FLUSH_MS = 500;
/** With `sleep` virtual time follows real time; behind by more than this it does not try to catch up. */
const MAX_LAG_MS = 100;

/** What a live run tells to whoever records it. */
export interface Recorder {
  /** The instruction count at which the next digest is due. */
  nextDigest(): Icount;
  digest(position: Position): void;
  sent(stream: number, bytes: Uint8Array): void;
  event(position: Position, input: Input): void;
  /** Makes what happened so far safe. */
  flush(position: Position): void;
  end(position: Position, reason: EndReason): void;
}

export interface LiveOptions {
  readonly machine: Machine;
  readonly clock: HostClock;
  /** One for each serial port. */
  readonly serial: readonly CharBackend[];
  /** One for each network interface. */
  readonly network: readonly NetBackend[];
  /** Virtual time does not run ahead of real time while the guest idles. */
  readonly sleep: boolean;
  /** A reset ends the run. */
  readonly noReboot: boolean;
  readonly recorder?: Recorder | undefined;
  /** Called now and then, for a progress line. */
  readonly onProgress?: ((machine: Machine) => void) | undefined;
}

export class LiveRun {
  readonly machine: Machine;
  readonly inputs: InputDoor;
  private readonly options: LiveOptions;
  private quitting: EndReason | undefined;
  private stopped = false;
  private lastFlush = 0;
  private lastTurn = 0;
  private readonly outputs: OutputListener = {
    hashed: (stream, bytes) => this.recorder?.sent(stream, bytes),
    serial: (port, bytes) => this.options.serial[port].write(bytes),
    frame: (nic, bytes) => this.options.network[nic].send(bytes),
  };
  /** Real time at which virtual time was 0, as far as the pace is concerned. */
  private anchor = 0;

  constructor(options: LiveOptions) {
    this.options = options;
    this.machine = options.machine;
    this.inputs = new InputDoor(options.machine);
    options.serial.forEach((backend, port) => {
      this.inputs.onPressure(port, (paused) => backend.pauseInput(paused));
      backend.onInput((bytes) => this.inputs.pushSerial(port, bytes));
    });
    options.network.forEach((backend, nic) => {
      backend.onFrame((frame) => this.inputs.pushFrame(nic, frame));
    });
  }

  /** Ends the run between two instructions. */
  quit(reason: EndReason): void {
    this.quitting ??= reason;
    this.inputs.notify();
  }

  /** Holds the machine, or lets it go on. */
  setStopped(stopped: boolean): void {
    this.stopped = stopped;
    this.anchor = this.options.clock.milliseconds() - this.machine.now() / 1e6;
    this.inputs.notify();
  }

  isStopped(): boolean {
    return this.stopped;
  }

  isRecording(): boolean {
    return this.recorder !== undefined;
  }

  position(): Position {
    return { icount: this.machine.icount(), bias: this.machine.clock.state.fields.bias };
  }

  /** Runs until the guest resets (with `noReboot`) or someone quits. @throws RepriseError */
  async run(): Promise<EndReason> {
    const { machine, recorder } = this;
    const { clock } = this.options;
    this.lastFlush = this.lastTurn = clock.milliseconds();
    this.anchor = this.lastTurn - machine.now() / 1e6;
    let reason: EndReason;
    try {
      reason = await this.loop();
    } catch (error) {
      // The recording stays whole up to here; the error itself matters more than a failure to say so.
      try {
        recorder?.end(this.position(), 'error');
      } catch {}
      throw error;
    }
    recorder?.end(this.position(), reason);
    return reason;
  }

  private get recorder(): Recorder | undefined {
    return this.options.recorder;
  }

  private async loop(): Promise<EndReason> {
    const { machine, inputs, recorder } = this;
    for (;;) {
      await this.attendHost();
      if (this.quitting !== undefined) return this.quitting;
      if (this.stopped) {
        recorder?.flush(this.position());
        await this.options.clock.wait(Number.POSITIVE_INFINITY, inputs.arrived());
        continue;
      }
      inputs.drain((input) => this.admit(input));
      const due = recorder?.nextDigest();
      const last = lastCount(machine);
      const stop: Stop = machine.advance(toIcount(Math.min(due ?? last, last)), SLICE);
      this.forwardOutput();
      if (machine.icount() === due) recorder?.digest(this.position());
      if (stop === 'reset') {
        if (this.options.noReboot) return 'guest-reset';
        machine.reset();
      } else if (machine.icount() === last)
        throw new RepriseError('TIME_LIMIT', 'the guest has reached the end of exact time (2^53 nanoseconds, 104 days)');
      else if (stop === 'idle' && !inputs.ready()) await this.idle();
    }
  }

  private admit(input: Input): void {
    this.recorder?.event(this.position(), input);
    applyInput(this.machine, input);
  }

  private forwardOutput(): void {
    takeOutputs(this.machine, this.outputs);
  }

  /** Lets the host have its turn now and then, waits for slow outputs, keeps the recording safe. */
  private async attendHost(): Promise<void> {
    const { clock, serial, onProgress } = this.options;
    const now = clock.milliseconds();
    if (now - this.lastFlush >= FLUSH_MS || serial.some(({ congested }) => congested)) {
      this.recorder?.flush(this.position());
      onProgress?.(this.machine);
      this.lastFlush = now;
    }
    for (const backend of serial) {
      while (backend.congested && this.quitting === undefined) await Promise.race([backend.drained(), this.inputs.arrived()]);
    }
    if (now - this.lastTurn < TURN_MS) return;
    await clock.turn();
    this.lastTurn = clock.milliseconds();
  }

  /** The CPU waits: time passes up to the next wake-up, or until something comes in. */
  private async idle(): Promise<void> {
    const { machine, inputs } = this;
    const { clock, network } = this.options;
    // An answer that is on its way from the world must not come after the guest has stopped waiting for it.
    const sleep = this.options.sleep || network.some(({ busy }) => busy);
    const wake = ns(Math.min(machine.nextWakeup(), inputs.nextDue()));
    if (!sleep && wake !== NEVER) {
      machine.idleUntil(withinTime(wake));
      return;
    }
    const arrived = inputs.arrived();
    this.recorder?.flush(this.position());
    const begin = clock.milliseconds();
    this.anchor = Math.max(this.anchor, begin - machine.now() / 1e6 - MAX_LAG_MS);
    const wait = wake === NEVER ? Number.POSITIVE_INFINITY : this.anchor + wake / 1e6 - begin;
    if (wait > 0) await clock.wait(wait, arrived);
    this.lastTurn = clock.milliseconds();
    // Without `sleep` nothing is scheduled here, and virtual time stands still until someone comes.
    if (!sleep) return;
    const passed = this.lastTurn - begin;
    machine.idleUntil(withinTime(passed >= wait ? wake : ns(Math.min(wake, machine.now() + Math.floor(passed * 1e6)))));
  }
}
