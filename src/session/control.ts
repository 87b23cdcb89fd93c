/**
 * What monitors, QMP and debuggers may ask of a session, whether it runs live, records or replays. They know nothing
 * else of it.
 */
import type { Machine } from '../boards/machine.ts';
import type { Input, Position } from '../replay/model.ts';
import type { Icount, Nanoseconds } from '../time/units.ts';

/** QEMU's names of what a machine is doing (QAPI `RunState`). `io-error`: a disk's host file took no more; `cont` tries again. */
export type RunState = 'prelaunch' | 'running' | 'paused' | 'debug' | 'io-error' | 'save-vm' | 'restore-vm' | 'shutdown';

export type SessionMode = 'run' | 'record' | 'replay';

/** What QMP has events for. */
export type SessionEvent =
  | { readonly kind: 'stop' }
  | { readonly kind: 'resume' }
  /** `guest`: the guest asked for it; otherwise a person did. */
  | { readonly kind: 'reset'; readonly guest: boolean }
  | {
      readonly kind: 'shutdown';
      readonly guest: boolean;
      readonly reason: 'host-qmp-quit' | 'host-signal' | 'guest-reset' | 'replay-end' | 'host-error';
    }
  | {
      readonly kind: 'block-io-error';
      readonly device: string;
      readonly operation: 'read' | 'write';
      /** The disk of the host is full. */
      readonly noSpace: boolean;
      readonly reason: string;
    };

export interface SnapshotSummary {
  readonly id: string;
  readonly name: string;
  /** Bytes of the machine's state, without the disk. */
  readonly vmStateBytes: number;
  /** Host's time when it was taken. */
  readonly date: { readonly seconds: number; readonly nanoseconds: number };
  readonly vmClockNs: number;
  readonly icount: number | undefined;
}

/** All reject with RepriseError. The machine is held while they work. */
export interface SnapshotControl {
  /** Replaces one of the same name, as QEMU's savevm does. Without a name one is made up. */
  save(name: string | undefined): Promise<SnapshotSummary>;
  load(name: string): Promise<void>;
  delete(name: string): Promise<void>;
  list(): Promise<readonly SnapshotSummary[]>;
}

/** Only while replaying. */
export interface ReplayControl {
  /** The last moment of the recording. */
  readonly end: Position;
  /** The replay stops when it gets to this count, once; one at a time, as in QEMU. @throws RepriseError BAD_VALUE when it is past */
  setBreakpoint(icount: Icount): void;
  deleteBreakpoint(): void;
  breakpoint(): Icount | undefined;
  /** Goes there, forwards or backwards, and stops. */
  seek(icount: Icount): Promise<void>;
  /** Makes a new recording that begins at this moment and goes on live, held at first; the replayed one stays as it is. @throws RepriseError */
  fork(path: string): Promise<void>;
}

/** A disk, as `info block` and `query-block` show it. */
export interface DiskSummary {
  /** QEMU's name of the drive, such as `sd0`. */
  readonly device: string;
  /** Undefined: no medium. */
  readonly medium:
    | {
        readonly file: string;
        readonly format: 'raw' | 'qcow2';
        readonly sizeBytes: number;
        readonly readOnly: boolean;
        /** What it is based on, nearest first. */
        readonly backing: readonly string[];
        /** Writes go to a layer that is dropped at the end. */
        readonly temporary: boolean;
      }
    | undefined;
}

/** Lines for `info network` and `info chardev`, as the program that opened them knows them. */
export interface Surroundings {
  readonly disks: readonly DiskSummary[];
  /** One line each, such as `nic0: model=smc91c111,macaddr=52:54:00:12:34:56` and what it is connected to. */
  readonly network: readonly string[];
  /** One line each, such as `serial0: filename=stdio`. */
  readonly characterDevices: readonly string[];
}

/** What a person can do to a guest, apart from what comes through its ports. */
export type PersonInput = Exclude<Input, { kind: 'serial' | 'frame' | 'patch' }>;

export interface SessionControl {
  readonly machine: Machine;
  readonly mode: SessionMode;
  /** Name of the recording's file, for `info replay`; undefined in a plain run. */
  readonly recordingName: string | undefined;
  readonly surroundings: Surroundings;
  readonly snapshots: SnapshotControl;
  /** Undefined unless `mode` is `replay`. */
  readonly replay: ReplayControl | undefined;
  runState(): RunState;
  position(): Position;
  now(): Nanoseconds;
  /** Holds the machine; resolves when it stands between two instructions. */
  stop(): Promise<void>;
  cont(): Promise<void>;
  /** Lets a task look at (or, live, change) the machine between two instructions; tasks are done in the order of the calls. */
  between<T>(task: () => T | Promise<T>): Promise<T>;
  /**
   * Something a person does to the guest: a key, the mouse, the reset button.
   * @param after virtual time that passes first; what was asked for before and is to come no later comes first
   * @throws RepriseError REPLAY_READ_ONLY in a replay
   */
  input(input: PersonInput, after?: Nanoseconds): void;
  /** Ends the run; a recording is kept whole. */
  quit(): void;
  /** @returns how to stop listening */
  onEvent(listener: (event: SessionEvent) => void): () => void;
}
