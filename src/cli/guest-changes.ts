/** What a debugger changes in a guest, as a recording has to know it. */
import type { Machine } from '../boards/machine.ts';
import type { Space } from '../bus/debug.ts';
import { PAGE_BYTES, RAM_BASE } from '../bus/memory.ts';
import type { LiveRun } from '../session/live.ts';

export class GuestChanges {
  private readonly machine: Machine;
  /** The recorded run; undefined while nothing is recorded. */
  run: LiveRun | undefined;
  private before: Uint8Array | undefined;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  /** A change is about to be made. */
  begin(): void {
    this.before = this.machine.cpu.state.save();
  }

  /** Bytes of memory were written: where they lie in RAM is found page by page. */
  memory(space: Space, address: number, bytes: Uint8Array): void {
    const { cpu, addressSpace } = this.machine;
    for (let done = 0; done < bytes.length; ) {
      const at = (address + done) >>> 0;
      const part = bytes.subarray(done, done + PAGE_BYTES - (at % PAGE_BYTES));
      const physical = space === 'physical' ? at : cpu.debug.translate(at);
      const offset = physical === undefined ? -1 : addressSpace.ramOffset(physical);
      if (offset >= 0) this.run?.changed('ram', offset - RAM_BASE, part);
      done += part.length;
    }
  }

  /** Registers were written: what differs in the CPU's state, in stretches. */
  registers(): void {
    const { cpu } = this.machine;
    const { bytes } = cpu.state;
    const { before } = this;
    if (before === undefined) return;
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] === before[at]) continue;
      let end = at + 1;
      while (end < bytes.length && bytes[end] !== before[end]) end++;
      this.run?.changed(cpu.name, at, bytes.subarray(at, end));
      at = end;
    }
  }
}
