/** The options of `-netdev user` (the names are QEMU's), checked and with their defaults. */
import { RepriseError } from '../../errors/errors.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../packets/addresses.ts';

/** The options as they are written; those left out have the defaults. */
export interface UserNetOptions {
  /** `10.0.2.0/24`, or with a netmask behind the slash. */
  readonly net?: string;
  readonly host?: string;
  readonly dhcpstart?: string;
  readonly dns?: string;
  readonly hostname?: string;
  readonly restrict?: boolean;
  /** Each `tcp|udp:[hostaddr]:hostport-[guestaddr]:guestport`. */
  readonly hostfwd?: readonly string[];
  /** A folder. */
  readonly tftp?: string;
  readonly bootfile?: string;
}

/** A port of the host that leads into the guest. */
export interface HostForward {
  readonly protocol: 'tcp' | 'udp';
  readonly hostAddress: string;
  /** 0 is any free one. */
  readonly hostPort: number;
  readonly guestAddress: Ipv4;
  readonly guestPort: number;
}

export interface UserNetConfig {
  readonly net: Ipv4;
  readonly mask: Ipv4;
  /** The gateway, under which the guest reaches this computer. */
  readonly host: Ipv4;
  readonly dns: Ipv4;
  readonly dhcpStart: Ipv4;
  readonly hostname: string | undefined;
  readonly restrict: boolean;
  readonly forwards: readonly HostForward[];
  readonly tftp: string | undefined;
  readonly bootfile: string | undefined;
}

/** Addresses that DHCP gives away, from `dhcpStart` on. */
export const LEASES = 16;
const DEFAULT_NET = '10.0.2.0/24';
/** Where the services are in the network, when it has the room. */
const PLACE = { host: 0x0202, dns: 0x0203, dhcpStart: 0x020f };
/** What fits into one option of DHCP (RFC 2132), and into its `file` field. */
const MAX_HOSTNAME = 255;
const MAX_BOOTFILE = 127;

/** @throws RepriseError BAD_VALUE */
export function userNetConfig(options: UserNetOptions): UserNetConfig {
  const { net, mask } = parseNet(options.net ?? DEFAULT_NET);
  const inside = (name: string, text: string | undefined, place: number): Ipv4 => {
    const address = text === undefined ? (net | (place & ~mask)) >>> 0 : required(name, text);
    if (!isHostIn({ net, mask }, address)) throw bad(`${name}=${formatIpv4(address)} is not an address of a computer in ${describe(net, mask)}`);
    return address;
  };
  const host = inside('host', options.host, PLACE.host);
  const dns = inside('dns', options.dns, PLACE.dns);
  const dhcpStart = inside('dhcpstart', options.dhcpstart, PLACE.dhcpStart);
  if (host === dns) throw bad(`host= and dns= are both ${formatIpv4(host)}; give each an address of its own`);
  const last = dhcpStart + LEASES - 1;
  if (!isHostIn({ net, mask }, last) || [host, dns].some((taken) => taken >= dhcpStart && taken <= last)) {
    throw bad(`dhcpstart=${formatIpv4(dhcpStart)} needs ${LEASES} free addresses from there on in ${describe(net, mask)}; choose another`);
  }
  if (!isText(options.hostname, MAX_HOSTNAME)) throw bad(`hostname= is 1 to ${MAX_HOSTNAME} printable ASCII characters`);
  if (!isText(options.bootfile, MAX_BOOTFILE)) throw bad(`bootfile= is 1 to ${MAX_BOOTFILE} printable ASCII characters`);
  const places = { net, mask, host, dns, dhcpStart };
  return {
    ...places,
    hostname: options.hostname,
    restrict: options.restrict ?? false,
    forwards: (options.hostfwd ?? []).map((text) => parseForward(text, places)),
    tftp: options.tftp,
    bootfile: options.bootfile,
  };
}

/** Whether a computer of the network can have the address: neither the network's own nor its broadcast. */
export function isHostIn({ net, mask }: { readonly net: Ipv4; readonly mask: Ipv4 }, address: Ipv4): boolean {
  return (address & mask) >>> 0 === net && address !== net && address !== (net | ~mask) >>> 0;
}

function parseNet(text: string): { net: Ipv4; mask: Ipv4 } {
  const [address, size = '24'] = text.split('/', 2);
  const bits = /^\d{1,2}$/.test(size) ? Number(size) : undefined;
  const mask = bits === undefined ? parseIpv4(size) : (-1 << (32 - bits)) >>> 0;
  // A mask is ones, then zeros; the services and the leases need some room.
  const valid = mask !== undefined && (bits === undefined || (bits >= 8 && bits <= 27)) && isMask(mask);
  if (!valid) throw bad(`net=${text}: the size of the network is 8 to 27 bits, or such a mask`);
  return { net: (required('net', address) & mask) >>> 0, mask };
}

function isMask(mask: number): boolean {
  const rest = ~mask >>> 0;
  return (rest & (rest + 1)) === 0 && rest >= 31 && rest < 2 ** 24;
}

function parseForward(
  text: string,
  { net, mask, host, dns, dhcpStart }: Pick<UserNetConfig, 'net' | 'mask' | 'host' | 'dns' | 'dhcpStart'>,
): HostForward {
  const match = /^(tcp|udp)?:([^:]*|\[[^\]]*\]):(\d{1,5})-([^:]*):(\d{1,5})$/.exec(text);
  if (match === null) throw bad(`hostfwd=${text} is not of the form tcp|udp:[hostaddr]:hostport-[guestaddr]:guestport`);
  const [, protocol = 'tcp', hostAddress, hostPort, guestAddress, guestPort] = match;
  if (Number(hostPort) > 65535 || Number(guestPort) > 65535 || Number(guestPort) === 0) {
    throw bad(`hostfwd=${text}: the ports are 0 to 65535 on the host and 1 to 65535 in the guest`);
  }
  const address = guestAddress === '' ? dhcpStart : required('hostfwd', guestAddress);
  if (!isHostIn({ net, mask }, address) || address === host || address === dns) {
    throw bad(`hostfwd=${text}: ${guestAddress} is not an address of a guest in ${describe(net, mask)}`);
  }
  return {
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
    // QEMU listens on every address; what is open to the whole network is asked for here.
    hostAddress: hostAddress === '' ? '127.0.0.1' : hostAddress.replace(/^\[|\]$/g, ''),
    hostPort: Number(hostPort),
    guestAddress: address,
    guestPort: Number(guestPort),
  };
}

function required(name: string, text: string): Ipv4 {
  const address = parseIpv4(text);
  if (address === undefined) throw bad(`${name}: '${text}' is not an IPv4 address such as 10.0.2.2`);
  return address;
}

function isText(text: string | undefined, most: number): boolean {
  return text === undefined || (/^[ -~]+$/.test(text) && text.length <= most);
}

const describe = (net: Ipv4, mask: Ipv4) => `${formatIpv4(net)}/${Math.clz32(~mask)}`;

function bad(message: string): RepriseError {
  return new RepriseError('BAD_VALUE', message);
}
