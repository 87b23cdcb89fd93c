/** How a command ends: exit statuses, and errors as a person sees them. */
import { type ErrorCode, RepriseError } from '../errors/errors.ts';

export const EXIT = { done: 0, error: 1, usage: 2, diverged: 3, nothing: 4, interrupted: 130 } as const;

const USAGE_CODES: readonly ErrorCode[] = ['USAGE', 'UNKNOWN_OPTION', 'UNKNOWN_MACHINE', 'BAD_VALUE'];

/** Prints an error to standard error, in one line that begins with the program and ends with the code, and returns the exit status. */
export function reportError(program: string, error: unknown): number {
  if (!(error instanceof RepriseError)) throw error;
  process.stderr.write(`${program}: ${error.message} [${error.code}]\n`);
  if (error.code === 'DIVERGED') return EXIT.diverged;
  return USAGE_CODES.includes(error.code) ? EXIT.usage : EXIT.error;
}

/** Runs a program's main function and sets the exit status. What is not an error of the user or the host is a fault of ours. */
export async function runMain(program: string, main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    try {
      process.exitCode = reportError(program, error);
    } catch (fault) {
      process.stderr.write(`${program}: internal error, please report it: ${fault instanceof Error ? fault.stack : String(fault)}\n`);
      process.exitCode = EXIT.error;
    }
  }
}
