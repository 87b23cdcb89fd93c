/** Arithmetic where the golden file cannot tell, flush-to-zero as the VFP9-S does it above all, and short vectors. */
import { describe, expect, it } from 'vitest';
import { DZC, IDC, IOC, IXC, OFC, UFC } from './softfloat.ts';
import { assemble, bitsOf, getDouble, rowOf, setDouble, TestHost, vectorOf } from './vfp.suite.ts';
import { FPSCR } from './vfp.ts';

const ONE = 0x3f800000;
const TWO = 0x40000000;
const THREE = 0x40400000;
const INF = 0x7f800000;
const QNAN = 0x7fc00000;
const SNAN = 0x7f800001;
const MINUS_ZERO = 0x80000000;
const LARGEST = 0x7f7fffff;
const SMALLEST_NORMAL = 0x00800000;
const MINUS_SUBNORMAL = 0x80000003;

/** S0 = operation(S1, S2) with S0 holding `s0` before; returns S0 and the exceptions. */
function single(name: string, fpscr: number, s1: number, s2 = 0, s0 = 0): [number, number] {
  const host = new TestHost();
  host.vfp.set([s0, s1, s2]);
  host.fpscr = fpscr;
  const monadic = !rowOf(assemble(name))?.syntax.includes('Sn');
  expect(host.run(assemble(name, monadic ? { Sd: 0, Sm: 1 } : { Sd: 0, Sn: 1, Sm: 2 }))).toBe(true);
  return [host.vfp[0], host.fpscr & 0xff];
}

