/** Signals that end the program. */
import { constants } from 'node:os';

/** They ask a program to end. */
export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type EndingSignal = (typeof ENDING_SIGNALS)[number];

/**
 * A second signal this soon after the first is the same wish: npm passes Ctrl-C on to a child that the terminal has
 * told already.
 */
const ECHO_MS = 500;

/** The exit status of a program that a signal ended. */
export function exitStatus(signal: EndingSignal): number {
  return 128 + constants.signals[signal];
}

/**
 * Calls `end` once, for the first signal that asks the program to end; another one ends it at once, with the exit
 * status of a killed program.
 * @returns restores the signals' usual effect
 */
export function onEndingSignal(end: (signal: EndingSignal) => void): () => void {
  let first: number | undefined;
  const receive = (signal: EndingSignal) => {
    if (first === undefined) {
      first = performance.now();
      end(signal);
    } else if (performance.now() - first > ECHO_MS) process.exit(exitStatus(signal));
  };
  for (const signal of ENDING_SIGNALS) process.on(signal, receive);
  return () => {
    for (const signal of ENDING_SIGNALS) process.off(signal, receive);
  };
}
