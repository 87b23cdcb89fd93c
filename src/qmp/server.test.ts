import { beforeEach, describe, expect, it } from 'vitest';
import { RepriseError } from '../errors/errors.ts';
import { settled, TestConsole, TestSession, type TestSessionOptions } from '../monitor/testing/session.suite.ts';
import { BUSY_GUEST } from '../session/session.suite.ts';
import { QMP_COMMANDS } from './commands.ts';
import { QmpServer } from './server.ts';
import { QEMU_ANSWERS } from './testing/transcript.suite.ts';

let session: TestSession;
let console: TestConsole;
let server: QmpServer;
let saved: string[];

const GREETING = '{"QMP":{"version":{"qemu":{"major":1,"minor":2,"micro":3},"package":"Reprise"},"capabilities":[]}}\r\n';
const NEGOTIATE = '{"execute":"qmp_capabilities"}';

function begin(options: Partial<TestSessionOptions> = {}): void {
  session = new TestSession({ guest: BUSY_GUEST, ...options });
  saved = [];
  server = new QmpServer(session, {
    version: '1.2.3',
    saveFile: (path) => {
      if (path.startsWith('/nowhere/')) throw new RepriseError('FILE_UNWRITABLE', `cannot write '${path}'`);
      saved.push(path);
    },
    humanMonitor: async (line) => (line === '' ? '' : `you said\n${line}`),
    timeOfDay: () => 1_795_574_401_416_282,
  });
  console = new TestConsole();
  server.attach(console);
}

/** Answers to what is typed, one JSON text each. */
const answers = async (text: string | Uint8Array): Promise<string[]> => (await console.ask(text)).split('\r\n').slice(0, -1);

/** The answer to a command in a conversation that has begun; events before it are dropped. */
async function call(execute: string, given?: object): Promise<unknown> {
  const said = await answers(JSON.stringify({ execute, ...(given && { arguments: given }) }));
  const last = JSON.parse(said.find((line) => !line.includes('"event"'))!);
  return 'error' in last ? last.error.desc : last.return;
}

async function converse(options?: Partial<TestSessionOptions>): Promise<void> {
  begin(options);
  console.presence('came');
  await console.ask(NEGOTIATE);
}

/** Events without their times. */
const events = (lines: readonly string[]): object[] =>
  lines.map((line) => JSON.parse(line)).flatMap(({ timestamp, ...rest }) => ('event' in rest ? [rest] : []));

beforeEach(() => converse());

