import { decode } from 'fast-png';
import { beforeEach, describe, expect, it } from 'vitest';
import { RepriseError } from '../errors/errors.ts';
import { BUSY_GUEST, newSession, open, program, replay, waitingGuest } from '../session/session.suite.ts';
import { TOPICS } from './commands/info.ts';
import { COMMANDS } from './commands.ts';
import { Monitor } from './monitor.ts';
import { settled, TestConsole, TestSession, type TestSessionOptions } from './testing/session.suite.ts';

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

let session: TestSession;
let monitor: Monitor;
let saved: Map<string, Uint8Array>;
let logged: readonly string[] | undefined;
const host = {
  version: '1.2.3',
  saveFile(path: string, bytes: Uint8Array): void {
    if (path.startsWith('/nowhere/')) throw new RepriseError('FILE_UNWRITABLE', `cannot write '${path}'`);
    saved.set(path, bytes);
  },
  localDate: (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' '),
  logGuest: (items: readonly string[]): void => {
    logged = items;
  },
};
const say = (line: string): Promise<string> => monitor.execute(line);
const begin = (options: Partial<TestSessionOptions> = {}): void => {
  session = new TestSession({ guest: BUSY_GUEST, ...options });
  monitor = new Monitor(session, host);
};

beforeEach(() => {
  saved = new Map();
  logged = undefined;
  begin();
});

describe('commands', () => {
  it('are all in the help, and each has one of its own', async () => {
    const help = (await say('help')).split('\n');
    expect(help).toHaveLength(COMMANDS.length);
    for (const { names, help: text } of COMMANDS) {
      for (const name of names) expect(await say(`help ${name}`)).toContain(text);
      expect(help.some((line) => line.startsWith(names[0]) && line.includes(text))).toBe(true);
    }
    expect(await say('? nothing')).toBe('unknown command: \'nothing\'\nTry "help ?" for more information');
  });

  it('have names of their own', () => {
    const names = COMMANDS.flatMap((command) => command.names);
    expect(new Set(names).size).toBe(names.length);
  });

  it('that do not exist are told so', async () => {
    expect(await say('bogus x')).toBe("unknown command: 'bogus'");
    expect(await say('constructor')).toBe("unknown command: 'constructor'");
    expect(await say('')).toBe('');
    expect(await say('   ')).toBe('');
  });

  it('may have spaces around them', async () => {
    expect(await say('  info   version ')).toBe('1.2.3');
  });

  /** Arguments after which no more can follow. */
  const ENOUGH: Readonly<Record<string, string>> = {
    ...{ delvm: 'a', loadvm: 'a', savevm: 'a', screendump: 'a', log: 'none', info: 'version', help: 'stop' },
    ...{ sendkey: 'a 1', mouse_move: '0 0 0', mouse_button: '0', replay_break: '0', replay_seek: '0', x: '0', xp: '0', print: '0' },
  };

  it.each(COMMANDS.map(({ names }) => names))('%s takes no more than it knows', async (...names) => {
    const [name] = names;
    const message = `${names.join('|')}: extraneous characters at the end of line\nTry "help ${name}" for more information`;
    expect(await say(`${name} ${ENOUGH[name] ?? ''} "x" y`)).toBe(message);
    expect([session.inputs, session.kept, session.quits]).toEqual([[], [], 0]);
  });
});

