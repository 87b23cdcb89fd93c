import { describe, expect, it } from 'vitest';
import { Bench, deviceContract } from '../contract.suite.ts';
import { IntegratorPic } from './integrator-pic.ts';

const make = (bench: Bench): IntegratorPic => new IntegratorPic('pic', { irq: bench.line('irq'), fiq: bench.line('fiq'), log: bench.log });

deviceContract('Integrator PIC', make, {
  window: 0x40,
  stimulate: (device, choice) => (device as IntegratorPic).input(choice & 31).set((choice & 32) !== 0),
});

describe('Integrator PIC', () => {
  it('raises IRQ and FIQ from their own masks only', () => {
    const bench = new Bench();
    const pic = make(bench);
    pic.input(5).set(true);
    expect(pic.read(0x04, 4)).toBe(0x20);
    expect(bench.lines.get('irq')).toBe(false);
    pic.write(0x08, 4, 0x20);
    expect(bench.lines.get('irq')).toBe(true);
    expect(bench.lines.get('fiq')).toBe(false);
    pic.write(0x28, 4, 0x20);
    expect(bench.lines.get('fiq')).toBe(true);
    pic.write(0x0c, 4, 0x20);
    expect(bench.lines.get('irq')).toBe(false);
    expect(pic.read(0x20, 4)).toBe(0x20);
  });

  it('follows the level of its inputs: no latch', () => {
    const bench = new Bench();
    const pic = make(bench);
    pic.write(0x08, 4, 0x80000000);
    pic.input(31).set(true);
    expect(pic.read(0x00, 4)).toBe(0x80000000);
    pic.input(31).set(false);
    expect(pic.read(0x00, 4)).toBe(0);
    expect(bench.edges).toEqual(['irq=1', 'irq=0']);
  });

  it('has a software interrupt on input 0', () => {
    const bench = new Bench();
    const pic = make(bench);
    pic.write(0x08, 4, 1);
    pic.write(0x10, 4, 1);
    expect(bench.lines.get('irq')).toBe(true);
    expect(pic.read(0x10, 4)).toBe(1);
    pic.write(0x14, 4, 1);
    expect(bench.lines.get('irq')).toBe(false);
  });
});