describe('a conversation', () => {
  it('begins with a greeting and the negotiation of capabilities', async () => {
    begin();
    console.presence('came');
    expect(console.backend.said).toBe(GREETING);
    session.tell({ kind: 'stop' });
    expect(console.backend.said).toBe(GREETING);
    expect(await answers('{"execute":"query-status"}{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}')).toEqual([
      '{"error":{"class":"CommandNotFound","desc":"Expecting capabilities negotiation with \'qmp_capabilities\'"}}',
      '{"error":{"class":"GenericError","desc":"Parameter \'enable[0]\' does not accept value \'oob\'"}}',
    ]);
    expect(await answers('{"execute":"qmp_capabilities","id":1}{"execute":"qmp_capabilities","id":2}')).toEqual([
      '{"return":{},"id":1}',
      '{"id":2,"error":{"class":"CommandNotFound","desc":"Capabilities negotiation is already complete, command ignored"}}',
    ]);
  });

  it.each(QEMU_ANSWERS)('says what QEMU says to %s', async (request, answer) => {
    await converse({ state: 'prelaunch' });
    expect(await answers(request)).toEqual([answer]);
    expect(await call('query-name')).toEqual({});
  });

  it('does not mind how messages are cut into packets', async () => {
    const text = `${JSON.stringify({ execute: 'human-monitor-command', id: 'x', arguments: { 'command-line': 'grüße "{[\\' } })}{"execute":"query-name"}`;
    const expected = ['{"return":"you said\\r\\ngrüße \\"{[\\\\\\r\\n","id":"x"}', '{"return":{}}'];
    const bytes = Buffer.from(text);
    let said: string[] = [];
    for (const byte of bytes) said = [...said, ...(await answers(Uint8Array.of(byte)))];
    expect(said.map((line) => Buffer.from(line, 'latin1').toString())).toEqual(expected);
    expect((await answers(bytes)).map((line) => Buffer.from(line, 'latin1').toString())).toEqual(expected);
  });

  it('is reset by a byte 0xff, wherever it comes', async () => {
    expect(await answers('{"execute":"st\xff{"execute":"query-name"}')).toEqual([
      '{"error":{"class":"GenericError","desc":"JSON parse error, stray \'ï¿½\'"}}',
      '{"return":{}}',
    ]);
  });

  it('answers one command after the other', async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const original = session.stop.bind(session);
    session.stop = async () => {
      await gate;
      await original();
    };
    expect(await answers('{"execute":"stop","id":1}{"execute":"query-status","id":2}')).toEqual([]);
    expect(console.backend.held).toBe(true);
    release();
    await settled();
    const said = console.backend.said.split('\r\n');
    expect(said[0]).toContain('"event":"STOP"');
    expect(said.slice(1, 3)).toEqual(['{"return":{},"id":1}', '{"return":{"status":"paused","singlestep":false,"running":false},"id":2}']);
  });

  it('that breaks off in the middle of a message leaves nothing to the next client', async () => {
    await console.ask('{"execute":"qu');
    console.presence('left');
    session.tell({ kind: 'stop' });
    console.backend.said = '';
    console.presence('came');
    expect(console.backend.said).toBe(GREETING);
    expect(await answers(NEGOTIATE)).toEqual(['{"return":{}}']);
    expect(await call('query-name')).toEqual({});
  });

  it('survives hostile input in bounded memory', async () => {
    const junk = Uint8Array.from({ length: 50_000 }, (_, n) => (n * 7919 + (n >> 3)) & 0xff);
    await answers(junk);
    await answers('\xff');
    for (let n = 0; n < 3; n++) await answers(`{"a":"${'y'.repeat(500_000)}`);
    expect(console.backend.said).toContain('JSON token size limit exceeded');
    expect(await answers('\n{"execute":"query-name"}')).toEqual(['{"return":{}}']);
    expect(await answers(`{"execute":"query-name","id":${'['.repeat(1000)}${']'.repeat(1000)}}`)).toEqual([
      `{"return":{},"id":${'['.repeat(1000)}${']'.repeat(1000)}}`,
    ]);
  });

  it('loses events rather than memory when its client does not read', async () => {
    console.backend.said = '';
    console.backend.setCongested(true);
    for (let n = 0; n < 5000; n++) session.tell({ kind: 'stop' });
    expect(console.backend.said.split('\r\n').length).toBeLessThan(1100);
  });
});

describe('events', () => {
  it('have the time of day, and go to every client', async () => {
    const second = new TestConsole();
    server.attach(second);
    second.presence('came');
    await second.ask(NEGOTIATE);
    const STOP = '{"timestamp":{"seconds":1795574401,"microseconds":416282},"event":"STOP"}';
    expect(await answers('{"execute":"stop"}')).toEqual([STOP, '{"return":{}}']);
    expect(second.backend.said).toContain(STOP);
  });

  it('tell what QAPI has a name for', async () => {
    console.backend.said = '';
    session.tell({ kind: 'resume' });
    session.tell({ kind: 'reset', guest: true });
    session.tell({ kind: 'reset', guest: false });
    session.tell({ kind: 'shutdown', guest: false, reason: 'replay-end' });
    session.tell({ kind: 'block-io-error', device: 'sd0', operation: 'write', noSpace: true, reason: 'No space left on device' });
    expect(events(console.backend.said.split('\r\n').slice(0, -1))).toEqual([
      { event: 'RESUME' },
      { event: 'RESET', data: { guest: true, reason: 'guest-reset' } },
      { event: 'RESET', data: { guest: false, reason: 'host-qmp-system-reset' } },
      { event: 'SHUTDOWN', data: { guest: false, reason: 'none' } },
      {
        event: 'BLOCK_IO_ERROR',
        data: { device: 'sd0', 'node-name': 'sd0', operation: 'write', action: 'stop', nospace: true, reason: 'No space left on device' },
      },
    ]);
  });
});

