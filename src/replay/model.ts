/** What a recording holds, apart from its encoding (see docs/recording-format.md). */
import type { Icount, Nanoseconds } from '../time/units.ts';

/** A moment between two instructions: the count, and the virtual nanoseconds spent idle so far. */
export interface Position {
  readonly icount: Icount;
  readonly bias: Nanoseconds;
}

export const START: Position = { icount: 0 as Icount, bias: 0 as Nanoseconds };

/** What can enter a machine from outside. */
export type Input =
  | { readonly kind: 'serial'; readonly port: number; readonly bytes: Uint8Array }
  /** `code` is a QKeyCode name of QEMU, such as `ret` or `shift`. */
  | { readonly kind: 'key'; readonly code: string; readonly down: boolean }
  | { readonly kind: 'mouse-move'; readonly dx: number; readonly dy: number; readonly dz: number }
  /** Bit 0 left, 1 right, 2 middle. */
  | { readonly kind: 'mouse-buttons'; readonly mask: number }
  /** An Ethernet frame, delivered to the network interface of that number. */
  | { readonly kind: 'frame'; readonly nic: number; readonly bytes: Uint8Array }
  /** A debugger changed a component's state, or `ram`: bytes at an offset in it. */
  | { readonly kind: 'patch'; readonly component: string; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'reset' };

export interface InputEvent extends Position {
  readonly input: Input;
}

/** The state of the whole machine at a moment, reduced to hashes. */
export interface Digest extends Position {
  /** Hash (64 bits, 16 hex digits) over the previous link of the chain and everything below. */
  readonly chain: string;
  /** Hash (32 bits) of each component, in the order of the header's `components`. */
  readonly components: readonly number[];
}

/** Why a recording ended. `disk-error`: the guest waited for a disk of the host that had failed; its request was not done. */
export type EndReason = 'guest-reset' | 'quit' | 'interrupted' | 'error' | 'disk-error';

export interface End {
  readonly reason: EndReason;
  /** The digest at the very end. */
  readonly digest: Digest;
}

/** A file that went into the machine. */
export interface InputFile {
  readonly role: 'kernel' | 'initrd' | 'dtb' | 'bios';
  /** Name as the user gave it, for messages; never opened unless the user asks for it. */
  readonly name: string;
  readonly size: number;
  /** 64 hex digits. */
  readonly sha256: string;
  readonly embedded: boolean;
}

/** What a disk of the machine held at the start. */
export interface DiskInput {
  /** The drive's name, such as `sd0`. */
  readonly device: string;
  /** Name of the image as the user gave it, for messages. */
  readonly name: string;
  /** SHA-256 of the contents at the start, whatever the format (see `block/content.ts`): 64 hex digits. */
  readonly content: string;
  /** Disk chunks hold all of it that is not zeros. */
  readonly embedded: boolean;
  /** Name of the overlay that took the writes, as the user gave it; empty when they went to a temporary layer. */
  readonly overlay: string;
}

/** Where a recording begins. */
export interface RecordingStart {
  /** Name of the initial snapshot (QEMU's `rrsnapshot`). */
  readonly snapshot: string;
  /**
   * Where it is: `power-on`, nowhere, since header and inputs say all there is to it; `recording`, in the recording, as
   * its first snapshot. A disk's overlay has one of that name, too, with the disk as it was.
   */
  readonly kept: 'power-on' | 'recording';
  readonly position: Position;
}

/** One part of the machine's state: a device, the CPU, the clock, RAM, a serial port's output. */
export interface ComponentInfo {
  readonly name: string;
  readonly schema: string;
  readonly version: number;
  readonly hash: number;
}

/** Everything about a machine that the guest can see and that its inputs do not determine. */
export interface MachineOptions {
  readonly machine: 'integratorcp';
  readonly cpu: 'arm926';
  readonly ramBytes: number;
  /** Kernel command line. */
  readonly append: string;
  /** Virtual nanoseconds of an instruction: 2^shift. */
  readonly icountShift: number;
  /** Seconds since 1970 that the real-time clock shows at power-on. */
  readonly rtcBase: number;
  /** Seed of all randomness that the guest can see, 64 bits as 16 hex digits. */
  readonly seed: string;
  readonly noReboot: boolean;
  /** The network interfaces that the machine has. */
  readonly nics: readonly Nic[];
  /** The disks that the machine has: the memory card. */
  readonly disks: readonly Disk[];
}

export interface Disk {
  /** Of 512 bytes. */
  readonly sectors: number;
  readonly readOnly: boolean;
}

export interface Nic {
  /** 12 hex digits. */
  readonly mac: string;
}

export interface Header {
  readonly engineVersion: string;
  readonly options: MachineOptions;
  readonly inputs: readonly InputFile[];
  readonly disks: readonly DiskInput[];
  readonly start: RecordingStart;
  readonly components: readonly ComponentInfo[];
  /** A digest is taken at the start, and whenever the instruction count is a multiple of this. */
  readonly digestInterval: number;
}
