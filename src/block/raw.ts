/** A disk image without a format: the file's bytes are the disk's. */

import type { BlockFile, BlockNode } from './node.ts';
import { checkRange } from './range.ts';

const SECTOR = 512;
/** Zeros are written in pieces of this many bytes. */
const STEP = 2 ** 20;

export class RawImage implements BlockNode {
  readonly size: number;
  readonly readOnly: boolean;
  private readonly file: BlockFile;

  private constructor(file: BlockFile, size: number) {
    this.file = file;
    this.size = size;
    this.readOnly = file.readOnly;
  }

  /** Takes the file over: closing the image closes it. What the file lacks to a whole sector is zeros. @throws RepriseError */
  static async open(file: BlockFile): Promise<RawImage> {
    return new RawImage(file, Math.ceil((await file.size()) / SECTOR) * SECTOR);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this, offset, length);
    const bytes = await this.file.read(offset, length);
    if (bytes.length === length) return bytes;
    // The end of the last sector, or the file became shorter while it was open.
    const whole = new Uint8Array(length);
    whole.set(bytes);
    return whole;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    checkRange(this, offset, bytes.length, 'write');
    await this.file.write(offset, bytes);
  }

  flush(): Promise<void> {
    return this.readOnly ? Promise.resolve() : this.file.sync();
  }

  async discard(offset: number, length: number): Promise<void> {
    checkRange(this, offset, length, 'write');
    const zeros = new Uint8Array(Math.min(STEP, length));
    for (let done = 0; done < length; done += STEP) await this.file.write(offset + done, zeros.subarray(0, Math.min(STEP, length - done)));
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
