/**
 * Nothing that is cached shows: stores to page tables and to code take effect with the next instruction, whichever way
 * they go.
 */
import { describe, expect, it } from 'vitest';
import { armWord, thumbHalf } from './testing/assembler.suite.ts';
import { ALIAS, CpuBench } from './testing/cpu-bench.suite.ts';
import { AP, DOMAIN, PageTables } from './testing/page-tables.suite.ts';

const VIRTUAL = 0x5000000;
const ONE = 0x200000;
const OTHER = 0x300000;

function setUp(): { bench: CpuBench; tables: PageTables } {
  const bench = new CpuBench(0x400000).words(ONE, 0x111).words(OTHER, 0x222);
  const tables = new PageTables(bench)
    .section(0, 0)
    .section(0x100000, 0x100000)
    .section(ALIAS + 0x100000, 0x100000);
  return { bench, tables };
}

describe('a changed descriptor', () => {
  const forms = [
    ['first level', (tables: PageTables) => tables.section(VIRTUAL, ONE), (tables: PageTables) => tables.first(VIRTUAL), OTHER | 0xc12],
    ['second level', (tables: PageTables) => tables.small(VIRTUAL, ONE), (tables: PageTables) => tables.second(VIRTUAL), OTHER | 0xff2],
  ] as const;

  describe.each(forms)('of the %s', (_, map, descriptorOf, changed) => {
    it.each([
      ['str', 0, 0],
      ['str', ALIAS, 0],
      ['strh', 0, 2],
      ['strb', ALIAS, 2],
    ] as const)('counts at once for loads and stores: written by %s through 0x%x', (store, window, part) => {
      const { bench, tables } = setUp();
      map(tables).enable();
      const descriptor = descriptorOf(tables);
      bench.arm(0x8000, 'ldr r0, [r1]', 'str r0, [r1, #4]', `${store} r3, [r2]`, 'ldr r4, [r1]', 'str r4, [r1, #4]');
      bench.set({ 1: VIRTUAL, 2: window + descriptor + part, 3: changed >>> (8 * part) });
      bench.pc = 0x8000;
      bench.run(5);
      expect([bench.r(0), bench.r(4), bench.word(ONE + 4), bench.word(OTHER + 4)]).toEqual([0x111, 0x222, 0x111, 0x222]);
    });

    it('counts for the next instruction of the page that it maps', () => {
      const { bench, tables } = setUp();
      map(tables).enable();
      bench.arm(ONE, 'str r3, [r2]', 'mov r0, #1', 'mov r0, #2').arm(OTHER, 'mov r0, #3', 'mov r0, #4', 'mov r5, #5');
      bench.set({ 2: descriptorOf(tables), 3: changed });
      bench.pc = VIRTUAL;
      bench.run(3);
      expect([bench.r(0), bench.r(5)]).toEqual([4, 5]);
    });

    it('to a fault stops the code that runs in the page', () => {
      const { bench, tables } = setUp();
      map(tables).enable();
      bench.arm(ONE, 'str r3, [r2]', 'mov r0, #1').set({ 0: 0, 2: descriptorOf(tables), 3: 0 });
      bench.pc = VIRTUAL;
      bench.run(2);
      expect([bench.pc, bench.r(14), bench.r(0)]).toEqual([0x0c, VIRTUAL + 8, 0]);
    });

    it('is seen within one instruction that stores several words', () => {
      const { bench, tables } = setUp();
      map(tables).enable();
      // STM into the table itself: its descriptor is replaced by the first word.
      bench.arm(0x8000, 'ldr r0, [r1]', 'stm r2, {r3}', 'ldr r4, [r1]').set({ 1: VIRTUAL, 2: descriptorOf(tables), 3: changed });
      bench.pc = 0x8000;
      bench.run(3);
      expect(bench.r(4)).toBe(0x222);
    });
  });

  it('takes permissions away from stores that went fast before', () => {
    const { bench, tables } = setUp();
    tables.small(VIRTUAL, ONE).enable();
    bench.arm(0x8000, 'str r0, [r1]', 'str r0, [r1]', 'str r3, [r2]', 'str r0, [r1]').set({ 0: 7, 1: VIRTUAL, 2: tables.second(VIRTUAL) });
    bench.set({ 3: ONE | 0x002 });
    bench.pc = 0x8000;
    bench.run(4);
    expect([bench.pc, bench.cpu.s.far, bench.cpu.s.dfsr]).toEqual([0x10, VIRTUAL, 0xf]);
  });

  it('gives a page to a domain that the user may not enter', () => {
    const { bench, tables } = setUp();
    tables.section(VIRTUAL, ONE).enable({ domains: { 0: DOMAIN.client, 2: DOMAIN.none } });
    bench.arm(0x8000, 'ldr r0, [r1]', 'strb r3, [r2]', 'ldr r0, [r1]').set({ 1: VIRTUAL, 2: tables.first(VIRTUAL), 3: 0x52 });
    bench.pc = 0x8000;
    bench.run(3);
    expect([bench.pc, bench.cpu.s.dfsr]).toEqual([0x10, 0x29]);
  });

  it('may be in the page that the code writing it runs in', () => {
    const { bench, tables } = setUp();
    tables.enable();
    // Code and table share a page: the code lies in the last words of the first-level table, as descriptors of 0xfff00000.
    const at = tables.first(0xfff00000) - 8;
    bench.arm(at, 'str r3, [r2]', 'ldr r0, [r1]').set({ 1: VIRTUAL, 2: tables.first(VIRTUAL), 3: ONE | 0xc12 });
    bench.pc = at;
    bench.run(2);
    expect(bench.r(0)).toBe(0x111);
  });

  it('is found again after tables were read in more pages than are kept track of', () => {
    // Every page of RAM behind 2 MiB is a coarse table, and maps itself.
    const bench = new CpuBench(0x800000);
    const tables = new PageTables(bench).section(0, 0).section(0x100000, 0x100000).section(0xf0100000, 0x100000);
    const put = (address: number, value: number): void =>
      new DataView(bench.memory.ram.buffer, bench.memory.ram.byteOffset).setUint32(address, value, true);
    const count = 0x4c0;
    for (let n = 0; n < count; n++) {
      put(tables.first(0x60000000 + 0x100000 * n), (0x200000 + 0x1000 * n) | 1);
      put(0x200000 + 0x1000 * n, (0x200000 + 0x1000 * n) | 0xff2);
    }
    tables.enable();
    // The loop reads all the tables. Then the mapping of its own page is taken away, through another one.
    bench.arm(0x8000, 'ldr r0, [r1], r2', 'subs r3, r3, #1', 'bne #0x8000', 'str r3, [r4]', 'mov r5, #1');
    bench.set({ 1: 0x60000000, 2: 0x100000, 3: count, 4: 0xf0000000 + tables.first(0), 5: 0 });
    bench.pc = 0x8000;
    bench.run(3 * count + 2);
    expect([bench.r(1), bench.mode, bench.r(14), bench.r(5), bench.cpu.s.ifsr]).toEqual([0x60000000 + 0x100000 * count, 'abt', 0x8014, 0, 5]);
  });
});

