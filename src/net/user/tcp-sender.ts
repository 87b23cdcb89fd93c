/**
 * The direction of a connection that leads to the guest: what was sent and not acknowledged, what is sent when.
 * RFC 9293 section 3.8.
 */
import { ACK, advance, ahead, FIN, PSH, SYN, type TcpSegment } from '../packets/tcp.ts';
import type { Alarm } from './alarm.ts';
import { ByteQueue } from './byte-queue.ts';
import { Congestion } from './congestion.ts';
import { RoundTrip } from './round-trip.ts';
import { BUFFER, MSS } from './tcp-limits.ts';

/** For a guest that names no segment size (RFC 9293 section 3.7.1), and against one that names a silly one. */
const DEFAULT_MSS = 536;
const MIN_MSS = 64;
/** A connection that is being opened is given up after as many tries: half a minute. */
const SYN_TRIES = 6;
const NOTHING = new Uint8Array(0);

/** What an acknowledgment was. */
export type Acknowledgment = 'new' | 'old' | 'beyond';

export interface SenderLinks {
  /** Sends one segment; the owner adds acknowledgment and window. */
  readonly emit: (sequence: number, flags: number, payload: Uint8Array) => void;
  readonly now: () => number;
  /** Set here, and cleared; the owner calls `expired`. */
  readonly alarm: Alarm;
}

export class TcpSender {
  private readonly links: SenderLinks;
  private readonly queue = new ByteQueue(BUFFER);
  private readonly congestion: Congestion;
  private readonly roundTrip = new RoundTrip();
  private mss = DEFAULT_MSS;
  /** The oldest sequence number that is not acknowledged. */
  private una: number;
  /** The next to be sent; goes back when all is sent again. */
  private nxt: number;
  /** Behind the last that was ever sent. */
  private max: number;
  private synFlags = SYN;
  private synTries = 0;
  private synAcknowledged = false;
  private finQueued = false;
  private finDone = false;
  private window = 0;
  /** Sequence and acknowledgment number of the segment that `window` is from. */
  private windowFrom = { sequence: 0, acknowledgment: 0 };
  /** The segment whose way there and back is measured: its end, and when it was sent. */
  private timed: { readonly end: number; readonly at: number } | undefined;

  constructor(links: SenderLinks, firstSequence: number) {
    this.links = links;
    this.una = firstSequence;
    this.nxt = firstSequence;
    this.max = firstSequence;
    this.congestion = new Congestion(DEFAULT_MSS, firstSequence);
  }

  /** The sequence number of a segment that says nothing new. */
  get next(): number {
    return this.max;
  }

  get room(): number {
    return this.queue.room;
  }

  /** The guest has everything, the end included. */
  get finished(): boolean {
    return this.finDone;
  }

  /** How often in a row the guest did not answer in time. */
  get unanswered(): number {
    return this.roundTrip.backoffs;
  }

  get timeout(): number {
    return this.roundTrip.timeout;
  }

  /** Sends a SYN, or one with an acknowledgment, until it is acknowledged. */
  open(flags: number): void {
    this.synFlags = flags;
    this.emitSyn();
    this.links.alarm.set(this.roundTrip.timeout);
  }

  /** The guest's SYN: its segment size and first window. */
  meet(segment: TcpSegment): void {
    this.mss = Math.min(Math.max(segment.mss ?? DEFAULT_MSS, MIN_MSS), MSS);
    this.congestion.resize(this.mss);
    this.updateWindow(segment);
  }

  /** At most `room` bytes. */
  append(bytes: Uint8Array): void {
    this.queue.append(bytes);
  }

  /** Nothing is appended any more. */
  finish(): void {
    this.finQueued = true;
  }

  /** Whether the segment acknowledges something that was sent and not yet acknowledged. */
  isAcknowledgedBy(segment: TcpSegment): boolean {
    return ahead(segment.acknowledgment, this.una) > 0 && ahead(this.max, segment.acknowledgment) >= 0;
  }

