import { describe, expect, it } from 'vitest';
import { Bench, deviceContract } from '../contract.suite.ts';
import { Lm4549 } from './lm4549.ts';

const setUp = () => {
  const bench = new Bench();
  return { bench, codec: new Lm4549('codec', { log: bench.log }) };
};

deviceContract('LM4549', (bench) => new Lm4549('codec', { log: bench.log }), {
  stimulate: (device, choice) => {
    const codec = device as Lm4549;
    if (choice % 50 === 0) codec.coldReset();
    else if (choice % 2) codec.writeRegister((choice >>> 8) & 0x7e, choice >>> 16);
    else codec.readRegister((choice >>> 8) & 0x7e);
  },
});

describe('LM4549', () => {
  it('has the register defaults of its datasheet', () => {
    const { codec } = setUp();
    const expected: [number, number][] = [
      [0x00, 0x0d50],
      [0x02, 0x8000],
      [0x06, 0x8000],
      [0x0a, 0x0000],
      [0x0e, 0x8008],
      [0x18, 0x8808],
      [0x1c, 0x8000],
      [0x22, 0x0101],
      [0x26, 0x000f],
      [0x28, 0x0001],
      [0x2c, 48_000],
      [0x7c, 0x4e53],
      [0x7e, 0x4331],
    ];
    expect(expected.map(([index]) => [index, codec.readRegister(index)])).toEqual(expected);
  });

  it('keeps what can be written, and resets all of it by a write to register 0', () => {
    const { codec } = setUp();
    codec.writeRegister(0x18, 0xffff);
    codec.writeRegister(0x7c, 0);
    expect([codec.readRegister(0x18), codec.readRegister(0x7c)]).toEqual([0x9f1f, 0x4e53]);
    codec.writeRegister(0x00, 0xffff);
    expect(codec.readRegister(0x18)).toBe(0x8808);
  });

  it('shows that its volumes have five bits', () => {
    const { codec } = setUp();
    codec.writeRegister(0x02, 0x2020);
    expect(codec.readRegister(0x02)).toBe(0x1f1f);
    codec.writeRegister(0x02, 0x0a05);
    expect(codec.readRegister(0x02)).toBe(0x0a05);
    codec.writeRegister(0x06, 0x0020);
    expect(codec.readRegister(0x06)).toBe(0x001f);
  });

  it('has other sample rates only when they are switched on, within its limits', () => {
    const { codec } = setUp();
    codec.writeRegister(0x2c, 8000);
    expect([codec.readRegister(0x2c), codec.dacRate()]).toEqual([48_000, 48_000]);
    codec.writeRegister(0x2a, 1);
    codec.writeRegister(0x2c, 44_100);
    expect(codec.dacRate()).toBe(44_100);
    codec.writeRegister(0x2c, 0);
    expect(codec.dacRate()).toBe(4_000);
    codec.writeRegister(0x2c, 0xffff);
    expect(codec.dacRate()).toBe(48_000);
    codec.writeRegister(0x2c, 8_000);
    codec.writeRegister(0x2a, 0);
    expect(codec.dacRate()).toBe(48_000);
  });

  it.each([
    ['ADC', 0x0100, 0x0e],
    ['DAC', 0x0200, 0x0d],
    ['mixers', 0x0400, 0x0b],
    ['reference', 0x0800, 0x03],
  ])('is not ready where it is powered down: %s', (_, power, ready) => {
    const { codec } = setUp();
    codec.writeRegister(0x26, power);
    expect(codec.readRegister(0x26)).toBe(power | ready);
  });

  it('tells of reserved registers', () => {
    const { codec, bench } = setUp();
    expect(codec.readRegister(0x08)).toBe(0);
    codec.writeRegister(0x5a, 1);
    expect(bench.messages).toEqual(['codec: read of register 0x8, which is reserved', 'codec: write to register 0x5a, which cannot be written']);
  });
});
