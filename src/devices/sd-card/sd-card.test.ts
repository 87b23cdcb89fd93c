import { describe, expect, it } from 'vitest';
import { ns } from '../../time/units.ts';
import { deviceContract } from '../contract.suite.ts';
import { STATE, STATUS } from './card-status.ts';
import { ACMD, CMD } from './commands.ts';
import { bitsOf, CardBed, GiB, MiB, SparseDisk } from './sd-card.fixture.ts';
import { SdCard } from './sd-card.ts';

const SIZE = 8 * MiB;
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, n) => (n * 7 + (n >> 8)) & 0xff);
const status = (bed: CardBed): number => bed.cmd(CMD.SEND_STATUS, bed.address()) as number;

for (const [title, bytes] of [
  ['SD card', SIZE],
  ['SDHC card', 4 * GiB],
] as const) {
  deviceContract(
    title,
    (bench) => {
      const card = new SdCard('sd0', { bytes, readOnly: false }, { host: { cardChanged: () => {} }, clock: bench });
      const disk = new SparseDisk(bytes);
      bench.attend = () => disk.serve(card, bench.time);
      return card;
    },
    {
      stimulate: (device, choice) => stimulate(device as SdCard, choice),
    },
  );
}

/** One step of a host that first identifies the card, and then does anything. */
function stimulate(card: SdCard, choice: number): void {
  const { fields } = card.state;
  if (fields.state === STATE.IDLE) {
    card.command(CMD.SEND_IF_COND, 0x1aa);
    card.command(CMD.APP_CMD, 0);
    card.command(ACMD.SD_SEND_OP_COND, 0x40ff8000);
    card.command(CMD.ALL_SEND_CID, 0);
    card.command(CMD.SEND_RELATIVE_ADDR, 0);
    card.command(CMD.SELECT_CARD, fields.rca << 16);
    return;
  }
  const [what, index, argument] = [choice & 3, (choice >>> 2) & 63, choice >>> 8];
  if (what === 0) for (let n = card.readable(); n > 0; n--) card.take();
  else if (what === 1) for (let n = card.writable(); n > 0; n--) card.put(choice >>> 4);
  else if (what === 2) card.nextBlock();
  else card.command(LIKELY[index] ?? index, argument & 1 ? (argument >>> 3) & ~511 : fields.rca << 16);
}

/** Commands that a random host sends more often, so that it gets somewhere. */
const LIKELY = [17, 18, 24, 25, 32, 33, 38, 12, 13, 55, 6, 7, 9, 27, 16];

