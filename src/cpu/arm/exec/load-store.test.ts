import { describe, expect, it } from 'vitest';
import { CpuBench } from '../testing/cpu-bench.suite.ts';

const DATA = 0x9000;
const ALIGNMENT_CHECK = 0x50078 | 2;

const bench = (): CpuBench => new CpuBench().words(DATA, 0x44332211, 0x88776655, 0xccbbaa99, 0x00ffeedd);

describe('unaligned addresses without alignment checking (A2.8)', () => {
  it.each([
    [0, 0x44332211],
    [1, 0x11443322],
    [2, 0x22114433],
    [3, 0x33221144],
  ])('LDR rotates the word by %i bytes', (offset, expected) => {
    expect(
      bench()
        .set({ 1: DATA + offset })
        .execute('ldr r0, [r1]')
        .r(0),
    ).toBe(expected);
    expect(
      bench()
        .set({ 1: DATA + offset, 2: 5 })
        .execute('ldr r0, [r1], r2')
        .r(0),
    ).toBe(expected);
    expect(
      bench()
        .set({ 1: DATA + offset, 2: 5 })
        .execute('swp r0, r2, [r1]')
        .r(0),
    ).toBe(expected);
    expect(
      bench()
        .set({ 1: DATA + offset })
        .executeThumb('ldr r0, [r1]')
        .r(0),
    ).toBe(expected);
  });

  it('STR, STRH and SWP ignore the low bits', () => {
    const b = bench()
      .set({ 0: 0xaabbccdd, 1: DATA + 3, 2: 0x5678 })
      .execute('str r0, [r1]');
    expect(b.word(DATA)).toBe(0xaabbccdd);
    b.set({ 1: DATA + 7 }).execute('strh r2, [r1]');
    expect([b.word(DATA + 4)]).toEqual([0x56786655]);
    b.set({ 1: DATA + 9, 3: 0x01020304 }).execute('swp r4, r3, [r1]');
    expect([b.word(DATA + 8), b.r(4)]).toEqual([0x01020304, 0x99ccbbaa]);
    b.set({ 0: 0x12345678, 1: DATA + 2 }).executeThumb('str r0, [r1]', 'strh r2, [r1, #6]');
    expect([b.word(DATA), b.word(DATA + 8)]).toEqual([0x12345678, 0x01025678]);
  });

  it('LDRH and LDRSH ignore bit 0', () => {
    expect(
      bench()
        .set({ 1: DATA + 5 })
        .execute('ldrh r0, [r1]')
        .r(0),
    ).toBe(0x6655);
    expect(
      bench()
        .set({ 1: DATA + 7 })
        .execute('ldrsh r0, [r1]')
        .r(0),
    ).toBe(0xffff8877);
  });

  it('LDRD and STRD work on a word pair that is not a multiple of 8', () => {
    const b = bench()
      .set({ 1: DATA + 4, 2: 0x01020304, 3: 0x05060708 })
      .execute('ldrd r4, r5, [r1]', 'strd r2, r3, [r1]');
    expect([b.r(4), b.r(5)]).toEqual([0x88776655, 0xccbbaa99]);
    expect([b.word(DATA + 4), b.word(DATA + 8)]).toEqual([0x01020304, 0x05060708]);
  });
});

