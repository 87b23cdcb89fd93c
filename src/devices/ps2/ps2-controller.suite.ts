/** A controller for tests of PS/2 devices: it takes bytes at once, or only when told to. */
import type { Bench } from '../contract.suite.ts';
import type { Ps2Host, Ps2Port, Ps2Wiring } from './ps2-device.ts';

export class Controller implements Ps2Host {
  port: Ps2Port | undefined;
  /** Leaves the bytes with the device. */
  busy = false;
  private received: number[] = [];

  offered(): void {
    while (!this.busy && this.port?.ready()) this.received.push(this.port.take());
  }

  wiring(bench: Bench): Ps2Wiring {
    return { host: this, log: bench.log };
  }

  /** Sends bytes and returns all that came, in hexadecimal. */
  send(...bytes: number[]): string {
    for (const byte of bytes) this.port?.put(byte);
    return this.take();
  }

  /** All that came since the last time, and what the device still has. */
  take(): string {
    const busy = this.busy;
    this.busy = false;
    this.offered();
    this.busy = busy;
    return this.received
      .splice(0)
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join(' ');
  }
}
