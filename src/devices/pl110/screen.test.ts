import { describe, expect, it } from 'vitest';
import { Bench } from '../contract.suite.ts';
import { Pl110 } from './pl110.ts';
import { renderScreen, type Wiring16 } from './screen.ts';

const BASE = 0x100;
const [BGR, BEBO, BEPO] = [0x100, 0x200, 0x400];
const ON = 0x801;

interface Shot {
  readonly bpp: number;
  readonly bytes: readonly number[];
  readonly flags?: number;
  readonly wiring16?: Wiring16;
  readonly palette?: Readonly<Record<number, number>>;
}

/** The first pixels of a picture of 16 x 1, as rrggbb. */
function pixels(count: number, { bpp, bytes, flags = 0, wiring16 = '565', palette = {} }: Shot): string[] {
  const lcd = setUp(0, 0, (bpp << 1) | flags | ON);
  for (const [word, value] of Object.entries(palette)) lcd.write(0x200 + 4 * Number(word), 4, value);
  const screen = renderScreen(lcd.state.fields, (address, length) => ramOf(bytes).subarray(address, address + length), wiring16);
  return Array.from({ length: count }, (_, i) => {
    const [red, green, blue, alpha] = screen!.rgba.subarray(4 * i, 4 * i + 4);
    expect(alpha).toBe(255);
    return [red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('');
  });
}

const ramOf = (bytes: readonly number[]): Uint8Array => {
  const ram = new Uint8Array(0x400);
  ram.set(bytes, BASE);
  return ram;
};

function setUp(ppl: number, lpp: number, control: number): Pl110 {
  const bench = new Bench();
  const lcd = new Pl110('lcd', { irq: bench.line('irq'), clock: bench, log: bench.log });
  lcd.write(0x00, 4, ppl << 2);
  lcd.write(0x04, 4, lpp);
  lcd.write(0x10, 4, BASE);
  lcd.write(0x1c, 4, control);
  return lcd;
}

/** Colour i of the palette is i in the red bits. */
const redRamp = Object.fromEntries(Array.from({ length: 8 }, (_, word) => [word, (2 * word) | ((2 * word + 1) << 16)]));
const reds = (...values: number[]): string[] => values.map((value) => `${((value << 3) | (value >> 2)).toString(16).padStart(2, '0')}0000`);

describe('PL110 screen', () => {
  it('is off unless both the controller and the panel are on', () => {
    const noRam = (): Uint8Array => new Uint8Array(0);
    for (const control of [0, 0x001, 0x800]) expect(renderScreen(setUp(0, 0, control).state.fields, noRam, '565')).toBeUndefined();
    for (const reserved of [6, 7]) expect(renderScreen(setUp(0, 0, ON | (reserved << 1)).state.fields, noRam, '565')).toBeUndefined();
    expect(renderScreen(setUp(0, 0, ON).state.fields, noRam, '565')).toMatchObject({ width: 16, height: 1 });
  });

  it('has the size of the timing registers and reads just the picture', () => {
    const lcd = setUp(39, 479, ON | (4 << 1));
    const reads: number[][] = [];
    const screen = renderScreen(
      lcd.state.fields,
      (address, length) => {
        reads.push([address, length]);
        return new Uint8Array(length);
      },
      '565',
    );
    expect([screen?.width, screen?.height, screen?.rgba.length]).toEqual([640, 480, 640 * 480 * 4]);
    expect(reads).toEqual([[BASE, 640 * 480 * 2]]);
  });

  it('is bounded whatever the guest writes, and black where there is no RAM', () => {
    const lcd = setUp(0x3fffffff, 0xffffffff, ON | (5 << 1));
    const screen = renderScreen(lcd.state.fields, () => new Uint8Array([0xff, 0xff]), '565');
    expect([screen?.width, screen?.height]).toEqual([1024, 1024]);
    expect([...screen!.rgba.subarray(0, 8)]).toEqual([255, 255, 0, 255, 0, 0, 0, 255]);
  });

  it('shows the lowest bits of a byte first, by palette', () => {
    expect(pixels(4, { bpp: 0, bytes: [0x05], palette: redRamp })).toEqual(reds(1, 0, 1, 0));
    expect(pixels(4, { bpp: 1, bytes: [0x1b], palette: redRamp })).toEqual(reds(3, 2, 1, 0));
    expect(pixels(4, { bpp: 2, bytes: [0x21, 0x43], palette: redRamp })).toEqual(reds(1, 2, 3, 4));
    expect(pixels(4, { bpp: 3, bytes: [1, 2, 3, 15], palette: redRamp })).toEqual(reds(1, 2, 3, 15));
  });

  it('can show the highest bits of a byte first', () => {
    expect(pixels(4, { bpp: 0, bytes: [0xa0], flags: BEPO, palette: redRamp })).toEqual(reds(1, 0, 1, 0));
    expect(pixels(4, { bpp: 2, bytes: [0x12, 0x34], flags: BEPO, palette: redRamp })).toEqual(reds(1, 2, 3, 4));
    expect(pixels(2, { bpp: 3, bytes: [1, 2], flags: BEPO, palette: redRamp })).toEqual(reds(1, 2));
  });

  it('can show words from their highest bits down', () => {
    expect(pixels(4, { bpp: 3, bytes: [4, 3, 2, 1], flags: BEBO | BEPO, palette: redRamp })).toEqual(reds(1, 2, 3, 4));
    expect(pixels(2, { bpp: 2, bytes: [0, 0, 0, 0x12], flags: BEBO | BEPO, palette: redRamp })).toEqual(reds(1, 2));
    expect(pixels(1, { bpp: 4, bytes: [0, 0, 0x1f, 0x00], flags: BEBO | BEPO })).toEqual(['ff0000']);
  });

  it('takes palette colours as red, green, blue from the lowest bits up, and shows no intensity', () => {
    const palette = { 0: (0x1f << 16) | 0x8000, 1: (0x1f << 10) | ((0x1f << 5) << 16) };
    expect(pixels(4, { bpp: 3, bytes: [0, 1, 2, 3], palette })).toEqual(['000000', 'ff0000', '0000ff', '00ff00']);
    expect(pixels(4, { bpp: 3, bytes: [0, 1, 2, 3], palette, flags: BGR })).toEqual(['000000', '0000ff', 'ff0000', '00ff00']);
  });

  it('shows 16 bits as the board wires them, red above with BGR', () => {
    const bytes = [0x1f, 0x00, 0xe0, 0x07, 0x00, 0xf8, 0x20, 0x00];
    expect(pixels(4, { bpp: 4, bytes })).toEqual(['ff0000', '00ff00', '0000ff', '000400']);
    expect(pixels(4, { bpp: 4, bytes, flags: BGR })).toEqual(['0000ff', '00ff00', 'ff0000', '000400']);
    const bytes5551 = [0x1f, 0x80, 0xe0, 0x03, 0x00, 0x7c, 0x20, 0x00];
    expect(pixels(4, { bpp: 4, bytes: bytes5551, wiring16: '5551' })).toEqual(['ff0000', '00ff00', '0000ff', '000800']);
  });

  it('shows 24 bits in 32, whatever the byte order, red above with BGR', () => {
    const bytes = [0x11, 0x22, 0x33, 0xff];
    expect(pixels(1, { bpp: 5, bytes })).toEqual(['112233']);
    expect(pixels(1, { bpp: 5, bytes, flags: BEBO })).toEqual(['112233']);
    expect(pixels(1, { bpp: 5, bytes, flags: BGR })).toEqual(['332211']);
  });
});
