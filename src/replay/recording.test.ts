import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadHasher } from './hasher.ts';
import type { End, EndReason, Header, Input, InputFile, Position } from './model.ts';
import { type Recording, readRecording } from './reader.ts';
import { at, create, digestAt, END, eventAt, HEADER, KERNEL, MemoryFile, smallRecording } from './recording.suite.ts';
import { type LogRecord, MAX_SERIAL_BYTES } from './records.ts';
import { RecordingWriter } from './writer.ts';

const hasher = await loadHasher();
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const open = (bytes: Uint8Array): Recording => readRecording(new MemoryFile(bytes), hasher, sha256);
const RESET: Input = { kind: 'reset' };

const hexText = (digits: number) =>
  fc.array(fc.integer({ min: 0, max: 15 }), { minLength: digits, maxLength: digits }).map((d) => d.map((n) => n.toString(16)).join(''));
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const printable = (maxLength: number) =>
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: maxLength / 8 }).map((s) => s.replace(/\p{Cc}/gu, '_'));

interface Inputs {
  readonly files: readonly InputFile[];
  readonly embedded: ReadonlyMap<InputFile['role'], Uint8Array>;
}
const inputs: fc.Arbitrary<Inputs> = fc
  .uniqueArray(
    fc.record({
      role: fc.constantFrom<InputFile['role'][]>('kernel', 'initrd', 'dtb', 'bios'),
      name: printable(200),
      bytes: fc.uint8Array({ maxLength: 300 }),
      embedded: fc.boolean(),
    }),
    { selector: (i) => i.role },
  )
  .map((list) => ({
    files: list.map(({ role, name, bytes, embedded }) => ({ role, name, size: bytes.length, sha256: sha256(bytes), embedded })),
    embedded: new Map(list.filter((i) => i.embedded).map((i) => [i.role, i.bytes])),
  }));

const options: fc.Arbitrary<Header['options']> = fc.record({
  machine: fc.constant('integratorcp' as const),
  cpu: fc.constant('arm926' as const),
  ramBytes: fc.integer({ min: 2 ** 20, max: 2 ** 28 }),
  append: fc.string({ unit: 'grapheme', maxLength: 500 }).map((s) => s.replace(/[^\P{Cc}\t\n]/gu, '_')),
  icountShift: fc.integer({ min: 0, max: 10 }),
  rtcBase: u32,
  seed: hexText(16),
  noReboot: fc.boolean(),
  nics: fc.array(fc.record({ mac: hexText(12) }), { maxLength: 1 }),
  disks: fc.constant([]),
});

const input: fc.Arbitrary<Input> = fc.oneof(
  fc.record({ kind: fc.constant('serial' as const), port: fc.integer({ min: 0, max: 15 }), bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }) }),
  fc.record({ kind: fc.constant('frame' as const), nic: fc.integer({ min: 0, max: 15 }), bytes: fc.uint8Array({ minLength: 14, maxLength: 1518 }) }),
  fc.record({ kind: fc.constant('key' as const), code: fc.constantFrom('a', 'ret', 'shift_r', '0'), down: fc.boolean() }),
  fc.record({
    kind: fc.constant('mouse-move' as const),
    dx: fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }),
    dy: fc.integer({ min: -200, max: 200 }),
    dz: fc.integer({ min: -1, max: 1 }),
  }),
  fc.record({ kind: fc.constant('mouse-buttons' as const), mask: fc.integer({ min: 0, max: 7 }) }),
  fc.constant(RESET),
);

/** What happens in a run: time passes, then an input comes in, or the recorder flushes. */
const steps = fc.array(
  fc.record({
    intervals: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 2, noNaN: true })),
    bias: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 40 })),
    input: fc.option(input, { nil: undefined }),
  }),
  { maxLength: 30 },
);
const reason = fc.constantFrom<EndReason[]>('guest-reset', 'quit', 'interrupted', 'error');

