/** Address resolution for IPv4 over Ethernet: RFC 826. */
import { type Ipv4, type Mac, readMac, viewOf, writeMac } from './addresses.ts';
import { ETHERTYPE } from './ethernet.ts';

export const ARP = { REQUEST: 1, REPLY: 2 } as const;

const LENGTH = 28;
const HARDWARE_ETHERNET = 1;

export interface ArpPacket {
  readonly operation: number;
  readonly senderMac: Mac;
  readonly senderIp: Ipv4;
  readonly targetMac: Mac;
  readonly targetIp: Ipv4;
}

/** Undefined when it is too short or about other protocols. */
export function decodeArp(bytes: Uint8Array): ArpPacket | undefined {
  if (bytes.length < LENGTH) return undefined;
  const view = viewOf(bytes);
  if (view.getUint16(0) !== HARDWARE_ETHERNET || view.getUint16(2) !== ETHERTYPE.IPV4 || bytes[4] !== 6 || bytes[5] !== 4) return undefined;
  return {
    operation: view.getUint16(6),
    senderMac: readMac(bytes, 8),
    senderIp: view.getUint32(14),
    targetMac: readMac(bytes, 18),
    targetIp: view.getUint32(24),
  };
}

export function encodeArp({ operation, senderMac, senderIp, targetMac, targetIp }: ArpPacket): Uint8Array {
  const bytes = new Uint8Array(LENGTH);
  const view = viewOf(bytes);
  view.setUint16(0, HARDWARE_ETHERNET);
  view.setUint16(2, ETHERTYPE.IPV4);
  bytes[4] = 6;
  bytes[5] = 4;
  view.setUint16(6, operation);
  writeMac(bytes, 8, senderMac);
  view.setUint32(14, senderIp);
  writeMac(bytes, 18, targetMac);
  view.setUint32(24, targetIp);
  return bytes;
}
