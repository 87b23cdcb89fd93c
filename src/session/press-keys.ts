/** Keys that are pressed together, as monitors ask for them. */
import { RepriseError } from '../errors/errors.ts';
import { ns } from '../time/units.ts';
import type { SessionControl } from './control.ts';

const MAX_KEYS = 16;
const MAX_HOLD_MS = 60_000;
/** As in QEMU. */
export const DEFAULT_HOLD_MS = 100;

/**
 * The keys go down in their order, and up in reverse when `holdMs` milliseconds of virtual time have passed.
 * @param codes QKeyCode names
 * @throws RepriseError BAD_VALUE, REPLAY_READ_ONLY
 */
export function pressKeys(session: SessionControl, codes: readonly string[], holdMs = DEFAULT_HOLD_MS): void {
  if (codes.length > MAX_KEYS) throw new RepriseError('BAD_VALUE', `at most ${MAX_KEYS} keys at a time`);
  if (!(holdMs >= 0 && holdMs <= MAX_HOLD_MS)) throw new RepriseError('BAD_VALUE', `keys can be held for 0 to ${MAX_HOLD_MS} ms`);
  const unknown = codes.find((code) => !session.machine.keyboard.codes.includes(code));
  if (unknown !== undefined) throw new RepriseError('BAD_VALUE', `invalid parameter: ${unknown}`);
  for (const code of codes) session.input({ kind: 'key', code, down: true });
  for (const code of [...codes].reverse()) session.input({ kind: 'key', code, down: false }, ns(holdMs * 1e6));
}
