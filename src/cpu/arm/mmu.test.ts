import { describe, expect, it } from 'vitest';
import { ALIAS, CpuBench, PROBE, PROBE_COUNT } from './testing/cpu-bench.suite.ts';
import { AP, DOMAIN, PageTables } from './testing/page-tables.suite.ts';

const S = 1 << 8;
const R = 1 << 9;
/** Where the tests look, and what is there: RAM at 0x200000. */
const VIRTUAL = 0x5000000;
const TARGET = 0x200000;

/** Code, vectors and tables are mapped one to one; VIRTUAL is left to the test. */
function setUp(): { bench: CpuBench; tables: PageTables } {
  const bench = new CpuBench(0x400000);
  for (let n = 0; n < 0x400; n++) bench.memory.ram.set([n & 0xff, n >>> 8, 0x5a, n & 0xff], TARGET + 0x400 * n);
  const tables = new PageTables(bench).section(0, 0).section(0x100000, 0x100000);
  return { bench, tables };
}
const marked = (address: number): number => {
  const n = (address - TARGET) >>> 10;
  return ((n & 0xff) | ((n >>> 8) << 8) | 0x5a0000 | ((n & 0xff) << 24)) >>> 0;
};

/** What an access gives: the word, or the fault status with the domain. */
function read(bench: CpuBench, address: number): string {
  bench.set({ 1: address }).execute('ldr r0, [r1]');
  if (bench.pc === 0x8004) return `word ${bench.r(0).toString(16)}`;
  expect([bench.pc, bench.cpu.s.far]).toEqual([0x10, address]);
  return `fault ${bench.cpu.s.dfsr.toString(16)}`;
}
function write(bench: CpuBench, address: number): string {
  bench.set({ 1: address }).execute('strb r1, [r1]');
  if (bench.pc === 0x8004) return 'written';
  expect([bench.pc, bench.cpu.s.far]).toEqual([0x10, address]);
  return `fault ${bench.cpu.s.dfsr.toString(16)}`;
}
function fetch(bench: CpuBench, address: number): string {
  bench.pc = address;
  bench.run(1);
  return bench.mode === 'abt' && bench.pc === 0x0c ? `fault ${bench.cpu.s.ifsr.toString(16)}` : 'executed';
}
const word = (address: number): string => `word ${marked(address).toString(16)}`;

describe('table walk (B4.7)', () => {
  it('translates nothing while the MMU is off', () => {
    const { bench } = setUp();
    expect(read(bench, TARGET + 0x400)).toBe(word(TARGET + 0x400));
    expect(read(bench, ALIAS + TARGET)).toBe(word(TARGET));
  });

  it('sections of 1 MiB', () => {
    const { bench, tables } = setUp();
    tables.section(VIRTUAL, TARGET).enable();
    for (const offset of [0, 0x400, 0x10000, 0xff400, 0xffc00]) expect(read(bench, VIRTUAL + offset)).toBe(word(TARGET + offset));
    expect(read(bench, VIRTUAL + 0x100000)).toBe('fault 5');
  });

  it.each([false, true])('large pages of 64 KiB, small ones of 4 KiB, tiny ones of 1 KiB (fine table: %s)', (fine) => {
    const { bench, tables } = setUp();
    tables.large(VIRTUAL + 0x30000, TARGET + 0x20000, { fine }).small(VIRTUAL + 0x5000, TARGET + 0x7000, { fine });
    if (fine) tables.tiny(VIRTUAL + 0x6400, TARGET + 0x9c00);
    tables.enable();
    for (const offset of [0, 0x400, 0x4000, 0xfc00]) expect(read(bench, VIRTUAL + 0x30000 + offset)).toBe(word(TARGET + 0x20000 + offset));
    for (const offset of [0, 0x400, 0x800, 0xc00]) expect(read(bench, VIRTUAL + 0x5000 + offset)).toBe(word(TARGET + 0x7000 + offset));
    if (fine) expect(read(bench, VIRTUAL + 0x6400)).toBe(word(TARGET + 0x9c00));
    expect(read(bench, VIRTUAL + 0x6800)).toBe('fault 7');
    expect(read(bench, VIRTUAL + 0x6000)).toBe('fault 7');
  });

  it('faults on descriptors of type 0, and on a tiny page in a coarse table', () => {
    const { bench, tables } = setUp();
    tables.raw(VIRTUAL, 0, { domain: 6 }).raw(VIRTUAL + 0x1000, TARGET | 0xff3, { domain: 6 });
    tables.raw(VIRTUAL + 0x100000, 0, { domain: 9, fine: true });
    tables.enable({ domains: { 0: DOMAIN.client, 6: DOMAIN.client, 9: DOMAIN.client } });
    expect(read(bench, VIRTUAL)).toBe('fault 67');
    expect(write(bench, VIRTUAL + 0x1000)).toBe('fault 67');
    expect(read(bench, VIRTUAL + 0x100000)).toBe('fault 97');
    expect(write(bench, VIRTUAL + 0x200000)).toBe('fault 5');
  });

  it('finds no descriptors outside RAM, and does not touch a device for them', () => {
    const { bench, tables } = setUp();
    bench.words(tables.first(VIRTUAL), PROBE | 1).words(tables.first(VIRTUAL + 0x100000), 0x30000001);
    tables.enable();
    expect(read(bench, VIRTUAL + 0x1000 * (PROBE_COUNT / 4))).toBe('fault 7');
    expect(read(bench, VIRTUAL + 0x100000)).toBe('fault 7');
    expect([bench.probe.state.fields.count, bench.messages[0]]).toEqual([0, 'cpu: page tables outside RAM (not modelled)']);
  });

  it('reaches devices through a mapping', () => {
    const { bench, tables } = setUp();
    tables.small(VIRTUAL, PROBE).enable();
    expect(read(bench, VIRTUAL + 0x124)).toBe('word 124');
  });
});

