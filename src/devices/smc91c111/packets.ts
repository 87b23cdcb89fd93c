/**
 * Memory management of the LAN91C111: which packets are in use, the FIFOs of their numbers, and how a packet lies in
 * its page. Guests may free a packet that is still in a FIFO, or enqueue it twice, so a FIFO is never taken to hold
 * anything but numbers; all of them stay within the memory.
 *
 * Source: LAN91C111 datasheet 8.1, 8.2, 8.16 and 8.17.
 */
import { addressHash, FCS_BYTES } from './checksum.ts';
import { SMC91C111 } from './smc91c111.regs.ts';
import { PACKETS, PAGE_BYTES, type Smc91c111State } from './state.ts';

const { ARR } = SMC91C111.mask;
/** Status word and byte count before the data, control word after them. */
const FRAMING_BYTES = 6;
const DATA = 4;
/** Limits of a frame on the cable, with its FCS. */
const SHORTEST = 64;
const LONGEST = 1518;
/** Control byte. */
const ODD = 0x20;
const CRC = 0x10;
const RECEIVED = 0x40;
/** Receive frame status. */
const BRODCAST = 0x4000;
const BADCRC = 0x2000;
const ODDFRM = 0x1000;
const TOOLNG = 0x0800;
const TOOSHORT = 0x0400;
const MULTCAST = 0x0001;
const HASH_SHIFT = 1;

export const ADDRESS_BYTES = 6;
export const isGroup = (frame: Uint8Array): boolean => (frame[0] & 1) !== 0;
export const isBroadcast = (frame: Uint8Array): boolean =>
  frame.length >= ADDRESS_BYTES && frame.subarray(0, ADDRESS_BYTES).every((byte) => byte === 0xff);

/** Packets that are free. */
export function freePackets(s: Smc91c111State): number {
  let free = 0;
  for (let packet = 0; packet < PACKETS; packet++) if (!((s.allocated >> packet) & 1)) free++;
  return free;
}

/** Takes the first free packet; -1 when there is none. */
export function takePacket(s: Smc91c111State): number {
  for (let packet = 0; packet < PACKETS; packet++) {
    if ((s.allocated >> packet) & 1) continue;
    s.allocated |= 1 << packet;
    return packet;
  }
  return -1;
}

/** The guest asks for a packet: now, or as soon as one is released. */
export function allocate(s: Smc91c111State): void {
  s.ARR = ARR.FAILED;
  s.allocationWaits = true;
  satisfyAllocation(s);
}

function satisfyAllocation(s: Smc91c111State): void {
  const packet = s.allocationWaits ? takePacket(s) : -1;
  if (packet < 0) return;
  s.ARR = packet;
  s.allocationWaits = false;
}

/** Frees a packet. False when it was not in use. */
export function releasePacket(s: Smc91c111State, packet: number): boolean {
  if (packet >= PACKETS || !((s.allocated >> packet) & 1)) return false;
  s.allocated &= ~(1 << packet);
  satisfyAllocation(s);
  return true;
}

type Fifo = 'rx' | 'tx' | 'done';

/** Appends a packet number. False when the FIFO is full. */
export function push(s: Smc91c111State, fifo: Fifo, packet: number): boolean {
  if (s[`${fifo}Count`] >= PACKETS) return false;
  s[`${fifo}Fifo`][s[`${fifo}Count`]++] = packet;
  return true;
}

/** The oldest packet number; -1 when the FIFO is empty. */
export function head(s: Smc91c111State, fifo: Fifo): number {
  return s[`${fifo}Count`] === 0 ? -1 : s[`${fifo}Fifo`][0] % PACKETS;
}

/** Removes the oldest packet number and returns it; -1 when the FIFO is empty. */
export function pop(s: Smc91c111State, fifo: Fifo): number {
  const packet = head(s, fifo);
  if (packet < 0) return -1;
  s[`${fifo}Fifo`].copyWithin(0, 1);
  s[`${fifo}Count`]--;
  return packet;
}

/** The memory of a packet. */
const pageOf = (s: Smc91c111State, packet: number): Uint8Array => s.memory.subarray(packet * PAGE_BYTES, (packet + 1) * PAGE_BYTES);

const setWord = (page: Uint8Array, offset: number, word: number): void => {
  page[offset] = word;
  page[offset + 1] = word >> 8;
};

/** Replaces the status word of a packet. */
export const setStatus = (s: Smc91c111State, packet: number, status: number): void => setWord(pageOf(s, packet), 0, status);

/** Data of a packet that the guest has written, and whether it asks for a CRC of its own. A view, empty when the byte count makes no sense. */
export function packetToSend(s: Smc91c111State, packet: number): { data: Uint8Array; wantsCrc: boolean } {
  const page = pageOf(s, packet);
  const count = (page[2] | (page[3] << 8)) & (PAGE_BYTES - 2);
  if (count < FRAMING_BYTES) return { data: page.subarray(0, 0), wantsCrc: false };
  const control = page[count - 1];
  return { data: page.subarray(DATA, DATA + count - FRAMING_BYTES + (control & ODD ? 1 : 0)), wantsCrc: (control & CRC) !== 0 };
}

/** Whether a frame of `length` bytes fits into a page as a received packet: the byte count has eleven bits. */
export const fitsPage = (length: number): boolean => (length & ~1) + FRAMING_BYTES < PAGE_BYTES;

/** Writes a frame as it came from the cable, the FCS with it, as a received packet. */
export function storeReceived(s: Smc91c111State, packet: number, cable: Uint8Array, { good, strip }: { good: boolean; strip: boolean }): void {
  const page = pageOf(s, packet);
  const data = strip ? cable.subarray(0, -FCS_BYTES) : cable;
  const odd = data.length & 1;
  let status = addressHash(cable.subarray(0, ADDRESS_BYTES)) << HASH_SHIFT;
  if (isBroadcast(cable)) status |= BRODCAST;
  else if (isGroup(cable)) status |= MULTCAST;
  if (!good) status |= BADCRC;
  if (odd) status |= ODDFRM;
  if (cable.length > LONGEST) status |= TOOLNG;
  if (cable.length < SHORTEST) status |= TOOSHORT;
  const end = data.length - odd + FRAMING_BYTES;
  setWord(page, 0, status);
  setWord(page, 2, end);
  setWord(page, end - 2, odd ? (RECEIVED | ODD) << 8 : RECEIVED << 8);
  page.set(data, DATA);
}
