/**
 * All that a recording or a replay carries from one moment to the next, besides the digest chain's own state: with it in
 * a snapshot, a replay goes on from there.
 */
import { f64 } from '../state/fields.ts';
import { defineState } from '../state/layout.ts';

export const replayState = defineState('replay', 1, {
  records: f64<number>(0, 'events and digests of the log that lie behind'),
  nextDigest: f64<number>(0, 'instruction count at which the next digest is due'),
});
