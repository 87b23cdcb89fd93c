/** One TCP socket of a test's guest: go-back-N, gaps kept, everything acknowledged at once. Independent of the product's own TCP. */
import { ACK, FIN, RST, SYN, type TcpSegment } from '../../packets/tcp.ts';

const RETRY_MS = 60;
const MSS = 1460;
const WINDOW = 65535;
const EMPTY = new Uint8Array(0);

type Outgoing = Pick<TcpSegment, 'sequence' | 'acknowledgment' | 'flags' | 'window' | 'mss' | 'payload'>;

export class GuestTcp {
  /** What has arrived in order, if `keep` is set. */
  readonly chunks: Uint8Array[] = [];
  keep = true;
  receivedBytes = 0;
  connected = false;
  reset = false;
  /** The other side has ended. */
  ended = false;
  /** The other side has acknowledged our end. */
  endAcknowledged = false;
  /** A closed window lets nothing in. */
  reading = true;
  /** What the other side announced last. */
  window = 0;
  onData: (bytes: Uint8Array) => void = () => {};
  private readonly emit: (segment: Outgoing) => void;
  /** Sequence numbers count from our SYN, at 0; this is what the wire adds. */
  private readonly first = 0xffff_fff0;
  private una = 0;
  private nxt = 0;
  private output: Uint8Array[] = [];
  private outputLength = 0;
  /** How much of the output, from its beginning, has been acknowledged and forgotten. */
  private forgotten = 0;
  private end: number | undefined;
  private next = 0;
  private readonly early = new Map<number, { readonly payload: Uint8Array; readonly fin: boolean }>();
  private duplicates = 0;
  /** A loss is being repaired until this is acknowledged: each acknowledgment before tells of the next one. */
  private recover = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(emit: (segment: Outgoing) => void) {
    this.emit = emit;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  connect(): void {
    this.nxt = 1;
    this.send(0, SYN, EMPTY, false);
    this.arm();
  }

  write(bytes: Uint8Array | string): void {
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    for (let at = 0; at < data.length; at += MSS) this.output.push(data.subarray(at, at + MSS));
    this.outputLength += data.length;
    this.push();
  }

  /** Bytes that are not acknowledged. */
  get unsent(): number {
    return this.outputLength - Math.max(this.una - 1, 0);
  }

  close(): void {
    this.end = 1 + this.outputLength;
    this.push();
  }

  abort(): void {
    this.stop();
    this.send(this.nxt, RST | ACK, EMPTY);
  }

  /** Opens the window again and says so. */
  resume(): void {
    this.reading = true;
    this.acknowledge();
  }

  acknowledge(): void {
    this.send(this.nxt, ACK, EMPTY);
  }

  receive({ sequence, acknowledgment, flags, window, payload }: TcpSegment): void {
    if ((flags & RST) !== 0) {
      this.reset = true;
      this.stop();
      return;
    }
    const ack = (acknowledgment - this.first) >>> 0;
    if ((flags & SYN) !== 0) {
      if (this.connected) {
        this.acknowledge();
        return;
      }
      this.next = (sequence + 1) >>> 0;
      if ((flags & ACK) === 0) {
        this.nxt = 1;
        this.send(0, SYN | ACK, EMPTY);
        this.arm();
        return;
      }
    }
    if ((flags & ACK) !== 0) this.acknowledged(ack, window, payload.length === 0 && (flags & (SYN | FIN)) === 0);
    if ((flags & SYN) !== 0) this.acknowledge();
    if (payload.length > 0 || (flags & FIN) !== 0) this.take(sequence, payload, (flags & FIN) !== 0);
  }

  private acknowledged(ack: number, window: number, plain: boolean): void {
    if (ack > this.una && ack <= this.nxt) {
      this.una = ack;
      this.connected = true;
      this.duplicates = 0;
      if (this.end !== undefined && ack > this.end) this.endAcknowledged = true;
      while (this.output.length > 0 && 1 + this.forgotten + this.output[0].length <= ack) this.forgotten += this.output.shift()!.length;
      this.arm();
      if (ack < this.recover) this.resendFirst();
    } else if (ack === this.una && plain && window === this.window && this.nxt > this.una && ++this.duplicates === 3 && ack >= this.recover) {
      this.recover = this.nxt;
      this.resendFirst();
    }
    this.window = window;
    this.push();
  }

  private take(sequence: number, payload: Uint8Array, fin: boolean): void {
    const ahead = (sequence - this.next) | 0;
    if (this.reading && ahead >= 0) this.early.set(sequence, { payload, fin });
    for (let piece = this.early.get(this.next); piece !== undefined; piece = this.early.get(this.next)) {
      this.early.delete(this.next);
      this.next = (this.next + piece.payload.length + (piece.fin ? 1 : 0)) >>> 0;
      this.receivedBytes += piece.payload.length;
      if (this.keep) this.chunks.push(piece.payload);
      this.onData(piece.payload);
      if (piece.fin) {
        this.ended = true;
        break;
      }
    }
    for (const at of this.early.keys()) if (((at - this.next) | 0) < 0) this.early.delete(at);
    this.acknowledge();
  }

  /** Sends what the window lets through. */
  private push(): void {
    if (!this.connected) return;
    let at = this.nxt;
    let skipped = 1 + this.forgotten;
    for (const piece of this.output) {
      if (skipped >= at && skipped + piece.length <= this.una + this.window) {
        this.send(skipped, ACK, piece);
        at = skipped + piece.length;
      } else if (skipped >= at) break;
      skipped += piece.length;
    }
    if (this.end !== undefined && at === this.end) {
      this.send(at, FIN | ACK, EMPTY);
      at++;
    }
    if (at > this.nxt) this.arm();
    this.nxt = Math.max(this.nxt, at);
  }

  private resend(): void {
    if (this.una === 0) {
      this.send(0, this.next === 0 ? SYN : SYN | ACK, EMPTY, this.next !== 0);
      return;
    }
    this.recover = this.nxt;
    // All that may be under way goes again, from the oldest piece on.
    let at = 1 + this.forgotten;
    for (const piece of this.output) {
      if (at + piece.length > Math.max(this.nxt, this.una + 1)) break;
      this.send(at, ACK, piece);
      at += piece.length;
    }
    // A closed window is asked.
    if (this.nxt === this.una && this.output.length > 0) this.send(1 + this.forgotten, ACK, this.output[0]);
    if (this.end !== undefined && this.nxt > this.end) this.send(this.end, FIN | ACK, EMPTY);
  }

  private resendFirst(): void {
    if (this.output.length > 0) this.send(1 + this.forgotten, ACK, this.output[0]);
  }

  private arm(): void {
    clearTimeout(this.timer);
    if (this.nxt === this.una && this.output.length === 0) return;
    this.timer = setTimeout(() => {
      this.resend();
      this.arm();
    }, RETRY_MS);
  }

  private stop(): void {
    clearTimeout(this.timer);
    this.output = [];
  }

  private send(sequence: number, flags: number, payload: Uint8Array, acknowledges = true): void {
    this.emit({
      sequence: (sequence + this.first) >>> 0,
      acknowledgment: acknowledges ? this.next : 0,
      flags,
      window: this.reading ? WINDOW : 0,
      mss: (flags & SYN) !== 0 ? MSS : undefined,
      payload,
    });
  }
}