describe('commands', () => {
  it('are listed, each once', async () => {
    const names = ((await call('query-commands')) as { name: string }[]).map(({ name }) => name);
    expect(names.sort()).toEqual(['qmp_capabilities', ...QMP_COMMANDS.map(({ name }) => name)].sort());
    expect(new Set(names).size).toBe(names.length);
  });

  it('hold the machine, let it go on, reset it and end the run', async () => {
    expect(await call('stop')).toEqual({});
    expect(await call('query-status')).toEqual({ status: 'paused', singlestep: false, running: false });
    expect(await call('cont')).toEqual({});
    expect(events(await answers('{"execute":"system_reset"}'))).toEqual([
      { event: 'RESET', data: { guest: false, reason: 'host-qmp-system-reset' } },
    ]);
    expect(events(await answers('{"execute":"quit"}'))).toEqual([{ event: 'SHUTDOWN', data: { guest: false, reason: 'host-qmp-quit' } }]);
    expect(session.quits).toBe(1);
  });

  it('tell of a recording, and move about in a replay', async () => {
    expect(await call('query-replay')).toEqual({ mode: 'record', filename: 'test.rec', icount: 0 });
    expect(await call('replay-break', { icount: 5 })).toBe('setting the breakpoint is allowed only in play mode');
    expect(await call('replay-delete-break')).toBe('replay breakpoints are allowed only in play mode');
    expect(await call('replay-seek', { icount: 5 })).toBe('replay must be enabled to seek');
    await converse({ mode: 'run' });
    expect(await call('query-replay')).toEqual({ mode: 'none', icount: 0 });
    await converse({ mode: 'replay' });
    expect(await call('replay-break', { icount: 500 })).toEqual({});
    expect(session.breakpoint).toBe(500);
    expect(await call('replay-delete-break')).toEqual({});
    expect(await call('replay-seek', { icount: 20 })).toEqual({});
    expect(await call('query-replay')).toEqual({ mode: 'play', filename: 'test.rec', icount: 20 });
    expect(await call('replay-break', { icount: 2 })).toBe('cannot set breakpoint at the instruction in the past');
    expect(await call('replay-break', { icount: -2 })).toBe("Parameter 'icount' expects a count from 0 to 2^53 - 1");
  });

  it('press keys and move the mouse', async () => {
    const keys = ['ctrl', 'c'].map((data) => ({ type: 'qcode', data }));
    expect(await call('send-key', { keys })).toEqual({});
    expect(await call('send-key', { keys: [keys[1]], 'hold-time': 7 })).toEqual({});
    const key = (code: string, down: boolean): object => ({ kind: 'key', code, down });
    expect(session.inputs.splice(0)).toEqual([
      [key('ctrl', true), 0],
      [key('c', true), 0],
      [key('c', false), 100],
      [key('ctrl', false), 100],
      [key('c', true), 0],
      [key('c', false), 7],
    ]);
    const sent = [
      { type: 'rel', data: { axis: 'x', value: 3 } },
      { type: 'rel', data: { axis: 'y', value: -4 } },
      { type: 'btn', data: { button: 'left', down: true } },
      { type: 'btn', data: { button: 'middle', down: true } },
      { type: 'btn', data: { button: 'left', down: false } },
      { type: 'btn', data: { button: 'wheel-up', down: true } },
      { type: 'btn', data: { button: 'wheel-up', down: false } },
      { type: 'key', data: { key: keys[0], down: true } },
    ];
    expect(await call('input-send-event', { events: sent })).toEqual({});
    expect(session.inputs.splice(0).map(([input]) => input)).toEqual([
      { kind: 'mouse-move', dx: 3, dy: -4, dz: 0 },
      { kind: 'mouse-buttons', mask: 1 },
      { kind: 'mouse-buttons', mask: 5 },
      { kind: 'mouse-buttons', mask: 4 },
      { kind: 'mouse-move', dx: 0, dy: 0, dz: 1 },
      key('ctrl', true),
    ]);
    expect(await call('input-send-event', { events: [{ type: 'abs', data: { axis: 'x', value: 1 } }] })).toBe(
      "Parameter 'type' does not accept value 'abs'",
    );
    expect(await call('input-send-event', { events: [{ type: 'rel', data: { axis: 'x', value: 2 ** 40 } }] })).toContain('expects a step');
    await session.stop();
    expect(await call('input-send-event', { events: sent })).toBe('VM not running');
    expect(session.inputs).toEqual([]);
    await converse({ mode: 'replay' });
    expect(await call('send-key', { keys })).toBe('only the recording may change the guest of a replay');
  });

  it('reach the human monitor, and the screen', async () => {
    expect(await call('human-monitor-command', { 'command-line': 'x' })).toBe('you said\r\nx\r\n');
    expect(await call('human-monitor-command', { 'command-line': '' })).toBe('');
    expect(await call('screendump', { filename: 'x' })).toBe('the guest has not switched its screen on');
    expect(await call('screendump', { filename: 'x', format: 'bad' })).toBe("Parameter 'format' does not accept value 'bad'");
    expect(saved).toEqual([]);
  });

  it('tell what the machine is connected to', async () => {
    const medium = { file: 'ov.qcow2', format: 'qcow2', sizeBytes: 4096, readOnly: false, backing: ['a.qcow2'], temporary: false } as const;
    await converse({
      surroundings: {
        disks: [
          { device: 'sd0', medium },
          { device: 'sd1', medium: undefined },
        ],
        characterDevices: ['serial0: filename=unix:/x: y,server=on'],
      },
    });
    const [first, second] = (await call('query-block')) as { inserted?: object }[];
    expect(first).toMatchObject({
      device: 'sd0',
      inserted: { file: 'ov.qcow2', drv: 'qcow2', ro: false, backing_file: 'a.qcow2', backing_file_depth: 1 },
    });
    expect(second).toEqual({ device: 'sd1', locked: false, removable: true, type: 'unknown' });
    expect(await call('query-named-block-nodes')).toEqual([first.inserted]);
    expect(await call('query-chardev')).toEqual([{ label: 'serial0', filename: 'unix:/x: y,server=on', 'frontend-open': true }]);
    expect(await call('query-version')).toEqual({ qemu: { major: 1, minor: 2, micro: 3 }, package: 'Reprise' });
  });
});

