import { beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../boards/machine.ts';
import { RepriseError } from '../errors/errors.ts';
import type { Digest, InputEvent } from '../replay/model.ts';
import type { LogRecord } from '../replay/records.ts';
import { icount, ns } from '../time/units.ts';
import { DivergenceError } from './replay-run.ts';
import { differing, forged, newReplay, newSession, open, program, replay, runUntil, type Session, waitingGuest } from './session.suite.ts';

const INTERVAL = 5000;
/** Someone types, presses keys and moves the mouse; the guest ticks. */
let session: Session;
let bytes: Uint8Array;
let length: number;

beforeAll(async () => {
  session = newSession({ guest: waitingGuest(true), sleep: true, interval: INTERVAL });
  for (let n = 0; n < 40; n++) {
    session.clock.plan(30 + 23 * n, () => session.ends[0].type('abc'.slice(0, 1 + (n % 3))));
    session.clock.plan(35 + 23 * n, () => session.live.inputs.push({ kind: 'key', code: 'a', down: n % 2 === 0 }));
    session.clock.plan(37 + 23 * n, () => session.live.inputs.push({ kind: 'mouse-move', dx: n, dy: 1, dz: 0 }));
  }
  await runUntil(session, 1000);
  bytes = session.file.bytes;
  length = open(bytes).reached.icount;
  expect(length).toBeGreaterThan(5 * INTERVAL);
});

/** How the replay of these bytes departs from the recording. */
async function divergence(recording: Uint8Array): Promise<DivergenceError> {
  try {
    await replay(recording);
  } catch (error) {
    if (error instanceof DivergenceError) return error;
    throw error;
  }
  throw new Error('it was replayed as if nothing were wrong');
}

const isSerial = (record: LogRecord): boolean => record.kind === 'event' && record.event.input.kind === 'serial';
const isKey = (record: LogRecord): boolean => record.kind === 'event' && record.event.input.kind === 'key';
const changeDigest = (digest: Digest, component: string, names: readonly string[]): Digest => ({
  ...digest,
  components: digest.components.map((hash, n) => (names[n] === component ? (hash ^ 1) >>> 0 : hash)),
});

describe('a replay', () => {
  it('stops exactly where it is told, in the state that the straight run has there, and goes on from there', async () => {
    const counts = [0, 1, 2, 13, 14, INTERVAL - 1, INTERVAL, INTERVAL + 1, 2 * INTERVAL, length - 1];
    const stepwise = await newReplay(bytes);
    for (const count of counts) {
      expect(await stepwise.run.run(icount(count))).toBe('limit');
      expect(stepwise.run.machine.icount()).toBe(count);
      const straight = await replay(bytes, count);
      expect(straight.stop).toBe('limit');
      expect(straight.run.machine.icount()).toBe(count);
      expect(differing(straight.run.machine, stepwise.run.machine)).toEqual([]);
      expect(straight.said).toEqual(stepwise.said);
    }
    expect(await stepwise.run.run()).toBe('end');
    expect(differing(stepwise.run.machine, session.machine)).toEqual([]);
    expect(await stepwise.run.run()).toBe('end');
  });

  it('told to go beyond the end stops at the end', async () => {
    const { run, stop } = await replay(bytes, length + 1);
    expect([stop, run.machine.icount()]).toEqual(['end', length]);
    expect(run.lastDigest()?.chain).toBe(open(bytes).end?.digest.chain);
  });

  it('can be interrupted', async () => {
    // Each look at the clock takes longer than a replay goes without letting the host have its turn.
    const { run } = await newReplay(bytes, 60);
    run.interrupt();
    expect(await run.run()).toBe('interrupted');
    expect(run.machine.icount()).toBeLessThan(length);
  });

  it('waits for whoever takes its output', async () => {
    let waits = 0;
    const slow = await newReplay(bytes, undefined, async () => {
      waits++;
      await new Promise((resolve) => setImmediate(resolve));
    });
    expect(await slow.run.run()).toBe('end');
    expect(waits).toBeGreaterThan(100);
    expect(slow.said).toEqual([session.ends[0].said, '']);
    expect(differing(slow.run.machine, session.machine)).toEqual([]);
  });

  it('of a recording without an end goes to its last known moment, idle time included', async () => {
    const cut = await forged(bytes, { end: () => undefined });
    const { run, stop } = await replay(cut);
    expect(open(cut).end).toBeUndefined();
    expect(stop).toBe('end');
    expect(differing(run.machine, session.machine)).toEqual([]);
  });
});

/** Changes something of a component, by hand. */
function disturb(machine: Machine, name: string): void {
  const port = ['serial0.output', 'serial1.output'].indexOf(name);
  if (name === 'ram') machine.memory.load(0xbeef, Uint8Array.of(machine.memory.ram[0xbeef] ^ 0x10));
  else if (port >= 0) machine.serial[port].output.put(0x40);
  else {
    const { layout, fields } = machine.components.find((component) => component.name === name)!.state;
    const [key] = Object.keys(layout.schema);
    const holder: Record<string, unknown> = fields;
    const value = holder[key];
    if (typeof value === 'number') holder[key] = value === 0 ? 1 : value - 1;
    else if (typeof value === 'boolean') holder[key] = !value;
    else (value as Uint8Array)[0] ^= 1;
  }
}

describe('a state that was changed by hand in the middle of a replay', () => {
  it('is found at the next digest, and named, whichever component it is', async () => {
    const names = open(bytes).header.components.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['cpu', 'clock', 'uart0', 'timer', 'rtc', 'ram', 'serial0.output']));
    const digest = 3 * INTERVAL;
    for (const name of names) {
      const { run } = await newReplay(bytes);
      await run.run(icount(digest - 10));
      disturb(run.machine, name);
      const error = await run.run().catch((thrown: unknown) => thrown);
      expect(error, name).toBeInstanceOf(DivergenceError);
      const { components, from, to, code, message } = error as DivergenceError;
      expect(code).toBe('DIVERGED');
      expect(components, name).toContain(name);
      expect(from).toBe(digest - INTERVAL);
      // A reset that nobody asked for is seen at once.
      expect(to).toBe(name === 'machine' ? digest - 10 : digest);
      expect(message).toContain(`between instruction ${from} and ${to}`);
    }
  });

  it('is told with its name in the message', async () => {
    const { run } = await newReplay(bytes);
    await run.run(icount(2 * INTERVAL + 1));
    disturb(run.machine, 'uart1');
    await expect(run.run()).rejects.toThrow(
      `the replay differs from the recording between instruction ${2 * INTERVAL} and ${3 * INTERVAL}: first differing component: uart1`,
    );
  });

  it('is found at the end, where no digest comes before', async () => {
    const { run } = await newReplay(bytes);
    await run.run(icount(length - 1));
    run.machine.memory.load(0xbeef, Uint8Array.of(0xff));
    const error = (await run.run().catch((thrown: unknown) => thrown)) as DivergenceError;
    expect(error.components).toEqual(['ram']);
    expect([error.from, error.to]).toEqual([Math.floor(length / INTERVAL) * INTERVAL, length]);
  });
});

