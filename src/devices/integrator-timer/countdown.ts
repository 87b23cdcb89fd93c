/**
 * A down-counter as a function of the clock edges that have passed, without stepping through them: what lies an hour
 * ahead costs as much as the next edge.
 */

/** What a counter does after zero: stays there, goes on from `reload`, or goes on from `max`. */
export type Mode = 'one-shot' | 'periodic' | 'free-running';

export interface Countdown {
  readonly mode: Mode;
  /** 0 to `max`. */
  readonly count: number;
  /** Period of the periodic mode, 0 to `max`; 0 reaches zero at every edge. */
  readonly reload: number;
  /** 2^width - 1. */
  readonly max: number;
}

/**
 * The count after `edges` more edges. A periodic counter that arrives at zero takes `reload` within the same edge, so
 * its period is `reload` edges; a free-running one shows zero for one edge, so its period is `max` + 1.
 */
export function countAfter(edges: number, { mode, count, reload, max }: Countdown): number {
  switch (mode) {
    case 'one-shot':
      return Math.max(count - edges, 0);
    case 'free-running':
      return edges <= count ? count - edges : max - ((edges - count - 1) % (max + 1));
    case 'periodic': {
      const first = edgesToReload(count);
      return edges < first ? count - edges : reload - ((edges - first) % Math.max(reload, 1));
    }
  }
}

/** Edges until a periodic counter takes `reload`: one that starts at zero does so at its first edge. */
export const edgesToReload = (count: number): number => Math.max(count, 1);

/** Edges until the count next arrives at zero, 1 or more; Infinity for a one-shot counter that has halted. */
export function edgesToZero({ mode, count, reload, max }: Countdown): number {
  if (count > 0) return count;
  return mode === 'one-shot' ? Number.POSITIVE_INFINITY : 1 + (mode === 'periodic' ? reload : max);
}