describe('VFP arithmetic', () => {
  it('returns the first signalling NaN made quiet, else the first NaN', () => {
    expect(single('FADDS', 0, QNAN | 5, SNAN)).toEqual([QNAN | 1, IOC]);
    expect(single('FADDS', 0, SNAN | 8, SNAN)).toEqual([QNAN | 9, IOC]);
    expect(single('FADDS', 0, QNAN | 5, QNAN | 6)).toEqual([QNAN | 5, 0]);
    expect(single('FADDS', 0, ONE, (QNAN | 6 | MINUS_ZERO) >>> 0)).toEqual([(QNAN | 6 | MINUS_ZERO) >>> 0, 0]);
    expect(single('FADDS', FPSCR.DN, QNAN | 5, SNAN)).toEqual([QNAN, IOC]);
    expect(single('FSUBS', 0, ONE, QNAN | 6)).toEqual([QNAN | 6, 0]);
  });

  it('lets copies, negation and magnitude pass everything unchanged', () => {
    const fpscr = FPSCR.DN | FPSCR.FZ;
    expect(single('FCPYS', fpscr, SNAN)).toEqual([SNAN, 0]);
    expect(single('FNEGS', fpscr, SNAN)).toEqual([0xff800001, 0]);
    expect(single('FABSS', fpscr, MINUS_SUBNORMAL)).toEqual([3, 0]);
  });

  it('rounds twice in a multiply-accumulate', () => {
    // (1 + 2^-23)^2 rounds to 1 + 2^-22 before 1 + 2^-22 is taken away: a fused operation would leave 2^-46.
    expect(single('FMSCS', 0, ONE | 1, ONE | 1, ONE | 2)).toEqual([0, IXC]);
    expect(single('FMACS', 0, LARGEST, TWO, 0xff800000)).toEqual([QNAN, OFC | IXC | IOC]);
  });

  it('negates in each of the four multiply-accumulates as its name says', () => {
    const value = (name: string): number => single(name, 0, TWO, THREE, ONE)[0];
    expect(['FMACS', 'FNMACS', 'FMSCS', 'FNMSCS'].map(value)).toEqual([0x40e00000, 0xc0a00000, 0x40a00000, 0xc0e00000]);
  });

  it('detects underflow before rounding', () => {
    // (1 - 2^-24) * 2^-126 rounds up to the smallest normal number.
    expect(single('FMULS', 0, 0x3f7fffff, SMALLEST_NORMAL)).toEqual([SMALLEST_NORMAL, UFC | IXC]);
    // Exact subnormal results do not underflow.
    expect(single('FMULS', 0, 0x3f000000, SMALLEST_NORMAL)).toEqual([0x00400000, 0]);
  });

  it('flushes subnormal operands to +0, whatever their sign, and says so', () => {
    expect(single('FADDS', FPSCR.FZ, MINUS_SUBNORMAL, MINUS_ZERO)).toEqual([0, IDC]);
    expect(single('FSUBS', FPSCR.FZ, MINUS_ZERO, MINUS_SUBNORMAL)).toEqual([MINUS_ZERO, IDC]);
    expect(single('FSUBS', FPSCR.FZ, MINUS_ZERO, 3)).toEqual([MINUS_ZERO, IDC]);
    expect(single('FDIVS', FPSCR.FZ, ONE, MINUS_SUBNORMAL)).toEqual([INF, IDC | DZC]);
    expect(single('FMULS', FPSCR.FZ, MINUS_SUBNORMAL, INF)).toEqual([QNAN, IDC | IOC]);
    expect(single('FSQRTS', FPSCR.FZ, MINUS_SUBNORMAL)).toEqual([0, IDC]);
    expect(single('FTOSIS', FPSCR.FZ, MINUS_SUBNORMAL)).toEqual([0, IDC]);
    expect(single('FSQRTS', 0, MINUS_SUBNORMAL)).toEqual([QNAN, IOC]);
  });

  it('flushes tiny results to +0 before rounding, with underflow but not inexact', () => {
    expect(single('FMULS', FPSCR.FZ, 0x3f7fffff, SMALLEST_NORMAL)).toEqual([0, UFC]);
    expect(single('FMULS', FPSCR.FZ, 0xbf000000, SMALLEST_NORMAL)).toEqual([0, UFC]);
  });

  it('compares: less, equal, greater, unordered', () => {
    const host = new TestHost();
    const flags = (name: string, a: number, b: number): [number, number] => {
      host.vfp.set([a, b]);
      host.fpscr = 0xf0000000;
      expect(host.run(assemble(name, name.includes('Z') ? { Sd: 0 } : { Sd: 0, Sm: 1 }))).toBe(true);
      return [host.fpscr >>> 28, host.fpscr & 0xff];
    };
    expect(flags('FCMPS', ONE, TWO)).toEqual([0b1000, 0]);
    expect(flags('FCMPS', 0, MINUS_ZERO)).toEqual([0b0110, 0]);
    expect(flags('FCMPES', 0xbf800000, 0xff800000)).toEqual([0b0010, 0]);
    expect(flags('FCMPS', QNAN, ONE)).toEqual([0b0011, 0]);
    expect(flags('FCMPES', ONE, QNAN)).toEqual([0b0011, IOC]);
    expect(flags('FCMPS', ONE, SNAN)).toEqual([0b0011, IOC]);
    expect(flags('FCMPZS', MINUS_SUBNORMAL, ONE)).toEqual([0b1000, 0]);
    expect(flags('FCMPEZS', SNAN, ONE)).toEqual([0b0011, IOC]);
    host.vfp[0] = 3;
    host.fpscr = FPSCR.FZ;
    host.run(assemble('FCMPZS', { Sd: 0 }));
    expect(host.fpscr).toBe(FPSCR.FZ | 0x60000000 | IDC);
  });

  it('collects exceptions until software clears them', () => {
    const host = new TestHost();
    host.vfp.set([ONE, 0, THREE]);
    host.run(assemble('FDIVS', { Sd: 4, Sn: 0, Sm: 1 }));
    host.run(assemble('FDIVS', { Sd: 5, Sn: 0, Sm: 2 }));
    host.run(assemble('FCPYS', { Sd: 6, Sm: 0 }));
    expect(host.fpscr).toBe(DZC | IXC);
  });
});

