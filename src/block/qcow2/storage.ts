/** The file of a qcow2 image, as its metadata and data are kept in it. */
import { RepriseError } from '../../errors/errors.ts';
import type { BlockFile } from '../node.ts';

export class Storage {
  readonly file: BlockFile;
  /** Present length of the file. */
  end: number;
  /** Whether something was written that need not have reached the disk; at first by whoever had the file before. */
  private unsynced = true;

  constructor(file: BlockFile, end: number) {
    this.file = file;
    this.end = end;
  }

  /** Exactly `length` bytes; zeros past the end of the file. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = await this.file.read(offset, length);
    if (bytes.length === length) return bytes;
    const whole = new Uint8Array(length);
    whole.set(bytes);
    return whole;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    this.unsynced = true;
    await this.file.write(offset, bytes);
    this.end = Math.max(this.end, offset + bytes.length);
  }

  /** Everything written before is on the disk before anything written after. */
  async sync(): Promise<void> {
    if (!this.unsynced) return;
    await this.file.sync();
    this.unsynced = false;
  }

  damaged(problem: string): RepriseError {
    return new RepriseError(
      'IMAGE_DAMAGED',
      `disk image '${this.file.name}' is damaged: ${problem}; 'reprise img check' tells more, 'qemu-img check -r all' may repair a copy of it`,
    );
  }

  unsupported(problem: string): RepriseError {
    return new RepriseError('IMAGE_UNSUPPORTED', `disk image '${this.file.name}' cannot be used: ${problem}`);
  }
}
