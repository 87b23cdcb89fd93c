import { describe, expect, it } from 'vitest';
import { BANK } from '../state.ts';
import { CpuBench } from '../testing/cpu-bench.suite.ts';
import { PageTables } from '../testing/page-tables.suite.ts';

const DATA = 0x9000;
const words = (bench: CpuBench, count = 8): number[] => Array.from({ length: count }, (_, n) => bench.word(DATA + 4 * n));
const filled = (): CpuBench => new CpuBench().words(DATA, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17);

describe('addresses of a block (A5.4)', () => {
  it.each([
    ['ldm r0!, {r1, r2, r3}', DATA, [0x10, 0x11, 0x12], DATA + 12],
    ['ldmib r0!, {r1, r2, r3}', DATA, [0x11, 0x12, 0x13], DATA + 12],
    ['ldmda r0!, {r1, r2, r3}', DATA + 8, [0x10, 0x11, 0x12], DATA - 4],
    ['ldmdb r0!, {r1, r2, r3}', DATA + 12, [0x10, 0x11, 0x12], DATA],
    ['ldmdb r0, {r1, r2, r3}', DATA + 16, [0x11, 0x12, 0x13], DATA + 16],
  ])('%s', (line, base, loaded, after) => {
    const bench = filled().set({ 0: base }).execute(line);
    expect([bench.r(1), bench.r(2), bench.r(3)]).toEqual(loaded);
    expect(bench.r(0)).toBe(after);
  });

  it.each([
    ['stm r0!, {r1, r2}', DATA, [1, 2, 0x12, 0x13], DATA + 8],
    ['stmib r0!, {r1, r2}', DATA, [0x10, 1, 2, 0x13], DATA + 8],
    ['stmda r0, {r1, r2}', DATA + 8, [0x10, 1, 2, 0x13], DATA + 8],
    ['stmdb r0!, {r1, r2}', DATA + 8, [1, 2, 0x12, 0x13], DATA],
  ])('%s', (line, base, stored, after) => {
    const bench = filled().set({ 0: base, 1: 1, 2: 2 }).execute(line);
    expect(words(bench, 4)).toEqual(stored);
    expect(bench.r(0)).toBe(after);
  });

  it('ignores the low bits of the base, which stay in what is written back', () => {
    const bench = filled()
      .set({ 0: DATA + 2, 1: DATA + 7, 4: 4 })
      .execute('ldm r0!, {r2, r3}', 'stmdb r1!, {r4}');
    expect([bench.r(2), bench.r(3), bench.r(0)]).toEqual([0x10, 0x11, DATA + 10]);
    expect([bench.word(DATA), bench.r(1)]).toEqual([4, DATA + 3]);
  });
});

describe('the base among the registers', () => {
  it('is loaded like the others', () => {
    const bench = filled().set({ 1: DATA }).execute('ldm r1, {r0, r1, r2}');
    expect([bench.r(0), bench.r(1), bench.r(2)]).toEqual([0x10, 0x11, 0x12]);
    expect(filled().set({ 1: DATA }).executeThumb('ldm r1, {r0, r1, r2}').r(1)).toBe(0x11);
  });

  it('is stored as it was when it is the lowest', () => {
    const bench = filled().set({ 1: DATA, 2: 2 }).execute('stm r1!, {r1, r2}');
    expect([bench.word(DATA), bench.word(DATA + 4), bench.r(1)]).toEqual([DATA, 2, DATA + 8]);
    const thumb = filled().set({ 1: DATA, 2: 2 }).executeThumb('stm r1!, {r1, r2}');
    expect([thumb.word(DATA), thumb.word(DATA + 4), thumb.r(1)]).toEqual([DATA, 2, DATA + 8]);
  });
});

describe('user registers and return (^)', () => {
  it('transfers the user registers of a mode with its own', () => {
    const bench = filled();
    bench.mode = 'usr';
    bench.set({ 8: 0x108, 12: 0x112, 13: 0x113, 14: 0x114 });
    bench.mode = 'fiq';
    bench.set({ 0: DATA, 8: 0xf8, 12: 0xfc, 13: 0xf13, 14: 0xf14 }).execute('stm r0, {r8, r12, sp, lr} ^');
    expect(words(bench, 4)).toEqual([0x108, 0x112, 0x113, 0x114]);
    bench.set({ 0: DATA + 16 }).execute('ldm r0, {r8, r9, sp, lr} ^');
    expect([bench.r(8), bench.r(12), bench.r(13), bench.r(14)]).toEqual([0xf8, 0xfc, 0xf13, 0xf14]);
    bench.mode = 'sys';
    expect([bench.r(8), bench.r(9), bench.r(12), bench.r(13), bench.r(14)]).toEqual([0x14, 0x15, 0x112, 0x16, 0x17]);
  });

  it('of a mode that shares R8 to R12 leaves its own R13 and R14 alone', () => {
    const bench = filled();
    bench.mode = 'irq';
    bench.set({ 0: DATA, 13: 0xd, 14: 0xe }).execute('ldm r0, {r8, sp, lr} ^');
    expect([bench.r(8), bench.r(13), bench.r(14)]).toEqual([0x10, 0xd, 0xe]);
    bench.mode = 'usr';
    expect([bench.r(8), bench.r(13), bench.r(14)]).toEqual([0x10, 0x11, 0x12]);
  });

  it('with R15 returns from an exception, after the registers of the old mode were loaded', () => {
    const bench = filled().words(DATA, 0xaaaa, 0xbbbb, 0x9104);
    bench.mode = 'usr';
    bench.set({ 13: 0x113, 14: 0x114 });
    bench.mode = 'svc';
    bench.cpu.s.spsr[BANK.svc] = 0xa0000010;
    bench.set({ 13: DATA }).execute('ldm sp!, {r0, lr, pc} ^');
    expect([bench.cpsr, bench.pc, bench.r(0), bench.r(13), bench.r(14)]).toEqual([0xa0000010, 0x9104, 0xaaaa, 0x113, 0x114]);
    bench.mode = 'svc';
    expect([bench.r(13), bench.r(14)]).toEqual([DATA + 12, 0xbbbb]);
  });

  it('returns into Thumb state by the SPSR, not by bit 0 of the address', () => {
    const bench = filled().words(DATA, 0x9103);
    bench.cpu.s.spsr[BANK.svc] = 0x30;
    bench.set({ 0: DATA }).execute('ldm r0, {pc} ^');
    expect([bench.pc, bench.cpu.s.t]).toEqual([0x9102, 1]);
    const arm = filled().words(DATA, 0x9103);
    arm.cpu.s.spsr[BANK.svc] = 0x10;
    arm.set({ 0: DATA }).execute('ldm r0, {pc} ^');
    expect([arm.pc, arm.cpu.s.t]).toEqual([0x9100, 0]);
  });
});

