/** What a command of QMP is. */
import type { SessionControl } from '../session/control.ts';
import type { Jobs } from './jobs.ts';
import type { JsonValue } from './json.ts';
import type { PointerButtons } from './pointer-buttons.ts';
import type { Members, MembersOf } from './schema.ts';

/** What QMP may ask of the program around it. */
export interface QmpHost {
  readonly version: string;
  /** Writes a file that the user named. @throws RepriseError FILE_UNWRITABLE */
  saveFile(path: string, bytes: Uint8Array): void;
  /** Runs a command line of the human monitor; returns what it prints. */
  humanMonitor(line: string): Promise<string>;
  /** The time of day, in microseconds since 1970. */
  timeOfDay(): number;
}

/** What all connections share. */
export interface QmpContext {
  readonly session: SessionControl;
  readonly host: QmpHost;
  readonly jobs: Jobs;
  readonly buttons: PointerButtons;
}

/** A value that JSON can hold; members that are undefined are left out. */
export type Result = JsonValue | { readonly [name: string]: Result | undefined } | readonly Result[];

export interface QmpCommand {
  readonly name: string;
  readonly members: Members;
  readonly help: string;
  /** @throws QmpError, RepriseError */
  run(context: QmpContext, given: MembersOf<Members>): Promise<Result> | Result;
}

/** The answer of commands that have nothing to tell. */
export const DONE: Result = Object.freeze({});

/** A command whose arguments are known by their names and types. */
export const command = <const M extends Members>(
  name: string,
  help: string,
  members: M,
  run: (context: QmpContext, given: MembersOf<M>) => Promise<Result> | Result,
): QmpCommand => ({ name, help, members, run: (context, given) => run(context, given as MembersOf<M>) });