describe('info', () => {
  it('tells its topics', async () => {
    expect((await say('info')).split('\n')).toHaveLength(TOPICS.length);
    expect(await say('help info')).toContain(await say('info'));
    expect(await say('help info status')).toMatch(/^info status .*$/);
    for (const name of ['nothing', 'constructor']) expect(await say(`info ${name}`)).toContain(`unknown command: 'info ${name}'`);
  });

  it('tells whether the machine runs and how far it got, in the words that scripts know', async () => {
    expect(await say('info status')).toBe('VM status: running');
    expect(await say('s')).toBe('');
    expect(await say('info status')).toBe('VM status: paused');
    session.advance(12);
    expect(await say('info replay')).toBe("Recording execution 'test.rec': instruction count = 12");
    begin({ mode: 'replay' });
    expect(await say('info replay')).toBe("Replaying execution 'test.rec': instruction count = 0");
    begin({ mode: 'run', state: 'prelaunch' });
    expect(await say('info replay')).toBe('Record/replay is not active');
    expect(await say('info status')).toBe('VM status: paused (prelaunch)');
  });

  it('shows the registers', async () => {
    begin({ guest: waitingGuest(false) });
    session.advance(20);
    const dump = await say('info registers');
    expect(dump).toMatch(/^\nCPU#0\nR00=[0-9a-f]{8} /);
    expect(dump).toContain('R04=16000000 R05=13000000');
    expect(dump).toMatch(/\bcontrol=00050078\b/);
  });

  it('shows where everything is', async () => {
    const tree = await say('info mtree');
    expect(tree).toContain('    0000000000000000-00000000000fffff (prio 0, ram): ram\n');
    expect(tree).toContain('    0000000016000000-0000000016000fff (prio 0, i/o): uart0\n');
    const devices = await say('info qtree');
    expect(devices).toMatch(/ {2}dev: pl011, id "uart0"\n {4}mmio 0000000016000000\/0000000000001000\n(?: {4}\w+ = .*\n)+/);
  });

  it('shows what the machine is connected to', async () => {
    const disk = { file: 'ov.qcow2', format: 'qcow2', sizeBytes: 4096, readOnly: false, backing: ['a.qcow2', 'b.img'], temporary: false } as const;
    begin({
      surroundings: {
        disks: [
          { device: 'sd0', medium: disk },
          { device: 'sd1', medium: undefined },
        ],
        network: ['nic0: index=0'],
        characterDevices: ['serial0: filename=null'],
      },
    });
    expect(await say('info block')).toBe(
      [
        'sd0: ov.qcow2 (qcow2)',
        '    Removable device: not locked, tray closed',
        '    Cache mode:       writeback',
        '    Backing file:     a.qcow2 (chain depth: 2)',
        '',
        'sd1: [not inserted]',
        '    Removable device: not locked, tray closed',
      ].join('\n'),
    );
    expect([await say('info network'), await say('info chardev')]).toEqual(['nic0: index=0', 'serial0: filename=null']);
  });
});

describe('snapshots', () => {
  it('are saved, listed as QEMU lists them, loaded and deleted', async () => {
    expect(await say('info snapshots')).toBe('There is no snapshot available.');
    session.advance(125);
    expect(await say('savevm one')).toBe('');
    expect(await say('savevm')).toBe('');
    expect(await say('info snapshots')).toBe(
      [
        'List of snapshots present on all disks:',
        'ID        TAG               VM SIZE                DATE     VM CLOCK     ICOUNT',
        '1         one              1.18 MiB 2026-11-25 02:40:38 00:00:00.000        125',
        '2         vm-20261125024038 1.18 MiB 2026-11-25 02:40:38 00:00:00.000        125',
      ].join('\n'),
    );
    expect(await say('loadvm two')).toBe("Error: Snapshot 'two' does not exist in one or more devices");
    expect(await say('loadvm')).toBe('loadvm: string expected\nTry "help loadvm" for more information');
    expect([await say('loadvm one'), await say('delvm one')]).toEqual(['', '']);
    expect(session.kept.map(({ name }) => name)).toEqual(['vm-20261125024038']);
    expect(await say('savevm "a b"')).toBe('');
    expect(session.kept.map(({ name }) => name)).toEqual(['vm-20261125024038', 'a b']);
  });
});

describe('in a replay', () => {
  it('there is a breakpoint, and any moment to go to', async () => {
    begin({ mode: 'replay' });
    expect(await say('replay_break 500')).toBe('');
    expect(session.breakpoint).toBe(500);
    expect(await say('replay_delete_break')).toBe('');
    expect(session.breakpoint).toBeUndefined();
    expect(await say('replay_seek 20')).toBe('');
    expect(session.machine.icount()).toBe(20);
    expect(await say('replay_break 10')).toBe('Error: cannot set breakpoint at the instruction in the past');
    expect(await say('replay_seek -1')).toContain('-1 is not between 0 and');
    expect(await say('sendkey a')).toMatch(/^Error: only the recording/);
  });

  it('is where there is one', async () => {
    expect(await say('replay_break 5')).toBe('Error: setting the breakpoint is allowed only in play mode');
    expect(await say('replay_delete_break')).toBe('Error: replay breakpoints are allowed only in play mode');
    expect(await say('replay_seek 5')).toBe('Error: replay must be enabled to seek');
  });
});

describe('what the guest notices', () => {
  it('is asked of the session: keys, mouse and the reset button, in their order', async () => {
    for (const command of ['sendkey ctrl-a', 'sendkey ret 5', 'mouse_move 3 -4', 'mouse_move 0 0 1', 'mouse_button 5', 'system_reset'])
      expect(await say(command)).toBe('');
    const key = (code: string, down: boolean): object => ({ kind: 'key', code, down });
    expect(session.inputs).toEqual([
      [key('ctrl', true), 0],
      [key('a', true), 0],
      [key('a', false), 100],
      [key('ctrl', false), 100],
      [key('ret', true), 0],
      [key('ret', false), 5],
      [{ kind: 'mouse-move', dx: 3, dy: -4, dz: 0 }, 0],
      [{ kind: 'mouse-move', dx: 0, dy: 0, dz: 1 }, 0],
      [{ kind: 'mouse-buttons', mask: 5 }, 0],
      [{ kind: 'reset' }, 0],
    ]);
  });

  it.each([
    ['sendkey', 'sendkey: string expected'],
    ['sendkey nokey', 'Error: invalid parameter: nokey'],
    ['sendkey a-', 'Error: invalid parameter: '],
    [`sendkey ${new Array(17).fill('a').join('-')}`, 'Error: at most 16 keys'],
    ['sendkey a 60001', 'Error: keys can be held for'],
    ['sendkey a -1', "Error: '-1' is not a whole number between"],
    ['sendkey a 1 1', 'sendkey: extraneous characters'],
    ['mouse_move', 'mouse_move: string expected'],
    ['mouse_move 1', 'mouse_move: string expected'],
    ['mouse_move 1 x', "Error: 'x' is not a whole number"],
    ['mouse_move 1 2147483648', "Error: '2147483648' is not a whole number between"],
    ['mouse_move 1 1.5', "Error: '1.5' is not a whole number"],
    ['mouse_button', 'mouse_button: string expected'],
    ['mouse_button 8', "Error: '8' is not a whole number between 0 and 7"],
  ])('is nothing when it makes no sense: %s', async (line, message) => {
    expect(await say(line)).toContain(message);
    expect(session.inputs).toEqual([]);
  });

  it('is recorded and replayed in a live run, keys held for as long as was said', async () => {
    const live = newSession({ guest: waitingGuest(true) });
    const control = new Monitor(live.live, host);
    live.clock.plan(10, () => void control.execute('sendkey a 40'));
    live.clock.plan(200, () => void control.execute('quit'));
    expect(await live.live.run()).toBe('quit');
    const { log, header } = open(live.file.bytes);
    const times = [...log].flatMap((record) =>
      record.kind === 'event' ? [record.event.icount * 2 ** header.options.icountShift + record.event.bias] : [],
    );
    expect(times).toHaveLength(2);
    expect(times[1] - times[0]).toBeGreaterThanOrEqual(40e6);
    expect(times[1] - times[0]).toBeLessThan(51e6);
    await replay(live.file.bytes);
  });
});

describe('a live run', () => {
  it('is held, goes on, and ends; it waits for cont when it is told to', async () => {
    const live = newSession({ guest: waitingGuest(true), sleep: true, startHeld: true });
    const control = live.live;
    const events: string[] = [];
    control.onEvent(({ kind }) => events.push(kind));
    const one = new Monitor(control, host);
    const icounts: number[] = [];
    const at = (ms: number, line: string): void =>
      live.clock.plan(ms, () => {
        icounts.push(live.machine.icount());
        void one.execute(line);
      });
    at(50, 'cont');
    at(100, 'stop');
    at(200, 'cont');
    at(300, 'quit');
    expect(await live.live.run()).toBe('quit');
    expect(icounts[0]).toBe(0);
    expect(icounts[1]).toBeGreaterThan(0);
    expect(icounts[2] - icounts[1]).toBeLessThan(200);
    expect(icounts[3]).toBeGreaterThan(icounts[2]);
    expect(events).toEqual(['resume', 'stop', 'resume', 'shutdown']);
    await replay(live.file.bytes);
  });
});

describe('screendump', () => {
  beforeEach(() => begin({ guest: PAINTER }));

  it('saves what is on the screen, as PNG or as PPM', async () => {
    session.advance(50);
    for (const line of ['screendump a.png', 'screendump b', 'screendump c.ppm', 'screendump d -f png']) expect(await say(line)).toBe('');
    for (const name of ['a.png', 'd']) {
      const { width, height, channels, data } = decode(saved.get(name)!);
      expect([width, height, channels]).toEqual([32, 2, 4]);
      expect([...data.subarray(0, 4)]).toEqual([0x30, 0x20, 0x10, 255]);
    }
    for (const name of ['b', 'c.ppm']) {
      const ppm = Buffer.from(saved.get(name)!);
      expect(ppm.subarray(0, 12).toString()).toBe('P6\n32 2\n255\n');
      expect([...ppm.subarray(12, 18)]).toEqual([0x30, 0x20, 0x10, 0, 0, 0]);
      expect(ppm).toHaveLength(12 + 32 * 2 * 3);
    }
  });

  it('says why it cannot', async () => {
    expect(await say('screendump')).toBe('screendump: filename expected\nTry "help screendump" for more information');
    expect(await say('screendump x.png')).toBe('Error: the guest has not switched its screen on');
    expect(await say('screendump x -f gif')).toBe('Error: invalid parameter: gif');
    expect(saved.size).toBe(0);
    session.advance(50);
    expect(await say('screendump /nowhere/x.png')).toBe("Error: cannot write '/nowhere/x.png'");
  });
});

describe('log', () => {
  it('chooses what is told of the guest', async () => {
    await say('log unimp,guest_errors');
    expect(logged).toEqual(['unimp', 'guest_errors']);
    await say('log none');
    expect(logged).toEqual([]);
    expect(await say('log cpu')).toBe("Error: 'cpu' cannot be logged; guest_errors and unimp can, or none");
  });
});

describe('a conversation', () => {
  const PROMPT = '(reprise) ';
  const GREETING = `Reprise 1.2.3 monitor - type 'help' for more information\r\n${PROMPT}`;
  let console: TestConsole;
  beforeEach(() => {
    console = new TestConsole();
    monitor.attach(console);
  });

  it('begins with a greeting for whoever comes, and a prompt for who comes back', async () => {
    expect(console.backend.said).toBe('');
    console.presence('came');
    expect(console.backend.said).toBe(GREETING);
    console.backend.said = '';
    console.presence('returned');
    expect(console.backend.said).toBe(PROMPT);
    console.presence('left');
    console.backend.said = '';
    console.presence('came');
    expect(console.backend.said).toBe(GREETING);
  });

  it('goes command by command, each answered before the next is read', async () => {
    console.presence('came');
    let release = (): void => {};
    session.gate = new Promise((resolve) => {
      release = resolve;
    });
    expect(await console.ask('savevm a\ninfo version\n')).toBe('savevm a\r\n');
    expect(console.backend.held).toBe(true);
    release();
    await settled();
    expect(console.backend.said).toBe(`savevm a\r\n${PROMPT}info version\r\n1.2.3\r\n${PROMPT}`);
    expect(console.backend.held).toBe(false);
  });

  it('is not asked for more after quit', async () => {
    console.presence('came');
    console.backend.said = '';
    expect(await console.ask('quit now\n')).toContain(PROMPT);
    console.backend.said = '';
    expect(await console.ask('quit\n')).toBe('quit\r\n');
  });

  it('that breaks off in the middle of a command or a line leaves nothing to the next', async () => {
    console.presence('came');
    let release = (): void => {};
    session.gate = new Promise((resolve) => {
      release = resolve;
    });
    await console.ask('savevm a\nquit\ninfo ver');
    console.presence('left');
    console.backend.said = '';
    console.presence('came');
    expect(console.backend.said).toBe(GREETING);
    release();
    await settled();
    expect(console.backend.said).toBe(GREETING);
    expect(session.kept.map(({ name }) => name)).toEqual(['a']);
    expect(session.quits).toBe(0);
    expect(await console.ask('info version\r')).toBe(`info version\r\n1.2.3\r\n${PROMPT}`);
  });

  it('waits for a peer that reads slowly', async () => {
    console.presence('came');
    console.backend.setCongested(true);
    expect(await console.ask('help\nhelp\n')).toBe('h');
    expect(console.backend.held).toBe(true);
    console.backend.setCongested(false);
    await settled();
    expect(console.backend.said.split(PROMPT)).toHaveLength(3);
  });

  it('survives what no person types', async () => {
    console.presence('came');
    const junk = Uint8Array.from({ length: 20_000 }, (_, n) => (n * 7919 + (n >> 3)) & 0xff);
    await console.ask(junk);
    await console.ask('\x1b'.repeat(50));
    await console.ask(`\x1b[${'9'.repeat(1000)}\r`);
    const answer = await console.ask(`${'y'.repeat(100_000)}\r`);
    expect(answer.endsWith(`unknown command: '${'y'.repeat(1024)}'\r\n${PROMPT}`)).toBe(true);
    expect(await console.ask('info version\r')).toBe(`info version\r\n1.2.3\r\n${PROMPT}`);
  });

  it('completes commands, topics, keys and snapshots', async () => {
    await say('savevm before-crash');
    console.presence('came');
    await settled();
    expect(await console.ask('scr\t\x15')).toContain('screendump ');
    expect(await console.ask('info sn\t\x15')).toContain('info snapshots ');
    expect(await console.ask('sendkey ctrl-alt-de\t\x15')).toContain('ctrl-alt-delete ');
    expect(await console.ask('loadvm be\t\x15')).toContain('loadvm before-crash ');
    expect(await console.ask('replay_\t')).toBe(`replay_\r\nreplay_break replay_delete_break replay_seek\r\n${PROMPT}replay_`);
  });
});
