/**
 * The Ethernet protocol handler of the LAN91C111, between packet memory and cable: address filter, padding and frame
 * check sequences, outcome of transmissions, loopback.
 *
 * Source: LAN91C111 datasheet 8.5 to 8.8, 8.15, 8.21, 8.22. Sending takes no time, and nobody else uses the cable.
 */
import { addressHash, FCS_BYTES, isSealed, seal } from './checksum.ts';
import {
  ADDRESS_BYTES,
  fitsPage,
  isBroadcast,
  isGroup,
  packetToSend,
  pop,
  push,
  releasePacket,
  setStatus,
  storeReceived,
  takePacket,
} from './packets.ts';
import { phyCollides, phyIsMute, phyLoops } from './phy.ts';
import { SMC91C111 } from './smc91c111.regs.ts';
import { PACKETS, type Smc91c111State } from './state.ts';

const { TCR, EPHSR, RCR, ECR, CR, CTR, IST } = SMC91C111.mask;
/** Errors that stop the transmitter, until TXENA is set again. */
const FATAL = EPHSR.LOST_CARR | EPHSR.LATCOL | EPHSR['16COL'] | EPHSR.SQET;
const COUNTERS = Object.values(ECR);
const HEADER_BYTES = 14;
/** Shortest frame on the cable, and the longest that a network takes (with a VLAN tag), both without FCS. */
const MIN_FRAME = 60;
const MAX_FRAME = 1518;

/** The far end of the cable. */
export interface Cable {
  /** A frame arrives, without its FCS. It is the receiver's to keep. */
  put(frame: Uint8Array): void;
  /** A frame is dropped by the network, for this reason. */
  drop(why: string): void;
}

const powered = (s: Smc91c111State): boolean => (s.CR & CR.EPH_Power_EN) !== 0 && !(s.RCR & RCR.SOFT_RST);
const loops = (s: Smc91c111State): boolean => (s.TCR & TCR.EPH_LOOP) !== 0 || phyLoops(s);
const receives = (s: Smc91c111State): boolean => powered(s) && (s.RCR & RCR.RXEN) !== 0;

/** The receiver is on and hears the cable. */
export const hears = (s: Smc91c111State): boolean => receives(s) && s.linkUp && !loops(s);

/** Takes a frame from the cable if it is for this station, without its FCS; short ones are padded, as their sender would have done. */
export function receiveFrame(s: Smc91c111State, frame: Uint8Array): void {
  if (!hears(s)) return;
  const wire = new Uint8Array(Math.max(frame.length, MIN_FRAME) + FCS_BYTES);
  wire.set(frame);
  seal(wire);
  accept(s, wire, true);
}

/** `wire` has its FCS; `good` tells whether that is right. */
function accept(s: Smc91c111State, wire: Uint8Array, good: boolean): void {
  if (!passesFilter(s, wire) || !(good || s.CTR & CTR.RCV_BAD)) return;
  const strip = (s.RCR & RCR.STRIP_CRC) !== 0;
  if (!fitsPage(wire.length - (strip ? FCS_BYTES : 0))) {
    s.RCR |= RCR.RX_ABORT;
    s.IST |= IST.RX_OVRN_INT;
    return;
  }
  const packet = s.rxCount < PACKETS ? takePacket(s) : -1;
  if (packet < 0) {
    s.IST |= IST.RX_OVRN_INT;
    return;
  }
  storeReceived(s, packet, wire, { good, strip });
  push(s, 'rx', packet);
}

function passesFilter(s: Smc91c111State, wire: Uint8Array): boolean {
  if (s.RCR & RCR.PRMS || isBroadcast(wire)) return true;
  if (!isGroup(wire)) return s.IA.every((byte, i) => byte === wire[i]);
  if (s.RCR & RCR.ALMUL) return true;
  const hash = addressHash(wire.subarray(0, ADDRESS_BYTES));
  return ((s.MT[hash >> 3] >> (hash & 7)) & 1) !== 0;
}

/** TXENA is set: what stopped the transmitter is over. */
export function clearErrors(s: Smc91c111State): void {
  s.EPHSR &= ~(FATAL | EPHSR.TX_SUC);
}

/** Sends what is queued, as long as nothing stops the transmitter. */
export function transmit(s: Smc91c111State, cable: Cable): void {
  while (s.txCount > 0 && sends(s)) sendNext(s, cable);
}

