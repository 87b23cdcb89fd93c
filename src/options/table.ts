/**
 * A command line as a table: each row is an option with its names, its argument, its help text and what it does.
 * The parser, the help text and the suggestions for mistyped options all come from the rows.
 */
import { RepriseError } from '../errors/errors.ts';
import { suggestion } from './nearest.ts';

/** One option. `Draft` is what the options of a command line are gathered in. */
export interface OptionRow<Draft> {
  /** Without dashes; the first is the one that messages and the help text prefer. */
  readonly names: readonly [string, ...string[]];
  /** What the argument looks like, as the help text shows it; an option without one is a switch. */
  readonly argument?: string;
  /** The argument may be missing: the next word is it only if it looks like this. */
  readonly optional?: RegExp;
  readonly group: string;
  readonly help: string;
  /** Nothing after this option is looked at. */
  readonly final?: true;
  /**
   * Enters the option into the draft.
   * @param value the argument; empty for a switch
   * @param spelled the option as it was written, with its dash, for messages
   * @throws RepriseError
   */
  readonly apply: (draft: Draft, value: string, spelled: string) => void;
}

/**
 * Reads a command line as QEMU does: one dash or two, the argument in the word that follows whatever it looks like.
 * Applies the rows in the order of the line, so a later option overrides an earlier one.
 * @returns the words that belong to no option
 * @throws RepriseError UNKNOWN_OPTION, USAGE (an argument is missing), and what the rows throw
 */
export function parseCommandLine<Draft>(rows: readonly OptionRow<Draft>[], args: readonly string[], draft: Draft): string[] {
  const byName = new Map(rows.flatMap((row) => row.names.map((name) => [name, row] as const)));
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at];
    if (!word.startsWith('-')) {
      words.push(word);
      continue;
    }
    const name = word.replace(/^--?/, '');
    const row = byName.get(name);
    if (row === undefined) throw unknownOption(word, name, byName);
    if (row.argument === undefined || (row.optional && !row.optional.test(args[at + 1] ?? ''))) row.apply(draft, '', word);
    else if (at + 1 === args.length) throw new RepriseError('USAGE', `${word} needs an argument: ${word} ${row.argument}`);
    else row.apply(draft, args[++at], word);
    if (row.final) break;
  }
  return words;
}

/** The same options, each refused with a reason; for a command that knows them but has no use for them. */
export function refused<Draft>(rows: readonly OptionRow<Draft>[], reason: string): OptionRow<unknown>[] {
  return rows.map((row) => ({
    ...row,
    apply: (_draft, _value, spelled) => {
      throw new RepriseError('USAGE', `${spelled} ${reason}`);
    },
  }));
}

function unknownOption(word: string, name: string, known: ReadonlyMap<string, unknown>): RepriseError {
  const equals = name.indexOf('=');
  if (equals > 0 && known.has(name.slice(0, equals))) {
    const [option, value] = [name.slice(0, equals), name.slice(equals + 1)];
    return new RepriseError('UNKNOWN_OPTION', `unknown option ${word}; the argument is a word of its own: -${option} ${value}`);
  }
  return new RepriseError('UNKNOWN_OPTION', `unknown option ${word}${suggestion(name, [...known.keys()], '-') || '; -help lists the options'}`);
}
