/** Condition codes (ARM ARM A3.2.1). */

/** Whether condition `code`, 0 to 15, holds for flags N, Z, C, V (each 0 or 1). 14 and 15 (unconditional instructions) always hold. */
export function conditionPassed(nzcv: Int32Array, code: number): boolean {
  switch (code) {
    case 0:
      return nzcv[1] !== 0;
    case 1:
      return nzcv[1] === 0;
    case 2:
      return nzcv[2] !== 0;
    case 3:
      return nzcv[2] === 0;
    case 4:
      return nzcv[0] !== 0;
    case 5:
      return nzcv[0] === 0;
    case 6:
      return nzcv[3] !== 0;
    case 7:
      return nzcv[3] === 0;
    case 8:
      return nzcv[2] !== 0 && nzcv[1] === 0;
    case 9:
      return nzcv[2] === 0 || nzcv[1] !== 0;
    case 10:
      return nzcv[0] === nzcv[3];
    case 11:
      return nzcv[0] !== nzcv[3];
    case 12:
      return nzcv[1] === 0 && nzcv[0] === nzcv[3];
    case 13:
      return nzcv[1] !== 0 || nzcv[0] !== nzcv[3];
    default:
      return true;
  }
}

export const CONDITION_NAMES = ['eq', 'ne', 'cs', 'cc', 'mi', 'pl', 'vs', 'vc', 'hi', 'ls', 'ge', 'lt', 'gt', 'le', '', ''] as const;
