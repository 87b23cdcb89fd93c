/** What a serial port has sent and nobody has taken yet. An output, not state: it follows from the run. */
export class SerialOutput {
  private chunk = new Uint8Array(4096);
  private length = 0;

  put(byte: number): void {
    if (this.length === this.chunk.length) {
      const larger = new Uint8Array(this.chunk.length * 2);
      larger.set(this.chunk);
      this.chunk = larger;
    }
    this.chunk[this.length++] = byte;
  }

  /** Everything sent since the last call. */
  take(): Uint8Array {
    const taken = this.chunk.slice(0, this.length);
    this.length = 0;
    return taken;
  }
}
