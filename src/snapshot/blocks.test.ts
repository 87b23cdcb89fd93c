/** Blocks of snapshots that someone made to do harm. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RepriseError } from '../errors/errors.ts';
import { ByteWriter } from '../replay/bytes.ts';
import { loadHasher } from '../replay/hasher.ts';
import { decodeBlock, encodeDisk, encodeEnd } from './blocks.ts';
import { frame, unframe } from './frames.ts';

const hasher = await loadHasher();

const bytes = (kind: number, ...numbers: number[]): Uint8Array => {
  const out = new ByteWriter();
  out.u8(kind);
  for (const number of numbers) out.varint(number);
  return out.take();
};

describe('a block', () => {
  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'runs over the end'],
    ['of a kind that does not exist', bytes(0), 'a kind that does not exist'],
    ['of another kind that does not exist', bytes(6), 'a kind that does not exist'],
    ['2^53 - 1 pages', bytes(3, Number.MAX_SAFE_INTEGER), 'more pages than any can have'],
    ['pages that are not there', bytes(3, 2, 0, 1), 'runs over the end'],
    ['more than its pages', Uint8Array.from([...bytes(3, 0), 0]), 'something follows'],
    ['a state without a component', bytes(2), 'runs over the end'],
    ['a head that is none', Uint8Array.of(1, 0x80), 'head is not a map'],
    ['a disk without a place', bytes(4, 0), 'runs over the end'],
    ['an end without a count', bytes(5), 'runs over the end'],
  ])('may not be %s', (_, block, message) => {
    expect(() => decodeBlock(block)).toThrow(expect.objectContaining({ code: 'SNAPSHOT_DAMAGED', message: expect.stringContaining(message) }));
  });

  it('may be anything: it is refused, or it is a block', () => {
    fc.assert(
      fc.property(fc.nat(6), fc.uint8Array({ maxLength: 40 }), (kind, rest) => {
        try {
          decodeBlock(Uint8Array.of(kind, ...rest));
        } catch (error) {
          if (!(error instanceof RepriseError) || error.code !== 'SNAPSHOT_DAMAGED') throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('blocks in an image', () => {
  const BLOCKS = [encodeDisk({ disk: 0, offset: 512, bytes: new Uint8Array(100).fill(3) }), encodeEnd(1)];

  async function stream(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    const blocks = async function* () {
      yield* BLOCKS;
    };
    for await (const piece of frame(blocks(), hasher)) pieces.push(piece.slice());
    return new Uint8Array(Buffer.concat(pieces));
  }

  /** @param lengths is given how many bytes are asked for at a time */
  async function read(all: Uint8Array, lengths: number[] = []): Promise<Uint8Array[]> {
    const piece = async (position: number, length: number): Promise<Uint8Array> => {
      lengths.push(length);
      return all.slice(position, position + length);
    };
    const blocks: Uint8Array[] = [];
    for await (const block of unframe(piece, all.length, hasher)) blocks.push(block);
    return blocks;
  }

  it('are read as they were written', async () => {
    expect(await read(await stream())).toEqual(BLOCKS);
  });

  it('are refused with any byte changed, and with any length', async () => {
    const good = await stream();
    for (let at = 0; at < good.length; at++) {
      const changed = good.slice();
      changed[at] ^= 0x81;
      await expect(read(changed)).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
    }
    for (let length = 0; length < good.length; length++)
      await expect(read(good.subarray(0, length))).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
  });

  it('are refused where a length is absurd, before anything of that length is read', async () => {
    const absurd = await stream();
    absurd.set([0xff, 0xff, 0xff, 0xff], 8);
    const lengths: number[] = [];
    await expect(read(absurd, lengths)).rejects.toThrow('longer than any can be');
    expect(lengths).toEqual([8, 4]);
  });
});
