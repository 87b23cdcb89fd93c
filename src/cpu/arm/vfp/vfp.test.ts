/** System registers, when an instruction is refused, and trapped exceptions. */
import { describe, expect, it } from 'vitest';
import { DZC, IDC, IOC, IXC, OFC, UFC } from './softfloat.ts';
import { assemble, bitsOf, getDouble, rowOf, setDouble, TestHost, vectorOf } from './vfp.suite.ts';
import { FPEXC, FPSCR, FPSID } from './vfp.ts';

const SYS = { FPSID: 0, FPSCR: 1, MVFR0: 7, FPEXC: 8, FPINST: 9, FPINST2: 10 };
const ONE = 0x3f800000;
const TWO = 0x40000000;
const THREE = 0x40400000;
const INF = 0x7f800000;
const SNAN = 0x7f800001;
const LARGEST = 0x7f7fffff;
const SMALLEST_NORMAL = 0x00800000;

describe('VFP access', () => {
  const fmrx = (sys: number): number => assemble('FMRX', { Rd: 1, sys });
  const fmxr = (sys: number): number => assemble('FMXR', { Rd: 1, sys });
  /** Instructions of every class. */
  const ordinary = [
    assemble('FADDS', { Sd: 0, Sn: 1, Sm: 2 }),
    assemble('FCPYD', { Dd: 0, Dm: 1 }),
    assemble('FCMPZS', { Sd: 0 }),
    assemble('FSITOS', { Sd: 0, Sm: 0 }),
    assemble('FMSR', { Sn: 0, Rd: 0 }),
    assemble('FMRS', { Sn: 0, Rd: 0 }),
    assemble('FMDRR', { Dm: 0, Rd: 0, Rn: 1 }),
    assemble('FMRRD', { Dm: 0, Rd: 0, Rn: 1 }),
    assemble('FLDS', { Sd: 0, Rn: 0 }),
    assemble('FSTMIAS', { Sd: 0, Rn: 0, o: 1 }),
    assemble('FMSTAT'),
    fmrx(SYS.FPSCR),
    fmxr(SYS.FPSCR),
  ];

  it('is off after reset: only privileged accesses to the other system registers work', () => {
    const host = new TestHost();
    host.fpexc = 0;
    host.memory.set(0, 0);
    for (const insn of ordinary) expect([rowOf(insn)?.name, host.run(insn)]).toEqual([rowOf(insn)?.name, false]);
    for (const sys of [SYS.FPSID, SYS.FPEXC, SYS.FPINST, SYS.FPINST2]) expect(host.run(fmrx(sys))).toBe(true);
    host.privileged = false;
    for (const sys of Object.values(SYS)) {
      expect(host.run(fmrx(sys))).toBe(false);
      expect(host.run(fmxr(sys))).toBe(false);
    }
  });

  it('gives a user the arithmetic, FPSID and FPSCR when it is on', () => {
    const host = new TestHost();
    host.privileged = false;
    host.memory.set(0, 0);
    for (const insn of ordinary) expect([rowOf(insn)?.name, host.run(insn)]).toEqual([rowOf(insn)?.name, true]);
    expect(host.run(fmrx(SYS.FPSID))).toBe(true);
    expect(host.r[1] >>> 0).toBe(FPSID);
    for (const sys of [SYS.FPEXC, SYS.FPINST, SYS.FPINST2, SYS.MVFR0]) expect(host.run(fmrx(sys))).toBe(false);
  });

  it('keeps the bits that exist', () => {
    const host = new TestHost();
    const written = (sys: number): number => {
      host.r[1] = -1;
      expect(host.run(fmxr(sys))).toBe(true);
      expect(host.run(fmrx(sys))).toBe(true);
      return host.r[1] >>> 0;
    };
    expect(written(SYS.FPSCR)).toBe(0xf3f79f9f);
    expect(written(SYS.FPSID)).toBe(FPSID);
    expect(written(SYS.FPINST)).toBe(0xffffffff);
    expect(written(SYS.FPINST2)).toBe(0xffffffff);
    expect(written(SYS.FPEXC)).toBe(0xd000078d);
    expect(host.run(fmxr(SYS.MVFR0))).toBe(false);
  });

  it('starts with the FPINST of the manual', () => {
    const host = new TestHost();
    host.run(fmrx(SYS.FPINST));
    expect(host.r[1] >>> 0).toBe(0xee000a00);
  });
});