describe('domains and access permissions (B4.3)', () => {
  const KINDS = ['section', 'large', 'small', 'tiny'] as const;
  /** [privileged read, privileged write, user read, user write] */
  const MATRIX: readonly (readonly [title: string, ap: number, control: number, allowed: readonly boolean[]])[] = [
    ['AP 0', AP.byControl, 0, [false, false, false, false]],
    ['AP 0 with S', AP.byControl, S, [true, false, false, false]],
    ['AP 0 with R', AP.byControl, R, [true, false, true, false]],
    ['AP 1', AP.privileged, 0, [true, true, false, false]],
    ['AP 2', AP.userReads, 0, [true, true, true, false]],
    ['AP 3', AP.all, 0, [true, true, true, true]],
    // S and R matter for AP 0 alone.
    ['AP 1 with R', AP.privileged, R, [true, true, false, false]],
    ['AP 2 with S', AP.userReads, S, [true, true, true, false]],
  ];

  const map = (tables: PageTables, kind: (typeof KINDS)[number], ap: number, domain: number): void => {
    if (kind === 'section') tables.section(VIRTUAL, TARGET, { ap, domain });
    else if (kind === 'tiny') tables.tiny(VIRTUAL, TARGET, { ap, domain });
    else tables[kind](VIRTUAL, TARGET, { aps: [ap, ap, ap, ap], domain });
  };

  describe.each(KINDS)('%s', (kind) => {
    const section = kind === 'section';

    it.each(MATRIX)('%s', (_, ap, control, allowed) => {
      const { bench, tables } = setUp();
      map(tables, kind, ap, 3);
      tables.enable({ domains: { 0: DOMAIN.client, 3: DOMAIN.client }, control });
      const fault = section ? 'fault 3d' : 'fault 3f';
      for (const [n, mode] of (['svc', 'usr', 'sys', 'irq'] as const).entries()) {
        const [readable, writable] = mode === 'usr' ? [allowed[2], allowed[3]] : [allowed[0], allowed[1]];
        bench.mode = mode;
        expect([mode, read(bench, VIRTUAL)]).toEqual([mode, readable ? `word ${bench.word(TARGET).toString(16)}` : fault]);
        bench.mode = mode;
        expect([mode, write(bench, VIRTUAL + n)]).toEqual([mode, writable ? 'written' : fault]);
        bench.mode = mode;
        expect([mode, fetch(bench, VIRTUAL)]).toEqual([mode, readable ? 'executed' : fault]);
        // What may be executed is followed by what may not: look once more, now from the cache.
        bench.mode = mode;
        expect([mode, fetch(bench, VIRTUAL)]).toEqual([mode, readable ? 'executed' : fault]);
      }
    });

    it('a manager passes without a check, no access and the reserved value give a domain fault', () => {
      const { bench, tables } = setUp();
      map(tables, kind, AP.byControl, 15);
      tables.enable({ domains: { 0: DOMAIN.client, 15: DOMAIN.manager } });
      bench.mode = 'usr';
      expect(read(bench, VIRTUAL)).toBe(word(TARGET));
      expect(write(bench, VIRTUAL)).toBe('written');
      for (const access of [0, 2]) {
        tables.enable({ domains: { 0: DOMAIN.client, 15: access } });
        expect(read(bench, VIRTUAL)).toBe(section ? 'fault f9' : 'fault fb');
        expect(write(bench, VIRTUAL)).toBe(section ? 'fault f9' : 'fault fb');
        expect(fetch(bench, VIRTUAL)).toBe(section ? 'fault f9' : 'fault fb');
      }
    });
  });

  it.each([
    ['large', 0x4000],
    ['small', 0x400],
  ] as const)('are those of the quarter of a %s page', (kind, quarter) => {
    for (const fine of [false, true]) {
      const { bench, tables } = setUp();
      tables[kind](VIRTUAL, TARGET, { aps: [AP.all, AP.userReads, AP.privileged, AP.byControl], fine });
      tables.enable();
      for (let turn = 0; turn < 2; turn++) {
        bench.mode = 'usr';
        expect([read(bench, VIRTUAL), write(bench, VIRTUAL + 2)]).toEqual([word(TARGET), 'written']);
        bench.words(TARGET, marked(TARGET));
        expect(read(bench, VIRTUAL + quarter)).toBe(word(TARGET + quarter));
        expect(write(bench, VIRTUAL + 2 * quarter - 1)).toBe('fault f');
        bench.mode = 'usr';
        expect(read(bench, VIRTUAL + 2 * quarter)).toBe('fault f');
        bench.mode = 'svc';
        expect(read(bench, VIRTUAL + 2 * quarter)).toBe(word(TARGET + 2 * quarter));
        expect(read(bench, VIRTUAL + 3 * quarter)).toBe('fault f');
      }
    }
  });

  it('are checked for each quarter of a page that code runs in', () => {
    const { bench, tables } = setUp();
    bench.words(TARGET + 0x3f8, 0xe1a00000, 0xe1a00000, 0xe1a00000);
    tables.small(VIRTUAL, TARGET, { aps: [AP.all, AP.privileged, AP.all, AP.all] }).enable();
    bench.cpsr = 0x10;
    bench.pc = VIRTUAL + 0x3f8;
    bench.run(3);
    expect([bench.pc, bench.mode, bench.r(14), bench.cpu.s.ifsr]).toEqual([0x0c, 'abt', VIRTUAL + 0x404, 0xf]);
  });

  it('are checked in order: alignment, translation, domain, permission', () => {
    const { bench, tables } = setUp();
    tables.small(VIRTUAL, TARGET, { aps: [0, 0, 0, 0], domain: 5 }).raw(VIRTUAL + 0x1000, 0, { domain: 5 });
    tables.enable({ domains: { 0: DOMAIN.client }, control: 2 });
    expect(read(bench, VIRTUAL + 0x1002)).toBe('fault 1');
    expect(read(bench, VIRTUAL + 0x1000)).toBe('fault 57');
    expect(read(bench, VIRTUAL)).toBe('fault 5b');
    tables.enable({ domains: { 0: DOMAIN.client, 5: DOMAIN.client } });
    expect(read(bench, VIRTUAL)).toBe('fault 5f');
  });
});