function sends(s: Smc91c111State): boolean {
  if (!powered(s) || !(s.TCR & TCR.TXENA)) return false;
  return s.linkUp || loops(s) || failure(s) === EPHSR.LOST_CARR;
}

/** The bits of EPHSR with which a frame sent now would fail. In full duplex none does. */
function failure(s: Smc91c111State): number {
  if (s.TCR & TCR.SWFDUP) return 0;
  if (s.TCR & TCR.MON_CSN && !s.linkUp && !loops(s)) return EPHSR.LOST_CARR;
  if (s.TCR & TCR.FORCOL) return EPHSR.LATCOL | EPHSR.SNGLCOL;
  if (phyCollides(s)) return EPHSR['16COL'] | EPHSR.MULCOL;
  return s.TCR & TCR.STP_SQET ? EPHSR.SQET : 0;
}

function sendNext(s: Smc91c111State, cable: Cable): void {
  const failed = failure(s);
  const packet = pop(s, 'tx');
  const { data, wantsCrc } = packetToSend(s, packet);
  const wire = toWire(s, data, wantsCrc);
  s.EPHSR = failed === 0 ? EPHSR.TX_SUC : failed;
  if (isBroadcast(data)) s.EPHSR |= EPHSR.LTX_BRD;
  else if (isGroup(data)) s.EPHSR |= EPHSR.LTX_MULT;
  if (failed & EPHSR.SNGLCOL) count(s, ECR.SINGLE_COLLISION);
  if (failed & EPHSR.MULCOL) count(s, ECR.MULTIPLE_COLLISION);
  if (failed !== 0) s.TCR &= ~TCR.TXENA;
  if (s.txCount === 0) s.IST |= IST.TX_EMPTY_INT;
  if (failed === 0 && s.CTR & CTR.AUTO_RELEASE) releasePacket(s, packet);
  else {
    setStatus(s, packet, ephStatus(s));
    push(s, 'done', packet);
  }
  // Without an SQE test pulse the frame itself has been sent well.
  if (failed === 0 || failed === EPHSR.SQET) deliver(s, wire, cable);
}

/** The counters of ECR stop at their highest value. */
function count(s: Smc91c111State, counter: number): void {
  if ((s.ECR & counter) !== counter) s.ECR += counter & -counter;
}

/** The frame as it goes out: padded, and with an FCS unless the guest has put its own at the end. */
function toWire(s: Smc91c111State, data: Uint8Array, wantsCrc: boolean): Uint8Array {
  const sealed = !(s.TCR & TCR.NOCRC) || wantsCrc;
  const minimum = s.TCR & TCR.PAD_EN ? MIN_FRAME + (sealed ? 0 : FCS_BYTES) : 0;
  const wire = new Uint8Array(Math.max(data.length, minimum) + (sealed ? FCS_BYTES : 0));
  wire.set(data);
  if (sealed) seal(wire);
  return wire;
}

function deliver(s: Smc91c111State, wire: Uint8Array, cable: Cable): void {
  if (wire.length < HEADER_BYTES + FCS_BYTES) {
    cable.drop('too short for a header');
    return;
  }
  const good = isSealed(wire);
  if (loops(s)) {
    if (receives(s) && s.TCR & (TCR.FDUPLX | TCR.SWFDUP)) accept(s, wire, good);
  } else if (!good) cable.drop('wrong CRC');
  else if (wire.length > MAX_FRAME + FCS_BYTES) cable.drop('too long');
  else if (!phyIsMute(s)) cable.put(wire.slice(0, -FCS_BYTES));
}

const counterIsFull = (s: Smc91c111State): boolean => COUNTERS.some((counter) => (s.ECR & counter) === counter);

/** EPHSR as the guest reads it. */
export function ephStatus(s: Smc91c111State): number {
  return s.EPHSR | (s.linkUp ? EPHSR.LINK_OK : 0) | (counterIsFull(s) ? EPHSR.CTR_ROL : 0);
}

/** EPH_INT, by the causes that CTR enables. */
export function ephInterrupts(s: Smc91c111State): boolean {
  if (s.linkChanged) return true;
  if (s.CTR & CTR.CR_ENABLE && counterIsFull(s)) return true;
  return (s.CTR & CTR.TE_ENABLE) !== 0 && (s.EPHSR & FATAL) !== 0;
}