interface Run {
  readonly inputs: Inputs;
  readonly options: Header['options'];
  readonly components: Header['components'];
  readonly digestInterval: number;
  readonly steps: readonly { readonly intervals: number; readonly bias: number; readonly input: Input | undefined }[];
  readonly reason: EndReason;
}
const run: fc.Arbitrary<Run> = fc.record({
  inputs,
  options,
  components: fc.uniqueArray(fc.record({ name: printable(64), schema: printable(64), version: u32, hash: u32 }), {
    minLength: 1,
    maxLength: 40,
    selector: (c) => c.name,
  }),
  digestInterval: fc.integer({ min: 1, max: 0xffffffff }),
  steps,
  reason,
});

/** Writes the run; gives the recording and what has to come out of it. */
function write(run: Run) {
  const { components, digestInterval } = run;
  const header: Header = {
    engineVersion: '1.2.3',
    options: run.options,
    inputs: run.inputs.files,
    disks: [],
    start: HEADER.start,
    components,
    digestInterval,
  };
  const file = new MemoryFile();
  const writer = RecordingWriter.create(file, header, run.inputs.embedded, hasher);
  const log: LogRecord[] = [];
  let last = at(0);
  let due = 0;
  const digest = (position: Position) =>
    digestAt(
      position,
      hasher
        .h64(Uint8Array.of(log.length & 255), BigInt(position.icount))
        .toString(16)
        .padStart(16, '0'),
      ...components.map((c) => c.hash),
    );
  for (const step of run.steps) {
    const position = at(last.icount + Math.floor(step.intervals * digestInterval), last.bias + step.bias);
    for (; due <= position.icount; due += digestInterval) {
      const record = digest(at(due, last.bias));
      log.push({ kind: 'digest', digest: record });
      writer.digest(record);
      last = at(due, last.bias);
    }
    if (step.input) {
      const event = eventAt(position, step.input);
      log.push({ kind: 'event', event });
      writer.event(event);
    } else {
      if (position.icount !== last.icount || position.bias !== last.bias) log.push({ kind: 'progress', position });
      writer.flush(position);
    }
    last = position;
  }
  const end: End = { reason: run.reason, digest: digest(last) };
  writer.finish(end);
  return { header, log, end, file };
}

describe('a recording', () => {
  it('gives back what was recorded, and equal content is equal bytes', async () => {
    await fc.assert(
      fc.asyncProperty(run, async (run) => {
        const { header, log, end, file } = write(run);
        const recording = open(file.bytes);
        expect(recording.header).toEqual(header);
        expect([...recording.log]).toEqual(log);
        expect([...recording.log], 'a second time').toEqual(log);
        expect(recording.end).toEqual(end);
        expect(recording.reached).toEqual(at(end.digest.icount, end.digest.bias));
        expect(recording.sizes.whole).toBe(file.size);
        for (const role of ['kernel', 'initrd', 'dtb', 'bios'] as const)
          expect(await recording.embedded(role)).toEqual(run.inputs.embedded.get(role));
        expect(write(run).file.bytes).toEqual(file.bytes);
      }),
      { numRuns: 150 },
    );
  });

  it('does not depend on the order in which the header was put together', () => {
    const backwards = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(backwards);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, v]) => [key, backwards(v)]),
      );
    };
    const [one, other] = [new MemoryFile(), new MemoryFile()];
    create(one, hasher);
    create(other, hasher, backwards(HEADER) as Header);
    expect(other.bytes).toEqual(one.bytes);
  });

  it('holds positions up to the end of exact time', () => {
    const header = { ...HEADER, options: { ...HEADER.options, icountShift: 0 }, digestInterval: 0xffffffff };
    const file = new MemoryFile();
    const writer = create(file, hasher, header);
    writer.digest(digestAt(at(0), '0000000000000000', 0, 0));
    writer.event(eventAt(at(1, 2 ** 53 - 3), RESET));
    writer.event(eventAt(at(2, 2 ** 53 - 3), RESET));
    writer.flush(at(2, 2 ** 53 - 3));
    expect(open(file.bytes).reached).toEqual(at(2, 2 ** 53 - 3));
    expect(() => writer.event(eventAt(at(3, 2 ** 53 - 3), RESET))).toThrow('exact time');
  });

  it('takes a key in a few bytes', () => {
    const file = new MemoryFile();
    const writer = create(file, hasher);
    writer.digest(digestAt(at(0), '0000000000000000', 0, 0));
    for (let i = 0; i < 100; i++) writer.event(eventAt(at(i + 1), { kind: 'key', code: 'a', down: i % 2 === 0 }));
    const before = file.size;
    writer.flush(at(100));
    expect(file.size - before).toBe(16 + (3 + 8 + 8) + 100 * 5);
  });
});

