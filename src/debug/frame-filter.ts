/**
 * Which Ethernet frames? A part of pcap-filter(7): the protocols `arp`, `ip`, `icmp`, `tcp` and `udp`, `[src|dst] host
 * ADDRESS`, `[src|dst] port NUMBER`, `not`, `and`, `or` and parentheses; `tcp port 80` is short for `tcp and port 80`.
 */
import { RepriseError } from '../errors/errors.ts';
import { parseIpv4 } from '../net/packets/addresses.ts';
import { decodeArp } from '../net/packets/arp.ts';
import { decodeEthernet, ETHERTYPE } from '../net/packets/ethernet.ts';
import { decodeIpv4, PROTOCOL } from '../net/packets/ipv4.ts';

export type FrameFilter = (frame: Uint8Array) => boolean;

/** What filters look at. Ports are those of the first fragment; undefined where there are none. */
interface Summary {
  readonly protocols: readonly string[];
  readonly source: number | undefined;
  readonly destination: number | undefined;
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
}

type Test = (summary: Summary) => boolean;

const PROTOCOLS = ['arp', 'ip', 'icmp', 'tcp', 'udp'];
/** How deep parentheses and `not` may go. */
const MAX_DEPTH = 50;

/** @throws RepriseError BAD_VALUE */
export function parseFrameFilter(text: string): FrameFilter {
  const test = new Parser(text).parse();
  return (frame) => test(summaryOf(frame));
}

class Parser {
  private readonly text: string;
  private readonly words: string[];
  private depth = 0;

  constructor(text: string) {
    this.text = text;
    this.words = text.match(/[()]|[^\s()]+/g) ?? [];
  }

  parse(): Test {
    const test = this.either();
    if (this.words.length > 0) this.fail(`'${this.words[0]}' is out of place`);
    return test;
  }

  private fail(why: string): never {
    throw new RepriseError('BAD_VALUE', `the frame filter '${this.text}' makes no sense: ${why}; such as: tcp port 80 and src host 10.0.2.15`);
  }

  private either(): Test {
    const tests = [this.both()];
    while (this.take('or')) tests.push(this.both());
    return (summary) => tests.some((test) => test(summary));
  }

  private both(): Test {
    const tests = [this.single()];
    while (this.take('and') || this.continues()) tests.push(this.single());
    return (summary) => tests.every((test) => test(summary));
  }

  /** A protocol may stand right before what it qualifies. */
  private continues(): boolean {
    return /^(src|dst|host|port)$/.test(this.words[0] ?? '');
  }

  private single(): Test {
    if (++this.depth > MAX_DEPTH) this.fail('it is too deep');
    try {
      if (this.take('not')) {
        const test = this.single();
        return (summary) => !test(summary);
      }
      if (this.take('(')) {
        const test = this.either();
        if (!this.take(')')) this.fail("a ')' is missing");
        return test;
      }
      return this.primitive();
    } finally {
      this.depth--;
    }
  }

  private primitive(): Test {
    const word = this.words.shift() ?? this.fail('something is missing at its end');
    if (PROTOCOLS.includes(word)) return ({ protocols }) => protocols.includes(word);
    const side = word === 'src' || word === 'dst' ? word : undefined;
    const kind = side === undefined ? word : this.words.shift();
    if (kind !== 'host' && kind !== 'port') return this.fail(`'${kind ?? word}' is not known`);
    const value = this.words.shift() ?? '';
    const wanted = kind === 'host' ? parseIpv4(value) : /^\d{1,5}$/.test(value) && Number(value) <= 0xffff ? Number(value) : undefined;
    if (wanted === undefined) return this.fail(`'${value}' is no ${kind === 'host' ? 'IPv4 address' : 'port number'}`);
    const source: Test = kind === 'host' ? (s) => s.source === wanted : (s) => s.sourcePort === wanted;
    const destination: Test = kind === 'host' ? (s) => s.destination === wanted : (s) => s.destinationPort === wanted;
    if (side !== undefined) return side === 'src' ? source : destination;
    return (summary) => source(summary) || destination(summary);
  }

  private take(word: string): boolean {
    if (this.words[0] !== word) return false;
    this.words.shift();
    return true;
  }
}

function summaryOf(frame: Uint8Array): Summary {
  const nothing: Summary = { protocols: [], source: undefined, destination: undefined, sourcePort: undefined, destinationPort: undefined };
  const ethernet = decodeEthernet(frame);
  if (ethernet?.type === ETHERTYPE.ARP) {
    const arp = decodeArp(ethernet.payload);
    return { ...nothing, protocols: ['arp'], source: arp?.senderIp, destination: arp?.targetIp };
  }
  if (ethernet?.type !== ETHERTYPE.IPV4) return nothing;
  const packet = decodeIpv4(ethernet.payload);
  if (packet === undefined) return { ...nothing, protocols: ['ip'] };
  const { source, destination, protocol, payload, offset } = packet;
  const transport = ({ [PROTOCOL.ICMP]: 'icmp', [PROTOCOL.TCP]: 'tcp', [PROTOCOL.UDP]: 'udp' } as Readonly<Record<number, string>>)[protocol];
  const hasPorts = (transport === 'tcp' || transport === 'udp') && offset === 0 && payload.length >= 4;
  return {
    protocols: transport === undefined ? ['ip'] : ['ip', transport],
    source,
    destination,
    sourcePort: hasPorts ? (payload[0] << 8) | payload[1] : undefined,
    destinationPort: hasPorts ? (payload[2] << 8) | payload[3] : undefined,
  };
}
