/** Takes what the guest has sent since the last call, in one fixed order, for a live run and a replay alike. */
import type { Machine } from '../boards/machine.ts';
import type { Nanoseconds } from '../time/units.ts';

export interface OutputListener {
  /** `stream` is the number among `Digestible.outputs`; a frame has its length in front, as two bytes. */
  hashed(stream: number, bytes: Uint8Array): void;
  /** `times`: the virtual time at which the guest sent each byte. */
  serial(port: number, bytes: Uint8Array, times: Float64Array): void;
  /** `at`: the virtual time at which the guest sent it. */
  frame(nic: number, bytes: Uint8Array, at: Nanoseconds): void;
}

export function takeOutputs(machine: Machine, listener: OutputListener): void {
  const { serial, nics } = machine;
  for (let port = 0; port < serial.length; port++) {
    const { bytes, times } = serial[port].output.take();
    if (bytes.length === 0) continue;
    listener.hashed(port, bytes);
    listener.serial(port, bytes, times);
  }
  for (let nic = 0; nic < nics.length; nic++) {
    for (const { bytes, at } of nics[nic].output.take()) {
      listener.hashed(serial.length + nic, Uint8Array.of(bytes.length >>> 8, bytes.length & 0xff));
      listener.hashed(serial.length + nic, bytes);
      listener.frame(nic, bytes, at);
    }
  }
}
