/** The kinds of values that options take. All throw RepriseError BAD_VALUE, with `where` in front of the message. */
import { RepriseError } from '../errors/errors.ts';
import { secondsOfDate } from '../host/node/dates.ts';

const UNITS = { B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const;

export function badValue(where: string, problem: string): RepriseError {
  return new RepriseError('BAD_VALUE', `${where}: ${problem}`);
}

export function parseSwitch(value: string, where: string): boolean {
  if (value === 'on') return true;
  if (value === 'off') return false;
  throw badValue(where, 'expects on or off');
}

/** One of a few words. */
export function parseChoice<T extends string>(value: string, where: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw badValue(where, `expects ${choices.join(' or ')}`);
  return found;
}

/** A whole number from `min` to `max`, decimal or with 0x in front. */
export function parseInteger(value: string, where: string, min: number, max: number): number {
  const number = /^(\d+|0x[0-9a-f]+)$/i.test(value) ? Number(value) : Number.NaN;
  if (!(number >= min && number <= max)) throw badValue(where, `expects a number from ${min} to ${max}`);
  return number;
}

/** A number of bytes: digits with an optional fraction and a unit (B, K, M, G, T). Without a unit, `unit` counts. */
export function parseSize(value: string, where: string, unit: keyof typeof UNITS): number {
  const match = /^(\d+(?:\.\d+)?)([BKMGT]?)$/i.exec(value);
  if (match === null) throw badValue(where, 'expects a size such as 128M (units: B, K, M, G, T)');
  return Number(match[1]) * UNITS[(match[2].toUpperCase() || unit) as keyof typeof UNITS];
}

/** A date and time, `2006-06-17T16:01:21` or `2006-06-17`, as seconds since 1970 (no time zone: UTC). */
export function parseDate(value: string, where: string): number {
  const seconds = secondsOfDate(value);
  if (seconds === undefined) throw badValue(where, "expects a date such as '2006-06-17T16:01:21' or '2006-06-17'");
  return seconds;
}

/** A number below 2^64 as 16 hex digits. */
export function parseSeed(value: string, where: string): string {
  const number = /^(\d+|0x[0-9a-f]+)$/i.test(value) ? BigInt(value) : -1n;
  if (number < 0n || number >= 1n << 64n) throw badValue(where, 'expects a whole number below 2^64');
  return number.toString(16).padStart(16, '0');
}
