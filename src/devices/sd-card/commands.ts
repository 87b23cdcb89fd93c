/**
 * The commands of the card and the states in which they are legal: the card state transition table, section 4.8 of the
 * specification. A command that is not here, or comes in another state, is illegal: it is not answered, and the next
 * response tells.
 */
import { type CardState, STATE } from './card-status.ts';

const { IDLE, READY, IDENT, STBY, TRAN, DATA, RCV, PRG, DIS } = STATE;
const IDENTIFIED: readonly CardState[] = [STBY, TRAN, DATA, RCV, PRG, DIS];

export const CMD = {
  GO_IDLE_STATE: 0,
  ALL_SEND_CID: 2,
  SEND_RELATIVE_ADDR: 3,
  SWITCH_FUNC: 6,
  SELECT_CARD: 7,
  SEND_IF_COND: 8,
  SEND_CSD: 9,
  SEND_CID: 10,
  STOP_TRANSMISSION: 12,
  SEND_STATUS: 13,
  GO_INACTIVE_STATE: 15,
  SET_BLOCKLEN: 16,
  READ_SINGLE_BLOCK: 17,
  READ_MULTIPLE_BLOCK: 18,
  WRITE_BLOCK: 24,
  WRITE_MULTIPLE_BLOCK: 25,
  PROGRAM_CSD: 27,
  ERASE_WR_BLK_START: 32,
  ERASE_WR_BLK_END: 33,
  ERASE: 38,
  APP_CMD: 55,
} as const;

/** Commands of their own behind APP_CMD. */
export const ACMD = {
  SET_BUS_WIDTH: 6,
  SD_STATUS: 13,
  SEND_NUM_WR_BLOCKS: 22,
  SET_WR_BLK_ERASE_COUNT: 23,
  SD_SEND_OP_COND: 41,
  SET_CLR_CARD_DETECT: 42,
  SEND_SCR: 51,
} as const;

const COMMANDS: Readonly<Record<number, readonly CardState[]>> = {
  [CMD.GO_IDLE_STATE]: [IDLE, READY, IDENT, ...IDENTIFIED],
  [CMD.ALL_SEND_CID]: [READY],
  [CMD.SEND_RELATIVE_ADDR]: [IDENT, STBY],
  [CMD.SWITCH_FUNC]: [TRAN],
  [CMD.SELECT_CARD]: [STBY, TRAN, DATA, PRG, DIS],
  [CMD.SEND_IF_COND]: [IDLE],
  [CMD.SEND_CSD]: [STBY],
  [CMD.SEND_CID]: [STBY],
  [CMD.STOP_TRANSMISSION]: [DATA, RCV],
  [CMD.SEND_STATUS]: IDENTIFIED,
  [CMD.GO_INACTIVE_STATE]: IDENTIFIED,
  [CMD.SET_BLOCKLEN]: [TRAN],
  [CMD.READ_SINGLE_BLOCK]: [TRAN],
  [CMD.READ_MULTIPLE_BLOCK]: [TRAN],
  [CMD.WRITE_BLOCK]: [TRAN],
  [CMD.WRITE_MULTIPLE_BLOCK]: [TRAN],
  [CMD.PROGRAM_CSD]: [TRAN],
  [CMD.ERASE_WR_BLK_START]: [TRAN],
  [CMD.ERASE_WR_BLK_END]: [TRAN],
  [CMD.ERASE]: [TRAN],
  [CMD.APP_CMD]: [IDLE, ...IDENTIFIED],
};

const APPLICATION_COMMANDS: Readonly<Record<number, readonly CardState[]>> = {
  [ACMD.SET_BUS_WIDTH]: [TRAN],
  [ACMD.SD_STATUS]: [TRAN],
  [ACMD.SEND_NUM_WR_BLOCKS]: [TRAN],
  [ACMD.SET_WR_BLK_ERASE_COUNT]: [TRAN],
  [ACMD.SD_SEND_OP_COND]: [IDLE],
  [ACMD.SET_CLR_CARD_DETECT]: [TRAN],
  [ACMD.SEND_SCR]: [TRAN],
};

export const isApplicationCommand = (index: number): boolean => index in APPLICATION_COMMANDS;

export const isLegal = (index: number, application: boolean, state: CardState): boolean =>
  (application ? APPLICATION_COMMANDS : COMMANDS)[index]?.includes(state) ?? false;
