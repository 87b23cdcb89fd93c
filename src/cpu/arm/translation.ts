/**
 * Address translation of the ARM926EJ-S (ARM ARM chapter B4, DDI 0198E chapter 3): FCSE, locked TLB entries, the walk of
 * the tables, domains and access permissions. Pure but for one thing: a walk made while the TLB's P bit is set leaves a
 * locked entry behind.
 */
import type { AddressSpace } from '../../bus/address-space.ts';
import type { GuestMemory } from '../../bus/memory.ts';
import type { StateOf } from '../../state/fields.ts';
import { FAULT } from './fault.ts';
import { type armState, LOCKED_ENTRIES } from './state.ts';

type ArmFields = StateOf<typeof armState.schema>;

/** What a translation found. One scratch object per MMU: read it before the next translation. */
export interface Translation {
  /** 0, or the fault status with the domain in bits 7:4. */
  fault: number;
  physical: number;
  readable: boolean;
  writable: boolean;
  /** The status of an access that `readable` or `writable` forbids. */
  permissionFault: number;
  /** The result holds for the whole 4 KiB around the address. */
  uniform: boolean;
}

/** Told of each descriptor that was read, by its byte offset in the WebAssembly memory. The last one of a walk holds the result. */
export type TableListener = (offset: number, firstLevel: boolean) => void;

const CONTROL_M = 1 << 0;
const CONTROL_S = 1 << 8;
const CONTROL_R = 1 << 9;
const LOCK_P = 1;

/** The modified virtual address: the first 32 MiB are moved to the process's slot (FCSE, ARM ARM B8). */
export const modified = (s: ArmFields, address: number): number => ((address & 0xfe000000) === 0 ? address | s.fcsePid : address);

export function translate(
  s: ArmFields,
  memory: GuestMemory,
  bus: AddressSpace,
  address: number,
  privileged: boolean,
  data: boolean,
  out: Translation,
  onTable: TableListener,
): void {
  const mva = modified(s, address);
  if (!(s.control & CONTROL_M)) {
    out.fault = 0;
    out.physical = mva;
    out.readable = out.writable = out.uniform = true;
    return;
  }
  const { lockedTag } = s;
  for (let n = 0; n < LOCKED_ENTRIES; n++) {
    if (lockedTag[n] & 1 && ((mva ^ lockedTag[n]) & s.lockedMask[n]) === 0) {
      const page = s.lockedPage[n];
      const mask = s.lockedMask[n];
      finish(s, out, mva, ((page & mask) | (mva & ~mask)) >>> 0, ((page & ~mask) >>> 4) & 0xff, page & 15, ~mask, mask === 0xfff00000, privileged);
      return;
    }
  }

  const first = descriptor(memory, bus, (s.ttbr | ((mva >>> 20) << 2)) >>> 0, true, onTable);
  const domain = (first >>> 5) & 15;
  let physical: number;
  let permissions: number;
  let span: number;
  switch (first & 3) {
    case 0:
      out.fault = FAULT.translationSection;
      return;
    case 2: {
      const ap = (first >>> 10) & 3;
      physical = (first & 0xfff00000) | (mva & 0x000fffff);
      permissions = ap * 0x55;
      span = 0x000fffff;
      break;
    }
    default: {
      const coarse = (first & 3) === 1;
      const table = coarse ? (first & 0xfffffc00) | (((mva >>> 12) & 0xff) << 2) : (first & 0xfffff000) | (((mva >>> 10) & 0x3ff) << 2);
      const second = descriptor(memory, bus, table >>> 0, false, onTable);
      switch (second & 3) {
        case 1:
          physical = (second & 0xffff0000) | (mva & 0xffff);
          permissions = (second >>> 4) & 0xff;
          span = 0xffff;
          break;
        case 2:
          physical = (second & 0xfffff000) | (mva & 0xfff);
          permissions = (second >>> 4) & 0xff;
          span = 0xfff;
          break;
        case 3:
          if (!coarse) {
            physical = (second & 0xfffffc00) | (mva & 0x3ff);
            permissions = ((second >>> 4) & 3) * 0x55;
            span = 0x3ff;
            break;
          }
          out.fault = FAULT.translationPage | (domain << 4);
          return;
        default:
          out.fault = FAULT.translationPage | (domain << 4);
          return;
      }
    }
  }
  if (data && s.tlbLockdown & LOCK_P) lock(s, mva, physical, permissions, domain, span);
  finish(s, out, mva, physical >>> 0, permissions, domain, span, span === 0x000fffff, privileged);
}

