/**
 * One TCP connection that ends here: towards the guest the gateway speaks for the remote computer, on the other side is
 * a connection of the host's. RFC 9293; the gateway's names of states are its.
 */

import type { Ipv4 } from '../packets/addresses.ts';
import { ACK, advance, ahead, FIN, RST, SYN, type TcpSegment } from '../packets/tcp.ts';
import { Alarm } from './alarm.ts';
import { ByteQueue } from './byte-queue.ts';
import type { Holds } from './holds.ts';
import type { HostStream, NetworkHost, StreamFailure, StreamListener } from './host.ts';
import { BUFFER, MAX_WINDOW, MSS } from './tcp-limits.ts';
import { TcpReceiver } from './tcp-receiver.ts';
import { TcpSender } from './tcp-sender.ts';

export type TcpState =
  /** The guest's SYN waits for the host's connection. */
  | 'CONNECTING'
  | 'SYN_SENT'
  | 'SYN_RECEIVED'
  | 'ESTABLISHED'
  /** The host has ended. */
  | 'FIN_WAIT_1'
  | 'FIN_WAIT_2'
  | 'CLOSING'
  | 'TIME_WAIT'
  /** The guest has ended. */
  | 'CLOSE_WAIT'
  | 'LAST_ACK'
  | 'CLOSED';

/** Who talks to whom, as the guest sees it. */
export interface TcpPath {
  readonly guest: Ipv4;
  readonly guestPort: number;
  readonly remote: Ipv4;
  readonly remotePort: number;
}

export interface ConnectionLinks {
  readonly host: NetworkHost;
  readonly holds: Holds;
  readonly send: (path: TcpPath, segment: Omit<TcpSegment, 'sourcePort' | 'destinationPort'>) => void;
  /** The host could not reach the remote computer. */
  readonly unreachable: (path: TcpPath, syn: TcpSegment) => void;
  readonly closed: (connection: TcpConnection) => void;
}

/** An answer is waited for while a connection is opened, and while data moves or has just moved. */
const OPEN_HOLD_MS = 3000;
const DATA_HOLD_MS = 250;
/** Waits for a guest that does not answer are held for, as long as they are short. */
const HELD_BACKOFFS = 3;
/** On a wire of no length nothing old comes late; this is for a last acknowledgment that was lost. */
const TIME_WAIT_MS = 4000;
/** Segments that make no sense are answered this often at most, so that two confused ends do not chase each other. */
const CHALLENGE_MS = 100;
const NOTHING = new Uint8Array(0);

export class TcpConnection implements StreamListener {
  readonly path: TcpPath;
  state: TcpState;
  private readonly links: ConnectionLinks;
  private readonly stream: HostStream;
  private readonly alarm: Alarm;
  private readonly sender: TcpSender;
  private receiver: TcpReceiver | undefined;
  /** From the guest, while the host has not taken what came before. */
  private readonly toHost = new ByteQueue(BUFFER);
  /** The guest's SYN while the host connects. */
  private syn: TcpSegment | undefined;
  private acknowledged = true;
  private challengedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param connect makes the stream, which tells this connection what it does
   * @param syn the guest's; without one, the gateway opens the connection for a stream that is there already
   */
  constructor(path: TcpPath, links: ConnectionLinks, connect: (listener: StreamListener) => HostStream, firstSequence: number, syn?: TcpSegment) {
    this.path = path;
    this.links = links;
    const { host } = links;
    this.alarm = new Alarm(host, () => this.expired());
    const emit = (sequence: number, flags: number, payload: Uint8Array) => this.emit(sequence, flags, payload);
    this.sender = new TcpSender({ emit, now: () => host.milliseconds(), alarm: this.alarm }, firstSequence);
    this.syn = syn;
    this.state = syn === undefined ? 'SYN_SENT' : 'CONNECTING';
    this.stream = connect(this);
    links.holds.extend(this, OPEN_HOLD_MS);
    if (syn === undefined) this.sender.open(SYN);
  }

  /** How often in a row the guest has not answered in time. */
  get unanswered(): number {
    return this.sender.unanswered;
  }

  /** Whether a SYN opens a new connection on the path of this one, which is over (RFC 9293 section 3.10.7.4). */
  isReopenedBy({ flags, sequence }: TcpSegment): boolean {
    return this.state === 'TIME_WAIT' && (flags & (SYN | ACK | RST)) === SYN && ahead(sequence, this.receiver!.next) > 0;
  }

