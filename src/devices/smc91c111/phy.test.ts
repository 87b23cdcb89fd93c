import { describe, expect, it } from 'vitest';
import { Bed, frameTo, INT, OTHER } from './smc91c111.fixture.ts';

const LINK_OK = 0x4000;
const ANEG = 0x3800;
const RESET = 0x8000;
const NEGOTIATE = 0x1200;

/** smc_phy_configure: reset, interrupts of the link only, negotiate. */
function configure(bed: Bed): void {
  bed.phyWrite(0, RESET);
  bed.phyWrite(19, 0x3fc0);
  bed.set(0, 0xa, ANEG);
  bed.phyWrite(4, 0x01e1);
  bed.phyWrite(0, NEGOTIATE);
}

describe('management interface', () => {
  it('finds one PHY, the LAN83C183, at address 0', () => {
    const bed = new Bed();
    const found = Array.from({ length: 32 }, (_, phy) => [bed.phyRead(2, phy), bed.phyRead(3, phy)]);
    expect(found[0]).toEqual([0x0016, 0xf840]);
    expect(found.slice(1).every(([high, low]) => high === 0 && low === 0)).toBe(true);
  });

  it('has the reset values of the datasheet; registers that do not exist are 0', () => {
    const bed = new Bed();
    expect([0, 1, 4, 5, 6, 15, 16, 17, 18, 19, 20, 31].map((register) => bed.phyRead(register))).toEqual([
      0x3400, 0x780d, 0x01e1, 0, 0, 0, 0x0022, 0, 0, 0xffc0, 0x00a0, 0,
    ]);
    bed.phyWrite(2, 0xffff);
    bed.phyWrite(20, 0xffff);
    expect([bed.phyRead(2), bed.phyRead(20)]).toEqual([0x0016, 0x00a0]);
  });

  it('needs 32 ones before a frame', () => {
    const bed = new Bed();
    bed.phyWrite(16, 0x0040, { preamble: 31 });
    expect(bed.phyRead(16)).toBe(0x0022);
    bed.phyWrite(16, 0x0040, { preamble: 32 });
    expect(bed.phyRead(16)).toBe(0x0040);
    bed.phyWrite(16, 0x0080, { preamble: 40 });
    expect(bed.phyRead(16)).toBe(0x0080);
  });

  it('answers only what is addressed to it, and nothing while the external PHY is chosen', () => {
    const bed = new Bed();
    bed.phyWrite(16, 0x0040, { phy: 1 });
    expect(bed.phyRead(16)).toBe(0x0022);
    bed.set(1, 0x0, 0x8200);
    expect(bed.phyRead(2)).toBe(0);
    bed.phyWrite(16, 0x0040);
    bed.set(1, 0x0, 0x8000);
    expect(bed.phyRead(16)).toBe(0x0022);
  });

  it('gives data while the clock is high, too, as other drivers sample them', () => {
    const bed = new Bed();
    bed.bank(3);
    const clock = (bits: number): number => {
      bed.bus.write(0x8, bits, 2);
      bed.bus.write(0x8, bits | 4, 2);
      return (bed.bus.read(0x8, 2) >> 1) & 1;
    };
    for (let i = 0; i < 32; i++) clock(0x9);
    for (const bit of [0, 1, 1, 0, ...[0, 0, 0, 0, 0], ...[0, 0, 0, 1, 1]]) clock(0x8 | bit);
    clock(0);
    let value = 0;
    for (let i = 0; i < 16; i++) value = (value << 1) | clock(0);
    expect(value).toBe(0xf840);
  });

  it('tells of what is not modelled', () => {
    const bed = new Bed();
    bed.phyWrite(17, 0x0038);
    expect(bed.bench.messages).toEqual(['eth: PHY_Configuration_2.MREG (not modelled)']);
    expect(bed.phyRead(17)).toBe(0x0030);
  });
});

