/** The direction of a connection that comes from the guest: order, gaps and the window. RFC 9293 sections 3.4 and 3.8.6. */
import { advance, ahead } from '../packets/tcp.ts';
import { MAX_WINDOW, MSS } from './tcp-limits.ts';

/** Pieces behind gaps that are kept; the window bounds their bytes. */
const MAX_PIECES = 64;

interface Piece {
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export class TcpReceiver {
  /** The next sequence number that is expected. */
  next: number;
  /** The end of the window that the guest was told; it never goes back. */
  private edge: number;
  /** Sorted, without overlap, all behind `next`. */
  private pieces: Piece[] = [];
  private end: number | undefined;

  /** @param syn the sequence number of the guest's SYN */
  constructor(syn: number) {
    this.next = advance(syn, 1);
    this.edge = this.next;
  }

  /** The guest has sent its end, and everything before it has arrived. */
  get finished(): boolean {
    return this.end !== undefined && ahead(this.next, this.end) > 0;
  }

  /** Whether any of `length` sequence numbers is in the window; with a closed window, whether they begin at its edge. */
  accepts(sequence: number, length: number): boolean {
    const window = ahead(this.edge, this.next);
    if (window === 0) return sequence === this.next;
    const first = ahead(sequence, this.next);
    const last = length === 0 ? first : ahead(advance(sequence, length - 1), this.next);
    return first < window && last >= 0;
  }

  /** What `receive` gives is to be passed on, in this order. */
  receive(sequence: number, payload: Uint8Array, fin: boolean): Uint8Array[] {
    const early = Math.min(Math.max(ahead(this.next, sequence), 0), payload.length);
    const fits = Math.max(ahead(this.edge, sequence), early);
    const end = advance(sequence, payload.length);
    const piece = { sequence: advance(sequence, early), payload: payload.subarray(early, fits) };
    if (fin && fits >= payload.length) this.end ??= end;
    if (piece.payload.length > 0) this.insert(piece);
    const ready: Uint8Array[] = [];
    while (this.pieces[0]?.sequence === this.next) {
      const first = this.pieces.shift()!;
      ready.push(first.payload);
      this.next = advance(this.next, first.payload.length);
    }
    if (this.next === this.end) {
      this.next = advance(this.next, 1);
      this.pieces = [];
    }
    return ready;
  }

  /** The window to announce when there is room for `space` bytes; it opens in steps that are worth a segment. */
  window(space: number): number {
    if (this.wouldOpen(space)) this.edge = advance(this.next, Math.min(space, MAX_WINDOW));
    return Math.max(ahead(this.edge, this.next), 0);
  }

  wouldOpen(space: number): boolean {
    return ahead(advance(this.next, Math.min(space, MAX_WINDOW)), this.edge) >= MSS;
  }

  /** Keeps those parts of a piece that are not there yet. */
  private insert({ sequence, payload }: Piece): void {
    let at = sequence;
    let rest = payload;
    const pieces: Piece[] = [];
    for (const known of this.pieces) {
      const before = ahead(known.sequence, at);
      if (rest.length > 0 && before > 0) {
        pieces.push(this.kept(at, rest.subarray(0, before)));
      }
      pieces.push(known);
      const skip = Math.min(Math.max(before + known.payload.length, 0), rest.length);
      rest = rest.subarray(skip);
      at = advance(at, skip);
    }
    if (rest.length > 0) pieces.push(this.kept(at, rest));
    // The first piece is what is waited for: those that are dropped are the last ones.
    this.pieces = pieces.slice(0, MAX_PIECES);
  }

  /** A copy of what has to wait: it must not keep a whole frame alive. */
  private kept(sequence: number, payload: Uint8Array): Piece {
    return { sequence, payload: sequence === this.next ? payload : payload.slice() };
  }
}