/**
 * A descriptor word. Outside RAM there are none: a walk that read a device would be seen by it, and how often there are
 * walks must not show.
 */
function descriptor(memory: GuestMemory, bus: AddressSpace, address: number, firstLevel: boolean, onTable: TableListener): number {
  const offset = bus.ramOffset(address);
  if (offset < 0) {
    bus.log.unmodelled('cpu', 'page tables outside RAM');
    return 0;
  }
  onTable(offset, firstLevel);
  return memory.words[offset >>> 2];
}

/** Checks domain and permissions. `permissions` holds AP3 to AP0, `span` the low bits that the entry covers. */
function finish(
  s: ArmFields,
  out: Translation,
  mva: number,
  physical: number,
  permissions: number,
  domain: number,
  span: number,
  section: boolean,
  privileged: boolean,
): void {
  out.fault = 0;
  out.physical = physical;
  // Four subpages have permissions of their own: of 16 KiB in a large page, of 1 KiB in a small one.
  const subpage = span === 0xffff ? (mva >>> 14) & 3 : span === 0xfff ? (mva >>> 10) & 3 : 0;
  out.uniform = span > 0xfff || (span === 0xfff && permissions === (permissions & 3) * 0x55);
  const access = (s.dacr >>> (2 * domain)) & 3;
  if (access === 3) {
    out.readable = out.writable = true;
    return;
  }
  if (access !== 1) {
    out.fault = (section ? FAULT.domainSection : FAULT.domainPage) | (domain << 4);
    return;
  }
  switch ((permissions >>> (2 * subpage)) & 3) {
    case 0: {
      const systemAndRom = s.control & (CONTROL_S | CONTROL_R);
      out.readable = systemAndRom === CONTROL_R || (systemAndRom === CONTROL_S && privileged);
      out.writable = false;
      break;
    }
    case 1:
      out.readable = out.writable = privileged;
      break;
    case 2:
      out.readable = true;
      out.writable = privileged;
      break;
    default:
      out.readable = out.writable = true;
  }
  out.permissionFault = (section ? FAULT.permissionSection : FAULT.permissionPage) | (domain << 4);
}

/** Invalidates the locked entry that covers this address. Returns whether there was one. */
export function unlock(s: ArmFields, mva: number): boolean {
  let found = false;
  for (let n = 0; n < LOCKED_ENTRIES; n++) {
    if (((mva ^ s.lockedTag[n]) & s.lockedMask[n]) !== 0) continue;
    if (s.lockedTag[n] & 1) found = true;
    s.lockedTag[n] = 0;
  }
  return found;
}

/** Puts a walk's result into the lockdown region at the victim, which moves on (DDI 0198E 2.3.10). */
function lock(s: ArmFields, mva: number, physical: number, permissions: number, domain: number, span: number): void {
  const victim = (s.tlbLockdown >>> 26) & 7;
  s.lockedTag[victim] = (mva & ~span) | 1;
  s.lockedMask[victim] = ~span;
  // A tiny page has room for three of its equal permissions only; the lowest is what counts.
  s.lockedPage[victim] = (physical & ~span) | ((permissions << 4) & span) | domain;
  s.tlbLockdown = (s.tlbLockdown & ~0x1c000000) | (((victim + 1) & 7) << 26);
}