describe('identification', () => {
  it('goes from power-on to the transfer state as the specification draws it', () => {
    const bed = new CardBed(SIZE);
    expect(bed.cmd(CMD.GO_IDLE_STATE)).toBeUndefined();
    expect(bed.cmd(CMD.SEND_IF_COND, 0x1aa)).toBe(0x1aa);
    expect(bed.acmd(ACMD.SD_SEND_OP_COND)).toBe(0x00ff8000);
    expect(bed.acmd(ACMD.SD_SEND_OP_COND, 0x40300000)).toBe(0x00ff8000);
    bed.pass(1_999_999);
    expect(bed.acmd(ACMD.SD_SEND_OP_COND, 0x40300000)).toBe(0x00ff8000);
    bed.pass(1);
    expect(bed.acmd(ACMD.SD_SEND_OP_COND, 0x40300000)).toBe(0x80ff8000);
    const cid = bed.cmd(CMD.ALL_SEND_CID) as number[];
    expect(String.fromCharCode(bitsOf(cid, 103, 96), bitsOf(cid, 95, 88))).toBe('RE');
    expect(bed.cmd(CMD.SEND_RELATIVE_ADDR)).toBe(0x0001_0500);
    expect(bed.state()).toBe(STATE.STBY);
    expect(bed.cmd(CMD.SEND_CID, bed.address())).toEqual(cid);
    expect(bed.cmd(CMD.SEND_CSD, 0x77770000)).toBeUndefined();
    expect(bed.cmd(CMD.SELECT_CARD, bed.address())).toBe((STATE.STBY << 9) | STATUS.READY_FOR_DATA);
    expect(bed.state()).toBe(STATE.TRAN);
    bed.cmd(CMD.SELECT_CARD, 0);
    expect(bed.state()).toBe(STATE.STBY);
  });

  it('keeps a card of high capacity from a host that does not know such cards', () => {
    const bed = new CardBed(4 * GiB);
    const ready = (): number => {
      bed.acmd(ACMD.SD_SEND_OP_COND, 0x40ff8000);
      bed.pass(10_000_000);
      return bed.acmd(ACMD.SD_SEND_OP_COND, 0x40ff8000) as number;
    };
    expect(ready()).toBe(0x00ff8000);
    bed.cmd(CMD.SEND_IF_COND, 0x1aa);
    bed.pass(10_000_000);
    expect(bed.acmd(ACMD.SD_SEND_OP_COND, 0x00ff8000)).toBe(0x00ff8000);
    expect(ready()).toBe(0xc0ff8000);
  });

  it('ends for a card whose voltage the host does not offer', () => {
    const bed = new CardBed(SIZE);
    expect(bed.cmd(CMD.SEND_IF_COND, 0x2aa)).toBeUndefined();
    expect(bed.acmd(ACMD.SD_SEND_OP_COND, 0x00000080)).toBeUndefined();
    expect([bed.cmd(CMD.GO_IDLE_STATE), bed.acmd(ACMD.SD_SEND_OP_COND)]).toEqual([undefined, undefined]);
  });

  it('refuses commands that are not there or come at the wrong time, and tells once', () => {
    const bed = new CardBed(SIZE);
    for (const index of [1, 5, 11, 52, 17, CMD.SEND_CSD]) expect(bed.cmd(index)).toBeUndefined();
    bed.identify();
    for (const index of [19, 20, 23, 28, 29, 30, 42, 56, CMD.STOP_TRANSMISSION, CMD.ALL_SEND_CID]) {
      expect(bed.cmd(index)).toBeUndefined();
      expect(status(bed) & STATUS.ILLEGAL_COMMAND).toBe(STATUS.ILLEGAL_COMMAND);
      expect(status(bed) & STATUS.ILLEGAL_COMMAND).toBe(0);
    }
  });
});

