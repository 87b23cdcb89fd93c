/** Recordings that someone made to do harm: every check is right, the content is not. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { deflateSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { RepriseError } from '../errors/errors.ts';
import { encodeCbor } from './cbor.ts';
import { CHUNK } from './chunks.ts';
import { encodeExtent } from './disk-chunks.ts';
import { loadHasher } from './hasher.ts';
import { encodeHeader } from './header.ts';
import type { Header } from './model.ts';
import { type Recording, readRecording } from './reader.ts';
import { forge, HEADER, KERNEL, MemoryFile, smallRecording } from './recording.suite.ts';
import { LogEncoder } from './records.ts';
import { encodeBegin, encodeBlock } from './snapshot-chunks.ts';

const hasher = await loadHasher();
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const open = (bytes: Uint8Array): Recording => readRecording(new MemoryFile(bytes), hasher, sha256);

type Part = { readonly type: number; readonly payload: Uint8Array };
const part = (type: number, payload: ArrayLike<number>): Part => ({ type, payload: Uint8Array.from(payload) });
/** The header as it is encoded: the numbers of a position are digits. */
const PLAIN = { ...HEADER, start: { snapshot: 'replay_init', kept: 'power-on', icount: '0', bias: '0' } };
const HEAD: readonly Part[] = [part(CHUNK.HEADER, encodeHeader(HEADER)), part(CHUNK.INPUT, KERNEL)];
const DIGEST_AT_0 = [2, 0, 0, ...new Array(16).fill(7)];
const log = (...bytes: number[]): Part => part(CHUNK.LOG, bytes);
const end = (...bytes: number[]): Part => part(CHUNK.END, bytes);
const END = end(1, 0, 0, ...new Array(16).fill(7));