describe('a recording that was changed, with every check right,', () => {
  it.each<[string, (records: LogRecord[]) => readonly LogRecord[]]>([
    ['is missed an input', (records) => records.filter((record, n) => !isSerial(record) || n < 20)],
    [
      'has another byte',
      (records) => records.map((r) => (isSerial(r) ? changed(r, { input: { kind: 'serial', port: 0, bytes: Uint8Array.of(0x7a) } }) : r)),
    ],
    [
      'has an input on another port',
      (records) => records.map((r) => (isSerial(r) ? changed(r, { input: { kind: 'serial', port: 1, bytes: Uint8Array.of(0x61) } }) : r)),
    ],
    [
      'has an input on a port that the machine lacks',
      (records) => records.map((r) => (isSerial(r) ? changed(r, { input: { kind: 'serial', port: 9, bytes: Uint8Array.of(0x61) } }) : r)),
    ],
    [
      'has more bytes than the port takes',
      (records) => records.map((r) => (isSerial(r) ? changed(r, { input: { kind: 'serial', port: 0, bytes: new Uint8Array(60_000) } }) : r)),
    ],
    ['has an input where the guest does not idle', (records) => once(records, isKey, ({ icount: count }) => ({ icount: icount(count - 1) }))],
    ['has a reset', (records) => once(records, isSerial, () => ({ input: { kind: 'reset' } }))],
    ['has another key', (records) => once(records, isKey, () => ({ input: { kind: 'key', code: 'z', down: true } }))],
  ])('because it %s departs at a named place', async (_, log) => {
    const error = await divergence(await forged(bytes, { log }));
    expect(error.components.length).toBeGreaterThan(0);
    expect(error.to).toBeLessThanOrEqual(length);
    expect(error.from).toBeLessThanOrEqual(error.to);
  });

  it('in one component’s hash names that component', async () => {
    const names = open(bytes).header.components.map(({ name }) => name);
    for (const name of names) {
      const log = (records: LogRecord[]): LogRecord[] =>
        records.map((r) =>
          r.kind === 'digest' && r.digest.icount === 2 * INTERVAL ? { kind: 'digest', digest: changeDigest(r.digest, name, names) } : r,
        );
      const error = await divergence(await forged(bytes, { log }));
      expect(error.components).toEqual([name]);
      expect([error.from, error.to]).toEqual([INTERVAL, 2 * INTERVAL]);
    }
  });

  it('in the chain alone says that the fault lies further back', async () => {
    const error = await divergence(await forged(bytes, { end: (end) => ({ ...end, digest: { ...end.digest, chain: '0123456789abcdef' } }) }));
    expect(error.components).toEqual(['an earlier link of the chain']);
  });

  it('to end later than the guest lives is noticed', async () => {
    const resets = newSession({ guest: waitingGuest(false) });
    resets.clock.plan(10, () => resets.ends[0].type('!'));
    await runUntil(resets);
    const later = await forged(resets.file.bytes, { end: (end) => ({ ...end, digest: { ...end.digest, icount: icount(end.digest.icount + 5) } }) });
    const error = await divergence(later);
    expect(error.components).toEqual(['machine']);
    expect(error.message).toContain('the guest resets here');
  });

  it('to go on where the guest waits for ever is noticed', async () => {
    const waits = newSession({ guest: waitingGuest(false) });
    await runUntil(waits, 10);
    const error = await divergence(
      await forged(waits.file.bytes, { end: (end) => ({ ...end, digest: { ...end.digest, icount: icount(end.digest.icount + 1) } }) }),
    );
    expect(error.components).toEqual(['cpu']);
    expect(error.message).toContain('waits for ever');
  });

  it('to go on beyond the end of time is noticed', async () => {
    // Waits for 13 days at a time, and a hundred days is all there is.
    const guest = program(`
      mov r5, #0x13000000
      mov r6, #0x14000000
      mvn r0, #0
      str r0, [r5, #0x100]
      mov r0, #0xea
      str r0, [r5, #0x108]
      mov r0, #0x40
      str r0, [r6, #8]
      wait:
      mcr p15, #0, r0, c7, c0, #4
      str r0, [r5, #0x10c]
      b @wait
    `);
    const waits = newSession({ guest });
    await waits.live.run().catch(() => {});
    const error = await divergence(
      await forged(waits.file.bytes, {
        end: (end) => ({ ...end, digest: { ...end.digest, icount: icount(end.digest.icount + 50), bias: ns(end.digest.bias - 1000) } }),
      }),
    );
    expect(error.components).toEqual(['clock']);
    expect(error.message).toContain('virtual time is at its end');
  });
});

