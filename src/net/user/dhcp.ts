/** The DHCP server: RFC 2131. BOOTP clients get the same addresses. */
import { BROADCAST_IP, BROADCAST_MAC, bytesOf, type Ipv4, type Mac } from '../packets/addresses.ts';
import { LEASES, type UserNetConfig } from './config.ts';
import { addressBytes, DHCP, type DhcpRequest, decodeDhcp, encodeDhcp, OPTION, wantsBroadcast } from './dhcp-packets.ts';
import { isGuest, macOf } from './link.ts';

const LEASE_SECONDS = 86_400;
/** In place of an owner: a guest has found the address in use. */
const DECLINED: Mac = -1;

/** A message for a client, and where it goes. */
export interface DhcpAnswer {
  readonly payload: Uint8Array;
  readonly destination: Ipv4;
  readonly mac: Mac | undefined;
}

export class DhcpServer {
  private readonly config: UserNetConfig;
  /** Owners by address, the longest unused first. */
  private readonly leases = new Map<Ipv4, Mac>();

  constructor(config: UserNetConfig) {
    this.config = config;
  }

  /** Undefined when the message is not for this server or needs no answer. */
  answer(bytes: Uint8Array): DhcpAnswer | undefined {
    const request = decodeDhcp(bytes);
    if (request === undefined || request.client === macOf(this.config.host)) return undefined;
    const { client, type, server } = request;
    switch (type) {
      case undefined:
        return this.reply(bytes, request, undefined, this.lease(client, undefined));
      case DHCP.DISCOVER:
        return this.reply(bytes, request, DHCP.OFFER, this.lease(client, request.requested));
      case DHCP.REQUEST: {
        if (server !== undefined && server !== this.config.host) return undefined;
        const wanted = request.requested ?? request.clientAddress;
        const address = this.lease(client, wanted);
        return address === wanted ? this.reply(bytes, request, DHCP.ACK, address) : this.refuse(bytes);
      }
      case DHCP.INFORM:
        return isGuest(this.config, request.clientAddress) ? this.reply(bytes, request, DHCP.ACK, 0) : undefined;
      case DHCP.DECLINE:
        this.free(client);
        if (request.requested !== undefined && this.isLeasable(request.requested) && !this.leases.has(request.requested)) {
          this.leases.set(request.requested, DECLINED);
        }
        return undefined;
      case DHCP.RELEASE:
        this.free(client);
        return undefined;
      default:
        return undefined;
    }
  }

  /** The client's address; else the one it wishes for, the first free one, or the one that was not used for longest. */
  private lease(client: Mac, wish: Ipv4 | undefined): Ipv4 {
    const own = [...this.leases].find(([, owner]) => owner === client)?.[0];
    const wished = wish !== undefined && this.isLeasable(wish) && !this.leases.has(wish) ? wish : undefined;
    const address = own ?? wished ?? this.firstFree() ?? this.leases.keys().next().value!;
    this.leases.delete(address);
    this.leases.set(address, client);
    return address;
  }

  private firstFree(): Ipv4 | undefined {
    for (let n = 0; n < LEASES; n++) if (!this.leases.has(this.config.dhcpStart + n)) return this.config.dhcpStart + n;
    return undefined;
  }

  private free(client: Mac): void {
    for (const [address, owner] of this.leases) if (owner === client) this.leases.delete(address);
  }

  private isLeasable(address: Ipv4): boolean {
    return address >= this.config.dhcpStart && address < this.config.dhcpStart + LEASES;
  }

  private reply(bytes: Uint8Array, request: DhcpRequest, type: number | undefined, address: Ipv4): DhcpAnswer {
    const { host, dns, mask, restrict, hostname, bootfile } = this.config;
    const options: [number, Uint8Array][] = [];
    if (type !== undefined) options.push([OPTION.MESSAGE_TYPE, Uint8Array.of(type)], [OPTION.SERVER_IDENTIFIER, addressBytes(host)]);
    if (type !== undefined && address !== 0) options.push([OPTION.LEASE_TIME, addressBytes(LEASE_SECONDS)]);
    options.push([OPTION.SUBNET_MASK, addressBytes(mask)]);
    // Who may not go out needs no way there.
    if (!restrict) options.push([OPTION.ROUTER, addressBytes(host)], [OPTION.DOMAIN_NAME_SERVER, addressBytes(dns)]);
    if (hostname !== undefined) options.push([OPTION.HOST_NAME, bytesOf(hostname)]);
    const payload = encodeDhcp(bytes, { yourAddress: address, nextServer: host, file: bytesOf(bootfile ?? ''), options });
    // RFC 2131 section 4.1: to its address if it has one, to all if it asks for that, else to where it will be.
    if (isGuest(this.config, request.clientAddress)) return { payload, destination: request.clientAddress, mac: request.client };
    if (wantsBroadcast(request)) return { payload, destination: BROADCAST_IP, mac: BROADCAST_MAC };
    return { payload, destination: address, mac: request.client };
  }

  private refuse(bytes: Uint8Array): DhcpAnswer {
    const options: [number, Uint8Array][] = [
      [OPTION.MESSAGE_TYPE, Uint8Array.of(DHCP.NAK)],
      [OPTION.SERVER_IDENTIFIER, addressBytes(this.config.host)],
    ];
    const payload = encodeDhcp(bytes, { yourAddress: 0, nextServer: 0, file: new Uint8Array(0), options });
    return { payload, destination: BROADCAST_IP, mac: BROADCAST_MAC };
  }
}
