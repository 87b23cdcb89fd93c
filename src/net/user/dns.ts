/** The DNS server of the guest's network: it asks the host's resolver. */

import { parseIpv4, parseIpv6 } from '../packets/addresses.ts';
import { addressRecord, type DnsQuery, decodeDnsQuery, encodeDnsAnswer, encodeName, RCODE, reversed, TYPE } from './dns-packets.ts';
import type { Holds } from './holds.ts';
import type { NetworkHost } from './host.ts';

/** Questions that the host is asked at a time; a guest asks again when one gets no answer. */
const MAX_OPEN = 64;
const HOLD_MS = 5000;

interface Result {
  readonly rcode: number;
  readonly records?: readonly Uint8Array[];
}

export class DnsServer {
  private readonly host: NetworkHost;
  private readonly holds: Holds;
  private readonly restrict: boolean;
  private open = 0;

  /** @param restrict the outside is closed: every question is refused */
  constructor(host: NetworkHost, holds: Holds, restrict: boolean) {
    this.host = host;
    this.holds = holds;
    this.restrict = restrict;
  }

  /** Answers once, now or later, or not at all. */
  receive(bytes: Uint8Array, answer: (bytes: Uint8Array) => void): void {
    const query = decodeDnsQuery(bytes);
    if (query === undefined) return;
    const rcode = this.restrict && query.rcode === RCODE.OK ? RCODE.REFUSED : query.rcode;
    if (rcode !== RCODE.OK) answer(encodeDnsAnswer(query, rcode));
    else if (this.open < MAX_OPEN) this.ask(query, answer);
  }

  private ask(query: DnsQuery, answer: (bytes: Uint8Array) => void): void {
    this.open++;
    this.holds.extend(query, HOLD_MS);
    const done = ({ rcode, records }: Result) => {
      this.open--;
      this.holds.release(query);
      answer(encodeDnsAnswer(query, rcode, records));
    };
    this.resolve(query).then(done, () => done({ rcode: RCODE.SERVER_FAILURE }));
  }

  private async resolve({ type, name }: DnsQuery): Promise<Result> {
    if (name === undefined || name === '') return { rcode: RCODE.SERVER_FAILURE };
    if (type === TYPE.PTR) return this.reverse(name);
    if (type !== TYPE.A && type !== TYPE.AAAA) return { rcode: RCODE.SERVER_FAILURE };
    const addresses = await this.host.lookup(name);
    if (addresses === undefined) return { rcode: RCODE.NO_SUCH_NAME };
    const records = type === TYPE.A ? addresses.ipv4.map(ipv4Record) : addresses.ipv6.map(parseIpv6);
    return { rcode: RCODE.OK, records: records.filter((data) => data !== undefined) };
  }

  private async reverse(question: string): Promise<Result> {
    const address = reversed(question);
    if (address === undefined || parseIpv4(address) === undefined) return { rcode: RCODE.SERVER_FAILURE };
    const name = await this.host.lookupAddress(address);
    const data = name === undefined ? undefined : encodeName(name);
    return data === undefined ? { rcode: RCODE.NO_SUCH_NAME } : { rcode: RCODE.OK, records: [data] };
  }
}

function ipv4Record(address: string): Uint8Array | undefined {
  const ipv4 = parseIpv4(address);
  return ipv4 === undefined ? undefined : addressRecord(ipv4);
}
