/** Notes which blocks of a disk are written, for whoever keeps copies of what has changed. Passes everything on. */
import type { BlockNode } from './node.ts';

/** Bytes of a block; the last of a disk may be shorter. */
export const WRITTEN_BLOCK = 4096;

export class WrittenBlocks implements BlockNode {
  private readonly node: BlockNode;
  private readonly noted = new Set<number>();
  private readonly limit: number;
  private lost = false;

  /** @param limit blocks that are noted at most; if more are written nothing is known any more */
  constructor(node: BlockNode, limit: number) {
    this.node = node;
    this.limit = limit;
  }

  get size(): number {
    return this.node.size;
  }

  get readOnly(): boolean {
    return this.node.readOnly;
  }

  /** How many blocks were written since the last time, as far as that is known. */
  get changed(): number {
    return this.noted.size;
  }

  /** Numbers of the blocks that were written since the last time, in order; undefined when there were too many, ever. */
  take(): number[] | undefined {
    if (this.lost) return undefined;
    const numbers = [...this.noted].sort((a, b) => a - b);
    this.noted.clear();
    return numbers;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.node.read(offset, length);
  }

  write(offset: number, bytes: Uint8Array): Promise<void> {
    this.note(offset, bytes.length);
    return this.node.write(offset, bytes);
  }

  flush(): Promise<void> {
    return this.node.flush();
  }

  discard(offset: number, length: number): Promise<void> {
    this.note(offset, length);
    return this.node.discard(offset, length);
  }

  close(): Promise<void> {
    return this.node.close();
  }

  /** Before it is done: a write that fails may have changed something. */
  private note(offset: number, length: number): void {
    const [first, end] = [Math.floor(offset / WRITTEN_BLOCK), Math.ceil((offset + length) / WRITTEN_BLOCK)];
    // Before the loop: a guest may discard all of a large disk at once.
    this.lost ||= this.noted.size + (end - first) > this.limit;
    if (this.lost) this.noted.clear();
    else for (let block = first; block < end; block++) this.noted.add(block);
  }
}