describe('alignment checking (control register bit A)', () => {
  it.each([
    ['ldr r0, [r1]', 1],
    ['ldr r0, [r1]', 2],
    ['ldr r0, [r1], #4', 3],
    ['str r0, [r1, #4]!', 2],
    ['ldrh r0, [r1]', 1],
    ['ldrsh r0, [r1]', 3],
    ['strh r0, [r1]', 1],
    ['ldrd r2, r3, [r1]', 4],
    ['strd r2, r3, [r1], #8', 4],
    ['swp r0, r2, [r1]', 2],
    ['ldm r1!, {r2, r3}', 2],
    ['stmdb r1!, {r2, r3}', 1],
    ['ldr pc, [r1]', 2],
  ])('%s at +%i aborts', (line, offset) => {
    const b = bench().arm(0x10, 'b #0x10');
    b.cpu.s.control = ALIGNMENT_CHECK;
    b.set({ 0: 7, 1: DATA + offset, 2: 8, 3: 9 }).execute(line);
    expect(b.pc).toBe(0x10);
    expect(b.mode).toBe('abt');
    expect(b.r(14)).toBe(0x8008);
    expect(b.cpu.s.dfsr & 15).toBe(1);
    // The address of the first word: of a decrementing block that is below the base.
    expect(b.cpu.s.far >>> 0).toBe(DATA + offset + (line.startsWith('stmdb') ? -8 : line.includes('#4]!') ? 4 : 0));
    // Nothing was changed, so that it can be executed again.
    expect([b.r(0), b.r(1), b.r(2), b.r(3)]).toEqual([7, DATA + offset, 8, 9]);
  });

  it.each([
    ['ldrb r0, [r1]', 3],
    ['ldrsb r0, [r1]', 1],
    ['strb r0, [r1]', 1],
    ['swpb r0, r2, [r1]', 3],
    ['ldrh r0, [r1]', 2],
    ['ldr r0, [r1]', 4],
    ['ldrd r2, r3, [r1]', 8],
    ['ldm r1, {r2, r3}', 4],
  ])('%s at +%i does not', (line, offset) => {
    const b = bench();
    b.cpu.s.control = ALIGNMENT_CHECK;
    b.set({ 1: DATA + offset }).execute(line);
    expect(b.pc).toBe(0x8004);
  });

  it('aborts in Thumb state too, with the same LR as in ARM state', () => {
    for (const line of ['ldr r0, [r1]', 'strh r0, [r1]', 'push {r0, lr}', 'pop {r0}', 'stm r1!, {r0, r2}', 'ldm r1!, {r0, r2}']) {
      const b = bench();
      b.cpu.s.control = ALIGNMENT_CHECK;
      b.set({ 0: 1, 1: DATA + 1, 13: DATA + 2 }).executeThumb(line);
      expect([line, b.pc, b.mode, b.r(14), b.r(1)]).toEqual([line, 0x10, 'abt', 0x8008, DATA + 1]);
      b.mode = 'svc';
      expect(b.r(13)).toBe(DATA + 2);
    }
  });
});

describe('addressing', () => {
  it('writes back before and after, upwards and downwards', () => {
    const b = bench().set({ 1: DATA + 4, 2: 4 });
    expect(b.execute('ldr r0, [r1, #4]!').r(0)).toBe(0xccbbaa99);
    expect(b.r(1)).toBe(DATA + 8);
    expect(b.execute('ldr r0, [r1], #-4').r(0)).toBe(0xccbbaa99);
    expect(b.r(1)).toBe(DATA + 4);
    expect(b.execute('ldr r0, [r1, -r2]!').r(0)).toBe(0x44332211);
    expect(b.r(1)).toBe(DATA);
    expect(b.execute('ldr r0, [r1], r2, lsl #1').r(0)).toBe(0x44332211);
    expect(b.r(1)).toBe(DATA + 8);
    expect(b.execute('ldrh r0, [r1, #-0xfe]!').r(0)).toBe(0);
    expect(b.r(1)).toBe(DATA + 8 - 0xfe);
    expect(b.set({ 1: DATA }).execute('ldrsb r0, [r1, r2]!').r(0)).toBe(0x55);
    expect(b.r(1)).toBe(DATA + 4);
  });

  it('shifts the offset as a data-processing operand, RRX with the carry', () => {
    const b = bench().set({ 1: DATA, 2: 0x80000000, 3: 8 });
    expect(b.execute('ldr r0, [r1, r2, lsr #29]').r(0)).toBe(0x88776655);
    expect(b.execute('ldr r0, [r1, r2, asr #32]').r(0)).toBe(0);
    b.cpsr = 0xd3;
    expect(b.execute('ldr r0, [r1, r3, rrx]').r(0)).toBe(0x88776655);
    b.cpsr = 0x200000d3;
    b.set({ 1: DATA + 0x80000000 });
    expect(b.execute('ldr r0, [r1, r3, rrx]').r(0)).toBe(0x88776655);
  });

  it('gives the loaded value precedence over the write-back', () => {
    const b = bench().set({ 1: DATA }).words(0x8000, 0xe4911004); // ldr r1, [r1], #4
    b.pc = 0x8000;
    b.run(1);
    expect(b.r(1)).toBe(0x44332211);
  });

  it('wraps at the end of the address space', () => {
    const b = bench().words(0x20, 0x1234).set({ 1: 0xfffffff0 });
    expect(b.execute('ldr r0, [r1, #0x30]').r(0)).toBe(0x1234);
    expect(b.execute('ldr r0, [r1, #0x30]!').r(1)).toBe(0x20);
  });

  it('stores R15 as the instruction plus 12', () => {
    const b = bench().set({ 1: DATA });
    b.execute('str pc, [r1]');
    expect(b.word(DATA)).toBe(0x800c);
    b.execute('stm r1, {r0, pc}');
    expect(b.word(DATA + 4)).toBe(0x800c);
  });

  it('sign-extends, and stores only the low part', () => {
    const b = bench().set({ 1: DATA + 8, 2: 0x12345678 });
    expect(b.execute('ldrsb r0, [r1]').r(0)).toBe(0xffffff99);
    expect(b.execute('ldrsh r0, [r1, #2]').r(0)).toBe(0xffffccbb);
    b.execute('strb r2, [r1]', 'strh r2, [r1, #2]');
    expect(b.word(DATA + 8)).toBe(0x5678aa78);
    expect(b.execute('swpb r0, r2, [r1]').r(0)).toBe(0x78);
  });
});