  acknowledge(segment: TcpSegment): Acknowledgment {
    const { acknowledgment, payload, flags } = segment;
    if (ahead(acknowledgment, this.max) > 0) return 'beyond';
    const bytes = ahead(acknowledgment, this.una);
    if (bytes < 0) return 'old';
    const sameWindow = segment.window === this.window;
    const { sequence: from, acknowledgment: to } = this.windowFrom;
    const newer = ahead(segment.sequence, from) > 0 || (segment.sequence === from && ahead(acknowledgment, to) >= 0);
    const opens = newer && segment.window > this.window;
    if (newer) this.updateWindow(segment);
    if (bytes > 0) {
      this.advanceTo(acknowledgment, bytes);
      return 'new';
    }
    // The wait for a window to open ends with it.
    if (opens && this.nxt === this.una) this.calm();
    const duplicate = sameWindow && payload.length === 0 && (flags & (SYN | FIN)) === 0 && this.max !== this.una;
    if (duplicate && this.congestion.duplicate(this.una, this.max, ahead(this.max, this.una))) this.resendFirst();
    return 'old';
  }

  /** Sends what may be sent now. */
  output(): void {
    if (!this.synAcknowledged || this.finDone) return;
    for (;;) {
      const offset = ahead(this.nxt, this.una);
      const pending = this.queue.length - offset;
      const usable = Math.min(this.window, this.congestion.window) - offset;
      const length = Math.max(0, Math.min(pending, usable, this.mss));
      const last = length === pending;
      if (length === 0 && !(last && this.finQueued)) break;
      // A small piece waits while more is under way, unless it is all there is.
      if (length < this.mss && !last && offset > 0) break;
      const sequence = this.nxt;
      this.nxt = advance(sequence, length + (last && this.finQueued ? 1 : 0));
      if (ahead(this.nxt, this.max) > 0) {
        this.max = this.nxt;
        this.timed ??= { end: this.nxt, at: this.links.now() };
      }
      this.emitData(sequence, length);
    }
    const { alarm } = this.links;
    if (!alarm.isSet && (this.nxt !== this.una || this.queue.length > 0)) alarm.set(this.roundTrip.timeout);
  }

  /** The alarm went off. @returns false when the guest does not answer at all and the connection cannot be opened */
  expired(): boolean {
    const flight = ahead(this.nxt, this.una);
    this.timed = undefined;
    this.roundTrip.backOff();
    if (!this.synAcknowledged) {
      if (this.synTries === SYN_TRIES) return false;
      this.emitSyn();
    } else if (flight > 0) {
      this.congestion.timedOut(this.max, flight);
      this.nxt = this.una;
      this.output();
    } else if (this.queue.length > 0) {
      // The window is closed: a byte that does not fit into it asks whether it still is (RFC 9293 section 3.8.6.1).
      if (this.max === this.una) this.max = advance(this.una, 1);
      this.emitData(this.una, 1);
    }
    if (!this.links.alarm.isSet) this.links.alarm.set(this.roundTrip.timeout);
    return true;
  }

  private advanceTo(acknowledgment: number, bytes: number): void {
    const syn = this.synAcknowledged ? 0 : 1;
    const data = Math.min(bytes - syn, this.queue.length);
    this.finDone = this.finQueued && bytes - syn > data;
    this.synAcknowledged = true;
    this.queue.drop(data);
    this.una = acknowledgment;
    if (ahead(this.nxt, this.una) < 0) this.nxt = this.una;
    if (this.timed !== undefined && ahead(acknowledgment, this.timed.end) >= 0) {
      this.roundTrip.measured(this.links.now() - this.timed.at);
      this.timed = undefined;
    }
    this.calm();
    if (data > 0 && this.congestion.acknowledged(data, this.una)) this.resendFirst();
  }

  /** The guest is alive: waits begin anew. */
  private calm(): void {
    this.roundTrip.answered();
    this.links.alarm.clear();
  }

  private updateWindow({ window, sequence, acknowledgment }: TcpSegment): void {
    this.window = window;
    this.windowFrom = { sequence, acknowledgment };
  }

  private resendFirst(): void {
    const length = Math.min(this.queue.length, this.mss, ahead(this.max, this.una));
    this.timed = undefined;
    this.emitData(this.una, length);
  }

  private emitData(sequence: number, length: number): void {
    const offset = ahead(sequence, this.una);
    const last = offset + length === this.queue.length;
    const flags = ACK | (last && length > 0 ? PSH : 0) | (last && this.finQueued ? FIN : 0);
    this.links.emit(sequence, flags, this.queue.copy(offset, length));
  }

  private emitSyn(): void {
    this.synTries++;
    this.max = advance(this.una, 1);
    this.nxt = this.max;
    this.links.emit(this.una, this.synFlags, NOTHING);
  }
}