describe('VFP traps', () => {
  const enable = (exceptions: number): number => exceptions << FPSCR.ENABLE_SHIFT;
  const NO_MORE = 7 << FPEXC.VECITR_SHIFT;

  it('bounces the instruction after the exceptional one, as Linux expects it', () => {
    const host = new TestHost();
    host.vfp.set([ONE, 0, THREE]);
    host.fpscr = enable(DZC);
    const divide = assemble('FDIVS', { Sd: 2, Sn: 0, Sm: 1 }) & 0x0fffffff; // EQ
    expect(host.run(divide)).toBe(true);
    expect(host.vfp[2]).toBe(THREE);
    expect(host.fpscr).toBe(enable(DZC));
    expect(host.fpinst).toBe((divide | 0xe0000000) >>> 0);
    expect(host.fpexc).toBe((FPEXC.EX | FPEXC.EN | NO_MORE) >>> 0);

    for (const insn of [
      assemble('FMSTAT'),
      assemble('FMRS', { Sn: 0, Rd: 0 }),
      assemble('FCPYS', { Sd: 0, Sm: 1 }),
      assemble('FMRX', { Rd: 0, sys: SYS.FPSCR }),
    ]) {
      expect(host.run(insn)).toBe(false);
    }
    host.privileged = false;
    expect(host.run(assemble('FMRX', { Rd: 0, sys: SYS.FPSID }))).toBe(false);
    host.privileged = true;
    expect(host.run(assemble('FMRX', { Rd: 0, sys: SYS.FPINST }))).toBe(true);
    expect(host.r[0] | 0).toBe(divide | 0xe0000000);
    host.r[0] = FPEXC.EN;
    expect(host.run(assemble('FMXR', { Rd: 0, sys: SYS.FPEXC }))).toBe(true);
    expect(host.run(assemble('FMSTAT'))).toBe(true);
  });

  it.each([
    ['invalid operation', 'FMULS', INF, 0, IOC, FPEXC.IOC],
    ['overflow', 'FMULS', LARGEST, TWO, OFC, FPEXC.OFC],
    ['underflow', 'FMULS', SMALLEST_NORMAL | 1, 0x3f000000, UFC, FPEXC.UFC],
    ['underflow, though exact', 'FMULS', SMALLEST_NORMAL, 0x3f000000, UFC, FPEXC.UFC],
  ])('traps %s only when that is enabled', (_, name, a, b, exception, cause) => {
    const run = (fpscr: number): TestHost => {
      const host = new TestHost();
      host.vfp.set([0x1234, a, b]);
      host.fpscr = fpscr;
      expect(host.run(assemble(name, { Sd: 0, Sn: 1, Sm: 2 }))).toBe(true);
      return host;
    };
    const trapped = run(enable(exception));
    expect([trapped.vfp[0], trapped.fpscr, trapped.fpexc]).toEqual([0x1234, enable(exception), (FPEXC.EX | FPEXC.EN | NO_MORE | cause) >>> 0]);
    const others = enable((IOC | DZC | OFC | UFC | IDC) & ~exception);
    const untrapped = run(others);
    expect(untrapped.vfp[0]).not.toBe(0x1234);
    expect(untrapped.fpexc).toBe(FPEXC.EN);
  });

  it('traps flushed operands but not flushed results', () => {
    const host = new TestHost();
    host.fpscr = FPSCR.FZ | enable(UFC);
    host.vfp.set([0, SMALLEST_NORMAL, 0x3f000000]);
    host.run(assemble('FMULS', { Sd: 0, Sn: 1, Sm: 2 }));
    expect([host.vfp[0], host.fpscr, host.fpexc]).toEqual([0, FPSCR.FZ | enable(UFC) | UFC, FPEXC.EN]);
    host.fpscr = FPSCR.FZ | enable(IDC);
    host.vfp[1] = 1;
    host.run(assemble('FADDS', { Sd: 0, Sn: 1, Sm: 2 }));
    expect([host.vfp[0], host.fpexc]).toEqual([0, (FPEXC.EX | FPEXC.EN | NO_MORE | FPEXC.INV) >>> 0]);
  });

  it('leaves the flags of a trapped comparison and the destination of a trapped conversion', () => {
    const host = new TestHost();
    host.fpscr = 0xf0000000 + enable(IOC);
    host.vfp[0] = SNAN;
    host.run(assemble('FCMPZS', { Sd: 0 }));
    expect([host.fpscr, host.fpinst]).toEqual([0xf0000000 + enable(IOC), assemble('FCMPZS', { Sd: 0 }) >>> 0]);
    host.fpexc = FPEXC.EN;
    host.vfp[9] = 42;
    host.run(assemble('FTOSIZS', { Sd: 9, Sm: 0 }));
    expect([host.vfp[9], host.fpexc | 0]).toEqual([42, FPEXC.EX | FPEXC.EN | NO_MORE | FPEXC.IOC]);
  });

  it('stops a vector at the exceptional element and says which and how many are left', () => {
    const host = new TestHost();
    host.fpscr = vectorOf(4) | enable(DZC);
    host.vfp.set([ONE, TWO, THREE, ONE], 14 + 8);
    host.vfp.set([ONE, 0, ONE, ONE], 24);
    host.vfp.set([TWO, THREE], 16);
    host.vfp.fill(0x77, 8, 16);
    host.run(assemble('FDIVS', { Sd: 15, Sn: 23, Sm: 24 }));
    expect([...host.vfp.subarray(8, 16)]).toEqual([0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, TWO]);
    expect(host.fpinst).toBe(assemble('FDIVS', { Sd: 8, Sn: 16, Sm: 25 }) >>> 0);
    expect((host.fpexc & FPEXC.VECITR_MASK) >>> FPEXC.VECITR_SHIFT).toBe(1);
  });

  it('keeps the opcode and the scalar when a vector of doubles with one operand stops', () => {
    const host = new TestHost();
    host.fpscr = vectorOf(2) | enable(IOC);
    setDouble(host, 15, bitsOf(4));
    setDouble(host, 12, bitsOf(-4));
    host.run(assemble('FSQRTD', { Dd: 7, Dm: 15 }));
    expect(getDouble(host, 7)).toBe(bitsOf(2));
    expect(host.fpinst).toBe(assemble('FSQRTD', { Dd: 4, Dm: 12 }) >>> 0);
    expect(host.fpexc & FPEXC.VECITR_MASK).toBe(NO_MORE);
  });

  it('refuses all data processing at once while inexact results trap', () => {
    const host = new TestHost();
    host.fpscr = enable(IXC);
    for (const insn of [
      assemble('FADDS', { Sd: 0, Sn: 1, Sm: 2 }),
      assemble('FCPYD', { Dd: 0, Dm: 1 }),
      assemble('FCMPZS', { Sd: 0 }),
      assemble('FSITOD', { Dd: 0, Sm: 1 }),
    ]) {
      expect(host.run(insn)).toBe(false);
    }
    expect([host.fpexc, host.fpinst]).toEqual([FPEXC.EN, 0xee000a00]);
    expect(host.run(assemble('FMRS', { Sn: 0, Rd: 0 }))).toBe(true);
    expect(host.run(assemble('FMSTAT'))).toBe(true);
  });
});
