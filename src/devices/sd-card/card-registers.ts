/**
 * The registers that a card sends, as bytes in the order of the bus: sections 4.3.10 (switch function), 4.10.2 (SD status)
 * and 5 of the specification. The field names and bit numbers are those of its tables.
 */
import { capacityUnit, isExtendedCapacity, isHighCapacity } from './capacity.ts';

/** A register of so many bits, the most significant byte first. */
class BitImage {
  readonly bytes: Uint8Array;

  constructor(bits: number) {
    this.bytes = new Uint8Array(bits / 8);
  }

  /** Writes `value` into bits `high` to `low`. */
  set(high: number, low: number, value: number): this {
    let rest = value;
    for (let bit = low; bit <= high; bit++) {
      if (rest % 2 === 1) this.bytes[this.bytes.length - 1 - (bit >> 3)] |= 1 << (bit & 7);
      rest = Math.floor(rest / 2);
    }
    return this;
  }

  /** CID and CSD end with a CRC of what is before it, and a 1. */
  closed(): Uint8Array {
    return this.set(7, 1, crc7(this.bytes.subarray(0, -1))).set(0, 0, 1).bytes;
  }
}

/** Generator x^7 + x^3 + 1: section 4.5. */
function crc7(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const feedback = ((crc >> 6) ^ (byte >> bit)) & 1;
      crc = ((crc << 1) & 0x7f) ^ (feedback ? 0x09 : 0);
    }
  }
  return crc;
}

const text = (ascii: string): number => [...ascii].reduce((value, c) => value * 256 + c.charCodeAt(0), 0);

/** Card identification: made in January 2010 by nobody who has a number. */
export const cid = (): Uint8Array =>
  new BitImage(128)
    .set(119, 104, text('RP')) // OID
    .set(103, 64, text('REPRS')) // PNM
    .set(63, 56, 0x10) // PRV: 1.0
    .set(55, 24, 1) // PSN
    .set(19, 8, 0x0a1) // MDT
    .closed();

/** Command classes: 0 basic, 2 block read, 8 application-specific, 10 switch. */
const READ_CLASSES = 0b101_0000_0101;
/** 4 block write, 5 erase: a protected card does not offer them, which is all that Linux looks at. */
const WRITE_CLASSES = 0b000_0011_0000;

/** Card-specific data. */
export function csd(bytes: number, writeProtected: boolean, highSpeed: boolean): Uint8Array {
  const image = new BitImage(128)
    .set(119, 112, 0x0e) // TAAC: 1 ms
    .set(103, 96, highSpeed ? 0x5a : 0x32) // TRAN_SPEED: 50 or 25 MHz
    .set(95, 84, writeProtected ? READ_CLASSES : READ_CLASSES | WRITE_CLASSES) // CCC
    .set(46, 46, 1) // ERASE_BLK_EN
    .set(45, 39, 0x7f) // SECTOR_SIZE
    .set(28, 26, 2) // R2W_FACTOR
    .set(13, 13, writeProtected ? 1 : 0); // PERM_WRITE_PROTECT
  const units = bytes / capacityUnit(bytes);
  if (isHighCapacity(bytes)) {
    return image
      .set(127, 126, 1) // CSD_STRUCTURE
      .set(83, 80, 9) // READ_BL_LEN
      .set(69, 48, units - 1) // C_SIZE
      .set(25, 22, 9) // WRITE_BL_LEN
      .closed();
  }
  // A unit is 2^(C_SIZE_MULT + 2) blocks of 2^READ_BL_LEN bytes; C_SIZE_MULT ends at 7.
  const blockLength = capacityUnit(bytes) > 512 << 9 ? 10 : 9;
  return image
    .set(83, 80, blockLength) // READ_BL_LEN
    .set(79, 79, 1) // READ_BL_PARTIAL
    .set(73, 62, units - 1) // C_SIZE
    .set(61, 50, 0xfff) // VDD_R_CURR_MIN, VDD_R_CURR_MAX, VDD_W_CURR_MIN, VDD_W_CURR_MAX: 100 and 200 mA
    .set(49, 47, Math.log2(capacityUnit(bytes)) - blockLength - 2) // C_SIZE_MULT
    .set(25, 22, blockLength) // WRITE_BL_LEN
    .closed();
}

/** SD configuration: version 2.00 (SDXC exists from 3.0 on), bus of 1 or 4 bits, erased data are zeros, no security. */
export const scr = (bytes: number): Uint8Array =>
  new BitImage(64)
    .set(59, 56, 2) // SD_SPEC
    .set(51, 48, 0b0101) // SD_BUS_WIDTHS
    .set(47, 47, isExtendedCapacity(bytes) ? 1 : 0).bytes; // SD_SPEC3

/** SD status: the speed class and allocation unit are only there for cards of high capacity. */
export function sdStatus(bytes: number, wideBus: boolean): Uint8Array {
  const image = new BitImage(512).set(511, 510, wideBus ? 2 : 0); // DAT_BUS_WIDTH
  if (isHighCapacity(bytes)) {
    image
      .set(447, 440, 2) // SPEED_CLASS: 4
      .set(439, 432, 2) // PERFORMANCE_MOVE: 2 MB/s
      .set(431, 428, 9); // AU_SIZE: 4 MiB
  }
  return image.bytes;
}

const GROUPS = 6;
const KEEP = 0xf;
const NOT_THERE = 0xf;

/**
 * The answer to SWITCH_FUNC. Of the functions there are the default of each group, and high speed: function 1 of group 1.
 * @param argument of the command, a function of four bits for each group
 * @returns the status, and whether the card is in high speed if the switch is made: undefined where it cannot be made
 */
export function switchFunction(argument: number, highSpeed: boolean): { readonly status: Uint8Array; readonly highSpeed: boolean | undefined } {
  const status = new BitImage(512).set(511, 496, 100); // maximum current, mA
  let possible = true;
  let chosen = highSpeed ? 1 : 0;
  for (let group = 1; group <= GROUPS; group++) {
    const current = group === 1 ? chosen : 0;
    const asked = (argument >>> (4 * (group - 1))) & 0xf;
    const selected = asked === KEEP ? current : asked <= (group === 1 ? 1 : 0) ? asked : NOT_THERE;
    if (selected === NOT_THERE) possible = false;
    else if (group === 1) chosen = selected;
    status.set(400 + 16 * group - 1, 400 + 16 * (group - 1), group === 1 ? 0x8003 : 0x8001); // functions that there are
    status.set(376 + 4 * group - 1, 376 + 4 * (group - 1), selected); // function that is, or would be, selected
  }
  if (!possible) status.bytes.fill(0, 0, 2); // maximum current: 0 tells of an error
  return { status: status.bytes, highSpeed: possible ? chosen === 1 : undefined };
}
