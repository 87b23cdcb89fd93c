import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RepriseError } from '../errors/errors.ts';
import { loadHasher } from './hasher.ts';
import { readRecording } from './reader.ts';
import { MemoryFile, smallRecording } from './recording.suite.ts';
import type { LogRecord } from './records.ts';

const hasher = await loadHasher();
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const WHOLE = smallRecording(hasher);

/** Reads all of it. */
function readAll(bytes: Uint8Array) {
  const recording = readRecording(new MemoryFile(bytes), hasher, sha256);
  return { ...recording, log: [...recording.log] };
}

/** The error of reading; anything but a RepriseError is a crash. */
function errorOf(bytes: Uint8Array): RepriseError | undefined {
  try {
    readAll(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof RepriseError) return error;
    throw error;
  }
}

/** Where the chunks begin; the last is the end of the file. */
const boundaries = ((): number[] => {
  const starts = [16];
  const view = new DataView(WHOLE.buffer);
  for (let at = 16; at < WHOLE.length; starts.push(at)) at += (view.getUint32(at, true) >>> 8) + 16;
  return starts;
})();
/** Header, kernel, two logs, end. */
const [, , logStart] = boundaries;
const chunkOf = (byte: number): number => boundaries.findLast((start) => start <= byte)!;
const without = (from: number, to: number): Uint8Array => Uint8Array.from([...WHOLE.subarray(0, from), ...WHOLE.subarray(to)]);

const positionOf = (record: LogRecord) => {
  const { icount, bias } = record.kind === 'event' ? record.event : record.kind === 'digest' ? record.digest : record.position;
  return { icount, bias };
};

describe('one flipped bit', () => {
  it('is an error wherever it is, which names the chunk and what is usable', () => {
    const replayable = new Map([
      [boundaries[2], 0],
      [boundaries[3], 700],
      [boundaries[4], 1400],
    ]);
    for (let bit = 0; bit < WHOLE.length * 8; bit++) {
      const byte = bit >> 3;
      const bytes = WHOLE.slice();
      bytes[byte] ^= 1 << (bit & 7);
      const error = errorOf(bytes);
      const where = `bit ${bit & 7} of byte ${byte}`;
      if (byte < 8) expect(error?.code, where).toBe('NOT_A_RECORDING');
      else if (byte < 16) {
        expect(error?.code, where).toBe('RECORDING_DAMAGED');
        expect(error?.message, where).toContain('damaged at byte 8:');
      } else {
        const chunk = chunkOf(byte);
        expect(error?.code, where).toBe('RECORDING_DAMAGED');
        expect(error?.message, where).toContain(`damaged at byte ${chunk}:`);
        const reached = replayable.get(chunk);
        expect(error?.message, where).toContain(
          reached === undefined ? 'nothing of it can be replayed' : `The ${chunk} bytes before are whole and replay up to instruction ${reached}`,
        );
      }
    }
  });

  it('leaves what the message calls usable usable', () => {
    const bytes = WHOLE.slice();
    bytes[boundaries[4] + 3] ^= 4;
    const usable = Number(/The (\d+) bytes before/.exec(errorOf(bytes)!.message)![1]);
    const recording = readAll(bytes.slice(0, usable));
    expect(recording.end).toBeUndefined();
    expect(recording.reached.icount).toBe(1400);
  });
});