describe('registers', () => {
  it('of a card of standard capacity: CSD version 1, SCR, SD status', () => {
    const bed = new CardBed(SIZE).identify();
    bed.acmd(ACMD.SEND_SCR);
    expect([...bed.receive()]).toEqual([0x02, 0x05, 0, 0, 0, 0, 0, 0]);
    bed.acmd(ACMD.SET_BUS_WIDTH, 2);
    bed.acmd(ACMD.SD_STATUS);
    const sdStatus = bed.receive();
    expect([sdStatus.length, bitsOf(sdStatus, 511, 510), bitsOf(sdStatus, 431, 428)]).toEqual([64, 2, 0]);
    bed.cmd(CMD.SELECT_CARD, 0);
    const csd = bed.cmd(CMD.SEND_CSD, bed.address()) as number[];
    expect([bitsOf(csd, 127, 126), bitsOf(csd, 103, 96), bitsOf(csd, 95, 84), bitsOf(csd, 13, 12)]).toEqual([0, 0x32, 0x535, 0]);
    // The example of section 4.5: the CRC7 of 40 00 00 00 00 is 4a; here over 15 bytes, by another way to compute it.
    const bytes = csd.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);
    expect(bytes[15]).toBe((remainder(bytes.slice(0, 15)) << 1) | 1);
    expect(remainder([0x40, 0, 0, 0, 0])).toBe(0x4a);
  });

  it('of a card of high capacity: CSD version 2, class 4; version 3 beyond 32 GiB', () => {
    const bed = new CardBed(4 * GiB).identify();
    bed.acmd(ACMD.SD_STATUS);
    expect(bitsOf(bed.receive(), 447, 440)).toBe(2);
    bed.cmd(CMD.SELECT_CARD, 0);
    expect(bitsOf(bed.cmd(CMD.SEND_CSD, bed.address()) as number[], 127, 126)).toBe(1);
    const large = new CardBed(64 * GiB).identify();
    large.acmd(ACMD.SEND_SCR);
    expect([...large.receive()].slice(0, 3)).toEqual([0x02, 0x05, 0x80]);
  });

  it('switches to high speed when told to, not when asked, and tells what it lacks', () => {
    const bed = new CardBed(SIZE).identify();
    const ask = (argument: number): number[] => {
      bed.cmd(CMD.SWITCH_FUNC, argument);
      const answer = bed.receive();
      return [bitsOf(answer, 511, 496), bitsOf(answer, 415, 400), bitsOf(answer, 399, 376), bed.card.state.fields.highSpeed ? 1 : 0];
    };
    expect(ask(0x00fffff1)).toEqual([100, 0x8003, 0x000001, 0]);
    expect(ask(0x80fffff2)).toEqual([0, 0x8003, 0x00000f, 0]);
    expect(ask(0x80ff1ff1)).toEqual([0, 0x8003, 0x00f001, 0]);
    expect(ask(0x80fffff1)).toEqual([100, 0x8003, 0x000001, 1]);
    expect(ask(0x00ffffff)).toEqual([100, 0x8003, 0x000001, 1]);
    bed.cmd(CMD.SELECT_CARD, 0);
    expect(bitsOf(bed.cmd(CMD.SEND_CSD, bed.address()) as number[], 103, 96)).toBe(0x5a);
  });

  it('takes its own CSD, and no other', () => {
    const bed = new CardBed(SIZE).identify();
    bed.cmd(CMD.SELECT_CARD, 0);
    const words = bed.cmd(CMD.SEND_CSD, bed.address()) as number[];
    bed.cmd(CMD.SELECT_CARD, bed.address());
    const csd = Uint8Array.from(words.flatMap((word) => [word >>> 24, word >>> 16, word >>> 8, word]));
    for (const [change, error] of [
      [0, 0],
      [1, STATUS.CSD_OVERWRITE],
    ]) {
      csd[14] ^= change << 4;
      bed.cmd(CMD.PROGRAM_CSD);
      expect(bed.send(csd)).toBe(16);
      expect(status(bed) & STATUS.CSD_OVERWRITE).toBe(error);
    }
  });
});