  /** A segment of the guest's. */
  receive(segment: TcpSegment): void {
    switch (this.state) {
      case 'CONNECTING':
        if ((segment.flags & RST) !== 0) this.drop();
        else if ((segment.flags & (SYN | ACK)) === SYN) this.syn = segment;
        return;
      case 'SYN_SENT':
        this.receiveSynSent(segment);
        return;
      default:
        this.receiveSynchronized(segment, this.receiver!);
    }
  }

  opened(): void {
    if (this.state !== 'CONNECTING') return;
    this.state = 'SYN_RECEIVED';
    this.meet(this.syn!);
    this.syn = undefined;
    this.sender.open(SYN | ACK);
    this.links.holds.release(this);
    this.links.holds.extend(this, DATA_HOLD_MS);
  }

  readable(): void {
    if (this.state !== 'ESTABLISHED' && this.state !== 'CLOSE_WAIT') return;
    this.pump();
    this.sender.output();
  }

  writable(): void {
    if (this.state === 'CLOSED' || this.receiver === undefined) return;
    this.deliver();
    if (!this.receiver.finished && this.receiver.wouldOpen(this.space)) this.emitAcknowledgment();
  }

  failed(reason: StreamFailure): void {
    // Both sides have said all they had to say.
    if (this.state === 'CLOSED' || this.state === 'TIME_WAIT') return;
    if (this.syn === undefined) {
      this.abort();
      return;
    }
    if (reason === 'unreachable') this.links.unreachable(this.path, this.syn);
    else this.links.send(this.path, { ...reset, acknowledgment: advance(this.syn.sequence, 1), flags: RST | ACK });
    this.close();
  }

  /** Ends it without a word to the guest. */
  drop(): void {
    if (this.state !== 'TIME_WAIT') this.stream.reset();
    this.close();
  }

  /** Ends it at once, for both sides to see. */
  private abort(): void {
    const flags = this.receiver === undefined ? RST : RST | ACK;
    this.links.send(this.path, { ...reset, sequence: this.sender.next, acknowledgment: this.receiver?.next ?? 0, flags });
    this.drop();
  }

  private receiveSynSent(segment: TcpSegment): void {
    const { flags, acknowledgment } = segment;
    const acknowledges = (flags & ACK) !== 0;
    if (acknowledges && !this.sender.isAcknowledgedBy(segment)) {
      if ((flags & RST) === 0) this.links.send(this.path, { ...reset, sequence: acknowledgment });
      return;
    }
    if ((flags & RST) !== 0) {
      if (acknowledges) this.drop();
      return;
    }
    if ((flags & SYN) === 0) return;
    this.meet(segment);
    if (!acknowledges) {
      // Both ends opened it at the same moment.
      this.state = 'SYN_RECEIVED';
      this.sender.open(SYN | ACK);
      return;
    }
    this.sender.acknowledge(segment);
    this.establish();
    this.answer();
  }

  private receiveSynchronized(segment: TcpSegment, receiver: TcpReceiver): void {
    const { sequence, flags, payload } = segment;
    if (this.state === 'SYN_RECEIVED' && (flags & (SYN | ACK | RST)) === SYN && advance(sequence, 1) === receiver.next) {
      this.sender.open(SYN | ACK);
      return;
    }
    const length = payload.length + (flags & FIN ? 1 : 0);
    if (!receiver.accepts(sequence, length)) {
      if ((flags & RST) !== 0) return;
      // What was received already: its acknowledgment was lost.
      if (length > 0) this.emitAcknowledgment();
      else this.challenge();
      return;
    }
    if ((flags & RST) !== 0 && sequence === receiver.next) this.drop();
    // A blind or late reset or SYN is asked to prove itself (RFC 5961).
    else if ((flags & (RST | SYN)) !== 0) this.challenge();
    else if ((flags & ACK) !== 0) this.receiveAcceptable(segment, receiver);
  }

  private receiveAcceptable(segment: TcpSegment, receiver: TcpReceiver): void {
    const { sequence, flags, payload } = segment;
    if (this.state === 'SYN_RECEIVED') {
      if (!this.sender.isAcknowledgedBy(segment)) {
        this.links.send(this.path, { ...reset, sequence: segment.acknowledgment });
        return;
      }
      this.establish();
    }
    if (this.sender.acknowledge(segment) === 'beyond') {
      this.challenge();
      return;
    }
    if (this.sender.finished && this.acknowledgedEnd()) return;
    const fin = (flags & FIN) !== 0;
    if (payload.length > 0 || fin) this.receiveData(sequence, payload, fin, receiver);
    this.answer();
  }

