/** Files that tcpdump, tshark and Wireshark read: libpcap's format, with nanoseconds (draft-ietf-opsawg-pcap). */
import { type Nanoseconds, SECOND } from '../time/units.ts';

const MAGIC_NANOSECONDS = 0xa1b23c4d;
const LINK_ETHERNET = 1;
const FILE_HEADER = 24;
const PACKET_HEADER = 16;
/** Bytes of a frame that QEMU's dumps keep when they have no limit of their own. */
export const DEFAULT_LIMIT = 65536;

/** Where a file is appended to. */
export interface PcapSink {
  append(bytes: Uint8Array): void;
}

export class PcapWriter {
  private readonly sink: PcapSink;
  private readonly limit: number;

  /**
   * Writes the file's header.
   * @param limit bytes of a frame that are kept
   * Throws what the sink does, as `write` too.
   */
  constructor(sink: PcapSink, limit = DEFAULT_LIMIT) {
    this.sink = sink;
    this.limit = limit;
    const header = new DataView(new ArrayBuffer(FILE_HEADER));
    header.setUint32(0, MAGIC_NANOSECONDS, true);
    header.setUint16(4, 2, true);
    header.setUint16(6, 4, true);
    header.setUint32(16, limit, true);
    header.setUint32(20, LINK_ETHERNET, true);
    sink.append(new Uint8Array(header.buffer));
  }

  /** Appends one frame with its time. */
  write(time: Nanoseconds, frame: Uint8Array): void {
    const kept = frame.subarray(0, this.limit);
    const record = new Uint8Array(PACKET_HEADER + kept.length);
    const header = new DataView(record.buffer);
    header.setUint32(0, Math.floor(time / SECOND), true);
    header.setUint32(4, time % SECOND, true);
    header.setUint32(8, kept.length, true);
    header.setUint32(12, frame.length, true);
    record.set(kept, PACKET_HEADER);
    this.sink.append(record);
  }
}