describe('reading', () => {
  it('gives a block after the access time, and not before', () => {
    const bed = new CardBed(SIZE).identify();
    bed.disk.fill(5 * 512, 0x5a);
    const begin = bed.bench.time;
    expect(bed.cmd(CMD.READ_SINGLE_BLOCK, 5 * 512)).toBe((STATE.TRAN << 9) | STATUS.READY_FOR_DATA);
    expect(bed.card.request()).toEqual({ kind: 'read', offset: 5 * 512, length: 512 });
    expect(bed.card.due()).toBeGreaterThan(begin);
    expect([bed.card.readable(), bed.state()]).toEqual([0, STATE.DATA]);
    const data = bed.receive();
    expect([data.length, data.every((byte) => byte === 0x5a), bed.state()]).toEqual([512, true, STATE.TRAN]);
    expect([bed.card.request(), bed.card.due(), bed.changes]).toEqual([undefined, Number.POSITIVE_INFINITY, 1]);
  });

  it('addresses bytes, or blocks where the capacity is high', () => {
    const bed = new CardBed(4 * GiB).identify();
    bed.cmd(CMD.READ_SINGLE_BLOCK, (4 * GiB) / 512 - 1);
    expect(bed.card.request()).toMatchObject({ offset: 4 * GiB - 512 });
    bed.receive();
    expect((bed.cmd(CMD.READ_SINGLE_BLOCK, (4 * GiB) / 512) as number) >>> 0).toBe((STATUS.OUT_OF_RANGE | 0x900) >>> 0);
  });

  it('of several blocks goes on until it is stopped, and reads no block that the host does not wait for', () => {
    const bed = new CardBed(SIZE).identify();
    for (let n = 0; n < 4; n++) bed.disk.fill(n * 512, n + 1);
    bed.cmd(CMD.READ_MULTIPLE_BLOCK, 0);
    expect([0, 512, 1024].map((at, _, __, data = bed.receive(512)) => [at, data[0], data[511]])).toEqual([
      [0, 1, 1],
      [512, 2, 2],
      [1024, 3, 3],
    ]);
    expect(bed.disk.done).toEqual(['read 0+1', 'read 1+1', 'read 2+1']);
    bed.card.nextBlock();
    expect(bed.card.request()).toBeDefined();
    expect(bed.cmd(CMD.STOP_TRANSMISSION)).toBe((STATE.DATA << 9) | STATUS.READY_FOR_DATA);
    expect([bed.card.request(), bed.state()]).toEqual([undefined, STATE.TRAN]);
  });

  it('of several blocks ends with the disk: that is an error only for a host that wanted more', () => {
    const bed = new CardBed(SIZE).identify();
    bed.cmd(CMD.READ_MULTIPLE_BLOCK, SIZE - 1024);
    expect(bed.receive(1024)).toHaveLength(1024);
    expect((bed.cmd(CMD.STOP_TRANSMISSION) as number) & STATUS.OUT_OF_RANGE).toBe(0);
    bed.cmd(CMD.READ_MULTIPLE_BLOCK, SIZE - 1024);
    expect(bed.receive()).toHaveLength(1024);
    expect(((bed.cmd(CMD.STOP_TRANSMISSION) as number) & STATUS.OUT_OF_RANGE) >>> 0).toBe(STATUS.OUT_OF_RANGE);
    expect(status(bed) & STATUS.OUT_OF_RANGE).toBe(0);
  });

  it('of parts of a block, on a card of standard capacity', () => {
    const bed = new CardBed(SIZE).identify();
    bed.cmd(CMD.WRITE_BLOCK, 512);
    bed.send(pattern(512));
    bed.cmd(CMD.SET_BLOCKLEN, 5);
    bed.cmd(CMD.READ_SINGLE_BLOCK, 512 + 100);
    expect(bed.receive()).toEqual(pattern(512).slice(100, 105));
    bed.cmd(CMD.READ_MULTIPLE_BLOCK, 512 + 500);
    expect(bed.receive()).toEqual(pattern(512).slice(500, 510));
    expect((bed.cmd(CMD.STOP_TRANSMISSION) as number) & STATUS.ADDRESS_ERROR).toBe(STATUS.ADDRESS_ERROR);
    expect((bed.cmd(CMD.READ_SINGLE_BLOCK, 510) as number) & STATUS.ADDRESS_ERROR).toBe(STATUS.ADDRESS_ERROR);
    for (const length of [0, 513]) expect((bed.cmd(CMD.SET_BLOCKLEN, length) as number) & STATUS.BLOCK_LEN_ERROR).toBe(STATUS.BLOCK_LEN_ERROR);
    expect((bed.cmd(CMD.WRITE_BLOCK, 0) as number) & STATUS.BLOCK_LEN_ERROR).toBe(STATUS.BLOCK_LEN_ERROR);
    const high = new CardBed(4 * GiB).identify();
    high.cmd(CMD.SET_BLOCKLEN, 5);
    high.cmd(CMD.READ_SINGLE_BLOCK, 0);
    expect(high.receive()).toHaveLength(512);
  });
});

