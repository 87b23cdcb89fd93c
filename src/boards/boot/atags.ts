/** The tagged list that an ARM kernel without a device tree reads (Linux, Documentation/arm/booting.rst). */
import { strToU8 } from 'fflate';

const ATAG_NONE = 0;
const ATAG_CORE = 0x54410001;
const ATAG_MEM = 0x54410002;
const ATAG_INITRD2 = 0x54420005;
const ATAG_CMDLINE = 0x54410009;

export interface BootParameters {
  readonly ramBytes: number;
  readonly initrd?: { readonly address: number; readonly size: number } | undefined;
  readonly append: string;
}

/** The list, little-endian. */
export function atags({ ramBytes, initrd, append }: BootParameters): Uint8Array {
  const words: number[] = [];
  const tag = (id: number, ...payload: number[]): void => void words.push(payload.length + 2, id, ...payload);
  // Flags: root is read-only; page size; root device.
  tag(ATAG_CORE, 1, 0x1000, 0);
  tag(ATAG_MEM, ramBytes, 0);
  if (initrd) tag(ATAG_INITRD2, initrd.address, initrd.size);
  if (append !== '') {
    const text = strToU8(`${append}\0`);
    words.push(2 + Math.ceil(text.length / 4), ATAG_CMDLINE);
    for (let n = 0; n < text.length; n += 4) words.push((text[n] | (text[n + 1] << 8) | (text[n + 2] << 16) | (text[n + 3] << 24)) >>> 0);
  }
  words.push(0, ATAG_NONE);
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, n) => {
    view.setUint32(n * 4, word, true);
  });
  return bytes;
}