  /** The guest has everything. @returns true when the connection is over */
  private acknowledgedEnd(): boolean {
    if (this.state === 'FIN_WAIT_1') this.state = 'FIN_WAIT_2';
    else if (this.state === 'CLOSING') this.linger();
    else if (this.state === 'LAST_ACK') this.close();
    return this.state === 'CLOSED';
  }

  private receiveData(sequence: number, payload: Uint8Array, fin: boolean, receiver: TcpReceiver): void {
    this.acknowledged = false;
    if (receiver.finished) return;
    this.links.holds.extend(this, DATA_HOLD_MS);
    for (const piece of receiver.receive(sequence, payload, fin)) this.toHost.append(piece);
    this.deliver();
    if (!receiver.finished) return;
    if (this.toHost.length > 0) this.stream.write(this.toHost.take());
    this.stream.end();
    if (this.state === 'ESTABLISHED') this.state = 'CLOSE_WAIT';
    else if (this.state === 'FIN_WAIT_1') this.state = 'CLOSING';
    else this.linger();
  }

  /** Sends what there is; data carries the acknowledgment along. */
  private answer(): void {
    if (this.state === 'ESTABLISHED' || this.state === 'CLOSE_WAIT') this.pump();
    this.sender.output();
    if (!this.acknowledged) this.emitAcknowledgment();
  }

  private meet(syn: TcpSegment): void {
    this.receiver = new TcpReceiver(syn.sequence);
    this.sender.meet(syn);
    this.acknowledged = false;
  }

  private establish(): void {
    this.state = 'ESTABLISHED';
    this.links.holds.extend(this, DATA_HOLD_MS);
  }

  /** Takes from the host what there is room for. */
  private pump(): void {
    while (this.sender.room > 0) {
      const bytes = this.stream.read(this.sender.room);
      if (bytes.length === 0) break;
      this.sender.append(bytes);
      this.links.holds.extend(this, DATA_HOLD_MS);
    }
    if (!this.stream.ended) return;
    this.sender.finish();
    this.state = this.state === 'CLOSE_WAIT' ? 'LAST_ACK' : 'FIN_WAIT_1';
  }

  /** Passes on one piece at a time: however small the guest's segments are, the host keeps few. */
  private deliver(): void {
    if (this.toHost.length > 0 && this.stream.unsent === 0) this.stream.write(this.toHost.take());
  }

  /** What may come from the guest. */
  private get space(): number {
    return Math.max(BUFFER - this.toHost.length - this.stream.unsent, 0);
  }

  private challenge(): void {
    const now = this.links.host.milliseconds();
    if (now - this.challengedAt < CHALLENGE_MS) return;
    this.challengedAt = now;
    this.emitAcknowledgment();
  }

  private emitAcknowledgment(): void {
    this.emit(this.sender.next, ACK, NOTHING);
  }

  private emit(sequence: number, flags: number, payload: Uint8Array): void {
    this.acknowledged = true;
    const { receiver } = this;
    this.links.send(this.path, {
      sequence,
      acknowledgment: receiver?.next ?? 0,
      flags,
      window: receiver?.window(this.space) ?? MAX_WINDOW,
      mss: (flags & SYN) !== 0 ? MSS : undefined,
      payload,
    });
  }

  private expired(): void {
    if (this.state === 'TIME_WAIT') this.close();
    // Established connections are never given up for silence: a machine may be stopped for as long as its user likes.
    else if (!this.sender.expired()) this.drop();
    else if (this.sender.unanswered <= HELD_BACKOFFS) this.links.holds.extend(this, this.sender.timeout + DATA_HOLD_MS);
  }

  private linger(): void {
    this.state = 'TIME_WAIT';
    this.links.holds.release(this);
    this.alarm.set(TIME_WAIT_MS);
  }

  private close(): void {
    this.state = 'CLOSED';
    this.alarm.stop();
    this.links.holds.release(this);
    this.links.closed(this);
  }
}

/** A reset that answers nothing in particular. */
const reset = { sequence: 0, acknowledgment: 0, flags: RST, window: 0, mss: undefined, payload: NOTHING };
