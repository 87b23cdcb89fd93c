/**
 * Byte and half-word accesses to 32-bit registers, as an AMBA bridge makes them: a narrow read sees its byte lanes
 * of the register; a narrow write carries its value on its own lanes, the other lanes being zero.
 */
import type { AccessSize } from '../bus/device.ts';

/** The lanes of `value`, a whole register, that a read of `size` bytes at `offset` sees. */
export function lanesRead(value: number, offset: number, size: AccessSize): number {
  if (size === 4) return value >>> 0;
  return (value >>> ((offset & 3) * 8)) & (size === 1 ? 0xff : 0xffff);
}

/** The register-wide value of a write of `size` bytes at `offset`. */
export function lanesWritten(value: number, offset: number, size: AccessSize): number {
  return size === 4 ? value >>> 0 : (value << ((offset & 3) * 8)) >>> 0;
}
