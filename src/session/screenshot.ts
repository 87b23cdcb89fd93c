/** The picture on the screen as the bytes of a file. */
import type { Machine } from '../boards/machine.ts';
import { RepriseError } from '../errors/errors.ts';

export const PICTURE_FORMATS = ['ppm', 'png'] as const;
export type PictureFormat = (typeof PICTURE_FORMATS)[number];

/** What a file of that name is expected to hold: QEMU's default is PPM. */
export const formatOf = (filename: string): PictureFormat => (/\.png$/i.test(filename) ? 'png' : 'ppm');

/** @throws RepriseError BAD_VALUE when the screen is off */
export async function screenshot(machine: Machine, format: PictureFormat): Promise<Uint8Array> {
  const picture = machine.screen();
  if (picture === undefined) throw new RepriseError('BAD_VALUE', 'the guest has not switched its screen on');
  const { width, height, rgba } = picture;
  if (format === 'ppm') return encodePpm(width, height, rgba);
  // Most runs never want a picture: they need not wait for the library.
  const { encode } = await import('fast-png');
  return encode({ width, height, data: rgba, channels: 4, depth: 8 });
}

/** Netpbm's binary PPM (`P6`) with 255 levels. */
function encodePpm(width: number, height: number, rgba: Uint8Array): Uint8Array {
  const head = Uint8Array.from(`P6\n${width} ${height}\n255\n`, (character) => character.charCodeAt(0));
  const file = new Uint8Array(head.length + width * height * 3);
  file.set(head);
  for (let from = 0, to = head.length; from < rgba.length; from += 4, to += 3) file.set(rgba.subarray(from, from + 3), to);
  return file;
}
