/**
 * JSON as QMP has it: RFC 8259 and strings in single quotes, too; no key twice. What is wrong is said in QEMU's words.
 */
import { QmpError } from './errors.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export const isObject = (value: JsonValue): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

const KEYWORDS: Readonly<Record<string, JsonValue>> = { true: true, false: false, null: null };
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '"': '"', "'": "'", '\\': '\\', '/': '/' };
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.+-])/y;
const WORD = /[^\s{}[\],:"']+/y;

export const parseError = (what: string): QmpError => new QmpError(`JSON parse error, ${what}`);

/** @param text one value; its depth has been bounded @throws QmpError */
export function parseJson(text: string): JsonValue {
  const parser = new Parser(text);
  const value = parser.value();
  parser.end();
  return value;
}

class Parser {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  value(): JsonValue {
    switch (this.peek()) {
      case '{':
        return this.object();
      case '[':
        return this.array();
      case '"':
      case "'":
        return this.string();
      default:
        return this.scalar();
    }
  }

  end(): void {
    if (this.peek() !== '') throw parseError('expecting value');
  }

  private object(): JsonObject {
    // Without a prototype every key is a plain one.
    const members: Record<string, JsonValue> = Object.create(null);
    this.at++;
    if (this.skipOver('}')) return members;
    do {
      const quote = this.peek();
      if (quote !== '"' && quote !== "'") throw parseError(quote === '}' || quote === '' ? 'expecting value' : 'key is not a string in object');
      const key = this.string();
      if (!this.skipOver(':')) throw parseError('missing : in object pair');
      const value = this.value();
      if (Object.hasOwn(members, key)) throw parseError('duplicate key');
      members[key] = value;
    } while (this.skipOver(','));
    if (!this.skipOver('}')) throw parseError('expected separator in dict');
    return members;
  }

  private array(): JsonValue[] {
    const elements: JsonValue[] = [];
    this.at++;
    if (this.skipOver(']')) return elements;
    do elements.push(this.value());
    while (this.skipOver(','));
    if (!this.skipOver(']')) throw parseError('expected separator in list');
    return elements;
  }

  private string(): string {
    const { text } = this;
    const quote = text[this.at++];
    let value = '';
    for (let c = text[this.at++]; c !== quote; c = text[this.at++]) {
      if (c === undefined) throw parseError('expecting value');
      value += c === '\\' ? this.escape() : c;
    }
    return value;
  }

  private escape(): string {
    const c = this.text[this.at++];
    if (c === 'u') {
      let value = this.unit();
      // Two halves of a pair are one character.
      if (/[\ud800-\udbff]/.test(value) && this.text.startsWith('\\u', this.at)) {
        this.at += 2;
        value += this.unit();
      }
      if (value === '\0' || !isWellFormed(value))
        throw parseError(`\\u${value.charCodeAt(0).toString(16).padStart(4, '0')} is not a valid Unicode character`);
      return value;
    }
    if (c === undefined || !Object.hasOwn(ESCAPES, c)) throw parseError('invalid escape sequence in string');
    return ESCAPES[c];
  }

  private unit(): string {
    const digits = this.text.slice(this.at, this.at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw parseError(`invalid hex escape '\\u${digits}' in string`);
    this.at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  private scalar(): JsonValue {
    const number = this.match(NUMBER);
    if (number !== undefined) return Number(number);
    const word = this.match(WORD);
    if (word === undefined) throw parseError('expecting value');
    if (Object.hasOwn(KEYWORDS, word)) return KEYWORDS[word];
    throw parseError(/^[a-z]+$/.test(word) ? `invalid keyword '${word}'` : `stray '${word}'`);
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  private skipOver(character: string): boolean {
    if (this.peek() !== character) return false;
    this.at++;
    return true;
  }

  /** The next character that is no blank. */
  private peek(): string {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
    return this.text[this.at] ?? '';
  }
}

const isWellFormed = (text: string): boolean => !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