describe('LDRT, STRT and their kin', () => {
  it('have the permissions of user mode in any mode', () => {
    const { bench, tables } = setUp();
    tables.small(VIRTUAL, TARGET, { aps: [AP.privileged, AP.userReads, AP.all, AP.all] }).enable();
    const aborts = (line: string, address: number): boolean => {
      bench.mode = 'svc';
      bench.set({ 1: address }).execute(line);
      const aborted = bench.pc === 0x10;
      expect(aborted || bench.pc === 0x8004).toBe(true);
      if (aborted) expect([bench.cpu.s.dfsr, bench.cpu.s.far, bench.r(1)]).toEqual([0xf, address, address]);
      else expect(bench.r(1)).toBe(address + 4);
      return aborted;
    };
    for (let turn = 0; turn < 2; turn++) {
      expect(['ldr r0, [r1], #4', 'ldrt r0, [r1], #4', 'ldrbt r0, [r1], #4'].map((line) => aborts(line, VIRTUAL))).toEqual([false, true, true]);
      expect(['str r0, [r1], #4', 'strt r0, [r1], #4', 'strbt r0, [r1], #4'].map((line) => aborts(line, VIRTUAL + 0x400))).toEqual([
        false,
        true,
        true,
      ]);
      expect(['ldrt r0, [r1], #4', 'ldrbt r0, [r1], #4'].map((line) => aborts(line, VIRTUAL + 0x400))).toEqual([false, false]);
      expect(['strt r0, [r1], #4', 'strbt r0, [r1], #4'].map((line) => aborts(line, VIRTUAL + 0x800))).toEqual([false, false]);
    }
  });

  it('rotate an unaligned word like LDR', () => {
    const { bench } = setUp();
    bench
      .words(TARGET, 0x44332211)
      .set({ 1: TARGET + 1 })
      .execute('ldrt r0, [r1], #4');
    expect(bench.r(0)).toBe(0x11443322);
  });
});

