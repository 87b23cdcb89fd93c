import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import '../../../tests/support/seed.ts';
import { FrameReader, wrapFrame } from './framing.ts';

/** All frames in `pieces`, and whether the stream was sound to its end. */
function readAll(pieces: readonly Uint8Array[]): { frames: Uint8Array[]; sound: boolean } {
  const reader = new FrameReader();
  const frames: Uint8Array[] = [];
  const sound = pieces.every((piece) => reader.read(piece, (frame) => frames.push(frame)));
  return { frames, sound };
}

const length = (value: number) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]);
const frame = (bytes: number, fill = 7) => new Uint8Array(bytes).fill(fill);
/** Cuts bytes where the numbers say. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
}

describe('frames in a stream', () => {
  it('have their length in front, as 32 bits', () => {
    expect([...wrapFrame(frame(300)).subarray(0, 5)]).toEqual([0, 0, 1, 44, 7]);
  });

  it('come out as they went in, wherever the stream is cut', () => {
    const frames = fc.array(fc.uint8Array({ minLength: 14, maxLength: 1518 }), { maxLength: 5 });
    fc.assert(
      fc.property(frames, fc.array(fc.nat(10_000), { maxLength: 12 }), (sent, places) => {
        const { frames: got, sound } = readAll(cut(Buffer.concat(sent.map(wrapFrame)), places));
        expect(sound).toBe(true);
        expect(got).toEqual(sent);
      }),
    );
  });

  it.each([0, 1, 13, 1519, 69_632])('of %i bytes are passed over, and the next is found', (bytes) => {
    const stream = Buffer.concat([wrapFrame(frame(bytes)), wrapFrame(frame(60, 1))]);
    for (const pieces of [[stream], [...stream].map((byte) => Uint8Array.of(byte))])
      expect(readAll(pieces)).toEqual({ frames: [frame(60, 1)], sound: true });
  });

  it.each([69_633, 2 ** 31, 2 ** 32 - 1])('that claim %i bytes end the stream, and what came before counts', (claimed) => {
    expect(readAll([Buffer.concat([wrapFrame(frame(60)), length(claimed), frame(100)])])).toEqual({ frames: [frame(60)], sound: false });
  });

  it('are kept apart from the memory that they came in', () => {
    const stream = wrapFrame(frame(60));
    const { frames } = readAll([stream]);
    stream.fill(0);
    expect(frames).toEqual([frame(60)]);
  });

  it('never hold more than one frame, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 20 }), (pieces) => {
        const { frames } = readAll(pieces);
        expect(frames.every((got) => got.length >= 14 && got.length <= 1518)).toBe(true);
      }),
    );
  });
});
