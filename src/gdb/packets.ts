/**
 * Framing of gdb's remote serial protocol (GDB manual, appendix E): `$payload#checksum`, acknowledged by `+` or `-`, with
 * `}` escapes and, in what a client sends, run-length encoding. Payloads are bytes, kept as strings of Latin-1.
 */

/** What a client may send in one packet; it is told as `PacketSize`. */
export const PACKET_BYTES = 0x4000;

export type Received =
  | { readonly kind: 'packet'; readonly payload: string }
  /** A packet that cannot be read: its checksum or its escapes are wrong. */
  | { readonly kind: 'garbled' }
  /** A packet whose end came, but which was longer than PACKET_BYTES. */
  | { readonly kind: 'oversized' }
  | { readonly kind: 'ack' }
  | { readonly kind: 'nak' }
  /** Ctrl-C. */
  | { readonly kind: 'interrupt' };

const ETX = '\x03';
const ESCAPE = '}';
/** A run's length is sent as the character with this code plus the length. */
const RUN_BIAS = 29;

const sum = (payload: string): number => {
  let total = 0;
  for (let n = 0; n < payload.length; n++) total = (total + payload.charCodeAt(n)) & 0xff;
  return total;
};

/** Takes packets out of a stream of bytes, however they are cut; anything between packets is skipped. */
export class PacketDecoder {
  private state: 'between' | 'payload' | 'checksum' = 'between';
  private payload = '';
  private oversized = false;
  private checksum = '';

  *push(bytes: Uint8Array): Generator<Received> {
    for (const byte of bytes) {
      const received = this.take(String.fromCharCode(byte));
      if (received !== undefined) yield received;
    }
  }

  private take(char: string): Received | undefined {
    if (this.state === 'between') {
      if (char === '$') this.begin();
      else if (char === '+') return { kind: 'ack' };
      else if (char === '-') return { kind: 'nak' };
      else if (char === ETX) return { kind: 'interrupt' };
      return undefined;
    }
    if (char === '$') {
      // The rest of the packet before was lost.
      this.begin();
      return undefined;
    }
    if (this.state === 'payload') {
      if (char === '#') this.state = 'checksum';
      else if (this.payload.length < PACKET_BYTES) this.payload += char;
      else this.oversized = true;
      return undefined;
    }
    this.checksum += char;
    if (this.checksum.length < 2) return undefined;
    this.state = 'between';
    return this.end();
  }

  private begin(): void {
    this.state = 'payload';
    this.payload = '';
    this.checksum = '';
    this.oversized = false;
  }

  private end(): Received {
    if (this.oversized) return { kind: 'oversized' };
    if (!/^[0-9a-fA-F]{2}$/.test(this.checksum) || Number.parseInt(this.checksum, 16) !== sum(this.payload)) return { kind: 'garbled' };
    const payload = expand(this.payload);
    if (payload === undefined) return { kind: 'garbled' };
    return payload.length > PACKET_BYTES ? { kind: 'oversized' } : { kind: 'packet', payload };
  }
}

/** Undoes escapes and runs; undefined if they make no sense. A payload of n bytes can become 48 n at most. */
function expand(payload: string): string | undefined {
  if (!/[}*]/.test(payload)) return payload;
  let text = '';
  for (let n = 0; n < payload.length; n++) {
    const char = payload[n];
    if (char !== ESCAPE && char !== '*') {
      text += char;
      continue;
    }
    if (++n === payload.length) return undefined;
    if (char === ESCAPE) text += String.fromCharCode(payload.charCodeAt(n) ^ 0x20);
    else {
      const more = payload.charCodeAt(n) - RUN_BIAS;
      if (text === '' || more < 3 || more > 97) return undefined;
      text += text[text.length - 1].repeat(more);
    }
  }
  return text;
}

/** A packet as it is sent. */
export function encodePacket(payload: string): Uint8Array {
  const escaped = payload.replace(/[#$}*]/g, (char) => ESCAPE + String.fromCharCode(char.charCodeAt(0) ^ 0x20));
  return latin1(`$${escaped}#${sum(escaped).toString(16).padStart(2, '0')}`);
}

export const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
