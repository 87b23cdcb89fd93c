/** Debuggers come one at a time; whatever one of them sends or however it goes, the machine and the next one are well. */
import type { ByteStream } from '../host/host.ts';
import { encodePacket, latin1, PacketDecoder, type Received } from './packets.ts';
import { GdbStub } from './stub.ts';
import type { DebugTarget } from './target.ts';

/** A client waits for the answer before it asks again; one that does not is cut off. */
const MAX_WAITING = 64;

export class GdbServer {
  private readonly target: DebugTarget;
  private present: Connection | undefined;
  private leaving: Promise<void> = Promise.resolve();

  constructor(target: DebugTarget) {
    this.target = target;
  }

  /** Takes a client, or hangs up on it when there is one already. */
  admit(stream: ByteStream): void {
    if (this.isAttached()) {
      stream.listen({ data: () => {}, close: () => {} });
      stream.end();
      return;
    }
    const connection = new Connection(stream, this.target, this.leaving);
    this.present = connection;
    this.leaving = connection.run();
  }

  /** Whether a debugger is there. */
  isAttached(): boolean {
    return this.present?.isGone() === false;
  }

  /** Hangs up. Resolves when the debugger's breakpoints are gone and the machine is let go. */
  async close(): Promise<void> {
    this.present?.hangUp();
    await this.leaving;
  }
}

class Connection {
  private readonly stream: ByteStream;
  private readonly target: DebugTarget;
  private readonly stub: GdbStub;
  private readonly before: Promise<void>;
  private readonly decoder = new PacketDecoder();
  private readonly waiting: string[] = [];
  private sent: Uint8Array | undefined;
  private gone = false;
  private wake: () => void = () => {};

  /** @param before resolves when the client before it has left */
  constructor(stream: ByteStream, target: DebugTarget, before: Promise<void>) {
    this.stream = stream;
    this.target = target;
    this.before = before;
    this.stub = new GdbStub(target, (packet) => this.send(packet));
    stream.listen({ data: (bytes) => this.receive(bytes), close: () => this.leave() });
  }

  /** The whole conversation. Resolves when the machine is let go. */
  async run(): Promise<void> {
    await this.before;
    await this.target.attach();
    let killed = false;
    while (!this.gone) {
      const payload = this.waiting.shift();
      if (payload === undefined) {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        continue;
      }
      const outcome = await this.stub.handle(payload);
      if (typeof outcome === 'object') {
        this.send(outcome.reply);
        await this.stream.drained();
        continue;
      }
      if (outcome === 'detached') this.send('OK');
      killed = outcome === 'killed';
      this.hangUp();
    }
    if (!killed) await this.target.detach();
  }

  isGone(): boolean {
    return this.gone;
  }

  hangUp(): void {
    this.stream.end();
    this.leave();
  }

  private leave(): void {
    this.gone = true;
    this.stub.interrupt();
    this.wake();
  }

  private send(payload: string): void {
    this.sent = encodePacket(payload);
    if (!this.gone) this.stream.write(this.sent);
  }

  private receive(bytes: Uint8Array): void {
    for (const received of this.decoder.push(bytes)) {
      if (this.gone) return;
      this.take(received);
    }
  }

  private take(received: Received): void {
    const { noAck } = this.stub.manners;
    switch (received.kind) {
      case 'interrupt':
        this.stub.interrupt();
        return;
      case 'nak':
        if (!noAck && this.sent !== undefined) this.stream.write(this.sent);
        return;
      case 'ack':
        return;
      case 'garbled':
        if (!noAck) this.stream.write(latin1('-'));
        return;
      case 'oversized':
        // To be sent again would not help.
        if (!noAck) this.stream.write(latin1('+'));
        this.queue('');
        return;
      case 'packet':
        if (!noAck) this.stream.write(latin1('+'));
        this.queue(received.payload);
    }
  }

  private queue(payload: string): void {
    this.waiting.push(payload);
    if (this.waiting.length > MAX_WAITING) this.hangUp();
    this.wake();
  }
}