/** 4 KiB at 0x200000 are mapped, the next page is not; code and vectors are where they always are. */
function withPageEnd(): CpuBench {
  const bench = new CpuBench(0x400000);
  const tables = new PageTables(bench).section(0, 0).section(0x100000, 0x100000).small(0x200000, 0x200000);
  tables.enable();
  return bench.words(0x200ff4, 0xa1, 0xa2, 0xa3, 0xb0, 0xb1, 0xb2).arm(0x10, 'subs pc, lr, #8');
}

describe('an access that aborts in the middle of a block', () => {
  const END = 0x201000;

  it.each([
    ['ldm r0!, {r1, r2, r3, r4}', END - 8],
    ['ldmib r0!, {r1, r2, r3, r4}', END - 12],
    ['ldmda r0!, {r1, r2, r3, r4}', END + 4],
    ['ldmdb r0!, {r1, r2, r3, r4}', END + 8],
    ['ldm r0, {r0, r1, r2, r3}', END - 8],
    ['ldm r0, {r0, r1, r2, pc}', END - 8],
    ['ldm r0, {r0, r1, r2, r3} ^', END - 8],
    ['stm r0!, {r1, r2, r3, r4}', END - 8],
    ['stmdb r0!, {r1, r2, r3, r4}', END + 8],
  ])('leaves the base as it was: %s', (line, base) => {
    const bench = withPageEnd().set({ 0: base });
    const before = bench.cpsr;
    bench.execute(line);
    expect([bench.pc, bench.mode, bench.r(14), bench.r(0)]).toEqual([0x10, 'abt', 0x8008, base]);
    expect(bench.spsr('abt')).toBe(before);
    expect([bench.cpu.s.far, bench.cpu.s.dfsr & 15]).toEqual([END, 7]);
  });

  it('can be executed again once the page is there, and then does what it should', () => {
    const bench = withPageEnd()
      .set({ 0: END - 8, 1: 1, 2: 2, 3: 3, 4: 4 })
      .execute('stm r0!, {r1, r2, r3, r4}');
    expect(bench.pc).toBe(0x10);
    new PageTables(bench).small(END, END);
    bench.run(2);
    expect([bench.pc, bench.mode, bench.r(0)]).toEqual([0x8004, 'svc', END + 8]);
    expect([END - 8, END - 4, END, END + 4].map((address) => bench.word(address))).toEqual([1, 2, 3, 4]);
    bench.execute('ldmdb r0!, {r5, r6, r7, r8}');
    expect([bench.r(5), bench.r(6), bench.r(7), bench.r(8), bench.r(0)]).toEqual([1, 2, 3, 4, END - 8]);
  });

  it('leaves the base of Thumb block transfers as it was', () => {
    for (const [line, base] of [
      ['ldm r0!, {r1, r2, r3, r4}', END - 8],
      ['ldm r0, {r0, r1, r2, r3}', END - 8],
      ['stm r0!, {r1, r2, r3, r4}', END - 8],
      ['push {r1, r2, r3, lr}', END + 8],
      ['pop {r1, r2, r3, r4}', END - 8],
      ['pop {r1, r2, r3, pc}', END - 8],
    ] as const) {
      const bench = withPageEnd().set({ 0: base, 13: base }).executeThumb(line);
      expect([line, bench.pc, bench.mode, bench.r(14), bench.r(0)]).toEqual([line, 0x10, 'abt', 0x8008, base]);
      bench.mode = 'svc';
      expect([line, bench.r(13)]).toEqual([line, base]);
    }
  });

  it.each([
    ['ldr r1, [r0, #4]!', END - 4],
    ['ldr r1, [r0], #4', END],
    ['ldrb r1, [r0, #1]!', END - 1],
    ['ldrh r1, [r0], #-2', END],
    ['ldrt r1, [r0], #4', END],
    ['ldrd r2, r3, [r0], #8', END],
    ['str r1, [r0, #-4]!', END + 4],
    ['str r1, [r0], r2', END],
    ['strh r1, [r0, r2]!', END - 2],
    ['strd r2, r3, [r0, #8]!', END - 8],
    ['ldrd r2, r3, [r0], #8', END - 4],
    ['swp r1, r2, [r0]', END],
  ])('of single transfers neither: %s', (line, base) => {
    const bench = withPageEnd().set({ 0: base, 1: 0x11, 2: 2, 3: 3 }).execute(line);
    expect([bench.pc, bench.r(0), bench.r(1), bench.r(2), bench.r(3)]).toEqual([0x10, base, 0x11, 2, 3]);
    expect(bench.cpu.s.far).toBe(END);
  });
});
