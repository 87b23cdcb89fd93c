/** Numbers and bytes as the remote serial protocol spells them. */

/** Of the language's hosts, Node and browsers alike. */
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

export const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Undefined if it is not an even number of hexadecimal digits. */
export function bytesOf(hex: string): Uint8Array | undefined {
  if (hex.length % 2 !== 0 || /[^0-9a-fA-F]/.test(hex)) return undefined;
  return Uint8Array.from({ length: hex.length / 2 }, (_, n) => Number.parseInt(hex.slice(2 * n, 2 * n + 2), 16));
}

/** A number in hexadecimal without a sign, of at most 53 bits; undefined for anything else. */
export function numberOf(hex: string | undefined): number | undefined {
  if (hex === undefined || !/^[0-9a-fA-F]{1,16}$/.test(hex)) return undefined;
  const value = Number.parseInt(hex, 16);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Text in UTF-8 as hexadecimal digits. */
export const hexOfText = (text: string): string => hexOf(new TextEncoder().encode(text));

/** The first `bytes` bytes of a value, least significant first. */
export function littleEndian(value: bigint, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));
}

export const fromLittleEndian = (bytes: Uint8Array): bigint => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
