/** What the VFP uses of the CPU. */
import type { Arm926 } from './cpu.ts';
import { MODE } from './psr.ts';
import type { VfpHost } from './vfp/vfp.ts';

export function vfpHost(cpu: Arm926): VfpHost {
  const { s } = cpu;
  return Object.freeze({
    r: cpu.r,
    vfp: s.vfp,
    get fpscr() {
      return s.fpscr;
    },
    set fpscr(value: number) {
      s.fpscr = value;
    },
    get fpexc() {
      return s.fpexc;
    },
    set fpexc(value: number) {
      s.fpexc = value;
    },
    get fpinst() {
      return s.fpinst;
    },
    set fpinst(value: number) {
      s.fpinst = value;
    },
    get fpinst2() {
      return s.fpinst2;
    },
    set fpinst2(value: number) {
      s.fpinst2 = value;
    },
    get privileged() {
      return s.mode !== MODE.usr;
    },
    wordAddress(address: number) {
      if (address & 3) cpu.mmu.checkAlignment(address);
      return address & ~3;
    },
    load32: (address: number) => cpu.load32(address),
    store32: (address: number, value: number) => cpu.store32(address, value),
    setFlags(flags: number) {
      cpu.nzcv[0] = (flags >>> 3) & 1;
      cpu.nzcv[1] = (flags >>> 2) & 1;
      cpu.nzcv[2] = (flags >>> 1) & 1;
      cpu.nzcv[3] = flags & 1;
    },
  });
}
