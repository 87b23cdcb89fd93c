/**
 * Conversations on a character backend, one at a time: what monitors for people and for programs have in common. A
 * command may take its time; what is typed meanwhile waits, and the host is asked to hold further input back.
 */
import type { CharBackend, ControlConsole } from '../host/host.ts';

// In every host, but not in the language's own library.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/** A host that does not hold back loses what is more than this. */
const MAX_WAITING = 1024 * 1024;

/** Whoever is at the other end now. When they have left, what is said to them is dropped. */
export interface Peer {
  say(text: string): void;
  readonly present: boolean;
  /** They take what is said more slowly than it is said. */
  readonly congested: boolean;
}

export interface Conversation {
  /** Takes one byte; what follows waits until the promise resolves. */
  take(byte: number): Promise<void> | undefined;
  /** The peer looks at it again. */
  returned?(): void;
  left?(): void;
}

/** Begins a conversation with each peer that comes. */
export function converse(console: ControlConsole, begin: (peer: Peer) => Conversation): void {
  const line = new Line(console.backend);
  console.onPresence((presence) => {
    if (presence === 'returned') line.conversation?.returned?.();
    else line.hangUp();
    if (presence === 'came') line.begin(begin);
  });
  console.backend.onInput((bytes) => line.receive(bytes));
}

class CurrentPeer implements Peer {
  present = true;
  private readonly backend: CharBackend;
  private readonly encoder = new TextEncoder();

  constructor(backend: CharBackend) {
    this.backend = backend;
  }

  say(text: string): void {
    if (this.present && text !== '') this.backend.write(this.encoder.encode(text));
  }

  get congested(): boolean {
    return this.backend.congested;
  }
}

class Line {
  conversation: Conversation | undefined;
  private peer: CurrentPeer | undefined;
  private readonly backend: CharBackend;
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private held = false;
  private busy = false;

  constructor(backend: CharBackend) {
    this.backend = backend;
  }

  begin(begin: (peer: Peer) => Conversation): void {
    this.peer = new CurrentPeer(this.backend);
    this.conversation = begin(this.peer);
  }

  hangUp(): void {
    if (this.peer !== undefined) this.peer.present = false;
    this.conversation?.left?.();
    this.conversation = undefined;
    this.waiting = [];
    this.waitingBytes = 0;
  }

  receive(bytes: Uint8Array): void {
    if (this.waitingBytes + bytes.length > MAX_WAITING) return;
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    if (!this.busy) void this.work();
  }

  /** Works off what waits; at once as far as nothing takes its time. */
  private async work(): Promise<void> {
    this.busy = true;
    for (let bytes = this.waiting.shift(); bytes !== undefined; bytes = this.waiting.shift()) {
      this.waitingBytes -= bytes.length;
      const { conversation } = this;
      for (const byte of bytes) {
        const working = conversation?.take(byte);
        if (working !== undefined || this.backend.congested) {
          this.hold(true);
          await working;
          if (this.backend.congested) await this.backend.drained();
        }
        // Someone else is there now; the rest was not theirs.
        if (this.conversation !== conversation) break;
      }
    }
    this.busy = false;
    this.hold(false);
  }

  private hold(held: boolean): void {
    if (this.held === held) return;
    this.held = held;
    this.backend.pauseInput(held);
  }
}