describe('writing', () => {
  it('programs a block once it is whole, and is busy meanwhile', () => {
    const bed = new CardBed(SIZE).identify();
    bed.cmd(CMD.WRITE_BLOCK, 512);
    for (const byte of pattern(512)) bed.card.put(byte);
    expect([bed.card.busy(), bed.card.writable(), bed.state()]).toEqual([true, 0, STATE.PRG]);
    expect(status(bed) & STATUS.READY_FOR_DATA).toBe(0);
    expect(bed.cmd(CMD.READ_SINGLE_BLOCK, 0)).toBeUndefined();
    expect(bed.disk.sector(512)[1]).toBe(0);
    bed.pass(1_000_000);
    expect([bed.card.busy(), bed.state()]).toEqual([false, STATE.TRAN]);
    expect(bed.disk.sector(512)).toEqual(pattern(512));
  });

  it('goes on programming while another card is selected', () => {
    const bed = new CardBed(SIZE).identify();
    bed.cmd(CMD.WRITE_BLOCK, 0);
    for (const byte of pattern(512)) bed.card.put(byte);
    bed.cmd(CMD.SELECT_CARD, 0);
    expect(bed.state()).toBe(STATE.DIS);
    bed.pass(1_000_000);
    expect([bed.state(), bed.disk.done]).toEqual([STATE.STBY, ['write 0+1']]);
  });

  it('of several blocks counts those that were written; one that was not whole is forgotten', () => {
    const bed = new CardBed(SIZE).identify();
    bed.acmd(ACMD.SET_WR_BLK_ERASE_COUNT, 3);
    bed.cmd(CMD.WRITE_MULTIPLE_BLOCK, 1024);
    expect(bed.send(pattern(3 * 512 + 100))).toBe(3 * 512 + 100);
    bed.cmd(CMD.STOP_TRANSMISSION);
    expect([bed.state(), bed.disk.done]).toEqual([STATE.TRAN, ['write 2+1', 'write 3+1', 'write 4+1']]);
    expect(bed.disk.sector(4 * 512)).toEqual(pattern(3 * 512).slice(1024));
    bed.acmd(ACMD.SEND_NUM_WR_BLOCKS);
    expect([...bed.receive()]).toEqual([0, 0, 0, 3]);
  });

  it('is finished by a stop that comes while a block is programmed', () => {
    const bed = new CardBed(SIZE).identify();
    bed.cmd(CMD.WRITE_MULTIPLE_BLOCK, 0);
    for (const byte of pattern(512)) bed.card.put(byte);
    bed.cmd(CMD.STOP_TRANSMISSION);
    expect(bed.state()).toBe(STATE.PRG);
    bed.pass(1_000_000);
    expect([bed.state(), bed.disk.done]).toEqual([STATE.TRAN, ['write 0+1']]);
  });

  it('ends with the disk', () => {
    const bed = new CardBed(SIZE).identify();
    bed.cmd(CMD.WRITE_MULTIPLE_BLOCK, SIZE - 512);
    expect(bed.send(pattern(1024))).toBe(512);
    expect(((bed.cmd(CMD.STOP_TRANSMISSION) as number) & STATUS.OUT_OF_RANGE) >>> 0).toBe(STATUS.OUT_OF_RANGE);
    expect(bed.state()).toBe(STATE.TRAN);
    expect((bed.cmd(CMD.WRITE_BLOCK, 100) as number) & STATUS.ADDRESS_ERROR).toBe(STATUS.ADDRESS_ERROR);
    expect(bed.state()).toBe(STATE.TRAN);
  });

  it('and erasing are refused by a protected card, whose CSD says so', () => {
    const bed = new CardBed(SIZE, true).identify();
    for (const index of [CMD.WRITE_BLOCK, CMD.WRITE_MULTIPLE_BLOCK]) {
      expect((bed.cmd(index, 0) as number) & STATUS.WP_VIOLATION).toBe(STATUS.WP_VIOLATION);
      expect(bed.send(pattern(512))).toBe(0);
    }
    bed.cmd(CMD.ERASE_WR_BLK_START, 0);
    bed.cmd(CMD.ERASE_WR_BLK_END, 512);
    expect((bed.cmd(CMD.ERASE) as number) & STATUS.WP_VIOLATION).toBe(STATUS.WP_VIOLATION);
    bed.cmd(CMD.SELECT_CARD, 0);
    const csd = bed.cmd(CMD.SEND_CSD, bed.address()) as number[];
    expect([bitsOf(csd, 13, 13), bitsOf(csd, 95, 84), bed.disk.done]).toEqual([1, 0x505, []]);
  });
});