function refusal(parts: readonly Part[]): string {
  try {
    open(forge(hasher, parts));
  } catch (error) {
    if (error instanceof RepriseError && error.code === 'RECORDING_DAMAGED') return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}
const headerRefusal = (cbor: ArrayLike<number>): string => refusal([part(CHUNK.HEADER, cbor), HEAD[1]]);
const ascii = (text: string): number[] => Array.from(text, (c) => c.charCodeAt(0));

describe('what these tests forge', () => {
  it('is a recording when nothing is wrong with it', () => {
    const recording = open(forge(hasher, [...HEAD, log(...DIGEST_AT_0), END]));
    expect(recording.header).toEqual(HEADER);
    expect([...recording.log]).toHaveLength(1);
    expect(recording.end?.reason).toBe('quit');
  });
});

describe('the CBOR of a header', () => {
  it.each<[string, number[], string]>([
    ['an array of 2^32 - 1 items', [0x9a, 0xff, 0xff, 0xff, 0xff], 'runs over the end'],
    ['a map of 2^32 - 1 items', [0xba, 0xff, 0xff, 0xff, 0xff], 'runs over the end'],
    ['an array of 2^64 - 1 items', [0x9b, ...new Array(8).fill(0xff)], 'over 32 bits'],
    ['a text of 4 GiB', [0x7a, 0xff, 0xff, 0xff, 0xff], 'runs over the end'],
    ['a hundred thousand nested arrays', new Array(100_000).fill(0x81), 'nested too deeply'],
    ['nested maps', new Array(100).fill([0xa1, 0x61, 0x61]).flat(), 'nested too deeply'],
    ['arrays of open length', [0x9f, 0xff], 'open or over 32 bits'],
    ['text of open length', [0x7f, 0x61, 0x61, 0xff], 'open or over 32 bits'],
    ['a date', [0xc1, 0x00], 'more than plain data'],
    ['a shared reference to itself', [0xd8, 0x1c, 0x81, 0xd8, 0x1d, 0x00], 'more than plain data'],
    ['a record definition', [0xd9, 0xdf, 0xff, 0x83, 0x19, 0xe0, 0x00, 0x81, 0x61, 0x61, 0x01], 'more than plain data'],
    ['bytes', [0x41, 0x00], 'more than plain data'],
    ['a negative number', [0x20], 'more than plain data'],
    ['null', [0xf6], 'more than plain data'],
    ['a fraction', [0xfa, 0x3f, 0x80, 0x00, 0x00], 'more than plain data'],
    ['a number as key', [0xa1, 0x01, 0x01], 'not text'],
    ['a list as key', [0xa1, 0x80, 0x01], 'not text'],
    ['true as key', [0xa1, 0xf5, 0x01], 'not text'],
    ['a key twice', [0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x01], 'shortest form'],
    ['a long form of a short number', [0x18, 0x01], 'shortest form'],
    ['a long form of a short length', [0x78, 0x01, 0x61], 'shortest form'],
    ['text that is not UTF-8', [0x62, 0xc3, 0x28], 'shortest form'],
    ['overlong UTF-8', [0x62, 0xc0, 0x80], 'shortest form'],
    ['half a surrogate pair', [0x63, 0xed, 0xa0, 0x80], 'shortest form'],
    ['a second item', [0x00, 0x00], 'something follows'],
    ['nothing', [], 'runs over the end'],
    ['a list', [0x80], 'header is not a map'],
    ['a text', [0x60], 'header is not a map'],
    ['an empty map', [0xa0], 'header.engineVersion is missing'],
    ['a prototype', [0xa1, 0x69, ...ascii('__proto__'), 0xa0], 'shortest form'],
    ['constructor', [0xa1, 0x6b, ...ascii('constructor'), 0xa0], 'header has a member that does not belong there'],
  ])('may not hold %s', (_, cbor, message) => {
    expect(headerRefusal(cbor)).toContain(message);
  });

  it('does not put what it holds on the terminal', () => {
    expect(headerRefusal(encodeCbor({ ...PLAIN, '\u001b[2J': 1 }))).not.toContain('\u001b');
    expect(headerRefusal(encodeCbor({ ...PLAIN, engineVersion: '\u001b[2J' }))).not.toContain('\u001b');
  });

  it('may be as long as a chunk, and is then refused like a short one', () => {
    expect(headerRefusal([0x9a, 0, 0x0f, 0xff, 0xfb, ...new Array(0xffffb).fill(0x80)])).toContain('header is not a map');
  });
});

describe('the header', () => {
  const [kernel] = PLAIN.inputs;
  const [cpu] = PLAIN.components;
  const withOptions = (changes: object): unknown => ({ ...PLAIN, options: { ...PLAIN.options, ...changes } });
  const withInput = (changes: object): unknown => ({ ...PLAIN, inputs: [{ ...kernel, ...changes }] });
  const { seed: _, ...seedless } = PLAIN.options;

  it.each<[string, unknown]>([
    ['header.options.machine', withOptions({ machine: 'pc' })],
    ['header.options.cpu', withOptions({ cpu: 'z80' })],
    ['header.options.ramBytes', withOptions({ ramBytes: 0 })],
    ['header.options.ramBytes', withOptions({ ramBytes: 0xffffffff })],
    ['header.options.icountShift', withOptions({ icountShift: 11 })],
    ['header.options.rtcBase', withOptions({ rtcBase: '1' })],
    ['header.options.seed', withOptions({ seed: '0123456789ABCDEF' })],
    ['header.options.seed', withOptions({ seed: '0123456789abcde' })],
    ['header.options.seed is missing', { ...PLAIN, options: seedless }],
    ['header.options.noReboot', withOptions({ noReboot: 1 })],
    ['header.options has a member that does not belong', withOptions({ plugin: '/lib/evil.so' })],
    ['header.options.append', withOptions({ append: 'quiet\u0000' })],
    ['header.options.append', withOptions({ append: 'x'.repeat(4097) })],
    ['header.engineVersion', { ...PLAIN, engineVersion: '' }],
    ['header.engineVersion', { ...PLAIN, engineVersion: '1.0\u001b]0;title\u0007' }],
    ['header.digestInterval', { ...PLAIN, digestInterval: 0 }],
    ['header.options.disks[0].sectors', withOptions({ disks: [{ sectors: 0, readOnly: false }] })],
    ['header.disks does not describe', withOptions({ disks: [{ sectors: 1, readOnly: false }] })],
    ['header.start.icount', { ...PLAIN, start: { ...PLAIN.start, icount: '01' } }],
    ['header.start.icount', { ...PLAIN, start: { ...PLAIN.start, icount: '9007199254740992' } }],
    ['header.start is not at power-on', { ...PLAIN, start: { ...PLAIN.start, icount: '7' } }],
    ['header.start.kept', { ...PLAIN, start: { ...PLAIN.start, kept: '/etc/passwd' } }],
    ['header.inputs is not a list', { ...PLAIN, inputs: {} }],
    ['header.inputs has an item twice', { ...PLAIN, inputs: [kernel, kernel] }],
    ['header.inputs[0].role', withInput({ role: 'disk' })],
    ['header.inputs[0].role', withInput({ role: '__proto__' })],
    ['header.inputs[0].name', withInput({ name: 'a\nreprise: all is well' })],
    ['header.inputs[0].name', withInput({ name: 'x'.repeat(4097) })],
    ['header.inputs[0].sha256', withInput({ sha256: '00' })],
    ['header.inputs[0].embedded', withInput({ embedded: 'yes' })],
    ['header.components is not a list of 1 to 256', { ...PLAIN, components: [] }],
    ['header.components is not a list of 1 to 256', { ...PLAIN, components: Array.from({ length: 257 }, (_, i) => ({ ...cpu, name: `c${i}` })) }],
    ['header.components has an item twice', { ...PLAIN, components: [cpu, { ...cpu, hash: 1 }] }],
    ['header.components[0].version', { ...PLAIN, components: [{ ...cpu, version: true }] }],
  ])('refuses a wrong %s', (path, header) => {
    expect(headerRefusal(encodeCbor(header))).toContain(path);
  });

  it('may be changed at random: it is refused, or it is another header that is allowed', () => {
    const good = encodeHeader(HEADER);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
        const cbor = good.slice();
        for (const [at, value] of changes) cbor[at] = value;
        try {
          expect(encodeHeader(open(forge(hasher, [part(CHUNK.HEADER, cbor), HEAD[1]])).header)).toEqual(cbor);
        } catch (error) {
          if (!(error instanceof RepriseError)) throw error;
          expect(error.code).toBe('RECORDING_DAMAGED');
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the chunks', () => {
  const notEmbedded: Header = { ...HEADER, inputs: [{ ...HEADER.inputs[0], embedded: false }] };

  it.each<[string, readonly Part[], string]>([
    ['nothing', [], 'the file ends'],
    ['a log first', [log(...DIGEST_AT_0)], 'type 3 does not belong here'],
    ['a type that does not exist first', [part(0, [])], 'type 0 does not belong here'],
    ['a type that does not exist', [...HEAD, part(9, [1])], 'type 9 does not belong here'],
    ['two headers', [HEAD[0], HEAD[0]], 'type 1 does not belong here'],
    ['a header in the log', [...HEAD, HEAD[0]], 'type 1 does not belong here'],
    ['an input too many', [...HEAD, HEAD[1]], 'type 2 does not belong here'],
    ['an input that should not be there', [part(CHUNK.HEADER, encodeHeader(notEmbedded)), HEAD[1]], 'type 2 does not belong here'],
    ['no input', [HEAD[0], log(...DIGEST_AT_0)], 'type 3 does not belong here'],
    ['an input that is too long', [HEAD[0], part(CHUNK.INPUT, [1, 2, 3, 4, 5])], 'part of the kernel has the wrong length'],
    ['an input that is too short', [HEAD[0], part(CHUNK.INPUT, [1])], 'part of the kernel has the wrong length'],
    [
      'an input of 4 GiB that is not there',
      [part(CHUNK.HEADER, encodeCbor({ ...PLAIN, inputs: [{ ...PLAIN.inputs[0], size: 0xffffffff }] })), HEAD[1]],
      'wrong length',
    ],
    ['an empty log', [...HEAD, log()], 'runs over the end'],
    ['two ends', [...HEAD, END, END], 'something follows the end'],
    ['a log after the end', [...HEAD, END, log(...DIGEST_AT_0)], 'something follows the end'],
    ['a chunk of 2 MiB', [...HEAD, part(CHUNK.LOG, new Uint8Array(2 * 2 ** 20))], 'longer than any can be'],
    ['a log that is too long by one byte', [...HEAD, part(CHUNK.LOG, new Uint8Array(2 ** 20 + 1))], 'longer than any can be'],
  ])('may not be %s', (_, parts, message) => {
    expect(refusal(parts)).toContain(message);
  });

  it('do not have the reader believe a length: it reads the head, and no more than there is', () => {
    const whole = forge(hasher, [...HEAD, part(CHUNK.LOG, new Uint8Array(2 ** 20))]);
    const file = new MemoryFile(whole.slice(0, whole.length - 2 ** 20));
    expect(readRecording(file, hasher, sha256).end).toBeUndefined();
    expect(file.longestRead).toBeLessThan(1000);
  });

  it('are read one at a time, however many there are', () => {
    // The smallest chunk that is allowed: a log of one reset.
    const parts = Array.from({ length: 5000 }, () => log(8, 0, 0));
    expect([...open(forge(hasher, [...HEAD, ...parts])).log]).toHaveLength(5000);
  });
});

describe('the log', () => {
  const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
  const key = (...name: number[]): number[] => [4, 0, 0, name.length, ...name];

  it.each<[string, number[], string]>([
    ['a record of kind 0', [0, 0, 0], 'kind 0'],
    ['a record of kind 11', [11, 0, 0], 'kind 11'],
    ['a patch of nothing', [10, 0, 0, 3, 0x72, 0x61, 0x6d, 0, 0], '1 byte to 64 KiB'],
    ['a patch without a component', [10, 0, 0, 0, 0, 1, 1], 'without a name'],
    ['a patch of a component with a strange name', [10, 0, 0, 2, 0x2e, 0x2f, 0, 1, 1], 'without a name'],
    ['a frame for an interface that no machine has', [9, 0, 0, 16, 14, ...new Array(14).fill(0)], 'network interface'],
    ['a frame that is too short', [9, 0, 0, 0, 13, ...new Array(13).fill(0)], '14 to 1518'],
    ['a frame that is too long', [9, 0, 0, 0, 0xef, 0x0b, ...new Array(1519).fill(0)], '14 to 1518'],
    ['a record of kind 255', [255, 0, 0], 'kind 255'],
    ['half a record', [8, 0], 'runs over the end'],
    ['a position of more than 2^53', [8, 0, ...huge.with(7, 0x10)], 'above 2^53'],
    ['a number without end', [8, ...new Array(64).fill(0xff)], 'above 2^53'],
    ['a number that is longer than need be', [8, 0, 0x80, 0x00], 'longer than it need be'],
    ['idle time beyond the end of time', [8, 0, ...huge, 8, 0, 1], 'end of exact time'],
    ['instructions beyond the end of time', [8, ...huge, 0], 'end of exact time'],
    ['no serial bytes', [3, 0, 0, 0, 0], '64 KiB'],
    ['65537 serial bytes', [3, 0, 0, 0, 0x81, 0x80, 0x04, ...new Array(65537).fill(1)], '64 KiB'],
    ['more serial bytes than follow', [3, 0, 0, 0, 5, 1, 2], 'runs over the end'],
    ['8 PiB of serial bytes', [3, 0, 0, 0, ...huge], '64 KiB'],
    ['serial port 16', [3, 0, 0, 16, 1, 1], 'serial port'],
    ['a key without a name', key(), 'key without a name'],
    ['a key with a strange name', key(...ascii('../ret')), 'key without a name'],
    ['a key with a capital', key(...ascii('Ret')), 'key without a name'],
    ['a key with a long name', key(...ascii('x'.repeat(33))), 'key without a name'],
    ['a mouse step of 2^31', [6, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0], 'mouse step'],
    ['a mouse step of -2^31', [6, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f], 'mouse step'],
    ['a fourth mouse button', [7, 0, 0, 8], 'mouse button'],
    ['half a digest', DIGEST_AT_0.slice(0, -1), 'runs over the end'],
    ['a digest twice', [...DIGEST_AT_0, ...DIGEST_AT_0], 'none is due'],
    ['a digest between two intervals', [...DIGEST_AT_0, 2, 10, 0, ...new Array(16).fill(7)], 'none is due'],
    ['an event after a digest that is missing', [8, 1, 0], 'digest is missing'],
    ['progress past a digest that is missing', [...DIGEST_AT_0, 1, 0xe9, 0x07, 0], 'digest is missing'],
  ])('may not have %s', (_, bytes, message) => {
    expect(refusal([...HEAD, log(...bytes)])).toContain(message);
  });

  it.each<[string, number[], string]>([
    ['for no reason', [5, 0, 0, ...new Array(16).fill(7)], 'reason'],
    ['without a digest', [1, 0, 0], 'runs over the end'],
    ['with a digest of too many components', [1, 0, 0, ...new Array(20).fill(7)], 'something follows the end'],
    ['past a digest that is missing', [1, 1, 0, ...new Array(16).fill(7)], 'digest is missing'],
  ])('may not end %s', (_, bytes, message) => {
    expect(refusal([...HEAD, end(...bytes)])).toContain(message);
  });

  it('is not usable up to the middle of a chunk: what is refused is refused as a whole', () => {
    const message = refusal([...HEAD, log(...DIGEST_AT_0, 8, 5, 0), log(8, 5, 0, 9, 0, 0)]);
    const whole = forge(hasher, [...HEAD, log(...DIGEST_AT_0, 8, 5, 0)]).length;
    expect(message).toContain(`damaged at byte ${whole + 8 + 6}:`);
    expect(message).toContain(`The ${whole} bytes before are whole and replay up to instruction 5`);
  });

  it('may be anything: it is refused, or it is the encoding of what is read from it', () => {
    const byte = fc.oneof({ weight: 3, arbitrary: fc.nat(8) }, { weight: 1, arbitrary: fc.nat(255) });
    const read = { count: 0 };
    fc.assert(
      fc.property(fc.array(byte, { minLength: 3, maxLength: 40 }), (bytes) => {
        try {
          const recording = open(forge(hasher, [...HEAD, log(...DIGEST_AT_0, ...bytes)]));
          const encoder = new LogEncoder(HEADER);
          for (const record of recording.log) {
            if (record.kind === 'event') encoder.event(record.event);
            else if (record.kind === 'digest') encoder.digest(record.digest);
            else encoder.progress(record.position);
          }
          expect([...encoder.take()]).toEqual([...DIGEST_AT_0, ...bytes]);
          read.count++;
        } catch (error) {
          if (!(error instanceof RepriseError)) throw error;
          expect(error.code).toBe('RECORDING_DAMAGED');
        }
      }),
      { numRuns: 3000 },
    );
    expect(read.count, 'some were readable').toBeGreaterThan(20);
  });
});

describe('the disk in a recording', () => {
  const disks: Header['disks'] = [{ device: 'sd0', name: 'disk.img', content: '0'.repeat(64), embedded: true, overlay: '' }];
  const withDisk: Header = { ...HEADER, options: { ...HEADER.options, disks: [{ sectors: 2048, readOnly: false }] }, disks };
  const head = [part(CHUNK.HEADER, encodeHeader(withDisk)), HEAD[1]];
  const extent = (disk: number, offset: number, length: number): Part => part(CHUNK.DISK, encodeExtent(disk, offset, new Uint8Array(length)));
  const bomb = deflateSync(new Uint8Array(2 ** 26));

  it('is there when nothing is wrong with it', () => {
    const recording = open(forge(hasher, [...head, extent(0, 0, 512), extent(0, 1024, 1024), log(...DIGEST_AT_0), END]));
    expect(recording.extents.map((each) => recording.readExtent(each).length)).toEqual([512, 1024]);
  });

  it.each<[string, readonly Part[], string]>([
    ['parts that overlap', [extent(0, 0, 1024), extent(0, 1023, 512)], 'part of a disk does not belong'],
    ['parts out of order', [extent(0, 1024, 512), extent(0, 0, 512)], 'part of a disk does not belong'],
    ['a part twice', [extent(0, 0, 512), extent(0, 0, 512)], 'part of a disk does not belong'],
    ['a part of nothing', [extent(0, 0, 0)], 'part of a disk does not belong'],
    ['a part that ends beyond the disk', [extent(0, 2 ** 20 - 511, 512)], 'part of a disk does not belong'],
    ['a part at the end of numbers', [extent(0, Number.MAX_SAFE_INTEGER, 512)], 'part of a disk does not belong'],
    ['a part of a disk that is not there', [extent(1, 0, 512)], 'part of a disk does not belong'],
    ['a part of a gigabyte', [part(CHUNK.DISK, [0, 0, 1, 0x80, 0x80, 0x80, 0x80, 0x04, ...bomb.subarray(0, 100)])], 'longer than any can be'],
    ['a packing that does not exist', [part(CHUNK.DISK, [0, 0, 2, 1, 0])], 'packed in a way that does not exist'],
    ['plain bytes of another length', [part(CHUNK.DISK, [0, 0, 0, 4, 1, 2, 3])], 'packed in a way that does not exist'],
    ['a part behind the log', [extent(0, 0, 512), log(...DIGEST_AT_0), extent(0, 512, 512)], 'type 5 does not belong here'],
  ])('may not have %s', (_, parts, message) => {
    expect(refusal([...head, ...parts])).toContain(message);
  });

  it.each<[string, readonly number[]]>([
    ['unpack to more than they say', [0x80, 0x08, ...bomb]],
    ['unpack to less than they say', [0x80, 0x08, ...deflateSync(new Uint8Array(5))]],
    ['do not unpack', [0x80, 0x08, 0xff, 0xff, 0xff]],
  ])('may not have parts that %s', (_, packed) => {
    const recording = open(forge(hasher, [...head, part(CHUNK.DISK, [0, 0, 1, ...packed])]));
    expect(() => recording.readExtent(recording.extents[0])).toThrow(expect.objectContaining({ code: 'RECORDING_DAMAGED' }));
  });

  it('is not embedded unless the header says so', () => {
    const outside = [part(CHUNK.HEADER, encodeHeader({ ...withDisk, disks: [{ ...disks[0], embedded: false }] })), HEAD[1]];
    expect(refusal([...outside, extent(0, 0, 512)])).toContain('type 5 does not belong here');
  });
});

describe('the snapshots in a recording', () => {
  const TITLE = { name: 'a', date: { seconds: 1, nanoseconds: 2 }, icount: 3, vmClockNs: 4 };
  const snapshot = (...payload: number[]): Part => part(CHUNK.SNAPSHOT, payload);
  const begin = part(CHUNK.SNAPSHOT, encodeBegin(TITLE));
  const title = (changes: object): Part => {
    const plain = { name: 'a', seconds: 1, nanoseconds: 2, icount: '3', vmClockNs: '4' };
    return snapshot(1, ...encodeCbor({ ...plain, ...changes }));
  };
  const bomb = deflateSync(new Uint8Array(2 ** 26));

  it.each<[string, readonly Part[], string]>([
    ['a part of a kind that does not exist', [snapshot(5)], 'of a kind that does not exist'],
    ['a part without a kind', [snapshot()], 'runs over the end'],
    ['a title that is none', [snapshot(1, 0x80)], 'snapshot is not a map'],
    ['a name that moves the cursor', [title({ name: '\u001b[2J' })], 'snapshot.name'],
    ['no name', [title({ name: '' })], 'snapshot.name'],
    ['a long name', [title({ name: 'x'.repeat(257) })], 'snapshot.name'],
    ['a moment that is no number', [title({ icount: '-1' })], 'snapshot.icount'],
    ['a moment beyond the end of time', [title({ vmClockNs: '9007199254740992' })], 'snapshot.vmClockNs'],
    ['a block of a gigabyte', [begin, snapshot(2, 1, 0x80, 0x80, 0x80, 0x80, 0x04)], 'longer than any can be'],
    ['a block of a packing that does not exist', [begin, snapshot(2, 7, 1, 0)], 'packed in a way that does not exist'],
  ])('may not have %s', (_, parts, message) => {
    expect(refusal([...HEAD, ...parts])).toContain(message);
  });

  it('are those that were begun and ended, and not deleted', () => {
    const block = part(CHUNK.SNAPSHOT, encodeBlock(Uint8Array.of(9)));
    const finish = snapshot(3);
    const parts = [block, finish, begin, block, begin, block, finish, begin, finish, snapshot(4, 3), snapshot(4, 77), END, begin];
    const recording = open(forge(hasher, [...HEAD, log(...DIGEST_AT_0), ...parts]));
    expect(recording.snapshots.map(({ number }) => number)).toEqual([2]);
    expect([...recording.readSnapshot(recording.snapshots[0].at)]).toEqual([Uint8Array.of(9)]);
    expect(recording.snapshotsBegun).toBe(4);
  });

  it('may not unpack to more than they say, and are not unpacked before someone wants them', () => {
    const recording = open(forge(hasher, [...HEAD, begin, part(CHUNK.SNAPSHOT, [2, 1, 0x80, 0x08, ...bomb]), snapshot(3)]));
    expect(() => [...recording.readSnapshot(recording.snapshots[0].at)]).toThrow(expect.objectContaining({ code: 'RECORDING_DAMAGED' }));
  });

  it('have nothing else among their blocks', () => {
    const recording = open(forge(hasher, [...HEAD, begin, log(...DIGEST_AT_0), snapshot(3)]));
    expect(() => [...recording.readSnapshot(recording.snapshots[0].at)]).toThrow(
      expect.objectContaining({ code: 'RECORDING_DAMAGED', message: expect.stringContaining('interrupted') }),
    );
  });
});

describe('a whole file', () => {
  it('may be anything behind the magic', () => {
    const small = smallRecording(hasher);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(8, 16, 24, 500), (garbage, keep) => {
        try {
          open(Uint8Array.from([...small.subarray(0, keep), ...garbage]));
        } catch (error) {
          if (!(error instanceof RepriseError)) throw error;
        }
      }),
    );
  });
});
