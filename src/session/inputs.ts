/**
 * The one door: everything that enters a running machine from outside waits here, and is let in between two slices of
 * execution. Serial input waits in a line of its own for each port, for as long as the port has no room.
 */
import type { Machine } from '../boards/machine.ts';
import type { Input } from '../replay/model.ts';
import { type Nanoseconds, NEVER } from '../time/units.ts';
import { Bell } from './bell.ts';

/** Bytes that may wait for a port before its host is asked to hold back. */
const HIGH_WATER = 4096;

/** Frames that may wait for an interface; more are dropped, as on a real wire. */
const MAX_FRAMES = 256;

export class InputDoor {
  private readonly machine: Machine;
  /** Keys, the mouse and the reset button, in the order of the virtual times at which they are to come. */
  private readonly delayed: { readonly due: Nanoseconds; readonly input: Input }[] = [];
  private readonly serial: { bytes: Uint8Array; hold: (paused: boolean) => void; held: boolean }[];
  private readonly frames: Uint8Array[][];
  /** Rings when something arrives. */
  readonly bell = new Bell();

  constructor(machine: Machine) {
    this.machine = machine;
    this.serial = machine.serial.map(() => ({ bytes: new Uint8Array(0), hold: () => {}, held: false }));
    this.frames = machine.nics.map(() => []);
  }

  /** A frame for a network interface. */
  pushFrame(nic: number, frame: Uint8Array): void {
    if (this.frames[nic].length >= MAX_FRAMES) return;
    this.frames[nic].push(frame);
    this.bell.ring();
  }

  /** Registers how to make the host of a port hold back its bytes. */
  onPressure(port: number, hold: (paused: boolean) => void): void {
    this.serial[port].hold = hold;
  }

  /** Bytes for a serial port. */
  pushSerial(port: number, bytes: Uint8Array): void {
    const line = this.serial[port];
    const joined = new Uint8Array(line.bytes.length + bytes.length);
    joined.set(line.bytes);
    joined.set(bytes, line.bytes.length);
    line.bytes = joined;
    if (joined.length > HIGH_WATER && !line.held) {
      line.held = true;
      line.hold(true);
    }
    this.bell.ring();
  }

  /** A key, the mouse, the reset button; at virtual time `due`, or at the next occasion after it. */
  push(input: Exclude<Input, { kind: 'serial' | 'frame' | 'patch' }>, due = this.machine.now()): void {
    const { delayed } = this;
    let at = delayed.length;
    while (at > 0 && delayed[at - 1].due > due) at--;
    delayed.splice(at, 0, { due, input });
    this.bell.ring();
  }

  /** When the next of the delayed inputs is to come; NEVER when there is none. */
  nextDue(): Nanoseconds {
    return this.delayed[0]?.due ?? NEVER;
  }

  /** Whether `drain` would let something in. */
  ready(): boolean {
    return (
      this.nextDue() <= this.machine.now() ||
      this.frames.some((waiting, nic) => waiting.length > 0 && this.machine.nics[nic].receiveRoom()) ||
      this.serial.some((_, port) => this.roomFor(port) > 0)
    );
  }

  /**
   * What the machine can take now, in order; each is handed to `admit` before the next is looked for. Behind the reset
   * button nothing more is let in: in a replay, too, the machine is reset before it sees what follows.
   */
  drain(admit: (input: Input) => void): void {
    for (const now = this.machine.now(); this.nextDue() <= now; ) {
      const { input } = this.delayed.shift() as { input: Input };
      admit(input);
      if (input.kind === 'reset') return;
    }
    this.frames.forEach((waiting, nic) => {
      while (waiting.length > 0 && this.machine.nics[nic].receiveRoom()) admit({ kind: 'frame', nic, bytes: waiting.shift() as Uint8Array });
    });
    this.serial.forEach((line, port) => {
      const room = this.roomFor(port);
      if (room === 0) return;
      const bytes = line.bytes.slice(0, room);
      line.bytes = line.bytes.subarray(room);
      admit({ kind: 'serial', port, bytes });
      if (line.held && line.bytes.length <= HIGH_WATER / 2) {
        line.held = false;
        line.hold(false);
      }
    });
  }

  /** How many of the bytes that wait for a port it can take now. */
  private roomFor(port: number): number {
    return Math.min(this.machine.serial[port].receiveRoom(), this.serial[port].bytes.length);
  }
}