describe('snapshots', () => {
  const save = (id: string, tag: string, vmstate = 'recording'): string =>
    JSON.stringify({ execute: 'snapshot-save', arguments: { 'job-id': id, tag, vmstate, devices: [] } });
  const steps = (lines: readonly string[]): unknown[] =>
    lines.map((line) => JSON.parse(line)).map((line) => line.data?.status ?? line.return ?? line.error.desc);

  it('are jobs, whose steps are those of QEMU', async () => {
    expect(steps(await answers(save('j', 'one')))).toEqual(['created', 'running', {}, 'waiting', 'pending', 'concluded']);
    expect(session.kept.map(({ name }) => name)).toEqual(['one']);
    expect(steps(await answers(save('k', 'one')))).toEqual(['created', 'running', {}, 'aborting', 'concluded']);
    expect(steps(await answers(save('l', 'full')))).toEqual(['created', 'running', {}, 'aborting', 'concluded']);
    const load = { 'job-id': 'm', tag: 'one', vmstate: 'recording', devices: [] };
    expect(steps(await answers(JSON.stringify({ execute: 'snapshot-load', arguments: load }))).at(-2)).toBe('pending');
    const { vmstate: _, ...others } = load;
    expect(steps(await answers(JSON.stringify({ execute: 'snapshot-delete', arguments: { ...others, 'job-id': 'n' } }))).at(-2)).toBe('pending');
    expect(session.kept).toEqual([]);
    const concluded = { status: 'concluded', 'current-progress': 1, 'total-progress': 1 };
    expect(await call('query-jobs')).toEqual([
      { id: 'n', type: 'snapshot-delete', ...concluded },
      { id: 'm', type: 'snapshot-load', ...concluded },
      { id: 'l', type: 'snapshot-save', ...concluded, error: 'no room for it' },
      { id: 'k', type: 'snapshot-save', ...concluded, error: "Snapshot 'one' already exists in one or more devices" },
      { id: 'j', type: 'snapshot-save', ...concluded },
    ]);
    expect(steps(await answers('{"execute":"job-dismiss","arguments":{"id":"j"}}'))).toEqual(['null', {}]);
    expect(await call('job-dismiss', { id: 'j' })).toBe('Job not found');
    expect(await call('query-jobs')).toHaveLength(4);
  });

  it('are refused where something is wrong with the job', async () => {
    expect(steps(await answers(save('1a', 'x')))).toEqual(["Invalid job ID '1a'"]);
    let release = (): void => {};
    session.gate = new Promise((resolve) => {
      release = resolve;
    });
    expect(steps(await answers(save('j', 'x')))).toEqual(['created', 'running', {}]);
    expect(steps(await answers(save('j', 'x')))).toEqual(["Job ID 'j' already in use"]);
    expect(await call('job-dismiss', { id: 'j' })).toBe("Job 'j' in state 'running' cannot accept command verb 'dismiss'");
    release();
    await settled();
    await answers(save('k', 'y', 'sd0'));
    expect(await call('query-jobs')).toMatchObject([{ id: 'k', error: "No block device node 'sd0'" }, { id: 'j' }]);
  });

  it('are of the disks that there are', async () => {
    const medium = { file: 'ov.qcow2', format: 'qcow2', sizeBytes: 4096, readOnly: false, backing: [], temporary: false } as const;
    await converse({ surroundings: { disks: [{ device: 'sd0', medium }] } });
    await answers(save('j', 'x', 'sd0'));
    await answers(save('k', 'y'));
    expect(await call('query-jobs')).toMatchObject([{ id: 'k', error: "No block device node 'recording'" }, { id: 'j' }]);
    expect(session.kept.map(({ name }) => name)).toEqual(['x']);
  });
});
