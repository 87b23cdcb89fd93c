/** Lets a loop sleep until someone has something for it. */
export class Bell {
  private wake: () => void = () => {};
  private promise: Promise<void>;

  constructor() {
    this.promise = this.next();
  }

  /** Ends every wait for a promise that was taken before. */
  ring(): void {
    const { wake } = this;
    this.promise = this.next();
    wake();
  }

  /** Resolves at the first `ring` after this call. */
  rung(): Promise<void> {
    return this.promise;
  }

  private next(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}
