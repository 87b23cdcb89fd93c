/** Whole IPv4 packets out of fragments (RFC 791 section 3.2), with bounds on what a guest can make the host keep. */
import { type Ipv4Packet, MAX_PAYLOAD } from '../packets/ipv4.ts';

/** Packets that are put together at a time. */
const MAX_PACKETS = 16;
/** Fragments of one packet: as many as the largest one has on an Ethernet, and some. */
const MAX_FRAGMENTS = 64;
const LIFETIME_MS = 30_000;

interface Partial {
  readonly since: number;
  /** Sorted by offset, without overlap. */
  readonly fragments: Ipv4Packet[];
}

export class Reassembly {
  private readonly now: () => number;
  private readonly partials = new Map<string, Partial>();

  constructor(now: () => number) {
    this.now = now;
  }

  /** The whole packet, as soon as this fragment completes it. */
  add(packet: Ipv4Packet): Ipv4Packet | undefined {
    if (packet.offset === 0 && !packet.moreFragments) return packet;
    this.forget();
    const end = packet.offset + packet.payload.length;
    // Only the last fragment may have a length that is no multiple of 8.
    if (packet.payload.length === 0 || end > MAX_PAYLOAD || (packet.moreFragments && packet.payload.length % 8 !== 0)) return undefined;
    const key = `${packet.source} ${packet.destination} ${packet.protocol} ${packet.identification}`;
    const { fragments } = this.partial(key);
    const at = fragments.findIndex(({ offset }) => offset >= packet.offset);
    const place = at < 0 ? fragments.length : at;
    const [before, after] = [fragments[place - 1], fragments[place]];
    if (after !== undefined && after.offset === packet.offset && after.payload.length === packet.payload.length) return undefined;
    const overlaps =
      (before !== undefined && before.offset + before.payload.length > packet.offset) || (after !== undefined && after.offset < end);
    // Overlaps come from mistakes and attacks only: the packet is given up (as RFC 5722 has it for IPv6).
    if (overlaps || fragments.length === MAX_FRAGMENTS) {
      this.partials.delete(key);
      return undefined;
    }
    // A copy: a small fragment must not keep a large frame alive.
    fragments.splice(place, 0, { ...packet, payload: packet.payload.slice() });
    const whole = assemble(fragments);
    if (whole !== undefined) this.partials.delete(key);
    return whole;
  }

  private partial(key: string): Partial {
    let partial = this.partials.get(key);
    if (partial === undefined) {
      if (this.partials.size === MAX_PACKETS) this.partials.delete(this.partials.keys().next().value!);
      partial = { since: this.now(), fragments: [] };
      this.partials.set(key, partial);
    }
    return partial;
  }

  private forget(): void {
    const oldest = this.now() - LIFETIME_MS;
    for (const [key, { since }] of this.partials) if (since < oldest) this.partials.delete(key);
  }
}

function assemble(fragments: readonly Ipv4Packet[]): Ipv4Packet | undefined {
  let length = 0;
  for (const { offset, payload, moreFragments } of fragments) {
    if (offset !== length) return undefined;
    length += payload.length;
    if (!moreFragments && offset !== fragments.at(-1)!.offset) return undefined;
  }
  if (fragments.at(-1)!.moreFragments) return undefined;
  const payload = new Uint8Array(length);
  for (const piece of fragments) payload.set(piece.payload, piece.offset);
  return { ...fragments[0], moreFragments: false, payload };
}
