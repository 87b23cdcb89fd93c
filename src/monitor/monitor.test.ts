import { decode } from 'fast-png';
import { beforeEach, describe, expect, it } from 'vitest';
import { RepriseError } from '../errors/errors.ts';
import { FarEnd, newSession, open, program, replay, runUntil, type Session, waitingGuest } from '../session/session.suite.ts';
import { COMMANDS } from './commands.ts';
import { attachMonitor, execute } from './monitor.ts';

/** Switches the screen on: 32 by 2 pixels of 24 bits at 0x1000, of which the first is 0x00102030. */
const PAINTER = program(`
  mov r4, #0xc0000000
  mov r0, #0x4            ; 32 pixels
  str r0, [r4]
  mov r0, #1              ; 2 lines
  str r0, [r4, #4]
  mov r1, #0x1000
  str r1, [r4, #0x10]
  mov r0, #0x800
  orr r0, r0, #0x2b       ; on, TFT, 24 bits, enabled
  str r0, [r4, #0x1c]
  mov r2, #0x100000
  orr r2, r2, #0x2000
  orr r2, r2, #0x30
  str r2, [r1]
  loop:
  b @loop
`);

let session: Session;
let saved: Map<string, Uint8Array>;
const host = {
  version: '1.2.3',
  saveFile(path: string, bytes: Uint8Array): void {
    if (path.startsWith('/nowhere/')) throw new RepriseError('FILE_UNWRITABLE', `cannot write '${path}'`);
    saved.set(path, bytes);
  },
};
const say = (line: string): string => execute(session.live, line, host);

beforeEach(() => {
  session = newSession({ guest: waitingGuest(false) });
  saved = new Map();
});

describe('commands', () => {
  it('are all in the help, and each has one of its own', () => {
    const help = say('help').split('\n');
    expect(help).toHaveLength(COMMANDS.length);
    for (const { name, help: text } of COMMANDS) {
      expect(say(`help ${name}`)).toContain(text);
      expect(help.some((line) => line.startsWith(name) && line.includes(text))).toBe(true);
    }
    expect(say('help nothing')).toBe("Error: unknown command: 'nothing'");
  });

  it('that do not exist are told so', () => {
    expect(say('savevm x')).toBe("unknown command: 'savevm' (help lists them)");
    expect(say('')).toBe('');
    expect(say('   ')).toBe('');
  });

  it('may have spaces around them', () => {
    expect(say('  info   version ')).toBe('1.2.3');
  });
});

describe('info', () => {
  it('tells its topics', () => {
    for (const line of ['info', 'info nothing', 'info constructor'])
      expect(say(line)).toMatch(/info version .*\ninfo status .*\ninfo replay .*\ninfo registers /);
  });

  it('tells whether the machine runs and how far it got', () => {
    expect(say('info status')).toBe('VM status: running');
    session.live.stop();
    expect(say('info status')).toBe('VM status: paused');
    expect(say('info replay')).toBe('Recording: current instruction count = 0');
  });

  it('shows the registers', async () => {
    await runUntil(session, 10);
    const dump = say('info registers');
    expect(dump).toMatch(/\br4=16000000\b/);
    expect(dump).toMatch(/\br5=13000000\b/);
    expect(dump).toMatch(/\br15=[0-9a-f]{8}\b/);
    expect(dump.split('\n').every((line) => line.length < 100)).toBe(true);
  });
});

describe('what the guest notices', () => {
  it('is recorded: keys, mouse and the reset button, in their order', async () => {
    const commands = ['sendkey ctrl-alt-f1', 'mouse_move 3 -4', 'mouse_move 0 0 1', 'mouse_button 5', 'system_reset'];
    session.clock.plan(10, () => {
      for (const command of commands) expect(say(command)).toBe('');
    });
    expect(await runUntil(session, 50)).toBe('guest-reset');
    const inputs = [...open(session.file.bytes).log].flatMap((record) => (record.kind === 'event' ? [record.event.input] : []));
    const key = (code: string, down: boolean): object => ({ kind: 'key', code, down });
    expect(inputs).toEqual([
      key('ctrl', true),
      key('alt', true),
      key('f1', true),
      key('f1', false),
      key('alt', false),
      key('ctrl', false),
      { kind: 'mouse-move', dx: 3, dy: -4, dz: 0 },
      { kind: 'mouse-move', dx: 0, dy: 0, dz: 1 },
      { kind: 'mouse-buttons', mask: 5 },
      { kind: 'reset' },
    ]);
    await replay(session.file.bytes);
  });

  it.each([
    ['sendkey', 'usage: sendkey'],
    ['sendkey nokey', "unknown key: 'nokey'"],
    ['sendkey a-', "unknown key: ''"],
    [`sendkey ${new Array(17).fill('a').join('-')}`, 'at most 16 keys'],
    ['mouse_move', 'usage: mouse_move'],
    ['mouse_move 1', 'usage: mouse_move'],
    ['mouse_move 1 x', "'x' is not a whole number"],
    ['mouse_move 1 2147483648', "'2147483648' is not a whole number"],
    ['mouse_move 1 1.5', "'1.5' is not a whole number"],
    ['mouse_move 1 Infinity', "'Infinity' is not a whole number"],
    ['mouse_button', "'' is not a whole number"],
    ['mouse_button 8', 'the mask of buttons is 0 to 7'],
    ['mouse_button -1', 'the mask of buttons is 0 to 7'],
  ])('is nothing when it makes no sense: %s', (line, message) => {
    expect(say(line)).toContain(`Error: ${message}`);
    expect(session.live.inputs.ready()).toBe(false);
  });

  it('may be the largest step a mouse can make', async () => {
    session.clock.plan(10, () => say('mouse_move 2147483647 -2147483647 2147483647'));
    await runUntil(session, 20);
    expect([...open(session.file.bytes).log].filter(({ kind }) => kind === 'event')).toHaveLength(1);
    await replay(session.file.bytes);
  });
});

