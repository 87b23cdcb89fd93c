/** The terminal on standard input, in raw mode: every key reaches the program at once, without an echo. */
import type { ReadStream } from 'node:tty';
import { ENDING_SIGNALS, type EndingSignal } from './signals.ts';

/** What these keys do on a terminal that is not raw. */
const SIGNAL_KEYS: ReadonlyMap<number, NodeJS.Signals> = new Map([
  [0x03, 'SIGINT'],
  [0x1a, 'SIGTSTP'],
  [0x1c, 'SIGQUIT'],
]);

export class RawTerminal {
  private readonly input: ReadStream;
  private readonly restoreAtExit = () => this.setRaw(false);
  // While the program was stopped the shell may have changed the mode; Node sets one only if it believes it is another.
  private readonly resume = () => {
    this.setRaw(false);
    this.setRaw(true);
  };

  // A program that does nothing about a signal dies of it, but not before the terminal is restored.
  private readonly restoreAtSignal = (signal: EndingSignal) => {
    if (process.listenerCount(signal) > 1) return;
    this.restore();
    process.kill(process.pid, signal);
  };

  /** The terminal is put back by `restore`, or when the process ends, for whatever reason it can still react to. */
  constructor(input: ReadStream) {
    this.input = input;
    this.setRaw(true);
    process.on('exit', this.restoreAtExit);
    process.on('SIGCONT', this.resume);
    for (const signal of ENDING_SIGNALS) process.on(signal, this.restoreAtSignal);
  }

  restore(): void {
    process.off('exit', this.restoreAtExit);
    process.off('SIGCONT', this.resume);
    for (const signal of ENDING_SIGNALS) process.off(signal, this.restoreAtSignal);
    this.setRaw(false);
  }

  /** Lets Ctrl-C, Ctrl-Z and Ctrl-\ do what they usually do, and returns the other keys. */
  takeSignals(keys: Uint8Array): Uint8Array {
    const others = keys.filter((key) => !SIGNAL_KEYS.has(key));
    for (const key of keys) {
      const signal = SIGNAL_KEYS.get(key);
      if (signal === undefined) continue;
      // Stopped or killed, the program leaves the terminal to the shell.
      if (signal !== 'SIGINT') this.setRaw(false);
      process.kill(process.pid, signal);
    }
    return others;
  }

  private setRaw(raw: boolean): void {
    try {
      this.input.setRawMode(raw);
    } catch {
      // The terminal has gone.
    }
  }
}
