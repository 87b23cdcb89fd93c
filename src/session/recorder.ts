/** Records a live run: takes the digests when they are due, and hands everything to the writer. */
import type { DigestChain } from '../replay/digest-chain.ts';
import type { Digest, EndReason, Input, Position } from '../replay/model.ts';
import type { RecordingWriter } from '../replay/writer.ts';
import { type Icount, icount } from '../time/units.ts';
import type { Recorder } from './live.ts';

export class LogRecorder implements Recorder {
  private readonly writer: RecordingWriter;
  private readonly chain: DigestChain;
  private readonly interval: number;
  private due: Icount = icount(0);
  private last: Digest | undefined;

  /** @param interval instructions between digests; the header's */
  constructor(writer: RecordingWriter, chain: DigestChain, interval: number) {
    this.writer = writer;
    this.chain = chain;
    this.interval = interval;
  }

  /** The digest of the end, once there is one. */
  final(): Digest | undefined {
    return this.last;
  }

  nextDigest(): Icount {
    return this.due;
  }

  digest(position: Position): void {
    this.writer.digest(this.chain.take(position));
    this.due = icount(this.due + this.interval);
  }

  sent(stream: number, bytes: Uint8Array): void {
    this.chain.sent(stream, bytes);
  }

  event(position: Position, input: Input): void {
    this.writer.event({ ...position, input });
  }

  flush(position: Position): void {
    this.writer.flush(position);
  }

  end(position: Position, reason: EndReason): void {
    this.last = this.chain.take(position);
    this.writer.finish({ reason, digest: this.last });
  }
}
