/**
 * Cuts a stream of bytes into JSON values: by counting brackets, so that neither packets nor lines matter. Whatever comes,
 * it needs no more memory than one message of the largest size; behind an error it goes on at the next line, at the next
 * `{`, or at a byte 0xFF, which resets it at any time.
 */
import { QmpError } from './errors.ts';
import { type JsonValue, parseError, parseJson } from './json.ts';

declare const TextDecoder: new (label: 'utf-8', options: { fatal: boolean }) => { decode(bytes: Uint8Array): string };

const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 1024;
const RESET = 0xff;

const [LF, SPACE, DOUBLE, SINGLE, BACKSLASH] = [0x0a, 0x20, 0x22, 0x27, 0x5c];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET, COMMA, COLON] = [0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a];

/** What ends a value that has no brackets; and what cannot begin one. */
const STRUCTURAL = new Set([OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET, COMMA, COLON, DOUBLE, SINGLE]);
const MISPLACED = new Set([CLOSE_BRACE, CLOSE_BRACKET, COMMA, COLON]);

export type Message = { readonly value: JsonValue } | { readonly error: QmpError };

export class JsonStream {
  private bytes: number[] = [];
  private braces = 0;
  private brackets = 0;
  /** The quote that ends the string we are in, or 0. */
  private quote = 0;
  private escaped = false;
  private recovering = false;

  /** Takes a byte. @returns the messages that it completes, in their order: mostly none */
  take(byte: number): readonly Message[] {
    if (byte === RESET) {
      this.reset();
      return [{ error: parseError("stray '\ufffd'") }];
    }
    if (this.recovering) {
      if (byte === LF) this.recovering = false;
      if (byte !== OPEN_BRACE) return [];
      this.recovering = false;
    }
    return this.quote !== 0 ? this.inString(byte) : this.outside(byte);
  }

  private inString(byte: number): readonly Message[] {
    this.bytes.push(byte);
    if (byte < SPACE) return this.fail(parseError(`stray '${this.start()}'`), byte);
    if (this.escaped) this.escaped = false;
    else if (byte === BACKSLASH) this.escaped = true;
    else if (byte === this.quote) {
      this.quote = 0;
      if (this.depth() === 0) return [this.complete()];
    }
    return this.checkSize(byte);
  }

  private outside(byte: number): readonly Message[] {
    const blank = byte <= SPACE;
    if (this.depth() > 0) {
      this.bytes.push(byte);
      this.count(byte);
      if (this.depth() > MAX_DEPTH) return this.fail(new QmpError('JSON nesting depth limit exceeded'), byte);
      if (this.depth() <= 0 || this.braces < 0 || this.brackets < 0) return [this.complete()];
      return this.checkSize(byte);
    }
    // Between values, or in one that has no brackets and ends where something else begins.
    const before = this.bytes.length > 0 && (blank || STRUCTURAL.has(byte)) ? [this.complete()] : [];
    if (blank) return before;
    this.bytes.push(byte);
    this.count(byte);
    if (MISPLACED.has(byte)) return [...before, ...this.fail(parseError('expecting value'), byte)];
    return before.length > 0 ? before : this.checkSize(byte);
  }

  private count(byte: number): void {
    if (byte === OPEN_BRACE) this.braces++;
    else if (byte === CLOSE_BRACE) this.braces--;
    else if (byte === OPEN_BRACKET) this.brackets++;
    else if (byte === CLOSE_BRACKET) this.brackets--;
    else if (byte === DOUBLE || byte === SINGLE) this.quote = byte;
  }

  private depth(): number {
    return this.braces + this.brackets;
  }

  private checkSize(byte: number): readonly Message[] {
    return this.bytes.length > MAX_BYTES ? this.fail(new QmpError('JSON token size limit exceeded'), byte) : [];
  }

  private complete(): Message {
    const bytes = Uint8Array.from(this.bytes);
    this.reset();
    try {
      return { value: parseJson(decode(bytes)) };
    } catch (error) {
      if (error instanceof QmpError) return { error };
      throw error;
    }
  }

  private fail(error: QmpError, last: number): readonly Message[] {
    this.reset();
    this.recovering = last !== LF;
    return [{ error }];
  }

  private reset(): void {
    this.bytes = [];
    this.braces = this.brackets = this.quote = 0;
    this.escaped = this.recovering = false;
  }

  /** How the string that cannot go on begins, for the message. */
  private start(): string {
    const from = this.bytes.lastIndexOf(this.quote);
    return String.fromCharCode(...this.bytes.slice(Math.max(0, from), from + 40));
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw parseError('invalid UTF-8 sequence in string');
  }
}
