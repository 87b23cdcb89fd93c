import { describe, expect, it } from 'vitest';
import { Bench, deviceContract } from '../contract.suite.ts';
import { IntegratorCpControl } from './integrator-cp-control.ts';

const make = (bench: Bench): IntegratorCpControl =>
  new IntegratorCpControl('control', { irq: bench.line('card'), ringIrq: [bench.line('ring0'), bench.line('ring1')], log: bench.log });

deviceContract('Integrator/CP control', make, {
  window: 0x20,
  stimulate: (device, choice) => {
    const control = device as IntegratorCpControl;
    const lines = [control.cardInserted(), control.writeProtect(), control.ringIndicator(0), control.ringIndicator(1)];
    lines[choice & 3].set((choice & 4) !== 0);
  },
});

const INTREG = 0x08;

describe('Integrator/CP control', () => {
  it('identifies the baseboard, whatever is written', () => {
    const bench = new Bench();
    const control = make(bench);
    control.write(0x00, 4, 0);
    control.write(0x0c, 4, 0);
    expect([control.read(0x00, 4), control.read(0x0c, 4)]).toEqual([0x41034003, 0x11]);
    expect(control.read(0x10, 4)).toBe(0);
    expect(bench.messages).toHaveLength(3);
  });

  it('keeps the flash protection bits and nothing else of that register', () => {
    const control = make(new Bench());
    control.write(0x04, 4, 0xffffffff);
    expect(control.read(0x04, 4)).toBe(3);
    control.write(0x04, 4, control.read(0x04, 4) & ~1);
    expect(control.read(0x04, 4)).toBe(2);
  });

  it('latches an inserted card until 1 is written to it', () => {
    const bench = new Bench();
    const control = make(bench);
    const card = control.cardInserted();
    card.set(true);
    expect([control.read(INTREG, 4), bench.lines.get('card')]).toEqual([8, true]);
    card.set(false);
    control.write(INTREG, 4, 0xfffffff7);
    expect([control.read(INTREG, 4), bench.lines.get('card')]).toEqual([8, true]);
    control.write(INTREG, 4, 8);
    expect([control.read(INTREG, 4), bench.lines.get('card')]).toEqual([0, false]);
    card.set(true);
    control.write(INTREG, 4, 8);
    card.set(true);
    expect([control.read(INTREG, 4), bench.lines.get('card')]).toEqual([0, false]);
    card.set(false);
    card.set(true);
    expect(bench.lines.get('card')).toBe(true);
  });

  it('shows the write protection as it is, without an interrupt', () => {
    const bench = new Bench();
    const control = make(bench);
    control.writeProtect().set(true);
    control.write(INTREG, 4, 1);
    expect(control.read(INTREG, 1)).toBe(1);
    control.writeProtect().set(false);
    expect(control.read(INTREG, 4)).toBe(0);
    expect(bench.edges).toEqual([]);
  });

  it('latches the ring indicators, each with a line of its own', () => {
    const bench = new Bench();
    const control = make(bench);
    control.ringIndicator(0).set(true);
    control.ringIndicator(1).set(true);
    control.ringIndicator(1).set(false);
    expect(control.read(INTREG, 4)).toBe(6);
    control.write(INTREG, 4, 2);
    expect(control.read(INTREG, 4)).toBe(4);
    expect(bench.edges).toEqual(['ring0=1', 'ring1=1', 'ring0=0']);
  });
});