describe('embedded inputs', () => {
  const long = Uint8Array.from({ length: 2.5 * 2 ** 20 }, (_, i) => i * 7);
  const header = (bytes: Uint8Array, hash = sha256(bytes)): Header => ({
    ...HEADER,
    inputs: [{ ...HEADER.inputs[0], size: bytes.length, sha256: hash }],
  });

  it('come in parts, so that reading stays within bounds', async () => {
    const file = new MemoryFile();
    create(file, hasher, header(long), long);
    const recording = readRecording(file, hasher, sha256);
    expect(file.longestRead).toBe(2 ** 20 + 16);
    expect(recording.sizes).toEqual({ file: file.size, whole: file.size, inputs: long.length + 3 * 16, log: 0 });
    expect(sha256((await recording.embedded('kernel'))!)).toBe(sha256(long));
    expect(await recording.embedded('initrd')).toBeUndefined();
  });

  it.each([0, 1, 2 ** 20, 2 ** 20 + 1])('may have %i bytes', async (length) => {
    const file = new MemoryFile();
    const bytes = long.subarray(0, length);
    create(file, hasher, header(bytes), bytes);
    expect(sha256((await open(file.bytes).embedded('kernel'))!)).toBe(sha256(bytes));
  });

  it('are refused when they do not have the hash that the header gives', async () => {
    const file = new MemoryFile();
    create(file, hasher, header(KERNEL, '0'.repeat(64)));
    await expect(open(file.bytes).embedded('kernel')).rejects.toThrow(expect.objectContaining({ code: 'RECORDING_DAMAGED' }));
  });

  it('may be hashed asynchronously', async () => {
    const recording = readRecording(new MemoryFile(smallRecording(hasher)), hasher, async (bytes) => sha256(bytes));
    expect(await recording.embedded('kernel')).toEqual(KERNEL);
  });
});

