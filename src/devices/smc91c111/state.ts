/** All the state of the LAN91C111: MAC, memory management, EEPROM and PHY. */
import { bool, u8, u8s, u16, u16s, u32 } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import { PHY } from './phy.regs.ts';
import { SMC91C111 } from './smc91c111.regs.ts';

/** Packets that the memory holds; each takes a whole page, whatever size is asked for. */
export const PACKETS = 4;
export const PAGE_BYTES = 2048;
export const EEPROM_WORDS = 64;

export const smc91c111State = defineState('smc91c111', 1, {
  ...SMC91C111.stored,
  ...PHY.stored,
  IA: u8s(6, 'IA0 to IA5'),
  MT: u8s(8, 'MT0 to MT7'),
  memory: u8s(PACKETS * PAGE_BYTES, 'packet memory, one page for each packet number'),
  allocated: u8(0, 'packet numbers in use, one bit each'),
  allocationWaits: bool(false, 'an allocation waits for memory'),
  rxFifo: u8s(PACKETS, 'received packets, oldest first'),
  rxCount: u8(0, 'packets in rxFifo'),
  txFifo: u8s(PACKETS, 'packets to be sent, oldest first'),
  txCount: u8(0, 'packets in txFifo'),
  doneFifo: u8s(PACKETS, 'TX completion FIFO, oldest first'),
  doneCount: u8(0, 'packets in doneFifo'),
  linkUp: bool(true, 'LINK_OK of EPHSR'),
  linkChanged: bool(false, 'LINK_OK has changed while LE_ENABLE was set'),
  eeprom: u16s(EEPROM_WORDS, 'serial EEPROM', 0xffff),
  phyLatched: u16(0, 'bits of PHY_Status_Output that hold a change until they are read'),
  phyLinkLost: bool(false, 'the link was down since PHY_Status was read'),
  miiOnes: u8(0, 'ones in a row on the idle management interface, up to 32'),
  miiBits: u8(0, 'bits of the management frame that have passed; 0 when idle'),
  miiIn: u32(0, 'those bits, but for the first'),
  miiReading: bool(false, 'the frame reads a register of the PHY'),
  miiOut: u16(0, 'that register'),
});

export type Smc91c111State = ReturnType<typeof smc91c111State.create>['fields'];
