/** BOOTP and DHCP messages: RFC 951, RFC 2131, RFC 2132. */
import { type Ipv4, type Mac, readMac, viewOf } from '../packets/addresses.ts';

export const SERVER_PORT = 67;
export const CLIENT_PORT = 68;

export const DHCP = { DISCOVER: 1, OFFER: 2, REQUEST: 3, DECLINE: 4, ACK: 5, NAK: 6, RELEASE: 7, INFORM: 8 } as const;

export const OPTION = {
  SUBNET_MASK: 1,
  ROUTER: 3,
  DOMAIN_NAME_SERVER: 6,
  HOST_NAME: 12,
  REQUESTED_ADDRESS: 50,
  LEASE_TIME: 51,
  MESSAGE_TYPE: 53,
  SERVER_IDENTIFIER: 54,
} as const;

const PAD = 0;
const END = 255;
const BOOT_REQUEST = 1;
const BOOT_REPLY = 2;
const ETHERNET = 1;
const CHADDR = 28;
const FILE = 108;
const COOKIE = 236;
const OPTIONS = 240;
const MAGIC = 0x63825363;
/** The shortest message that every client takes (RFC 1542 section 2.1). */
const MIN_LENGTH = 300;
const BROADCAST_FLAG = 0x8000;

export interface DhcpRequest {
  readonly transaction: number;
  readonly flags: number;
  readonly clientAddress: Ipv4;
  readonly client: Mac;
  /** Undefined in BOOTP, which knows no types. */
  readonly type: number | undefined;
  readonly requested: Ipv4 | undefined;
  readonly server: Ipv4 | undefined;
}

export interface DhcpReply {
  readonly yourAddress: Ipv4;
  readonly nextServer: Ipv4;
  readonly file: Uint8Array;
  /** Values of at most 255 bytes. */
  readonly options: readonly (readonly [code: number, value: Uint8Array])[];
}

/** Undefined for what is no request of a computer on an Ethernet. */
export function decodeDhcp(bytes: Uint8Array): DhcpRequest | undefined {
  if (bytes.length < OPTIONS || bytes[0] !== BOOT_REQUEST || bytes[1] !== ETHERNET || bytes[2] !== 6) return undefined;
  const view = viewOf(bytes);
  const options = view.getUint32(COOKIE) === MAGIC ? optionsOf(bytes.subarray(OPTIONS)) : new Map<number, Uint8Array>();
  return {
    transaction: view.getUint32(4),
    flags: view.getUint16(10),
    clientAddress: view.getUint32(12),
    client: readMac(bytes, CHADDR),
    type: options.get(OPTION.MESSAGE_TYPE)?.[0],
    requested: addressIn(options.get(OPTION.REQUESTED_ADDRESS)),
    server: addressIn(options.get(OPTION.SERVER_IDENTIFIER)),
  };
}

/** @param request the bytes of the request, whose head the reply repeats */
export function encodeDhcp(request: Uint8Array, { yourAddress, nextServer, file, options }: DhcpReply): Uint8Array {
  const length = options.reduce((sum, [, value]) => sum + 2 + value.length, OPTIONS + 1);
  const bytes = new Uint8Array(Math.max(MIN_LENGTH, length));
  const view = viewOf(bytes);
  bytes.set(request.subarray(0, CHADDR + 16));
  bytes[0] = BOOT_REPLY;
  bytes[3] = 0;
  view.setUint32(16, yourAddress);
  view.setUint32(20, nextServer);
  bytes.set(file, FILE);
  view.setUint32(COOKIE, MAGIC);
  let at = OPTIONS;
  for (const [code, value] of options) {
    bytes[at] = code;
    bytes[at + 1] = value.length;
    bytes.set(value, at + 2);
    at += 2 + value.length;
  }
  bytes[at] = END;
  return bytes;
}

export function wantsBroadcast({ flags }: DhcpRequest): boolean {
  return (flags & BROADCAST_FLAG) !== 0;
}

export function addressBytes(...addresses: readonly Ipv4[]): Uint8Array {
  const bytes = new Uint8Array(4 * addresses.length);
  for (const [n, address] of addresses.entries()) viewOf(bytes).setUint32(4 * n, address);
  return bytes;
}

/** Reading ends at the first option that does not fit. */
function optionsOf(bytes: Uint8Array): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length && bytes[at] !== END; ) {
    if (bytes[at] === PAD) {
      at++;
      continue;
    }
    const end = at + 2 + (bytes[at + 1] ?? 0);
    if (end > bytes.length) break;
    options.set(bytes[at], bytes.subarray(at + 2, end));
    at = end;
  }
  return options;
}

function addressIn(value: Uint8Array | undefined): Ipv4 | undefined {
  return value?.length === 4 ? viewOf(value).getUint32(0) : undefined;
}
