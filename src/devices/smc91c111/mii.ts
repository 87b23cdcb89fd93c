/**
 * The PHY's end of the MII management interface, which software clocks bit by bit: after 32 ones a frame of start (01),
 * operation, PHY address, register, turnaround and 16 bits of data. The internal PHY has address 0.
 *
 * Source: LAN91C111 datasheet 7.5.3, IEEE 802.3 section 22.2.4.5.
 */
import { readPhy } from './phy.ts';
import { SMC91C111 } from './smc91c111.regs.ts';
import type { Smc91c111State } from './state.ts';

const PREAMBLE = 32;
const HEADER_BITS = 14;
const TURNAROUND_BITS = 2;
const FRAME_BITS = 32;
const READ = 0b10;
const WRITE = 0b01;
const INTERNAL_PHY = 0;
const { EXT_PHY } = SMC91C111.mask.CR;

/** A rising edge of MCLK with `bit` on the line. `write` is called when a frame that writes a register ends. */
export function clockMii(s: Smc91c111State, bit: 0 | 1, write: (register: number, value: number) => void): void {
  if (s.miiBits === 0) {
    const starts = bit === 0 && s.miiOnes >= PREAMBLE;
    s.miiOnes = bit === 0 ? 0 : Math.min(s.miiOnes + 1, PREAMBLE);
    if (!starts) return;
    s.miiIn = 0;
    s.miiBits = 1;
    return;
  }
  s.miiIn = (s.miiIn << 1) | bit;
  s.miiBits++;
  if (s.miiBits === 2 && bit === 0) s.miiBits = 0;
  else if (s.miiBits === HEADER_BITS) {
    s.miiReading = addressed(s, s.miiIn, READ);
    if (s.miiReading) s.miiOut = readPhy(s, s.miiIn & 0x1f);
  } else if (s.miiBits >= FRAME_BITS) {
    s.miiBits = 0;
    s.miiReading = false;
    const header = s.miiIn >>> (FRAME_BITS - HEADER_BITS);
    if (addressed(s, header, WRITE)) write(header & 0x1f, s.miiIn & 0xffff);
  }
}

/** What the PHY drives: from the last bit of the turnaround on, the data of a read. */
export function miiOutput(s: Smc91c111State): 0 | 1 {
  if (!s.miiReading || s.miiBits < HEADER_BITS + TURNAROUND_BITS) return 0;
  return ((s.miiOut >>> (FRAME_BITS - 1 - s.miiBits)) & 1) as 0 | 1;
}

/** Whether a header, without its first bit, is for the internal PHY and asks for `operation`. */
function addressed(s: Smc91c111State, header: number, operation: number): boolean {
  return ((header >>> 10) & 3) === operation && ((header >>> 5) & 0x1f) === INTERNAL_PHY && !(s.CR & EXT_PHY);
}
