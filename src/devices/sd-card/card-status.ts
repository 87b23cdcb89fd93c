/** Card status, the value of response R1: section 4.10.1 of the specification. */
export const STATUS = {
  OUT_OF_RANGE: 0x8000_0000,
  ADDRESS_ERROR: 0x4000_0000,
  BLOCK_LEN_ERROR: 0x2000_0000,
  ERASE_SEQ_ERROR: 0x1000_0000,
  ERASE_PARAM: 0x0800_0000,
  WP_VIOLATION: 0x0400_0000,
  ILLEGAL_COMMAND: 0x0040_0000,
  CSD_OVERWRITE: 0x0001_0000,
  ERASE_RESET: 0x0000_2000,
  READY_FOR_DATA: 0x0000_0100,
  APP_CMD: 0x0000_0020,
} as const;

/** CURRENT_STATE, bits 12 to 9. INACTIVE is told by nobody: such a card does not respond. */
export const STATE = { IDLE: 0, READY: 1, IDENT: 2, STBY: 3, TRAN: 4, DATA: 5, RCV: 6, PRG: 7, DIS: 8, INACTIVE: 9 } as const;
export type CardState = (typeof STATE)[keyof typeof STATE];

/** Response R6 has the upper bits of the status squeezed into 16. */
export const shortStatus = (status: number): number => ((status >>> 8) & 0xc000) | ((status >>> 6) & 0x2000) | (status & 0x1fff);
