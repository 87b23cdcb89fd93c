import { describe, expect, it } from 'vitest';
import type { Machine } from '../../boards/machine.ts';
import { buildMachine } from '../../session/build.ts';
import { bios, OPTIONS, program } from '../../session/session.suite.ts';
import { icount } from '../../time/units.ts';

const TABLES = `
  mov r0, #0x8000         ; sections: 0x40000000 is RAM at 0, 0 is itself
  mov r1, #0xc00
  orr r1, r1, #0x12
  str r1, [r0]
  add r2, r0, #0x1000
  str r1, [r2]
  mcr p15, #0, r0, c2, c0, #0
  mov r3, #1
  mcr p15, #0, r3, c3, c0, #0
  mrc p15, #0, r4, c1, c0, #0
  orr r4, r4, #1
  mcr p15, #0, r4, c1, c0, #0
  loop:
  b @loop
`;

function machineAt(count: number, text = TABLES): Machine {
  const machine = buildMachine(OPTIONS, bios(program(text)), () => {});
  machine.advance(icount(count), count);
  return machine;
}

describe('a look into the CPU', () => {
  it('goes through the tables that are in use, and leaves no trace', () => {
    const flat = machineAt(5).cpu.debug;
    expect(flat.translate(0x40000010)).toBe(0x40000010);
    const { cpu } = machineAt(14);
    const before = cpu.state.save();
    expect(cpu.debug.translate(0x40012345)).toBe(0x12345);
    expect(cpu.debug.translate(0x1004)).toBe(0x1004);
    expect(cpu.debug.translate(0x50000000)).toBeUndefined();
    cpu.inspector.registers();
    expect(cpu.state.diff(before)).toEqual([]);
  });

  it('knows the registers by all their names', () => {
    const { inspector } = machineAt(6).cpu;
    expect(inspector.register('r1')).toBe(0xc12);
    expect(inspector.register('pc')).toBe(inspector.register('r15'));
    expect(inspector.register('sp')).toBe(inspector.register('r13'));
    expect(inspector.register('cpsr')).toBe(0xd3);
    for (const name of ['r16', 'r01', 'R1', 'constructor', '']) expect(inspector.register(name), name).toBeUndefined();
  });

  it('lays them out as QEMU does', () => {
    const lines = machineAt(6).cpu.inspector.registers().split('\n');
    expect(lines[0]).toBe('R00=00008000 R01=00000c12 R02=00009000 R03=00000000');
    expect(lines[3]).toBe('R12=00000000 R13=00000000 R14=00000000 R15=00000018');
    expect(lines[4]).toBe('PSR=000000d3 ---- A svc32');
    expect(lines.at(-1)).toBe('FPSCR: 00000000');
  });
});