describe('erasing', () => {
  it('discards from the first block to the last one, both included, and takes its time', () => {
    const bed = new CardBed(4 * GiB).identify();
    bed.disk.fill(10 * 512, 1);
    bed.disk.fill(20 * 512, 1);
    bed.cmd(CMD.ERASE_WR_BLK_START, 10);
    bed.cmd(CMD.ERASE_WR_BLK_END, 20);
    expect((bed.cmd(CMD.ERASE) as number) >>> 13).toBe(0);
    expect([bed.state(), bed.card.request()]).toEqual([STATE.PRG, { kind: 'discard', offset: 5120, length: 11 * 512 }]);
    bed.pass(2_000_000);
    expect([bed.state(), bed.disk.done, bed.disk.sector(20 * 512)[0]]).toEqual([STATE.TRAN, ['discard 10+11'], 0]);
    bed.cmd(CMD.ERASE_WR_BLK_START, 0);
    bed.cmd(CMD.ERASE_WR_BLK_END, (4 * GiB) / 512 - 1);
    const begin = bed.bench.time;
    bed.cmd(CMD.ERASE);
    expect(bed.card.due() - begin).toBe(1_000_000 + 1024 * 100_000);
  });

  it.each<[string, readonly (readonly [number, number])[], number]>([
    ['no first block', [[CMD.ERASE_WR_BLK_END, 512]], STATUS.ERASE_SEQ_ERROR],
    ['no block at all', [[CMD.ERASE, 0]], STATUS.ERASE_SEQ_ERROR],
    [
      'no last block',
      [
        [CMD.ERASE_WR_BLK_START, 512],
        [CMD.ERASE, 0],
      ],
      STATUS.ERASE_SEQ_ERROR,
    ],
    [
      'the last before the first',
      [
        [CMD.ERASE_WR_BLK_START, 1024],
        [CMD.ERASE_WR_BLK_END, 0],
        [CMD.ERASE, 0],
      ],
      STATUS.ERASE_PARAM,
    ],
    ['a block behind the end', [[CMD.ERASE_WR_BLK_START, SIZE]], STATUS.OUT_OF_RANGE],
    [
      'another command in between',
      [
        [CMD.ERASE_WR_BLK_START, 0],
        [CMD.SET_BLOCKLEN, 512],
      ],
      STATUS.ERASE_RESET,
    ],
  ])('fails with %s', (_, commands, error) => {
    const bed = new CardBed(SIZE).identify();
    const last = commands.map(([index, argument]) => bed.cmd(index, argument) as number).at(-1)!;
    expect(((last & error) >>> 0) - error).toBe(0);
    bed.pass(10_000_000);
    expect(bed.disk.done).toEqual([]);
  });
});

describe('a request under way', () => {
  it('is part of a saved card, and is dropped by GO_IDLE_STATE', () => {
    const bed = new CardBed(SIZE).identify();
    bed.cmd(CMD.READ_SINGLE_BLOCK, 512);
    const other = new CardBed(SIZE);
    other.card.state.restore(bed.card.state.save());
    expect([other.card.request(), other.card.due()]).toEqual([bed.card.request(), bed.card.due()]);
    bed.cmd(CMD.GO_IDLE_STATE);
    expect([bed.card.request(), bed.card.due()]).toEqual([undefined, Number.POSITIVE_INFINITY]);
    other.card.reset(ns(0));
    expect(other.card.request()).toBeUndefined();
  });
});

/** The remainder of the division by x^7 + x^3 + 1, in binary long division. */
function remainder(bytes: readonly number[]): number {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  value <<= 7n;
  for (let bit = BigInt(bytes.length * 8 + 6); bit >= 7n; bit--) if ((value >> bit) & 1n) value ^= 0x89n << (bit - 7n);
  return Number(value);
}
