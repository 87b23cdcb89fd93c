/**
 * The physical address space of a machine: windows of RAM, and devices. The CPU reaches RAM by itself; everything
 * else goes through `read` and `write` here.
 *
 * Around each device access the contract of time is kept in one place: the device is brought up to the present first,
 * and if the access moved its next wake-up forward, the CPU's slice is ended so that it cannot be missed.
 */
import { assert } from '../errors/errors.ts';
import type { Scheduler } from '../time/scheduler.ts';
import type { AccessSize, AnyDevice, Clock, GuestLog } from './device.ts';
import { RAM_BASE } from './memory.ts';

interface RamWindow {
  readonly base: number;
  readonly bytes: number;
}

interface DeviceWindow {
  readonly base: number;
  readonly bytes: number;
  readonly device: AnyDevice;
}

const hex = (n: number): string => `0x${(n >>> 0).toString(16).padStart(8, '0')}`;

export class AddressSpace {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: GuestLog;
  /** Windows through which RAM is seen, all beginning at its first byte. */
  readonly ramWindows: readonly RamWindow[];
  readonly devices: readonly DeviceWindow[];

  constructor(clock: Clock, scheduler: Scheduler, log: GuestLog, ramWindows: readonly RamWindow[], devices: readonly DeviceWindow[]) {
    const sorted = [...ramWindows, ...devices].sort((a, b) => a.base - b.base);
    for (let i = 1; i < sorted.length; i++) assert(sorted[i - 1].base + sorted[i - 1].bytes <= sorted[i].base, 'windows do not overlap');
    this.clock = clock;
    this.scheduler = scheduler;
    this.log = log;
    this.ramWindows = ramWindows;
    this.devices = [...devices].sort((a, b) => a.base - b.base);
    Object.freeze(this);
  }

  /** Byte offset in the WebAssembly memory of a physical address, or -1 when it is not RAM. */
  ramOffset(address: number): number {
    const physical = address >>> 0;
    for (const w of this.ramWindows) if (physical >= w.base && physical - w.base < w.bytes) return RAM_BASE + (physical - w.base);
    return -1;
  }

  /** Reads a device. Where there is none, 0 is read, as the board's default bus slave and QEMU have it, and the log tells. */
  read(address: number, size: AccessSize): number {
    const w = this.windowAt(address >>> 0);
    if (w === undefined) {
      this.log.guestError('bus', `read of unmapped address ${hex(address & ~0xfff)}`);
      return 0;
    }
    w.device.evaluate(this.clock.now());
    const value = w.device.read((address >>> 0) - w.base, size);
    this.scheduler.touched(w.device);
    return value;
  }

  /** Writes a device. */
  write(address: number, size: AccessSize, value: number): void {
    const w = this.windowAt(address >>> 0);
    if (w === undefined) {
      this.log.guestError('bus', `write to unmapped address ${hex(address & ~0xfff)}`);
      return;
    }
    w.device.evaluate(this.clock.now());
    w.device.write((address >>> 0) - w.base, size, value);
    this.scheduler.touched(w.device);
  }

  private windowAt(physical: number): DeviceWindow | undefined {
    const { devices } = this;
    let low = 0;
    let high = devices.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (devices[middle].base <= physical) low = middle + 1;
      else high = middle;
    }
    const w = low > 0 ? devices[low - 1] : undefined;
    return w !== undefined && physical - w.base < w.bytes ? w : undefined;
  }
}