describe('fast context switch extension (B8)', () => {
  const PID = 3 << 25;

  it('moves addresses below 32 MiB to the slot of the process, for data and for instructions', () => {
    const { bench, tables } = setUp();
    // The code is seen at 0 by the process; the rest of the world has it at its slot too.
    tables
      .section(PID, 0)
      .section(PID + 0x100000, TARGET)
      .section(VIRTUAL, TARGET)
      .enable();
    bench.arm(0x8000, 'mcr p15, #0, r2, c13, c0, #0', 'ldr r0, [r1]', 'ldr r3, [r4]', 'mrc p15, #0, r5, c13, c0, #0');
    bench.set({ 1: 0x100400, 2: PID | 0x123, 4: VIRTUAL + 0x800 });
    bench.pc = 0x8000;
    bench.run(4);
    expect([bench.r(0), bench.r(3), bench.r(5)]).toEqual([marked(TARGET + 0x400), marked(TARGET + 0x800), PID]);
  });

  it('gives modified addresses in FAR', () => {
    const { bench, tables } = setUp();
    tables.section(PID, 0).enable();
    bench.cpu.s.fcsePid = PID;
    bench.cpu.dropDerived();
    bench.set({ 1: 0x1f00000 }).execute('ldr r0, [r1]');
    expect([bench.pc, bench.cpu.s.far]).toEqual([0x10, PID + 0x1f00000]);
    bench.mode = 'svc';
    bench.set({ 1: 0x2000000 }).execute('ldr r0, [r1]');
    expect([bench.pc, bench.cpu.s.far]).toEqual([0x10, 0x2000000]);
  });
});

describe('switching the MMU', () => {
  it('on and off takes effect for the next instruction', () => {
    const { bench, tables } = setUp();
    tables.section(VIRTUAL, TARGET).enable();
    bench.cpu.s.control &= ~1;
    bench.arm(0x8000, 'mcr p15, #0, r1, c1, c0, #0', 'ldr r0, [r2]', 'mcr p15, #0, r3, c1, c0, #0', 'ldr r4, [r2]');
    bench.set({ 1: 1, 2: VIRTUAL, 3: 0, 4: 9 });
    bench.pc = 0x8000;
    bench.run(4);
    // Without translation there is nothing at that address.
    expect([bench.r(0), bench.r(4), bench.messages.length]).toEqual([marked(TARGET), 0, 1]);
  });

  it('on goes on at the same virtual address, somewhere else in memory', () => {
    const { bench, tables } = setUp();
    bench.arm(0x8000, 'mcr p15, #0, r1, c1, c0, #0', 'mov r0, #1').arm(TARGET + 0x8000, 'mov r0, #3', 'mov r0, #2');
    tables.section(0, TARGET).enable();
    bench.cpu.s.control &= ~1;
    bench.set({ 1: 1 });
    bench.pc = 0x8000;
    bench.run(2);
    expect(bench.r(0)).toBe(2);
  });

  it('takes vectors from 0xffff0000 through the tables', () => {
    const { bench, tables } = setUp();
    tables.small(0xffff0000, TARGET).enable({ control: 1 << 13 });
    bench
      .arm(TARGET + 8, 'mov r0, #0x77')
      .execute('svc #0')
      .run(1);
    expect([bench.pc, bench.r(0)]).toEqual([0xffff000c, 0x77]);
  });
});
