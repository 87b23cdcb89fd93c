/**
 * How QEMU's `-netdev socket` sends Ethernet frames over a stream: each with its length in front, 32 bits, big-endian.
 * Source: QEMU 7.2's documentation of the option, and its bytes on the wire.
 */
import { MAX_FRAME } from '../net.ts';

const LENGTH_BYTES = 4;
/** Ethernet's header; nothing shorter is a frame. */
const MIN_FRAME = 14;
/** The longest that QEMU sends, with the segments of a NIC that leaves cutting to its host. What claims more is no peer of ours. */
const MAX_LENGTH = 4096 + 65536;

/** A frame as the stream carries it. */
export function wrapFrame(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LENGTH_BYTES + frame.length);
  new DataView(bytes.buffer).setUint32(0, frame.length);
  bytes.set(frame, LENGTH_BYTES);
  return bytes;
}

/** Takes frames out of a stream, whose pieces may end anywhere. Keeps one frame at most. */
export class FrameReader {
  private readonly header = new Uint8Array(LENGTH_BYTES);
  private headerBytes = 0;
  /** Of the present frame; undefined when it is passed over. */
  private frame: Uint8Array | undefined;
  /** Bytes of it that are still to come. */
  private missing = 0;

  /**
   * Gives each frame that `bytes` completes to `deliver`, as its own. What cannot be an Ethernet frame of this network
   * (shorter than 14 bytes, longer than 1518) is passed over.
   * @returns false when the stream is not what it should be, and nothing more can be read from it
   */
  read(bytes: Uint8Array, deliver: (frame: Uint8Array) => void): boolean {
    for (let at = 0; at < bytes.length; ) {
      if (this.headerBytes < LENGTH_BYTES) {
        this.header[this.headerBytes++] = bytes[at++];
        if (this.headerBytes === LENGTH_BYTES && !this.begin()) return false;
        continue;
      }
      const piece = bytes.subarray(at, at + this.missing);
      this.frame?.set(piece, this.frame.length - this.missing);
      this.missing -= piece.length;
      at += piece.length;
      if (this.missing > 0) continue;
      this.headerBytes = 0;
      if (this.frame !== undefined) deliver(this.frame);
    }
    return true;
  }

  /** The length is there. */
  private begin(): boolean {
    const length = new DataView(this.header.buffer).getUint32(0);
    if (length > MAX_LENGTH) return false;
    this.missing = length;
    this.frame = length >= MIN_FRAME && length <= MAX_FRAME ? new Uint8Array(length) : undefined;
    if (length === 0) this.headerBytes = 0;
    return true;
  }
}
