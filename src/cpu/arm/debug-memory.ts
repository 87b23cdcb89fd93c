/** How a debugger sees memory: through the current mapping, whatever the permissions, and leaving no trace. */
import type { AddressSpace } from '../../bus/address-space.ts';
import type { Space } from '../../bus/debug.ts';
import { DIRTY, type GuestMemory, PAGE_SHIFT, RAM_BASE } from '../../bus/memory.ts';
import type { Arm926 } from './cpu.ts';
import { FAULT } from './fault.ts';
import { type Translation, translate } from './translation.ts';

/** The smallest page there is. */
const TINY_PAGE = 1024;

const isDomainFault = (fault: number): boolean => (fault & 15) === FAULT.domainSection || (fault & 15) === FAULT.domainPage;

export class DebugMemory {
  private readonly cpu: Arm926;
  private readonly memory: GuestMemory;
  private readonly bus: AddressSpace;
  private readonly found: Translation = { fault: 0, physical: 0, readable: false, writable: false, permissionFault: 0, uniform: false };

  constructor(cpu: Arm926, memory: GuestMemory, bus: AddressSpace) {
    this.cpu = cpu;
    this.memory = memory;
    this.bus = bus;
    Object.freeze(this);
  }

  translate(address: number): number | undefined {
    const { found, cpu, memory, bus } = this;
    // As a fetch: a walk for data may leave a locked TLB entry behind.
    translate(cpu.s, memory, bus, address, true, false, found, () => {});
    return found.fault === 0 || isDomainFault(found.fault) ? found.physical >>> 0 : undefined;
  }

  read(space: Space, address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const done = this.pieces(space, address, length, (offset, from, count) => {
      bytes.set(this.memory.bytes.subarray(offset, offset + count), from);
    });
    return bytes.subarray(0, done);
  }

  write(space: Space, address: number, bytes: Uint8Array): number {
    const { memory } = this;
    const done = this.pieces(space, address, bytes.length, (offset, from, count) => {
      memory.bytes.set(bytes.subarray(from, from + count), offset);
      memory.flags[(offset - RAM_BASE) >>> PAGE_SHIFT] |= DIRTY;
    });
    if (done > 0) this.cpu.dropDerived();
    return done;
  }

  /** Calls `act` for each piece that lies in one page of RAM, until something is not RAM. Returns the bytes done. */
  private pieces(space: Space, address: number, length: number, act: (offset: number, from: number, count: number) => void): number {
    let done = 0;
    while (done < length) {
      const at = (address + done) >>> 0;
      const physical = space === 'physical' ? at : this.translate(at);
      const offset = physical === undefined ? -1 : this.bus.ramOffset(physical);
      if (offset < 0) break;
      const count = Math.min(length - done, TINY_PAGE - (at % TINY_PAGE));
      act(offset, done, count);
      done += count;
    }
    return done;
  }
}
