/** The cyclic redundancy check of Ethernet, IEEE 802.3 section 3.2.9. */

/** Bytes of a frame check sequence. */
export const FCS_BYTES = 4;

const POLYNOMIAL = 0xedb88320;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/** The register after `bytes`, with the first bit of the wire lowest, and not complemented. */
function crc(bytes: Uint8Array): number {
  let register = 0xffffffff;
  for (const byte of bytes) register = (register >>> 8) ^ TABLE[(register ^ byte) & 0xff];
  return register;
}

/** Sets the last four bytes of `cable` to the frame check sequence of what is before them. */
export function seal(cable: Uint8Array): void {
  const value = ~crc(cable.subarray(0, -FCS_BYTES));
  for (let i = 0; i < FCS_BYTES; i++) cable[cable.length - FCS_BYTES + i] = value >>> (8 * i);
}

/** Whether a frame of at least four bytes ends in its frame check sequence. */
export function isSealed(cable: Uint8Array): boolean {
  const value = ~crc(cable.subarray(0, -FCS_BYTES));
  for (let i = 0; i < FCS_BYTES; i++) if (cable[cable.length - FCS_BYTES + i] !== ((value >>> (8 * i)) & 0xff)) return false;
  return true;
}

/** The six most significant bits of the CRC of a destination address: LAN91C111 datasheet 8.2 and 8.22. */
export function addressHash(address: Uint8Array): number {
  const register = crc(address);
  let hash = 0;
  for (let i = 0; i < 6; i++) hash = (hash << 1) | ((register >>> i) & 1);
  return hash;
}
