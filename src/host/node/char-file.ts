import { closeSync, openSync } from 'node:fs';
import type { RepriseError } from '../../errors/errors.ts';
import type { CharBackend } from '../host.ts';
import { uncreatable, unwritable } from './file-errors.ts';
import { writeFully } from './output-file.ts';

/** Writes the output to a file at once; there is no input. */
export class FileBackend implements CharBackend {
  readonly congested = false;
  private readonly fd: number;
  private readonly name: string;
  private readonly failed: (error: RepriseError) => void;
  private broken = false;

  /**
   * @param fd open for writing; `close` closes it
   * @param name of the file, for messages
   * @param failed called once, when the file takes no more; the rest of the output is dropped
   */
  constructor(fd: number, name: string, failed: (error: RepriseError) => void) {
    this.fd = fd;
    this.name = name;
    this.failed = failed;
  }

  /** Opens a file, and empties it as QEMU does. @throws RepriseError FILE_UNWRITABLE */
  static open(path: string, failed: (error: RepriseError) => void): FileBackend {
    try {
      return new FileBackend(openSync(path, 'w'), path, failed);
    } catch (error) {
      throw uncreatable(path, error);
    }
  }

  write(bytes: Uint8Array): void {
    if (this.broken) return;
    try {
      writeFully(this.fd, bytes, null);
    } catch (error) {
      this.broken = true;
      this.failed(unwritable(this.name, error));
    }
  }

  async close(): Promise<void> {
    closeSync(this.fd);
  }

  async drained(): Promise<void> {}
  onInput(): void {}
  pauseInput(): void {}
}
