/**
 * A line that is typed on a terminal: cursor keys, word moves, deletion, history and completion, with the control keys of
 * GNU readline. It knows nothing of streams: keys go in byte by byte, and what to show comes out as text.
 */

declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };

const MAX_LINE = 1024;
const MAX_HISTORY = 64;
/** The longest escape sequence that is waited for. */
const MAX_SEQUENCE = 16;

/** What a line has up to the cursor, completed. */
export interface Completion {
  /** Where in the line the word begins that the candidates stand for. */
  readonly start: number;
  readonly candidates: readonly string[];
}

/** Earlier lines, oldest first; shared by the editors of one monitor. */
export class History {
  readonly lines: string[] = [];

  add(line: string): void {
    if (line.trim() === '' || line === this.lines.at(-1)) return;
    this.lines.push(line);
    if (this.lines.length > MAX_HISTORY) this.lines.shift();
  }
}

export interface LineEditorOptions {
  readonly prompt: string;
  readonly history: History;
  complete(text: string): Completion;
  /** Takes what the terminal is to show. */
  show(text: string): void;
}

/** Keys that begin with ESC, by what follows it. */
const SEQUENCES: Readonly<Record<string, keyof typeof ACTIONS>> = {
  '[A': 'up',
  '[B': 'down',
  '[C': 'right',
  '[D': 'left',
  '[H': 'home',
  '[F': 'end',
  OA: 'up',
  OB: 'down',
  OC: 'right',
  OD: 'left',
  OH: 'home',
  OF: 'end',
  '[1~': 'home',
  '[7~': 'home',
  '[4~': 'end',
  '[8~': 'end',
  '[3~': 'delete',
  '[1;5C': 'wordRight',
  '[1;5D': 'wordLeft',
  '[1;3C': 'wordRight',
  '[1;3D': 'wordLeft',
  f: 'wordRight',
  b: 'wordLeft',
};

const CONTROLS: Readonly<Record<number, keyof typeof ACTIONS>> = {
  1: 'home',
  2: 'left',
  4: 'delete',
  5: 'end',
  6: 'right',
  8: 'backspace',
  9: 'complete',
  11: 'killRight',
  12: 'redraw',
  14: 'down',
  16: 'up',
  21: 'killLeft',
  23: 'killWord',
  127: 'backspace',
};

const ACTIONS = {
  left: (e: LineEditor) => e.moveTo(e.cursor - 1),
  right: (e: LineEditor) => e.moveTo(e.cursor + 1),
  home: (e: LineEditor) => e.moveTo(0),
  end: (e: LineEditor) => e.moveTo(e.characters.length),
  wordLeft: (e: LineEditor) => e.moveTo(e.wordBefore()),
  wordRight: (e: LineEditor) => e.moveTo(e.wordBehind()),
  backspace: (e: LineEditor) => e.cut(e.cursor - 1, e.cursor),
  delete: (e: LineEditor) => e.cut(e.cursor, e.cursor + 1),
  killRight: (e: LineEditor) => e.cut(e.cursor, e.characters.length),
  killLeft: (e: LineEditor) => e.cut(0, e.cursor),
  killWord: (e: LineEditor) => e.cut(e.wordBefore(), e.cursor),
  up: (e: LineEditor) => e.recall(-1),
  down: (e: LineEditor) => e.recall(1),
  redraw: (e: LineEditor) => e.redraw(),
  complete: (e: LineEditor) => e.complete(),
} as const satisfies Record<string, (editor: LineEditor) => void>;

export class LineEditor {
  characters: string[] = [];
  cursor = 0;
  private readonly options: LineEditorOptions;
  private readonly decoder = new TextDecoder();
  /** Bytes of a character of UTF-8 that is not complete. */
  private partial: number[] = [];
  /** Behind an ESC: what came of its sequence. */
  private sequence: string | undefined;
  /** Index in the history of the line that is shown; its length for the one that is being typed. */
  private recalled: number;
  private typed = '';

  constructor(options: LineEditorOptions) {
    this.options = options;
    this.recalled = options.history.lines.length;
  }

  /** Takes one byte of what is typed. @returns the line, when this byte ends it */
  key(byte: number): string | undefined {
    if (this.sequence !== undefined) this.escaped(this.sequence, String.fromCharCode(byte));
    else if (byte === 27) this.sequence = '';
    else if (byte === 13 || byte === 10) return this.accept();
    else if (Object.hasOwn(CONTROLS, byte)) ACTIONS[CONTROLS[byte]](this);
    else if (byte >= 32) this.character(byte);
    return undefined;
  }