describe('link', () => {
  it('is negotiated: 100 Mbit/s, full duplex', () => {
    const bed = new Bed();
    bed.open();
    configure(bed);
    expect(bed.phyRead(0)).toBe(0x1000);
    expect(bed.phyRead(1)).toBe(0x782d);
    expect(bed.phyRead(5)).toBe(0x41e1);
    expect(bed.phyRead(18)).toBe(0x00c0);
    expect(bed.get(0, 0x2)).toBe(LINK_OK);
    expect(bed.irq).toBe(false);
  });

  it.each([
    [0x01e1, 0x00c0],
    [0x00e1, 0x0080],
    [0x0061, 0x0040],
    [0x0021, 0x0000],
    [0x0001, 0x4000],
  ])('is the best mode of those advertised: %i gives %i', (advertised, media) => {
    const bed = new Bed();
    bed.set(0, 0xa, ANEG);
    bed.phyWrite(4, advertised);
    bed.phyRead(18);
    expect(bed.phyRead(18)).toBe(media);
    expect(bed.get(0, 0x2)).toBe(media & 0x4000 ? 0 : LINK_OK);
  });

  it('is up without a common mode when LNKDIS says so', () => {
    const bed = new Bed();
    bed.set(0, 0xa, ANEG);
    bed.phyWrite(4, 0x0001);
    bed.phyWrite(16, 0x8022);
    expect(bed.get(0, 0x2)).toBe(LINK_OK);
  });

  it('takes its mode from RPCR without ANEG, from the PHY without ANEG_EN', () => {
    const bed = new Bed();
    const media = (rpcr: number, control: number): number => {
      bed.set(0, 0xa, rpcr);
      bed.phyWrite(0, control);
      bed.phyRead(18);
      return bed.phyRead(18);
    };
    expect([media(0x2000, 0x1100), media(0x1000, 0x3000), media(0x3800, 0x0100), media(0x0800, 0x2000)]).toEqual([0x80, 0x40, 0x40, 0x80]);
    expect(bed.phyRead(1)).toBe(0x780d);
    expect(bed.phyRead(5)).toBe(0);
  });

  it('shows in the status register that it was lost, once', () => {
    const bed = new Bed();
    bed.phyWrite(0, 0x0800);
    expect(bed.phyRead(1)).toBe(0x7809);
    expect(bed.phyRead(1)).toBe(0x7809);
    bed.phyWrite(0, 0);
    expect(bed.phyRead(1)).toBe(0x7809);
    expect(bed.phyRead(1)).toBe(0x780d);
  });

  it('interrupts through MDINT by the bits that are not masked, and holds them until they are read', () => {
    const bed = new Bed();
    bed.open();
    configure(bed);
    bed.phyRead(18);
    bed.phyWrite(0, 0x0800);
    expect(bed.interrupts & INT.MD).toBe(INT.MD);
    expect(bed.irq).toBe(true);
    bed.acknowledge(INT.MD);
    expect(bed.interrupts & INT.MD).toBe(0);
    bed.phyWrite(0, NEGOTIATE);
    expect(bed.interrupts & INT.MD).toBe(0);
    expect(bed.phyRead(18)).toBe(0xc000);
    expect(bed.phyRead(18)).toBe(0x00c0);
    bed.phyWrite(19, 0xbfc0);
    bed.phyWrite(0, 0x0800);
    expect(bed.interrupts & INT.MD).toBe(0);
    expect(bed.phyRead(18)).toBe(0xc000);
  });

  it('interrupts through EPH_INT while LE_ENABLE is set, until that is cleared', () => {
    const bed = new Bed();
    bed.open({ mask: INT.EPH });
    bed.phyWrite(0, 0x0800);
    expect(bed.irq).toBe(true);
    const control = bed.get(1, 0xc);
    bed.set(1, 0xc, control & ~0x80);
    expect(bed.irq).toBe(false);
    bed.phyWrite(0, 0);
    bed.set(1, 0xc, control);
    expect(bed.irq).toBe(false);
    bed.set(1, 0x0, 0);
    expect(bed.irq).toBe(true);
  });

  it('carries nothing out while the transmitter of the PHY is off, which the MAC does not notice', () => {
    const bed = new Bed();
    bed.open();
    for (const off of [0x4022, 0x2022]) {
      bed.phyWrite(16, off);
      bed.send(frameTo(OTHER));
      expect(bed.get(0, 0x2)).toBe(LINK_OK | 1);
    }
    expect(bed.sent).toEqual([]);
    bed.phyWrite(16, 0x0022);
    bed.send(frameTo(OTHER));
    expect(bed.sent).toHaveLength(1);
  });

  it('comes back after smc_shutdown, smc_phy_powerdown and another open', () => {
    const bed = new Bed();
    bed.open();
    configure(bed);
    bed.mask(0);
    bed.set(0, 0x4, 0);
    bed.set(0, 0x0, 0);
    bed.set(1, 0x0, bed.get(1, 0x0) & 0x7fff);
    bed.phyWrite(0, bed.phyRead(0) | 0x0800);
    expect(bed.get(0, 0x2) & LINK_OK).toBe(0);
    expect(bed.irq).toBe(false);
    bed.open();
    configure(bed);
    bed.phyRead(1);
    expect(bed.phyRead(1)).toBe(0x782d);
    expect(bed.interrupts & INT.EPH).toBe(INT.EPH);
    bed.set(1, 0xc, 0x1a10);
    bed.set(1, 0xc, 0x1a90);
    expect(bed.interrupts & (INT.EPH | INT.MD)).toBe(0);
    bed.send(frameTo(OTHER));
    expect(bed.sent).toHaveLength(1);
  });
});