describe('stop, cont and quit', () => {
  it('hold the machine, let it go on, and end it', async () => {
    const icounts: number[] = [];
    session = newSession({ guest: waitingGuest(true), sleep: true });
    const note = (): number => icounts.push(session.machine.icount());
    session.clock.plan(100, () => say('stop'));
    session.clock.plan(110, note);
    session.clock.plan(200, note);
    session.clock.plan(201, () => say('cont'));
    session.clock.plan(300, note);
    session.clock.plan(301, () => say('quit'));
    expect(await session.live.run()).toBe('quit');
    expect(icounts[1]).toBe(icounts[0]);
    expect(icounts[2]).toBeGreaterThan(icounts[1]);
    expect(open(session.file.bytes).end?.reason).toBe('quit');
    await replay(session.file.bytes);
  });
});

describe('screendump', () => {
  it('saves what is on the screen', async () => {
    session = newSession({ guest: PAINTER });
    await runUntil(session, 5);
    expect(say('screendump shot.png')).toBe('');
    const { width, height, channels, data } = decode(saved.get('shot.png')!);
    expect([width, height, channels]).toEqual([32, 2, 4]);
    expect([...data.subarray(0, 4)]).toEqual([0x30, 0x20, 0x10, 255]);
    await replay(session.file.bytes);
  });

  it('says why it cannot', async () => {
    expect(say('screendump')).toBe('Error: usage: screendump FILE.png');
    expect(say('screendump x.png')).toBe('Error: the guest has not switched its screen on');
    expect(saved.size).toBe(0);
    session = newSession({ guest: PAINTER });
    await runUntil(session, 5);
    expect(say('screendump /nowhere/x.png')).toBe("Error: cannot write '/nowhere/x.png'");
  });
});

describe('the prompt', () => {
  let end: FarEnd;
  let focus: (focused: boolean) => void;
  const PROMPT = '(reprise) ';
  beforeEach(() => {
    end = new FarEnd();
    attachMonitor(session.live, end, host, (listener) => {
      focus = listener;
    });
  });
  /** What is printed in answer to some keys. */
  const answer = (keys: string): string => {
    end.said = '';
    end.type(keys);
    return end.said;
  };

  it('comes when the keyboard is the monitor’s, with a greeting the first time', () => {
    expect(end.said).toBe('');
    focus(true);
    expect(end.said).toBe(`Reprise 1.2.3 monitor - type 'help' for more information\r\n${PROMPT}`);
    end.said = '';
    focus(false);
    expect(end.said).toBe('');
    focus(true);
    expect(end.said).toBe(PROMPT);
  });

  it('echoes what is typed, and comes again after the answer', () => {
    expect(answer('info version\r')).toBe(`info version\r\n1.2.3\r\n${PROMPT}`);
    expect(answer('stop\n')).toBe(`stop\r\n${PROMPT}`);
    expect(session.live.runState()).toBe('paused');
  });

  it('takes lines that come in pieces, or several at once', () => {
    expect(answer('inf')).toBe('inf');
    expect(answer('o version')).toBe('o version');
    expect(answer('\r')).toBe(`\r\n1.2.3\r\n${PROMPT}`);
    expect(answer('stop\ncont\n')).toBe(`stop\r\n${PROMPT}cont\r\n${PROMPT}`);
    expect(session.live.runState()).toBe('running');
  });

  it('can be edited with backspace, delete and Ctrl-U', () => {
    const erase = '\b \b';
    expect(answer('\b')).toBe('');
    expect(answer('infx\bo versiom\x7fn\r')).toBe(`infx${erase}o versiom${erase}n\r\n1.2.3\r\n${PROMPT}`);
    expect(answer('qui\x15info version\r')).toBe(`qui${erase.repeat(3)}info version\r\n1.2.3\r\n${PROMPT}`);
  });

  it('ignores other keys that are no characters', () => {
    expect(answer('info\x1b\x00 version\r')).toBe(`info version\r\n1.2.3\r\n${PROMPT}`);
  });

  it('has a line of at most 1024 characters', () => {
    expect(answer('x'.repeat(2000))).toBe('x'.repeat(1024));
    expect(answer('\r')).toBe(`\r\nunknown command: '${'x'.repeat(1024)}' (help lists them)\r\n${PROMPT}`);
  });

  it('ends each line of an answer as a terminal wants it', () => {
    const lines = answer('help\r').split('\r\n');
    expect(lines).toHaveLength(COMMANDS.length + 2);
    expect(lines.some((line) => line.includes('\n'))).toBe(false);
  });
});