  /** Shows the prompt and the line as it is, on a new line of the terminal. */
  redraw(): void {
    const { characters, cursor, options } = this;
    options.show(`${cursor === 0 && characters.length === 0 ? '' : '\n'}${options.prompt}${characters.join('')}${back(characters.length - cursor)}`);
  }

  moveTo(target: number): void {
    const { cursor, characters } = this;
    const to = Math.max(0, Math.min(characters.length, target));
    this.options.show(to < cursor ? back(cursor - to) : characters.slice(cursor, to).join(''));
    this.cursor = to;
  }

  cut(from: number, to: number): void {
    const { characters } = this;
    if (from < 0 || to > characters.length || from === to) return;
    const atEnd = to === characters.length && this.cursor === to;
    const erased = this.cursor - from;
    characters.splice(from, to - from);
    this.cursor = from;
    // A teletype, too, shows what this does.
    if (atEnd) this.options.show('\b \b'.repeat(erased));
    else this.options.show(`${back(erased)}${characters.slice(from).join('')}\x1b[K${back(characters.length - from)}`);
  }

  wordBefore(): number {
    let at = this.cursor;
    while (at > 0 && this.characters[at - 1] === ' ') at--;
    while (at > 0 && this.characters[at - 1] !== ' ') at--;
    return at;
  }

  wordBehind(): number {
    let at = this.cursor;
    while (at < this.characters.length && this.characters[at] === ' ') at++;
    while (at < this.characters.length && this.characters[at] !== ' ') at++;
    return at;
  }

  recall(step: number): void {
    const { lines } = this.options.history;
    const next = this.recalled + step;
    if (next < 0 || next > lines.length) return;
    if (this.recalled === lines.length) this.typed = this.characters.join('');
    this.recalled = next;
    this.moveTo(this.characters.length);
    this.cut(0, this.characters.length);
    this.insert(next === lines.length ? this.typed : lines[next]);
  }

  /** Completes the word at the cursor as far as all candidates agree; lists them when that is no further. */
  complete(): void {
    const before = this.characters.slice(0, this.cursor).join('');
    const { start, candidates } = this.options.complete(before);
    if (candidates.length === 0) return;
    const word = before.slice(start);
    const shared = candidates.reduce(sharedBeginning);
    if (candidates.length === 1) this.insert(`${shared.slice(word.length)} `);
    else if (shared.length > word.length) this.insert(shared.slice(word.length));
    else {
      this.options.show(`\n${candidates.join(' ')}`);
      this.redraw();
    }
  }

  private insert(text: string): void {
    const added = [...text].slice(0, Math.max(0, MAX_LINE - this.characters.length));
    if (added.length === 0) return;
    this.characters.splice(this.cursor, 0, ...added);
    const behind = this.characters.slice(this.cursor + added.length);
    this.cursor += added.length;
    this.options.show(added.join('') + behind.join('') + back(behind.length));
  }

  private accept(): string {
    const line = this.characters.join('');
    this.options.history.add(line);
    this.characters = [];
    this.cursor = 0;
    this.partial = [];
    this.recalled = this.options.history.lines.length;
    this.options.show('\n');
    return line;
  }

  private character(byte: number): void {
    if (byte < 0x80) {
      this.partial = [];
      this.insert(String.fromCharCode(byte));
      return;
    }
    if (byte >= 0xc0) this.partial = [];
    this.partial.push(byte);
    const length = this.partial[0] >= 0xf0 ? 4 : this.partial[0] >= 0xe0 ? 3 : 2;
    if (this.partial.length < length && this.partial[0] >= 0xc0) return;
    const text = this.decoder.decode(Uint8Array.from(this.partial));
    this.partial = [];
    this.insert(text);
  }

  private escaped(before: string, next: string): void {
    const sequence = before + next;
    const complete = before === '' ? next !== '[' && next !== 'O' : /[@-~]/.test(next) || before === 'O';
    this.sequence = complete || sequence.length > MAX_SEQUENCE ? undefined : sequence;
    if (complete && Object.hasOwn(SEQUENCES, sequence)) ACTIONS[SEQUENCES[sequence]](this);
  }
}

const back = (count: number): string => (count === 0 ? '' : count < 4 ? '\b'.repeat(count) : `\x1b[${count}D`);

function sharedBeginning(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}
