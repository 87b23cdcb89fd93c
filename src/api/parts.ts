/** How a recording is cut into parts that are worked on side by side. */
import { type Icount, icount } from '../time/units.ts';

/** Instructions with a count in [from, to). */
export interface Part {
  readonly from: Icount;
  readonly to: Icount;
}

/** Parts of about the same length, so many at most, that begin at some of the places: where a replay is quickly. */
export function partsAt(places: readonly number[], { from, to }: Part, most: number): Part[] {
  const shortest = (to - from) / most;
  const parts: Part[] = [];
  let last = from;
  for (const place of [...places].sort((a, b) => a - b)) {
    if (place - last < shortest || to - place < shortest) continue;
    parts.push({ from: last, to: icount(place) });
    last = icount(place);
  }
  return [...parts, { from: last, to }];
}

/** Parts of one length; the last may be shorter. */
export function* partsOf(length: number, { from, to }: Part): Generator<Part> {
  for (let at = from; at < to; at = icount(at + length)) yield { from: at, to: icount(Math.min(at + length, to)) };
}
