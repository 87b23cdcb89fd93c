import { describe, expect, it } from 'vitest';
import { Bench, deviceContract } from '../contract.suite.ts';
import { IntegratorDebug } from './integrator-debug.ts';

deviceContract('Integrator/CP debug LEDs', (bench) => new IntegratorDebug('leds', { log: bench.log }, { switches: 5 }), { window: 0x20 });

describe('Integrator/CP debug LEDs', () => {
  it('keep the four lights for a read-modify-write', () => {
    const leds = new IntegratorDebug('leds', { log: new Bench().log });
    leds.write(0x04, 4, 0xffffffff);
    expect(leds.read(0x04, 4)).toBe(0xf);
    leds.write(0x04, 4, leds.read(0x04, 4) & ~2);
    expect(leds.read(0x04, 4)).toBe(0xd);
    expect(leds.read(0x05, 1)).toBe(0);
  });

  it('have a display that takes characters and is always ready', () => {
    const leds = new IntegratorDebug('leds', { log: new Bench().log });
    leds.write(0x00, 4, 0x12345679);
    expect(leds.read(0x00, 4)).toBe(0);
    expect(leds.state.fields.LED_ALPHA).toBe(0x12345678);
  });

  it('show the switches, which are off by default and cannot be written', () => {
    const bench = new Bench();
    expect(new IntegratorDebug('leds', { log: bench.log }).read(0x08, 4)).toBe(0);
    const leds = new IntegratorDebug('leds', { log: bench.log }, { switches: 0xa });
    leds.write(0x08, 4, 0);
    expect(leds.read(0x08, 4)).toBe(0xa);
    expect(bench.messages).toEqual(['leds: write to offset 0x8, where there is no writable register']);
  });
});