describe('the domain access register', () => {
  it('counts at once, however often it changes', () => {
    const { bench, tables } = setUp();
    tables.section(VIRTUAL, ONE, { domain: 1, ap: AP.all }).enable();
    for (let n = 0; n < 12; n++) {
      const open = n % 2 === 0;
      bench.mode = 'svc';
      // Other domains differ each time, so that more values are in use than are kept apart.
      bench.set({ 1: VIRTUAL, 2: 1 | (open ? 4 : 0) | (n << 8) }).execute('mcr p15, #0, r2, c3, c0, #0', 'ldr r0, [r1]');
      expect([n, bench.pc, open ? bench.r(0) : bench.cpu.s.dfsr]).toEqual([n, open ? 0x8008 : 0x10, open ? 0x111 : 0x19]);
    }
  });
});

describe('self-modifying code', () => {
  const MOV1 = armWord('mov r0, #1');
  const MOV2 = armWord('mov r0, #2');

  it.each([
    ['the next instruction', 0x8004, 0],
    ['the same page', 0x8100, 0],
    ['another page', 0xa000, 0],
    ['the page behind, across the boundary', 0x9000, 0],
    ['the next instruction, through the other window of RAM', 0x8004, ALIAS],
    ['the same page, through the other window', 0x8100, ALIAS],
  ])('in ARM state: %s', (_, target, window) => {
    const bench = new CpuBench();
    // The target is executed once before it is changed.
    bench.words(target, MOV1, armWord('mov pc, lr')).arm(0x7000, 'bl #0x7100', `bl #${target}`, 'b #0x8000').arm(0x7100, 'mov pc, lr');
    if (target === 0x8004) bench.words(0x7004, armWord('mov r0, r0'));
    bench.set({ 1: MOV2, 2: window + target });
    bench.pc = 0x7000;
    bench.run(target === 0x8004 ? 4 : 6);
    expect(bench.pc).toBe(0x8000);
    bench.words(0x8000, armWord('str r1, [r2]'));
    if (target !== 0x8004) bench.words(0x8004, armWord(`b #${target}`, 0x8004));
    else bench.pc = 0x8004;
    if (target === 0x8004) bench.run(1);
    bench.pc = 0x8000;
    bench.run(target === 0x8004 ? 2 : 3);
    expect(bench.r(0)).toBe(2);
  });

  it.each([
    ['str', 0, MOV2],
    ['strh', 0, MOV2 & 0xffff],
    ['strb', 0, MOV2 & 0xff],
    ['strh', 2, 0xe3e0],
    ['strb', 2, 0xe0],
  ])('by %s to byte %i of an instruction that a loop executes', (store, byte, value) => {
    const bench = new CpuBench().arm(0x8000, 'mov r0, #1', 'add r4, r4, r0', `${store} r1, [r2]`, 'subs r3, r3, #1', 'bne #0x8000');
    bench.set({ 1: value, 2: 0x8000 + byte, 3: 3, 4: 0 });
    bench.pc = 0x8000;
    bench.run(15);
    // MOV r0, #2 by a change of the low byte, MVN r0, #1 by one of the third.
    const second = byte === 0 ? 2 : -2;
    expect([bench.cpu.r[4], bench.r(3)]).toEqual([1 + 2 * second, 0]);
  });

  it.each([
    ['strh', 0x8006, thumbHalf('movs r0, #2')],
    ['strb', 0x8006, 2],
    ['strh', 0x8002, thumbHalf('movs r3, #2')],
  ])('in Thumb state by %s to 0x%x', (store, target, value) => {
    const bench = new CpuBench().thumb(0x8000, 'movs r5, #3', 'movs r3, #1', `${store} r1, [r2]`, 'movs r0, #1', 'subs r5, #1', 'bne #0x8002');
    bench.set({ 1: value, 2: target });
    bench.pc = 0x8001;
    bench.run(6);
    expect([bench.r(0), bench.r(3)]).toEqual([target === 0x8006 ? 2 : 1, 1]);
    bench.run(5);
    expect([bench.r(0), bench.r(3)]).toEqual([target === 0x8006 ? 2 : 1, target === 0x8002 ? 2 : 1]);
  });

  it('changes both halves of a word at once in Thumb state', () => {
    const bench = new CpuBench().thumb(0x8000, 'movs r0, #1', 'movs r3, #1', 'str r1, [r2]', 'b #0x8000');
    bench.set({ 1: (thumbHalf('movs r3, #4') << 16) | thumbHalf('movs r0, #3'), 2: 0x8000 });
    bench.pc = 0x8001;
    bench.run(6);
    expect([bench.r(0), bench.r(3)]).toEqual([3, 4]);
  });

  it('is the same memory for both instruction sets', () => {
    const bench = new CpuBench().words(0x9000, (thumbHalf('bx lr') << 16) | thumbHalf('movs r0, #5'));
    bench.arm(0x8000, 'blx r4', 'str r1, [r5]', 'str r6, [r5, #4]', 'bl #0x9000').set({ 1: armWord('mov r0, #6'), 4: 0x9001, 5: 0x9000 });
    bench.set({ 6: armWord('mov pc, lr') });
    bench.pc = 0x8000;
    bench.run(3);
    expect(bench.r(0)).toBe(5);
    bench.run(5);
    expect(bench.r(0)).toBe(6);
  });

  it('through a mapping of its own, and by a block store, SWP, STRD and PUSH', () => {
    for (const store of ['str r1, [r2]', 'stm r2, {r1}', 'swp r5, r1, [r2]', 'stmdb r3, {r1}', 'strd r6, r7, [r2]', 'str r1, [r2], #4']) {
      const { bench, tables } = setUp();
      tables
        .small(VIRTUAL, ONE)
        .small(VIRTUAL + 0x2000, ONE)
        .enable();
      bench.arm(ONE, 'mov r0, #1', 'mov pc, lr').arm(0x8000, 'blx r4', store, 'blx r4', 'mov r8, r8');
      bench.set({ 1: MOV2, 2: VIRTUAL + 0x2000, 3: VIRTUAL + 0x2004, 4: VIRTUAL, 6: MOV2, 7: armWord('mov pc, lr') });
      bench.pc = 0x8000;
      bench.run(3);
      expect(bench.r(0)).toBe(1);
      bench.run(4);
      expect([store, bench.r(0), bench.pc]).toEqual([store, 2, 0x800c]);
    }
  });

  it('in a page with permissions for its quarters', () => {
    const { bench, tables } = setUp();
    tables.small(VIRTUAL, ONE, { aps: [AP.all, AP.all, AP.all, AP.userReads] }).enable();
    bench.arm(ONE, 'str r1, [r2]', 'mov r0, #1').set({ 1: MOV2, 2: VIRTUAL + 4 });
    bench.pc = VIRTUAL;
    bench.run(2);
    expect(bench.r(0)).toBe(2);
  });

  it('written from outside counts after derived data was dropped', () => {
    const bench = new CpuBench().words(0x8000, MOV1);
    bench.pc = 0x8000;
    bench.run(1);
    bench.words(0x8000, MOV2);
    bench.pc = 0x8000;
    bench.run(1);
    expect(bench.r(0)).toBe(2);
  });
});

describe('dirty tracking', () => {
  it('sees every store after the marks were cleared, from the fast path too', () => {
    const bench = new CpuBench().arm(0x8000, 'str r0, [r1]', 'strb r0, [r2]', 'b #0x8000').set({ 0: 5, 1: 0x20000, 2: 0x30001 });
    bench.pc = 0x8000;
    bench.run(9);
    for (let turn = 0; turn < 3; turn++) {
      bench.memory.flags.fill(0, 0x20, 0x40);
      // Marks are the lowest bit; clearing them alone keeps the others.
      bench.cpu.dropStores();
      bench.run(3);
      const dirty = [...bench.memory.flags.subarray(0, 0x100)].flatMap((flags, page) => (flags & 1 && page >= 0x20 ? [page] : []));
      expect(dirty).toEqual([0x20, 0x30]);
    }
  });
});
