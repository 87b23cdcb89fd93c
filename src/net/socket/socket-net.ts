/**
 * A network that another machine is on (`-netdev socket`), ours or QEMU's: frames over one stream to one peer at a
 * time. What is sent while nobody is there, or faster than the peer reads, is lost, as on a wire.
 */
import type { NetBackend } from '../net.ts';
import { FrameReader, wrapFrame } from './framing.ts';

/** For how long after a frame the next of a conversation may be on its way. */
const CONVERSATION_MS = 250;

/** A stream to whoever is there. */
export interface PeerStream {
  write(bytes: Uint8Array): void;
  /** The peer takes bytes more slowly than they are written. */
  readonly congested: boolean;
  readonly connected: boolean;
  /** Set once; nothing is delivered before. */
  onInput(listener: (bytes: Uint8Array) => void): void;
  /** Called for each new peer, before its first bytes. */
  onPeer(listener: (present: boolean) => void): void;
  /** Ends the connection to the present peer. */
  hangUp(): void;
  close(): Promise<void>;
}

export interface SocketNetOptions {
  /** Told when a peer is dropped for what it sends. */
  readonly notice: (text: string) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export class SocketNet implements NetBackend {
  private readonly stream: PeerStream;
  private readonly options: SocketNetOptions;
  private reader = new FrameReader();
  private conversationEnds = Number.NEGATIVE_INFINITY;

  constructor(stream: PeerStream, options: SocketNetOptions) {
    this.stream = stream;
    this.options = options;
    // A frame that the last peer did not finish is not the new one's to finish.
    stream.onPeer(() => {
      this.reader = new FrameReader();
    });
  }

  send(frame: Uint8Array): void {
    if (!this.stream.connected || this.stream.congested) return;
    this.stream.write(wrapFrame(frame));
    this.converse();
  }

  onFrame(listener: (frame: Uint8Array) => void): void {
    this.stream.onInput((bytes) => {
      const sound = this.reader.read(bytes, (frame) => {
        this.converse();
        listener(frame);
      });
      if (sound) return;
      this.options.notice('the other end of the network sends something else than frames; its connection is closed');
      this.stream.hangUp();
    });
  }

  get busy(): boolean {
    return this.stream.connected && this.options.now() < this.conversationEnds;
  }

  close(): Promise<void> {
    return this.stream.close();
  }

  private converse(): void {
    this.conversationEnds = this.options.now() + CONVERSATION_MS;
  }
}