describe('other damage', () => {
  it('is an error, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(WHOLE.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 10 }), (changes) => {
        const bytes = WHOLE.slice();
        for (const [at, difference] of changes) bytes[at] = WHOLE[at] ^ difference;
        expect(errorOf(bytes)?.code).toMatch(/^(NOT_A_RECORDING|RECORDING_DAMAGED)$/);
      }),
      { numRuns: 500 },
    );
  });

  it('is noticed when a chunk is gone, twice there, or exchanged with another', () => {
    const chunk = (n: number) => WHOLE.subarray(boundaries[n], boundaries[n + 1]);
    const build = (...chunks: number[]) => Uint8Array.from([...WHOLE.subarray(0, 16), ...chunks.flatMap((n) => [...chunk(n)])]);
    expect(errorOf(build(0, 1, 2, 3, 4))).toBeUndefined();
    for (const order of [
      [1],
      [0, 2, 3, 4],
      [0, 1, 3, 4],
      [0, 1, 2, 4],
      [0, 1, 4],
      [0, 1, 2, 2, 3, 4],
      [0, 1, 3, 2, 4],
      [0, 1, 2, 3, 4, 4],
      [0, 0, 1, 2, 3, 4],
    ])
      expect(errorOf(build(...order))?.code, order.join()).toBe('RECORDING_DAMAGED');
  });

  it('is noticed when bytes are missing in the middle', () => {
    for (let from = 8; from < WHOLE.length - 1; from++) {
      for (const count of [1, 2, 16, 50]) {
        if (from + count >= WHOLE.length) continue;
        const bytes = without(from, from + count);
        const error = errorOf(bytes);
        // What is left may be just a chunk that is cut off; then no end is claimed.
        if (error === undefined) expect(readAll(bytes).end, `${count} from ${from}`).toBeUndefined();
        else expect(error.code).toBe('RECORDING_DAMAGED');
        if (from < logStart) expect(error, `${count} from ${from}`).toBeDefined();
      }
    }
  });

  it('is noticed when something follows the end', () => {
    for (const extra of [new Array(8).fill(0), new Array(100).fill(0), [...WHOLE]]) {
      const error = errorOf(Uint8Array.from([...WHOLE, ...extra]));
      expect(error?.code).toBe('RECORDING_DAMAGED');
      expect(error?.message).toContain(`damaged at byte ${WHOLE.length}: something follows the end. The ${WHOLE.length} bytes before`);
    }
  });

  it('is none when the end is followed by the beginning of a snapshot that was never finished', () => {
    for (const extra of [[0], [1, 2, 3]]) expect(readAll(Uint8Array.from([...WHOLE, ...extra])).end?.reason).toBe('guest-reset');
  });

  it('is noticed when a crash of the host left zeros at the end', () => {
    const error = errorOf(Uint8Array.from([...WHOLE.subarray(0, boundaries[3]), ...new Array(200).fill(0)]));
    expect(error?.message).toContain(`The ${boundaries[3]} bytes before are whole`);
  });
});

describe('a file cut off', () => {
  it('at any length is usable up to its last whole chunk, or says why it is not', () => {
    const { log } = readAll(WHOLE);
    for (let length = 0; length < WHOLE.length; length++) {
      const bytes = WHOLE.slice(0, length);
      if (length < logStart) {
        const error = errorOf(bytes);
        expect(error?.code, `${length}`).toBe(length < 8 ? 'NOT_A_RECORDING' : 'RECORDING_DAMAGED');
        if (length >= 8) expect(error?.message).toContain(`damaged at byte ${length}: the file ends`);
        continue;
      }
      const recording = readAll(bytes);
      expect(recording.end, `${length}`).toBeUndefined();
      expect(recording.sizes.file).toBe(length);
      expect(recording.sizes.whole).toBe(chunkOf(length));
      expect(recording.log).toEqual(log.slice(0, recording.log.length));
      expect(recording.log.length).toBe(length < boundaries[3] ? 0 : length < boundaries[4] ? 5 : log.length);
      const last = recording.log.at(-1);
      expect(recording.reached).toEqual(last ? positionOf(last) : { icount: 0, bias: 0 });
    }
  });
});

describe('another file', () => {
  it.each<[string, Uint8Array]>([
    ['empty', new Uint8Array(0)],
    ['text', new TextEncoder().encode('RPR is not enough')],
    ['transferred as text', Uint8Array.from([...WHOLE].flatMap((b) => (b === 0x0a ? [0x0d, 0x0a] : [b])))],
  ])('that is %s is not a recording', (_, bytes) => {
    expect(errorOf(bytes)?.code).toBe('NOT_A_RECORDING');
  });

  it('of a newer format says so', () => {
    const bytes = WHOLE.slice();
    bytes[8] = 3;
    new DataView(bytes.buffer).setUint32(12, hasher.h32(bytes.subarray(0, 12), 0), true);
    const error = errorOf(bytes);
    expect(error?.code).toBe('RECORDING_VERSION');
    expect(error?.message).toContain('format version 3');
  });
});