describe('a machine that has changed since', () => {
  it.each<[string, number, RegExp]>([
    ['version', 99, /differs from this one's in: uart0;/],
    ['hash', 1, /in: uart0;/],
  ])('is refused by the names of its components: another %s', async (field, value, message) => {
    const { components } = open(bytes).header;
    const changedOnes = components.map((c) => (c.name === 'uart0' ? { ...c, [field]: value } : c));
    const error = await refusal(await forged(bytes, { header: { components: changedOnes } }));
    expect(error.code).toBe('RECORDING_VERSION');
    expect(error.message).toMatch(message);
    expect(error.message).toContain('made by Reprise test');
  });

  it('is refused when the recorded one had more RAM', async () => {
    const { components } = open(bytes).header;
    const error = await refusal(await forged(bytes, { header: { components: components.map((c) => (c.name === 'ram' ? { ...c, hash: 17 } : c)) } }));
    expect([error.code, error.message]).toEqual(['RECORDING_VERSION', expect.stringContaining('in: ram;')]);
  });
});

async function refusal(recording: Uint8Array): Promise<RepriseError> {
  try {
    await newReplay(recording);
  } catch (error) {
    if (error instanceof RepriseError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

function changed(record: LogRecord, event: Partial<InputEvent>): LogRecord {
  return record.kind === 'event' ? { kind: 'event', event: { ...record.event, ...event } } : record;
}

/** Changes a record of a kind, one with room between those before and behind it. */
function once(all: readonly LogRecord[], which: (record: LogRecord) => boolean, change: (event: InputEvent) => Partial<InputEvent>): LogRecord[] {
  const records = all.filter(({ kind }) => kind !== 'progress');
  const at = records.findIndex(
    (record, n) => which(record) && n > 20 && countOf(records[n - 1]) < countOf(record) && countOf(record) < countOf(records[n + 1]),
  );
  const record = records[at];
  if (record.kind !== 'event') throw new Error('only events are changed');
  return [...records.slice(0, at), changed(record, change(record.event)), ...records.slice(at + 1)];
}

function countOf(record: LogRecord): number {
  return record.kind === 'event' ? record.event.icount : record.kind === 'digest' ? record.digest.icount : record.position.icount;
}
