/** A file in memory, whose host may die. */
import type { BlockFile } from './node.ts';

/** What happened to the file, in its order. */
export type FileEvent = { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array } | { readonly kind: 'sync' };

/** Keeps pages, so that files may be large and sparse. */
const PAGE = 4096;

export class MemoryFile implements BlockFile {
  readonly name: string;
  readonly readOnly: boolean;
  readonly events: FileEvent[] = [];
  /** Whether events are kept. */
  recording = false;
  /** Called before each write; may throw. */
  beforeWrite: (offset: number, length: number) => void = () => {};
  closed = false;
  private readonly pages: Map<number, Uint8Array>;
  private length: number;

  constructor(name = 'memory', { content = new Uint8Array(0), readOnly = false }: { content?: Uint8Array; readOnly?: boolean } = {}) {
    this.name = name;
    this.readOnly = readOnly;
    this.pages = new Map();
    this.length = 0;
    this.put(0, content);
  }

  /** The same bytes in a file of its own. */
  copy(options: { readOnly?: boolean } = {}): MemoryFile {
    const copy = new MemoryFile(this.name, options);
    for (const [n, page] of this.pages) copy.pages.set(n, page.slice());
    copy.length = this.length;
    return copy;
  }

  async size(): Promise<number> {
    return this.length;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.length - offset)));
    for (let done = 0; done < bytes.length; ) {
      const within = (offset + done) % PAGE;
      const part = Math.min(PAGE - within, bytes.length - done);
      const page = this.pages.get(Math.floor((offset + done) / PAGE));
      if (page !== undefined) bytes.set(page.subarray(within, within + part), done);
      done += part;
    }
    return bytes;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    this.beforeWrite(offset, bytes.length);
    if (this.recording) this.events.push({ kind: 'write', offset, bytes: bytes.slice() });
    this.put(offset, bytes);
  }

  put(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const at = offset + done;
      const number = Math.floor(at / PAGE);
      const page = this.pages.get(number) ?? new Uint8Array(PAGE);
      this.pages.set(number, page);
      const part = bytes.subarray(done, done + PAGE - (at % PAGE));
      page.set(part, at % PAGE);
      done += part.length;
    }
    this.length = Math.max(this.length, offset + bytes.length);
  }

  async truncate(size: number): Promise<void> {
    this.length = size;
  }

  async sync(): Promise<void> {
    if (this.recording) this.events.push({ kind: 'sync' });
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
