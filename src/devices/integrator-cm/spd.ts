/**
 * The serial presence detect memory of the core module's SDRAM DIMM: what its EEPROM holds, after JEDEC Standard 21-C,
 * section 4.1.2.5 (SDR SDRAM). The DIMM is a 64-bit PC133 one with a single row of chips of four banks each.
 */

/** Sizes of DIMM in MiB by the code that CM_SDRAM has for them (MEMSIZE), with their row and column address lines. */
const DIMMS = [
  { mebibytes: 16, rows: 11, columns: 8 },
  { mebibytes: 32, rows: 12, columns: 8 },
  { mebibytes: 64, rows: 12, columns: 9 },
  { mebibytes: 128, rows: 12, columns: 10 },
  { mebibytes: 256, rows: 13, columns: 10 },
] as const;

const CHECKSUM = 63;
const PART_NUMBER = 73;
const PART = 'REPRISE-SDRAM     ';

/** By byte number; bytes 0 to 127 that are not listed are 0, those from 128 on are not programmed and read 0xff. */
const COMMON: Readonly<Record<number, number>> = {
  0: 128, // bytes programmed
  1: 8, // 2^8 bytes of EEPROM
  2: 4, // SDRAM
  5: 1, // module rows
  6: 64, // data width
  8: 1, // LVTTL
  9: 0x75, // 7.5 ns clock at CAS latency 3
  10: 0x54, // 5.4 ns access from the clock
  12: 0x80, // self refresh, every 15.6 us
  13: 8, // chips of 8 bits
  15: 1, // one clock between column accesses
  16: 0x8f, // bursts of 1, 2, 4, 8 and a page
  17: 4, // banks in a chip
  18: 0x06, // CAS latencies 2 and 3
  19: 1, // chip select latency 0
  20: 1, // write latency 0
  22: 0x0e, // precharge all, auto-precharge, write burst
  23: 0xa0, // 10 ns clock at CAS latency 2
  24: 0x60, // 6 ns access from the clock
  27: 20, // tRP, ns
  28: 15, // tRRD, ns
  29: 20, // tRCD, ns
  30: 45, // tRAS, ns
  32: 0x15, // address set-up, 1.5 ns
  33: 0x08, // address hold, 0.8 ns
  34: 0x15, // data set-up, 1.5 ns
  35: 0x08, // data hold, 0.8 ns
  62: 0x12, // SPD revision 1.2
};

/** MEMSIZE of CM_SDRAM: the largest DIMM that `bytes` of memory fill, else the smallest. */
export function dimmCode(bytes: number): number {
  const larger = DIMMS.findIndex(({ mebibytes }) => mebibytes * 2 ** 20 > bytes);
  return larger < 0 ? DIMMS.length - 1 : Math.max(larger - 1, 0);
}

/** Byte `index`, 0 to 255, of the SPD memory of the DIMM with that code. */
export function spdByte(code: number, index: number): number {
  const { mebibytes, rows, columns } = DIMMS[code];
  if (index >= 128) return 0xff;
  if (index >= PART_NUMBER && index < PART_NUMBER + PART.length) return PART.charCodeAt(index - PART_NUMBER);
  switch (index) {
    case 3:
      return rows;
    case 4:
      return columns;
    case 31:
      return mebibytes / 4;
    case CHECKSUM: {
      let sum = 0;
      for (let i = 0; i < CHECKSUM; i++) sum += spdByte(code, i);
      return sum & 0xff;
    }
    default:
      return COMMON[index] ?? 0;
  }
}
