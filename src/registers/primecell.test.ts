import { describe, expect, it } from 'vitest';
import { defineBank } from './bank.ts';
import { PRIMECELL_IDS, primeCellIds } from './primecell.ts';

describe('identification registers of a PrimeCell', () => {
  const bank = defineBank('cell', 'DDI', primeCellIds('PeriphID', 'PCellID', [0x11, 0x10, 0x14, 0x00], { periph: '3.1', cell: '3.2' }));

  it('are eight bytes at the end of the window: the part, then the mark of a PrimeCell', () => {
    const bytes = Array.from({ length: 8 }, (_, n) => bank.registers[bank.at(PRIMECELL_IDS + 4 * n)!].reset);
    expect(bytes).toEqual([0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
    expect(bank.at(0xfe0)).toBe('PeriphID0');
    expect(bank.at(0xffc)).toBe('PCellID3');
    expect(bank.registers.PeriphID3.section).toBe('3.1');
    expect(bank.registers.PCellID0.section).toBe('3.2');
  });

  it('cannot be written and are no state', () => {
    expect(bank.stored).toEqual({});
    expect(bank.merge('PeriphID0', 0x11, 0xff)).toBe(0x11);
  });
});