describe('loads of R15', () => {
  it.each([
    ['ldr pc, [r1]', 0x9100, 0x9100, 0],
    ['ldr pc, [r1]', 0x9101, 0x9100, 1],
    ['ldr pc, [r1]', 0x9103, 0x9102, 1],
    ['ldm r1, {r0, pc}', 0x9101, 0x9100, 1],
    ['ldm r1, {r0, pc}', 0x9100, 0x9100, 0],
  ])('%s of 0x%x selects the instruction set by bit 0', (line, value, pc, thumb) => {
    const b = bench().words(DATA, value, value).set({ 1: DATA }).execute(line);
    expect([b.pc, b.cpu.s.t]).toEqual([pc, thumb]);
  });

  it.each([
    [0x9100, 0x9100, 0],
    [0x9103, 0x9102, 1],
  ])('POP of 0x%x does likewise from Thumb state', (value, pc, thumb) => {
    const b = bench().words(DATA, 5, value).set({ 13: DATA }).executeThumb('pop {r0, pc}');
    expect([b.pc, b.cpu.s.t, b.r(0), b.r(13)]).toEqual([pc, thumb, 5, DATA + 8]);
  });

  it('keeps the instruction set when control register bit L4 is set', () => {
    for (const line of ['ldr pc, [r1]', 'ldm r1, {pc}']) {
      const b = bench().words(DATA, 0x9103).set({ 1: DATA });
      b.cpu.s.control |= 1 << 15;
      b.execute(line);
      expect([b.pc, b.cpu.s.t]).toEqual([0x9100, 0]);
    }
    const b = bench().words(DATA, 0x9102).set({ 13: DATA });
    b.cpu.s.control |= 1 << 15;
    b.executeThumb('pop {pc}');
    expect([b.pc, b.cpu.s.t]).toEqual([0x9102, 1]);
  });
});

describe('LDRD and STRD', () => {
  it('transfers an even register and the next, in every addressing mode', () => {
    const b = bench().set({ 1: DATA, 2: 8 });
    b.execute('ldrd r4, r5, [r1, r2]', 'ldrd r6, r7, [r1], #8');
    expect([b.r(4), b.r(5), b.r(6), b.r(7), b.r(1)]).toEqual([0xccbbaa99, 0x00ffeedd, 0x44332211, 0x88776655, DATA + 8]);
    b.execute('strd r6, r7, [r1, #-8]!', 'strd r4, r5, [r1], r2');
    expect([b.word(DATA), b.word(DATA + 4), b.r(1)]).toEqual([0xccbbaa99, 0x00ffeedd, DATA + 8]);
  });

  it('may load its base when nothing is written back', () => {
    expect(bench().set({ 4: DATA }).execute('ldrd r4, r5, [r4]').r(4)).toBe(0x44332211);
  });

  it('is undefined for an odd register', () => {
    for (const insn of [0xe1c130d0, 0xe1c130f0]) {
      const b = bench().set({ 1: DATA }).words(0x8000, insn);
      b.pc = 0x8000;
      b.run(1);
      expect([b.pc, b.mode, b.r(14)]).toEqual([4, 'und', 0x8004]);
    }
  });
});
