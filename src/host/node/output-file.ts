/** The file that a recording is written to. */
import { closeSync, fdatasyncSync, fsyncSync, ftruncateSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { RepriseError } from '../../errors/errors.ts';
import type { AppendSink } from '../host.ts';
import { errno, uncreatable, unwritable } from './file-errors.ts';
import { lockFile } from './file-lock.ts';

/**
 * Creates an output file. It counts from its first `sync` on: only then does it take the place of a file that `force`
 * lets it replace, and when it is closed without one it is removed, so that a run that failed to begin loses nothing and
 * leaves nothing behind.
 * @throws RepriseError FILE_EXISTS, FILE_UNWRITABLE, DISK_FULL
 */
export function createOutput(path: string, { force = false } = {}): OutputFile {
  try {
    return new OutputFile(path, openSync(path, 'wx'), { written: path, wanted: path });
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw uncreatable(path, error);
  }
  const existing = attempt(path, () => statSync(path));
  if (existing.isDirectory()) throw uncreatable(path, Object.assign(new Error(), { code: 'EISDIR' }));
  // A device or a pipe holds nothing that could be lost, and cannot be replaced.
  if (!existing.isFile())
    return new OutputFile(
      path,
      attempt(path, () => openSync(path, 'w')),
      undefined,
    );
  if (!force) throw new RepriseError('FILE_EXISTS', `'${path}' exists already and is kept; choose another name, or give --force to replace it`);
  return attempt(path, () => {
    const wanted = realpathSync(path);
    const written = `${wanted}.${process.pid}.part`;
    return new OutputFile(path, openSync(written, 'w'), { written, wanted });
  });
}

/** Writes all of `bytes`, at `position` or where the file stands. */
export function writeFully(fd: number, bytes: Uint8Array, position: number | null): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position === null ? null : position + done);
}

export class OutputFile implements AppendSink {
  private readonly path: string;
  private readonly fd: number;
  /** Where the file is and where it belongs; undefined for a device or pipe. */
  private readonly place: { readonly written: string; readonly wanted: string } | undefined;
  private size = 0;
  private begun = false;
  private closed = false;

  constructor(path: string, fd: number, place: { readonly written: string; readonly wanted: string } | undefined) {
    this.path = path;
    this.fd = fd;
    this.place = place;
  }

  /** Keeps other processes from appending to the file until it is closed. */
  async lock(): Promise<void> {
    if (this.place !== undefined) await lockFile(this.fd, 'exclusive');
  }

  append(bytes: Uint8Array): void {
    try {
      writeFully(this.fd, bytes, this.place === undefined ? null : this.size);
    } catch (error) {
      this.undo();
      throw unwritable(this.path, error);
    }
    this.size += bytes.length;
  }

  sync(): void {
    if (this.place === undefined) return;
    try {
      fdatasyncSync(this.fd);
      if (!this.begun) this.begin(this.place);
    } catch (error) {
      throw unwritable(this.path, error);
    }
    this.begun = true;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.fd);
    if (this.place !== undefined && !this.begun) rmSync(this.place.written, { force: true });
  }

  private begin({ written, wanted }: { readonly written: string; readonly wanted: string }): void {
    if (written !== wanted) renameSync(written, wanted);
    syncFolder(dirname(wanted));
  }

  /** Takes back what a failed write left behind. */
  private undo(): void {
    try {
      if (this.place !== undefined) ftruncateSync(this.fd, this.size);
    } catch {
      // The reader copes with a partial chunk at the end; the failed write is the error to report.
    }
  }
}

/** Makes a new name in a folder safe. */
function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Not every file system can; the file's contents are safe in any case.
  }
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw uncreatable(path, error);
  }
}