describe('VFP short vectors', () => {
  /** Each register holds its own number, as a float. */
  function numbered(fpscr: number): TestHost {
    const host = new TestHost();
    host.vfp.set(new Uint32Array(Float32Array.from({ length: 32 }, (_, n) => n).buffer));
    host.fpscr = fpscr;
    return host;
  }
  const floats = (host: TestHost): number[] => [...new Float32Array(host.vfp.slice().buffer)];
  /** Registers that changed, with their new value. */
  const changes = (host: TestHost): [number, number][] => floats(host).flatMap((x, n) => (x === n ? [] : [[n, x]]));

  it('wraps within each bank', () => {
    const host = numbered(vectorOf(3));
    host.run(assemble('FADDS', { Sd: 14, Sn: 23, Sm: 31 }));
    expect(changes(host)).toEqual([
      [8, 17 + 25],
      [14, 23 + 31],
      [15, 16 + 24],
    ]);
  });

  it('goes in steps of two with stride 0b11', () => {
    const host = numbered(vectorOf(4, 3));
    host.run(assemble('FADDS', { Sd: 13, Sn: 16, Sm: 25 }));
    expect(changes(host)).toEqual([
      [9, 20 + 29],
      [11, 22 + 31],
      [13, 16 + 25],
      [15, 18 + 27],
    ]);
  });

  it('uses a second operand in the first bank for all elements, but a first operand there as a vector', () => {
    const host = numbered(vectorOf(2));
    host.run(assemble('FSUBS', { Sd: 8, Sn: 7, Sm: 1 }));
    expect(changes(host)).toEqual([
      [8, 6],
      [9, -1],
    ]);
  });

  it('is scalar when the destination is in the first bank', () => {
    const host = numbered(vectorOf(8));
    host.run(assemble('FMULS', { Sd: 7, Sn: 9, Sm: 10 }));
    expect(changes(host)).toEqual([[7, 90]]);
  });

  it('accumulates into a vector', () => {
    const host = numbered(vectorOf(2));
    host.run(assemble('FMACS', { Sd: 15, Sn: 16, Sm: 24 }));
    expect(changes(host)).toEqual([
      [8, 8 + 17 * 25],
      [15, 15 + 16 * 24],
    ]);
  });

  it('copies vectors, and one scalar into a vector', () => {
    const host = numbered(vectorOf(3));
    host.run(assemble('FNEGS', { Sd: 15, Sm: 30 }));
    host.run(assemble('FCPYS', { Sd: 16, Sm: 5 }));
    expect(changes(host)).toEqual([
      [8, -31],
      [9, -24],
      [15, -30],
      [16, 5],
      [17, 5],
      [18, 5],
    ]);
  });

  it('has banks of four doubles', () => {
    const host = new TestHost();
    for (let d = 0; d < 16; d++) setDouble(host, d, bitsOf(d));
    host.fpscr = vectorOf(3);
    host.run(assemble('FNEGD', { Dd: 10, Dm: 7 }));
    host.run(assemble('FADDD', { Dd: 15, Dn: 4, Dm: 2 }));
    const expected = [0, 1, 2, 3, 4, 5, 6, 7, -5, 9, -7, -4, 7, 8, 14, 6];
    expect(expected.map((_, d) => getDouble(host, d))).toEqual(expected.map(bitsOf));
    host.fpscr = vectorOf(2, 3);
    host.run(assemble('FABSD', { Dd: 7, Dm: 8 }));
    expect([getDouble(host, 7), getDouble(host, 5)]).toEqual([5, 7].map(bitsOf));
  });

  it('never applies to comparisons and conversions', () => {
    const host = numbered(vectorOf(4));
    host.run(assemble('FTOSIS', { Sd: 8, Sm: 16 }));
    host.run(assemble('FCMPS', { Sd: 8, Sm: 9 }));
    expect(host.vfp[8]).toBe(16);
    expect(changes(host).map(([n]) => n)).toEqual([8]);
  });

  it('gives lengths and strides that the manual forbids a fixed meaning', () => {
    const long = numbered(vectorOf(6, 3));
    long.run(assemble('FADDS', { Sd: 8, Sn: 16, Sm: 0 }));
    expect(changes(long)).toEqual([
      [8, 16],
      [10, 18],
      [12, 20],
      [14, 22],
    ]);
    const odd = numbered(vectorOf(2, 2));
    odd.run(assemble('FADDS', { Sd: 8, Sn: 16, Sm: 1 }));
    expect(changes(odd)).toEqual([
      [8, 17],
      [9, 18],
    ]);
  });
});
