import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hasTool } from '../../tests/support/outside.ts';
import { commandOf, pause, shellWords, temporaryFolder } from '../../tests/support/program.ts';
import { LEDGER } from '../../tests/support/recordings.ts';
import { History, LineEditor } from './line-editor.ts';

const [LEFT, RIGHT, UP, DOWN, HOME, END, DELETE] = ['\x1b[D', '\x1b[C', '\x1b[A', '\x1b[B', '\x1b[H', '\x1b[F', '\x1b[3~'];
const [WORD_LEFT, WORD_RIGHT] = ['\x1b[1;5D', '\x1bf'];
const ctrl = (letter: string): string => String.fromCharCode(letter.charCodeAt(0) - 96);

let shown: string;
let editor: LineEditor;
beforeEach(() => {
  shown = '';
  editor = newEditor();
});

const newEditor = (history = new History()): LineEditor =>
  new LineEditor({
    prompt: '> ',
    history,
    show: (text) => {
      shown += text;
    },
    complete: (text) => {
      const start = text.lastIndexOf(' ') + 1;
      return { start, candidates: ['info', 'init', 'stop'].filter((word) => word.startsWith(text.slice(start))) };
    },
  });

/** The lines that come of some keys. */
const type = (keys: string): string[] => [...Buffer.from(keys)].flatMap((byte) => editor.key(byte) ?? []);

/** What a terminal shows of the last line. */
function screen(): string {
  let line: string[] = [];
  let at = 0;
  for (const [token] of shown.matchAll(/\p{Cc}\[\d*[A-Z]|[\s\S]/gu)) {
    if (token === '\n') [line, at] = [[], 0];
    else if (token === '\b') at--;
    else if (token === '\x1b[K') line = line.slice(0, at);
    else if (token.startsWith('\x1b[')) at -= Number.parseInt(token.slice(2), 10);
    else line[at++] = token;
  }
  return line.join('').trimEnd();
}

describe('a line', () => {
  it.each([
    ['abc', 'abc'],
    [`ac${LEFT}b`, 'abc'],
    [`bc${HOME}a`, 'abc'],
    [`ab${ctrl('a')}${RIGHT}${RIGHT}c`, 'abc'],
    [`ab${LEFT}${LEFT}${LEFT}${END}c`, 'abc'],
    [`abx${ctrl('h')}c`, 'abc'],
    [`axbc${LEFT}${LEFT}\x7f`, 'abc'],
    [`xabc${HOME}${DELETE}`, 'abc'],
    [`xabc${ctrl('a')}${ctrl('d')}${ctrl('e')}`, 'abc'],
    [`abc def${LEFT}${LEFT}${LEFT}${LEFT}${ctrl('k')}`, 'abc'],
    [`def abc${LEFT}${LEFT}${LEFT}${ctrl('u')}`, 'abc'],
    [`abc def  ${ctrl('w')}`, 'abc '],
    [`one two${WORD_LEFT}${WORD_LEFT}x${WORD_RIGHT}y`, 'xoney two'],
    [`grüße${LEFT}${LEFT}\x7f`, 'grße'],
    [`in${LEFT}\x1b[99;99~\x1bZ\x1b[Ix`, 'ixn'],
  ])('edited by %j', (keys, expected) => {
    expect(type(`${keys}\r`)).toEqual([expected]);
  });

  it('is shown as it is, whatever is done to it', () => {
    const keys = [LEFT, RIGHT, HOME, END, DELETE, WORD_LEFT, WORD_RIGHT, UP, DOWN, '\x7f', 'a', 'b ', 'ü', ...'kuw'].map((key) =>
      'kuw'.includes(key) ? ctrl(key) : key,
    );
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...keys), { maxLength: 60 }), (strokes) => {
        shown = '';
        const history = new History();
        history.add('an earlier line');
        editor = newEditor(history);
        type(strokes.join(''));
        expect(screen()).toBe(editor.characters.join('').trimEnd());
      }),
    );
  });

  it('comes back from the history, and what was typed meanwhile, too', () => {
    type('one\rtwo\rtwo\r   \r');
    expect(type(`thr${UP}${UP}${UP}${DOWN}\r`)).toEqual(['two']);
    expect(type(`thr${UP}${UP}${DOWN}${DOWN}${DOWN}ee\r`)).toEqual(['three']);
    for (let n = 0; n < 100; n++) type(`line ${n}\r`);
    expect(type(`${UP.repeat(200)}\r`)).toEqual(['line 36']);
  });

  it('is completed as far as there is no choice', () => {
    expect(type('sto\tx\r')).toEqual(['stop x']);
    expect(type('i\t\tf\t\r')).toEqual(['info ']);
    expect(shown).toContain('\ninfo init\n> in');
    expect(type('nothing\t\r')).toEqual(['nothing']);
  });

  it('has at most 1024 characters', () => {
    expect(type(`${'x'.repeat(2000)}\r`)).toEqual(['x'.repeat(1024)]);
  });

  it('is never more than characters, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        editor = newEditor();
        for (const byte of bytes) editor.key(byte);
        expect(editor.cursor).toBeGreaterThanOrEqual(0);
        expect(editor.cursor).toBeLessThanOrEqual(editor.characters.length);
      }),
    );
  });
});

describe('on a real terminal', () => {
  const tmux = (socket: string, ...words: string[]): string => spawnSync('tmux', ['-L', socket, ...words], { encoding: 'utf8' }).stdout;

  it.skipIf(!hasTool('tmux', 'line editing on a terminal'))('the line that is seen is the line that is run', { timeout: 60_000 }, async () => {
    const socket = `reprise-${process.pid}`;
    const folder = temporaryFolder(onTestFinished);
    const [node, script] = commandOf('reprise');
    const command = shellWords([node, script, 'run', ...LEDGER, '-serial', `file:${folder}/serial.txt`, '-monitor', 'stdio']);
    onTestFinished(() => void tmux(socket, 'kill-server'));
    tmux(socket, '-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', command);
    const screenShows = async (text: string): Promise<void> => {
      for (let n = 0; n < 300; n++) {
        if (tmux(socket, 'capture-pane', '-p').trimEnd().endsWith(text)) return;
        await pause(50);
      }
      expect(tmux(socket, 'capture-pane', '-p').trimEnd().slice(-text.length)).toBe(text);
    };
    const keys = (...names: string[]): string => tmux(socket, 'send-keys', ...names);
    await screenShows('(reprise)');
    keys('nfo statusss', 'Home', 'i', 'End', 'BSpace', 'Left', 'DC');
    await screenShows('(reprise) info status');
    keys('Enter');
    await screenShows('(reprise) info status\nVM status: running\n(reprise)');
    keys('sto', 'Tab', 'Enter');
    await screenShows('(reprise) stop\n(reprise)');
    keys('Up', 'Up', 'Enter');
    await screenShows('VM status: paused\n(reprise)');
    keys('replay_', 'Tab');
    await screenShows('(reprise) replay_\nreplay_break replay_delete_break replay_seek\n(reprise) replay_');
    keys('C-a', 'C-k', 'quit', 'Enter');
  });
});
