/**
 * The picture that a PL110 shows, from its registers and the RAM they point to.
 *
 * Source: ARM DDI 0161E, section 2.3 (pixel serializer, RAM palette). Everything here comes from a guest: sizes are
 * bounded by the registers' widths (1024 x 1024), and memory that is not there shows as 0.
 */
import type { StateOf } from '../../state/fields.ts';
import { PL110 } from './pl110.regs.ts';
import type { pl110State } from './pl110.ts';

const CONTROL = PL110.mask.LCDControl;
const TRUE_COLOUR = 5;

/** How the board's wires carry pixels of 16 bits to the panel: green of 6 bits, or of 5 with an intensity bit above blue. */
export type Wiring16 = '565' | '5551';

export interface Screen {
  readonly width: number;
  readonly height: number;
  /** Four bytes a pixel (red, green, blue, 255), rows from the top. */
  readonly rgba: Uint8Array;
}

/** Reads RAM at a guest's physical address. May return fewer bytes, where there is no RAM. */
export type ReadRam = (physicalAddress: number, length: number) => Uint8Array;

/** The picture, or undefined while the controller or the panel is off or the pixel format is reserved. */
export function renderScreen(lcd: Readonly<StateOf<typeof pl110State.schema>>, readRam: ReadRam, wiring16: Wiring16): Screen | undefined {
  const control = lcd.LCDControl;
  const format = (control >> 1) & 7;
  if (!(control & CONTROL.LcdEn) || !(control & CONTROL.LcdPwr) || format > TRUE_COLOUR) return undefined;
  const width = 16 * (((lcd.LCDTiming0 >>> 2) & 0x3f) + 1);
  const height = (lcd.LCDTiming1 & 0x3ff) + 1;
  const bits = 1 << format;
  const words = wordsOf(readRam(lcd.LCDUPBASE, (width * height * bits) / 8), Math.ceil((width * height * bits) / 32));
  const colour = colourOf(lcd, bits, wiring16);
  const shifts = pixelShifts(bits, control);
  const mask = bits === 32 ? 0xffffffff : (1 << bits) - 1;
  const pixels = new Uint32Array(width * height);
  let next = 0;
  // One row of single bits is half a word: what the other half would be falls off the end of `pixels`.
  for (const word of words) for (const shift of shifts) pixels[next++] = colour((word >>> shift) & mask);
  return { width, height, rgba: toBytes(pixels) };
}

/** Little-endian words; bytes that are missing are 0. */
function wordsOf(bytes: Uint8Array, count: number): Uint32Array {
  const words = new Uint32Array(count);
  for (let i = 0, at = 0; i < count && at < bytes.length; i++, at += 4) {
    words[i] = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  }
  return words;
}

/** Where in a word its pixels lie, in the order of the screen. */
function pixelShifts(bits: number, control: number): number[] {
  const count = 32 / bits;
  return Array.from({ length: count }, (_, i) => {
    const shift = i * bits;
    if (control & CONTROL.BEBO) return 32 - bits - shift;
    if (control & CONTROL.BEPO && bits < 8) return (shift & ~7) + 8 - bits - (shift & 7);
    return shift;
  });
}

/** Makes 0x00bbggrr of a pixel. */
function colourOf(lcd: Readonly<StateOf<typeof pl110State.schema>>, bits: number, wiring16: Wiring16): (pixel: number) => number {
  const swap = (lcd.LCDControl & CONTROL.BGR) !== 0;
  const order = (red: number, green: number, blue: number): number => (swap ? blue | (green << 8) | (red << 16) : red | (green << 8) | (blue << 16));
  const widen5 = (value: number): number => (value << 3) | (value >> 2);
  const widen6 = (value: number): number => (value << 2) | (value >> 4);
  const from5551 = (raw: number): number => order(widen5(raw & 0x1f), widen5((raw >> 5) & 0x1f), widen5((raw >> 10) & 0x1f));
  const from565 = (raw: number): number => order(widen5(raw & 0x1f), widen6((raw >> 5) & 0x3f), widen5((raw >> 11) & 0x1f));
  const from888 = (raw: number): number => order(raw & 0xff, (raw >> 8) & 0xff, (raw >> 16) & 0xff);
  if (bits === 32) return from888;
  if (bits === 16) return wiring16 === '565' ? from565 : from5551;
  const table = Uint32Array.from({ length: 1 << bits }, (_, i) => from5551((lcd.palette[i >> 1] >>> ((i & 1) * 16)) & 0xffff));
  return (pixel) => table[pixel];
}

/** Opaque pixels, byte by byte: a view of the words would depend on the host's byte order. */
function toBytes(pixels: Uint32Array): Uint8Array {
  const rgba = new Uint8Array(pixels.length * 4);
  for (let i = 0, at = 0; i < pixels.length; i++, at += 4) {
    rgba[at] = pixels[i];
    rgba[at + 1] = pixels[i] >>> 8;
    rgba[at + 2] = pixels[i] >>> 16;
    rgba[at + 3] = 255;
  }
  return rgba;
}
