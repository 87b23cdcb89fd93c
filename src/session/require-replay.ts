/** Commands that only a replay has. */
import { RepriseError } from '../errors/errors.ts';
import type { ReplayControl, SessionControl } from './control.ts';

/** What is refused elsewhere, and QEMU's words for it. */
const REFUSALS = {
  break: 'setting the breakpoint is allowed only in play mode',
  'delete-break': 'replay breakpoints are allowed only in play mode',
  seek: 'replay must be enabled to seek',
  fork: 'only a replay can be forked',
} as const;

/** @throws RepriseError USAGE when this is no replay */
export function requireReplay({ replay }: SessionControl, purpose: keyof typeof REFUSALS): ReplayControl {
  if (replay === undefined) throw new RepriseError('USAGE', REFUSALS[purpose]);
  return replay;
}
