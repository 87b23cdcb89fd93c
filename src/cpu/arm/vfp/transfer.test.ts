/** Moves between VFP registers, core registers and memory. */
import { describe, expect, it } from 'vitest';
import { assemble, TestHost } from './vfp.suite.ts';

describe('VFP moves', () => {
  it('moves words between the core and singles and halves of doubles', () => {
    const host = new TestHost();
    host.r[3] = -2;
    host.run(assemble('FMSR', { Sn: 31, Rd: 3 }));
    host.run(assemble('FMDLR', { Dn: 2, Rd: 3 }));
    host.r[3] = 7;
    host.run(assemble('FMDHR', { Dn: 2, Rd: 3 }));
    expect([host.vfp[31], host.vfp[4], host.vfp[5]]).toEqual([0xfffffffe, 0xfffffffe, 7]);
    host.run(assemble('FMRS', { Sn: 31, Rd: 4 }));
    host.run(assemble('FMRDL', { Dn: 2, Rd: 5 }));
    host.run(assemble('FMRDH', { Dn: 2, Rd: 6 }));
    expect([...host.r.subarray(4, 7)]).toEqual([-2, -2, 7]);
  });

  it('moves pairs, Rd first', () => {
    const host = new TestHost();
    host.r.set([10, 11]);
    host.run(assemble('FMSRR', { Sm: 7, Rd: 0, Rn: 1 }));
    host.run(assemble('FMDRR', { Dm: 9, Rd: 1, Rn: 0 }));
    expect([host.vfp[7], host.vfp[8], host.vfp[18], host.vfp[19]]).toEqual([10, 11, 11, 10]);
    host.run(assemble('FMRRS', { Sm: 18, Rd: 2, Rn: 3 }));
    host.run(assemble('FMRRD', { Dm: 9, Rd: 4, Rn: 5 }));
    expect([...host.r.subarray(2, 6)]).toEqual([11, 10, 11, 10]);
  });

  it.each([
    ['FMSRR', { Sm: 31, Rd: 0, Rn: 1 }],
    ['FMRRS', { Sm: 31, Rd: 0, Rn: 1 }],
    ['FMDRR', { Dm: 0, Rd: 15, Rn: 1 }],
    ['FMRRD', { Dm: 0, Rd: 0, Rn: 15 }],
  ])('%s of registers that do not exist or R15 is undefined', (name, operands) => {
    expect(new TestHost().run(assemble(name, operands))).toBe(false);
  });

  it('moves flags: FMSTAT, and any other move to R15', () => {
    const host = new TestHost();
    host.fpscr = 0xa0000000;
    host.run(assemble('FMSTAT'));
    expect(host.nzcv).toBe(0b1010);
    host.vfp[3] = 0x5fffffff;
    host.run(assemble('FMRS', { Sn: 3, Rd: 15 }));
    expect(host.nzcv).toBe(0b0101);
    expect(host.r[15]).toBe(0);
  });
});

describe('VFP loads and stores', () => {
  function memory(...words: number[]): TestHost {
    const host = new TestHost();
    words.forEach((word, i) => {
      host.memory.set(0x1000 + 4 * i, word);
    });
    host.r[1] = 0x1000;
    return host;
  }

  it('adds and subtracts offsets, from R15 too', () => {
    const host = memory(1, 2, 3, 4);
    host.run(assemble('FLDS', { Sd: 9, Rn: 1, U: 1, o: 2 }));
    host.r[1] = 0x100c;
    host.run(assemble('FLDD', { Dd: 8, Rn: 1, U: 0, o: 2 }));
    host.r[15] = 0x1008;
    host.run(assemble('FLDS', { Sd: 0, Rn: 15, U: 0, o: 1 }));
    expect([host.vfp[9], host.vfp[16], host.vfp[17], host.vfp[0]]).toEqual([3, 2, 3, 2]);
    host.run(assemble('FSTD', { Dd: 8, Rn: 1, U: 0, o: 3 }));
    host.run(assemble('FSTS', { Sd: 9, Rn: 1, U: 1 }));
    expect([...host.memory.values()]).toEqual([2, 3, 3, 3]);
  });

  it('ignores the low address bits, or aborts if alignment is checked', () => {
    const host = memory(5, 6);
    host.r[1] = 0x1003;
    host.run(assemble('FLDS', { Sd: 0, Rn: 1, U: 1 }));
    expect(host.vfp[0]).toBe(5);
    host.checksAlignment = true;
    expect(() => host.run(assemble('FSTS', { Sd: 0, Rn: 1, U: 1 }))).toThrow('abort');
  });

  it('loads and stores lists upwards and downwards, and writes back', () => {
    const host = memory(1, 2, 3, 4, 5, 6);
    host.run(assemble('FLDMIAS', { Sd: 5, Rn: 1, W: 1, o: 3 }));
    expect(host.r[1]).toBe(0x100c);
    expect([...host.vfp.subarray(4, 9)]).toEqual([0, 1, 2, 3, 0]);
    host.run(assemble('FSTMDBS', { Sd: 6, Rn: 1, o: 2 }));
    expect(host.r[1]).toBe(0x1004);
    host.run(assemble('FLDMIAD', { Dd: 14, Rn: 1, W: 0, o: 2 }));
    expect(host.r[1]).toBe(0x1004);
    expect([...host.vfp.subarray(28)]).toEqual([2, 3, 4, 5]);
    host.run(assemble('FSTMIAD', { Dd: 14, Rn: 1, W: 1, o: 1 }));
    expect([...host.memory.values()]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('skips the extra word of the X forms', () => {
    const host = memory(1, 2, 3, 4, 5);
    host.run(assemble('FLDMIAX', { Dd: 0, Rn: 1, W: 1, o: 2 }));
    expect(host.r[1]).toBe(0x1014);
    expect([...host.vfp.subarray(0, 5)]).toEqual([1, 2, 3, 4, 0]);
    host.vfp[0] = 9;
    host.run(assemble('FSTMDBX', { Dd: 0, Rn: 1, o: 2 }));
    expect(host.r[1]).toBe(0x1000);
    expect([...host.memory.values()]).toEqual([9, 2, 3, 4, 5]);
  });

  it('leaves the base and all registers alone when a load aborts, and the base when a store does', () => {
    const host = memory(1, 2, 3);
    for (const name of ['FLDMIAS', 'FSTMIAS']) expect(() => host.run(assemble(name, { Sd: 0, Rn: 1, W: 1, o: 4 }))).toThrow('abort');
    host.r[1] = 0x1008;
    expect(() => host.run(assemble('FLDD', { Dd: 0, Rn: 1, U: 1 }))).toThrow('abort');
    expect(host.r[1]).toBe(0x1008);
    expect(host.vfp.every((word) => word === 0)).toBe(true);
  });

  it.each([
    ['FLDMIAS', { Sd: 0, Rn: 1, o: 0 }],
    ['FLDMIAS', { Sd: 30, Rn: 1, o: 3 }],
    ['FLDMIAD', { Dd: 0, Rn: 1, o: 0 }],
    ['FLDMIAD', { Dd: 0, Rn: 1, o: 17 }],
    ['FSTMIAX', { Dd: 0, Rn: 1, o: 0 }],
    ['FSTMDBX', { Dd: 15, Rn: 1, o: 2 }],
    ['FSTMDBS', { Sd: 0, Rn: 15, o: 1 }],
  ])('%s with an impossible list or base %o is undefined', (name, operands) => {
    expect(memory(1, 2, 3).run(assemble(name, operands))).toBe(false);
  });
});
