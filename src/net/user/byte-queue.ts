/** Bytes in the order they came, in a ring that grows to a bound. */
const FIRST = 4096;

export class ByteQueue {
  private readonly capacity: number;
  private ring = new Uint8Array(0);
  private start = 0;
  private used = 0;

  /** @param capacity bytes; a power of two */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get length(): number {
    return this.used;
  }

  get room(): number {
    return this.capacity - this.used;
  }

  /** At most `room` bytes. */
  append(bytes: Uint8Array): void {
    this.reserve(this.used + bytes.length);
    const at = (this.start + this.used) & (this.ring.length - 1);
    const first = bytes.subarray(0, this.ring.length - at);
    this.ring.set(first, at);
    this.ring.set(bytes.subarray(first.length), 0);
    this.used += bytes.length;
  }

  /** A copy of `length` bytes that are `offset` bytes behind the oldest one. */
  copy(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    if (length === 0) return bytes;
    const at = (this.start + offset) & (this.ring.length - 1);
    const first = this.ring.subarray(at, at + length);
    bytes.set(first);
    bytes.set(this.ring.subarray(0, length - first.length), first.length);
    return bytes;
  }

  /** Forgets the oldest `count` bytes. */
  drop(count: number): void {
    this.used -= count;
    this.start = this.used === 0 ? 0 : (this.start + count) & (this.ring.length - 1);
  }

  /** All of it. */
  take(): Uint8Array {
    const bytes = this.copy(0, this.used);
    this.drop(this.used);
    return bytes;
  }

  private reserve(length: number): void {
    if (length <= this.ring.length) return;
    let size = Math.max(this.ring.length, FIRST);
    while (size < length) size *= 2;
    const ring = new Uint8Array(size);
    ring.set(this.copy(0, this.used));
    this.ring = ring;
    this.start = 0;
  }
}
