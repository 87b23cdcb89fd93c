/** What a command of the human monitor is. */
import type { LogItem } from '../boards/guest-log.ts';
import type { SessionControl } from '../session/control.ts';
import type { Arguments, Format } from './arguments.ts';

/** What the monitor may ask of the program around it. */
export interface MonitorHost {
  readonly version: string;
  /** Writes a file that the user named. @throws RepriseError FILE_UNWRITABLE */
  saveFile(path: string, bytes: Uint8Array): void;
  /** Seconds since 1970 as `YYYY-MM-DD hh:mm:ss` in the host's time zone. */
  localDate(seconds: number): string;
  /** What of the guest's mistakes is told from now on. */
  logGuest(items: readonly LogItem[]): void;
}

/** One monitor, as its commands see it. */
export interface MonitorContext {
  readonly session: SessionControl;
  readonly host: MonitorHost;
  /** What `x`, `xp` and `print` showed last; the next one without a format shows the same. */
  format: Format;
}

export interface Command {
  /** The first is its own, the others are short for it. */
  readonly names: readonly [string, ...string[]];
  /** As the help shows them. */
  readonly parameters: string;
  readonly help: string;
  /** When it is done, the monitor asks for nothing more. */
  readonly ends?: true;
  /** Words that the argument which begins with `word` can be. */
  readonly complete?: (context: CompletionContext, word: string) => readonly string[];
  /** @returns what to print @throws RepriseError, ArgumentError among them */
  run(context: MonitorContext, args: Arguments): Promise<string> | string;
}

export interface CompletionContext {
  readonly session: SessionControl;
  /** As of the last command. */
  readonly snapshots: readonly string[];
}
