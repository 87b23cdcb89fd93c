/** Where the guest's addresses lead outside, and what outside addresses look like from inside. */
import { formatIpv4, type Ipv4, parseIpv4 } from '../packets/addresses.ts';
import { isHostIn, type UserNetConfig } from './config.ts';

const LOOPBACK = '127.0.0.1';

export type Route =
  /** An address of the host's network. */
  | { readonly kind: 'host'; readonly address: string }
  /** The gateway itself, where nothing listens, or a place that `restrict=on` closes. */
  | { readonly kind: 'closed' }
  /** An address of the guest's own network that nobody has. */
  | { readonly kind: 'nowhere' }
  /** An address that no single computer has: packets there are dropped without an answer. */
  | { readonly kind: 'silent' };

export class Routes {
  private readonly config: UserNetConfig;

  constructor(config: UserNetConfig) {
    this.config = config;
  }

  to(address: Ipv4): Route {
    const { config } = this;
    const first = address >>> 24;
    // "This network", loopback, multicast and reserved addresses (RFC 1122 section 3.2.1.3).
    if (first === 0 || first === 127 || first >= 224) return { kind: 'silent' };
    if (address === config.dns) return { kind: 'closed' };
    if (address === config.host) return config.restrict ? { kind: 'closed' } : { kind: 'host', address: LOOPBACK };
    if ((address & config.mask) >>> 0 === config.net) return { kind: isHostIn(config, address) ? 'nowhere' : 'silent' };
    return config.restrict ? { kind: 'closed' } : { kind: 'host', address: formatIpv4(address) };
  }

  /** The host itself, and whatever has no IPv4 address that is free for it, appears as the gateway. */
  visible(address: string): Ipv4 {
    const ipv4 = parseIpv4(address.replace(/^::ffff:/i, ''));
    return ipv4 !== undefined && ipv4 >>> 24 !== 127 && (ipv4 & this.config.mask) >>> 0 !== this.config.net ? ipv4 : this.config.host;
  }
}
