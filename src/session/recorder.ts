/** Records a live run: takes the digests when they are due, and hands everything to the writer. */
import type { DigestChain } from '../replay/digest-chain.ts';
import type { Digest, EndReason, Header, Input, Position } from '../replay/model.ts';
import { digestAfter, firstDigest } from '../replay/records.ts';
import { replayState } from '../replay/replay-state.ts';
import type { RecordingWriter } from '../replay/writer.ts';
import type { NamedState } from '../snapshot/blocks.ts';
import type { Schema } from '../state/fields.ts';
import type { State } from '../state/layout.ts';
import { type Icount, icount } from '../time/units.ts';
import type { CheckpointKeeper } from './checkpoint-keeper.ts';
import type { Recorder } from './live.ts';

export class LogRecorder implements Recorder {
  private readonly writer: RecordingWriter;
  private readonly chain: DigestChain;
  private readonly header: Pick<Header, 'start' | 'digestInterval'>;
  private readonly keeper: CheckpointKeeper | undefined;
  private readonly state = replayState.create();
  private last: Digest | undefined;

  /** @param keeper stores checkpoints */
  constructor(writer: RecordingWriter, chain: DigestChain, header: Pick<Header, 'start' | 'digestInterval'>, keeper?: CheckpointKeeper) {
    this.writer = writer;
    this.chain = chain;
    this.header = header;
    this.keeper = keeper;
    this.state.fields.nextDigest = firstDigest(header);
  }

  get recordingId(): string {
    return this.writer.id;
  }

  get states(): readonly NamedState[] {
    return [{ name: 'replay', state: this.state as State<Schema> }, ...this.chain.states];
  }

  /** The digest of the end, once there is one. */
  final(): Digest | undefined {
    return this.last;
  }

  nextDigest(): Icount {
    return icount(this.state.fields.nextDigest);
  }

  async digest(position: Position): Promise<void> {
    this.writer.digest(this.chain.take(position));
    this.state.fields.records++;
    this.state.fields.nextDigest = digestAfter(position.icount, this.header);
    await this.keeper?.passing(position);
  }

  sent(stream: number, bytes: Uint8Array): void {
    this.chain.sent(stream, bytes);
  }

  event(position: Position, input: Input): void {
    this.writer.event({ ...position, input });
    this.state.fields.records++;
  }

  flush(position: Position): void {
    this.writer.flush(position);
  }

  end(position: Position, reason: EndReason): void {
    this.last = this.chain.take(position);
    this.writer.finish({ reason, digest: this.last });
  }
}
