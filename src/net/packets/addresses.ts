/** Addresses as plain numbers, which compare, mask and serve as keys; text and bytes. */

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

/** The 16 bytes of an IPv6 address (RFC 4291 section 2.2), or undefined. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const [left, right, more] = text.split('::');
  const head = groupsOf(left);
  const tail = right === undefined ? [] : groupsOf(right);
  if (head === undefined || tail === undefined || more !== undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (right === undefined ? missing !== 0 : missing < 1) return undefined;
  const bytes = new Uint8Array(16);
  for (const [n, group] of [...head, ...new Array<number>(missing).fill(0), ...tail].entries()) viewOf(bytes).setUint16(2 * n, group);
  return bytes;
}

/** Groups of 16 bits; the last two may be written as an IPv4 address. */
function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [n, part] of parts.entries()) {
    const ipv4 = n === parts.length - 1 ? parseIpv4(part) : undefined;
    if (ipv4 !== undefined) groups.push(ipv4 >>> 16, ipv4 & 0xffff);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
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

/** Printable ASCII as bytes. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Undefined when anything is not printable ASCII. */
export function textOf(bytes: Uint8Array): string | undefined {
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f) ? String.fromCharCode(...bytes) : undefined;
}

/** The same bytes for numbers of several bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
