/** Addresses as plain numbers: they compare, mask and serve as keys. */

/** 32 bits, unsigned, the first byte on top. */
export type Ipv4 = number;
/** 48 bits, the first byte on top. */
export type Mac = number;

export const BROADCAST_MAC: Mac = 0xffff_ffff_ffff;
export const BROADCAST_IP: Ipv4 = 0xffff_ffff;

/** Four decimal numbers with dots, or undefined. */
export function parseIpv4(text: string): Ipv4 | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const bytes = text.split('.').map(Number);
  return bytes.every((byte) => byte < 256) ? bytes.reduce((address, byte) => address * 256 + byte, 0) : undefined;
}

export function formatIpv4(address: Ipv4): string {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');
}

export function readMac(bytes: Uint8Array, at: number): Mac {
  let address = 0;
  for (let n = at; n < at + 6; n++) address = address * 256 + bytes[n];
  return address;
}

export function writeMac(bytes: Uint8Array, at: number, address: Mac): void {
  const view = viewOf(bytes);
  view.setUint16(at, Math.floor(address / 2 ** 32));
  view.setUint32(at + 2, address % 2 ** 32);
}

/** The same bytes for numbers of several bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
