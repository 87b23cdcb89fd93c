import { it } from 'vitest';
import { disassembleArm, disassembleThumb } from '../isa/disassemble.ts';
import { CpuBench } from './cpu-bench.suite.ts';
import { fuzzProgram, RAM_BYTES } from './fuzz.suite.ts';
import { Random } from './random.suite.ts';

it('x', () => {
  const seed = Number(process.env.SEED);
  // run both one instruction at a time, the other dropping at random like the runner; find first difference
  for (let rs = 0; rs < 40; rs++) {
    const a = fuzzProgram(seed);
    const b = new CpuBench(RAM_BYTES);
    b.restore(a.snapshot());
    const random = new Random(seed + rs * 1000);
    const log: string[] = [];
    while (a.cpu.icount() < 1500) {
      const n = 1 + random.below(30);
      const at = a.cpu.icount();
      const pcs: string[] = [];
      for (let i = 0; i < n; i++) {
        const off = a.pc < RAM_BYTES ? a.pc : a.pc & 0xfffff;
        pcs.push(
          `${a.cpu.icount()} ${a.pc.toString(16)} ${a.mode} ctl ${a.cpu.s.control.toString(16)} lk ${a.cpu.s.tlbLockdown.toString(16)} pid ${a.cpu.s.fcsePid.toString(16)}: ${a.cpu.s.t ? disassembleThumb(a.memory.halves[(0x10000 + off) >> 1], a.pc) : disassembleArm(a.word(off), a.pc)}`,
        );
        if (!a.advance(at + i + 1, 1)) break;
      }
      b.advance(at + n, 1000);
      log.push(...pcs);
      const d = a.differences(b.snapshot());
      if (d.length) {
        console.log(rs, d, `pc ${a.pc.toString(16)} ${b.pc.toString(16)}`, '\n' + log.slice(-n - 12).join('\n'));
        return;
      }
      if (a.cpu.s.halted && a.probe.nextWakeup() === Infinity) break;
      const choice = random.below(4);
      if (choice === 0) b.cpu.dropDerived();
      if (choice === 1) {
        for (let p = 0; p < b.memory.flags.length; p++) b.memory.flags[p] &= ~1;
        b.cpu.dropStores();
      }
      if (choice === 2) b.restore(b.snapshot());
    }
  }
});