describe('the writer', () => {
  it('syncs when the head is written and at the end, and appends nothing when nothing is new', () => {
    const file = new MemoryFile();
    const writer = create(file, hasher);
    writer.sync();
    expect(file.syncs).toBe(1);
    const head = file.size;
    writer.flush(at(0));
    expect(file.size).toBe(head);
    writer.digest(digestAt(at(0), '0000000000000000', 0, 0));
    expect(file.size).toBe(head);
    writer.flush(at(0, 7));
    const size = file.size;
    writer.flush(at(0, 7));
    expect(file.size).toBe(size);
    expect(open(file.bytes).reached).toEqual(at(0, 7));
    writer.finish({ reason: 'quit', digest: digestAt(at(0, 7), '0000000000000000', 0, 0) });
    expect(file.syncs).toBe(2);
  });

  it('does not let long input pile up until the next flush', () => {
    const file = new MemoryFile();
    const writer = create(file, hasher);
    const bytes = new Uint8Array(MAX_SERIAL_BYTES).fill(0x41);
    for (let i = 0; i < 40; i++) writer.event(eventAt(at(0), { kind: 'serial', port: 1, bytes }));
    expect(file.size).toBeGreaterThan(36 * bytes.length);
    writer.flush(at(0));
    const records = [...open(file.bytes).log];
    expect(records).toHaveLength(40);
    expect(records[39]).toEqual({ kind: 'event', event: eventAt(at(0), { kind: 'serial', port: 1, bytes }) });
  });

  it('leaves a usable recording when the disk is full, wherever that happens', () => {
    const whole = open(smallRecording(hasher));
    const head = new MemoryFile();
    create(head, hasher);
    for (let capacity = head.size; capacity < whole.sizes.file; capacity++) {
      const file = new MemoryFile(new Uint8Array(0), capacity);
      const writer = create(file, hasher);
      const finish = () => {
        writer.digest(digestAt(at(0), '0011223344556677', 1, 2));
        writer.flush(at(700, 300));
        writer.finish({ ...END, digest: { ...END.digest, ...at(800, 300) } });
      };
      let failed = false;
      try {
        finish();
      } catch (error) {
        failed = true;
        expect(error).toEqual(new Error('disk full'));
        const size = file.size;
        // Nothing is put behind the torn chunk later on.
        expect(() => writer.flush(at(900, 300))).toThrow('disk full');
        expect(() => writer.finish({ ...END, digest: { ...END.digest, ...at(950, 300) } })).toThrow('disk full');
        expect(file.size).toBe(size);
      }
      const recording = open(file.bytes);
      expect(recording.end === undefined).toBe(failed);
      expect([at(0), at(700, 300), at(800, 300)]).toContainEqual(recording.reached);
    }
  });

  it.each<[string, Header]>([
    ['a name that would move the cursor', { ...HEADER, inputs: [{ ...HEADER.inputs[0], name: 'z\u001b[2JImage' }] }],
    ['half a character', { ...HEADER, options: { ...HEADER.options, append: '\ud83d' } }],
    ['a command line without end', { ...HEADER, options: { ...HEADER.options, append: 'x'.repeat(5000) } }],
  ])('refuses %s before anything is written', (_, header) => {
    const file = new MemoryFile();
    expect(() => create(file, hasher, header)).toThrow(expect.objectContaining({ code: 'BAD_VALUE' }));
    expect(file.size).toBe(0);
  });

  it('does not write what the reader would refuse', () => {
    const writer = create(new MemoryFile(), hasher);
    const event = (input: Input) => () => writer.event(eventAt(at(0), input));
    expect(event({ kind: 'serial', port: 16, bytes: KERNEL })).toThrow('port');
    expect(event({ kind: 'serial', port: 0, bytes: new Uint8Array(0) })).toThrow('64 KiB');
    expect(event({ kind: 'serial', port: 0, bytes: new Uint8Array(MAX_SERIAL_BYTES + 1) })).toThrow('64 KiB');
    expect(event({ kind: 'key', code: 'Ret', down: true })).toThrow('QKeyCode');
    expect(event({ kind: 'mouse-move', dx: 0.5, dy: 0, dz: 0 })).toThrow('mouse step');
    expect(event({ kind: 'mouse-move', dx: 0, dy: 0, dz: 2 ** 31 })).toThrow('mouse step');
    expect(event({ kind: 'mouse-buttons', mask: 8 })).toThrow('buttons');
    expect(() => writer.digest(digestAt(at(500), '0000000000000000', 0, 0)), 'not due').toThrow('multiple');
    expect(() => writer.event(eventAt(at(1), RESET)), 'the digest at 0 is missing').toThrow('left out');
    expect(() => writer.digest(digestAt(at(0), '0000000000000000', 0)), 'one component too few').toThrow('component');
    expect(() => writer.flush(at(0.5))).toThrow('exact time');
  });

  it('does not run backwards', () => {
    const writer = create(new MemoryFile(), hasher);
    writer.digest(digestAt(at(0), '0000000000000000', 0, 0));
    writer.flush(at(10, 10));
    expect(() => writer.event(eventAt(at(9, 20), RESET))).toThrow('backwards');
    expect(() => writer.event(eventAt(at(20, 9), RESET))).toThrow('backwards');
  });
});

describe('a file that changes while it is read', () => {
  it('is noticed by the log and by the inputs', async () => {
    const file = new MemoryFile(smallRecording(hasher));
    const recording = readRecording(file, hasher, sha256);
    const { bytes } = file;
    file.bytes = bytes.map((b) => b ^ 1);
    expect(() => [...recording.log]).toThrow(expect.objectContaining({ code: 'RECORDING_DAMAGED' }));
    await expect(recording.embedded('kernel')).rejects.toThrow(expect.objectContaining({ code: 'RECORDING_DAMAGED' }));
  });

  it('is no fault when it only grows, as a run that is still being recorded', () => {
    const file = new MemoryFile();
    const writer = create(file, hasher);
    writer.digest(digestAt(at(0), '0000000000000000', 0, 0));
    writer.flush(at(10));
    const recording = readRecording(file, hasher, sha256);
    writer.flush(at(20));
    expect(recording.reached).toEqual(at(10));
    expect([...recording.log].at(-1)).toEqual({ kind: 'progress', position: at(10) });
  });
});
