/** The arguments of a monitor command, read one after the other as QEMU reads them. */
import { RepriseError } from '../errors/errors.ts';
import { type Registers, readExpression } from './expression.ts';

/** How `x`, `xp` and `print` show numbers; `i` shows instructions. */
export type FormatLetter = 'x' | 'd' | 'u' | 'o' | 'c' | 'i';

export interface Format {
  readonly count: number;
  readonly letter: FormatLetter;
  /** Bytes of a number. */
  readonly size: 1 | 2 | 4 | 8;
}

const SIZES: Readonly<Record<string, Format['size']>> = { b: 1, h: 2, w: 4, g: 8 };
const LETTERS = 'xduoci';
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', '\\': '\\', "'": "'", '"': '"' };

/** The arguments are not what the command takes; the monitor points to its help. */
export class ArgumentError extends RepriseError {
  constructor(message: string) {
    super('USAGE', message);
  }
}

export class Arguments {
  private readonly command: string;
  private readonly text: string;
  private readonly registers: Registers;
  private at = 0;

  /**
   * @param command all its names, as messages have them
   * @param text the line behind the name
   */
  constructor(command: string, text: string, registers: Registers) {
    this.command = command;
    this.text = text;
    this.registers = registers;
  }

  /** Whether nothing is left. */
  done(): boolean {
    this.skip();
    return this.at >= this.text.length;
  }

  /** A word, or text in double quotes. @param what it is, for the message when it is missing */
  word(what: 'string' | 'filename' = 'string'): string {
    return this.optionalWord() ?? this.fail(`${this.command}: ${what} expected`);
  }

  optionalWord(): string | undefined {
    if (this.done()) return undefined;
    return this.text[this.at] === '"' ? this.quoted() : this.take(/\S+/y);
  }

  /** Whether the switch `-letter` comes next; then it is behind. */
  flag(letter: string): boolean {
    this.skip();
    return this.take(new RegExp(`-${letter}(?=\\s|$)`, 'y')) !== undefined;
  }

  /** A 64-bit integer expression. */
  expression(): bigint {
    if (this.done()) this.fail(`${this.command}: expression expected`);
    const { value, end } = this.asArguments(() => readExpression(this.text, this.at, this.registers));
    this.at = end;
    return value;
  }

  /** An expression that is a whole number in that range. */
  integer(from: number, to: number): number {
    const value = this.expression();
    if (value < BigInt(from) || value > BigInt(to)) throw new RepriseError('BAD_VALUE', `${value} is not between ${from} and ${to}`);
    return Number(value);
  }

  /** A word that is a whole number in that range: where several follow each other, a minus sign belongs to the next. */
  number(from: number, to: number): number {
    const word = this.word();
    const value = /^[-+]?(\d+|0x[0-9a-f]+)$/i.test(word) ? Number(word.replace(/^[-+]/, '')) * (word.startsWith('-') ? -1 : 1) : Number.NaN;
    if (!(value >= from && value <= to)) throw new RepriseError('BAD_VALUE', `'${word}' is not a whole number between ${from} and ${to}`);
    // Not -0.
    return value + 0;
  }

  /** `/fmt` (count, letter, size in any order), directly behind the command's name or apart from it; what it does not say is as before. */
  format(before: Format): Format {
    this.skip();
    if (this.text[this.at] !== '/') return { ...before, count: 1 };
    this.at++;
    const count = this.take(/\d+/y);
    let { letter, size } = before;
    let sized = false;
    for (let c = this.text[this.at]; c !== undefined && /\S/.test(c); c = this.text[++this.at]) {
      if (LETTERS.includes(c)) letter = c as FormatLetter;
      else if (Object.hasOwn(SIZES, c)) {
        size = SIZES[c];
        sized = true;
      } else this.fail(`invalid char in format: '${c}'`);
    }
    if (letter === 'c' && !sized) size = 1;
    return { count: count === undefined ? 1 : Number(count), letter, size };
  }

  /** Refuses what is left over. */
  end(): void {
    if (!this.done()) this.fail(`${this.command}: extraneous characters at the end of line`);
  }

  private quoted(): string {
    let text = '';
    for (this.at++; this.text[this.at] !== '"'; this.at++) {
      let c = this.text[this.at];
      if (c === undefined) this.fail('unterminated string');
      if (c === '\\') {
        c = this.text[++this.at];
        if (c === undefined || !Object.hasOwn(ESCAPES, c)) this.fail(`unsupported escape code: '\\${c ?? ''}'`);
        c = ESCAPES[c];
      }
      text += c;
    }
    this.at++;
    return text;
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  private skip(): void {
    while (this.at < this.text.length && /\s/.test(this.text[this.at])) this.at++;
  }

  private asArguments<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof RepriseError) throw new ArgumentError(error.message);
      throw error;
    }
  }

  private fail(message: string): never {
    throw new ArgumentError(message);
  }
}
