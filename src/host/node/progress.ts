/** A line on standard error that tells how a long run gets on. */
import { SingleBar } from 'cli-progress';
import type { HostClock } from '../host.ts';

/** Real milliseconds over which the speed is averaged. */
const WINDOW_MS = 2000;

export interface ProgressOptions {
  readonly clock: HostClock;
  /** Instructions of the whole run, when they are known. */
  readonly total?: number | undefined;
  /** Where to draw; only a terminal is drawn on. */
  readonly stream: NodeJS.WriteStream;
}

export class ProgressLine {
  private readonly clock: HostClock;
  private readonly total: number | undefined;
  private readonly stream: NodeJS.WriteStream;
  private readonly bar: SingleBar;
  /** Where the run was at the beginning of the window over which the speed is measured. */
  private before: { readonly at: number; readonly icount: number };
  private speed: number | undefined;

  /** Draws nothing before the first `update`. `close` has to be called at the end: until then the process stays alive. */
  constructor({ clock, total, stream }: ProgressOptions) {
    this.clock = clock;
    this.total = total;
    this.stream = stream;
    this.before = { at: clock.milliseconds(), icount: 0 };
    this.bar = new SingleBar({
      stream,
      format: total === undefined ? '{text}' : '[{bar}] {text}',
      barsize: 20,
      fps: 4,
      clearOnComplete: true,
      // Wrapping is a mode of the terminal that a killed program could not put back.
      linewrap: true,
    });
  }

  /** @param guestNs virtual nanoseconds since power-on */
  update(icount: number, guestNs: number): void {
    const payload = { text: this.describe(icount, guestNs) };
    if (this.bar.isActive) this.bar.update(icount, payload);
    else this.bar.start(this.total ?? 0, icount, payload);
  }

  /** Writes a line of its own, above the progress. */
  print(line: string): void {
    this.close();
    this.stream.write(`${line}\n`);
  }

  /** Clears the line. */
  close(): void {
    this.bar.stop();
  }

  private describe(icount: number, guestNs: number): string {
    const now = this.clock.milliseconds();
    const passed = now - this.before.at;
    if (passed >= WINDOW_MS || this.speed === undefined) this.speed = passed > 0 ? (icount - this.before.icount) / passed / 1000 : 0;
    if (passed >= WINDOW_MS) this.before = { at: now, icount };
    const percent = this.total === undefined ? '' : `${Math.floor((100 * icount) / Math.max(this.total, 1))} %  `;
    return `${percent}${millions(icount)} million instructions  ${(guestNs / 1e9).toFixed(1)} s guest time  ${this.speed.toFixed(1)} MIPS`;
  }
}

/** A progress line on standard error, or undefined where it would not be seen or would disturb a console. */
export function openProgress(clock: HostClock, consoleOnTerminal: boolean, total?: number): ProgressLine | undefined {
  if (!process.stderr.isTTY || consoleOnTerminal) return undefined;
  return new ProgressLine({ clock, total, stream: process.stderr });
}

function millions(icount: number): string {
  return Math.floor(icount / 1e6).toLocaleString('en-US');
}
