/** The Internet checksum: RFC 1071. */

/** Adds the big-endian 16-bit words of `bytes` to a running sum; an odd last byte is padded with zero. Exact up to 64 KiB and more. */
export function addWords(bytes: Uint8Array, sum = 0): number {
  const even = bytes.length & ~1;
  for (let n = 0; n < even; n += 2) sum += (bytes[n] << 8) | bytes[n + 1];
  return even === bytes.length ? sum : sum + (bytes[even] << 8);
}

/** What goes into the checksum field for a running sum: 0 for a packet whose own checksum is in the sum and right. */
export function checksumOf(sum: number): number {
  while (sum > 0xffff) sum = Math.floor(sum / 0x10000) + (sum & 0xffff);
  return ~sum & 0xffff;
}

/** The running sum of the pseudo header that TCP and UDP add (RFC 9293 section 3.1, RFC 768). */
export function pseudoHeader(source: number, destination: number, protocol: number, length: number): number {
  return (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + protocol + length;
}
