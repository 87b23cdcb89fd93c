/** What a subcommand of `reprise` is. */
export interface Command {
  readonly name: string;
  /** What follows the name, for the usage line. */
  readonly usage: string;
  readonly summary: string;
  /** The whole help text below the usage line. */
  help(): string;
  /** @returns the exit status @throws RepriseError */
  run(args: readonly string[]): Promise<number>;
}

/** Whether the words ask for help. */
export const asksForHelp = (args: readonly string[]): boolean => args.some((word) => word === '-h' || word === '-help' || word === '--help');
