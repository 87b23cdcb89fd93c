/** Input files: whole images, and recordings that are read here and there. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { RepriseError } from '../../errors/errors.ts';
import type { RandomAccessSource, Sha256 } from '../host.ts';
import { unreadable } from './file-errors.ts';

const MIB = 2 ** 20;
/** The largest image that is read: as much as the largest guest memory. */
const MAX_INPUT = 256 * MIB;
const STEP = MIB;

/** SHA-256 as 64 hex digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function createSha256(): Sha256 {
  const hash = createHash('sha256');
  return Object.freeze({ update: (bytes: Uint8Array) => void hash.update(bytes), hex: () => hash.digest('hex') });
}

/**
 * All bytes of a file (or of a pipe, until it ends).
 * @param what what the file is, for messages, such as `kernel`
 * @throws RepriseError FILE_NOT_FOUND, FILE_UNREADABLE, IMAGE_TOO_BIG
 */
export function readInput(path: string, what: string, limit = MAX_INPUT): Uint8Array {
  return attempt(path, what, () => {
    const fd = openSync(path, 'r');
    try {
      const bytes = readToEnd(fd, limit);
      if (bytes === undefined)
        throw new RepriseError('IMAGE_TOO_BIG', `${what} '${path}' is larger than ${limit / MIB} MiB, the most that is accepted`);
      return bytes;
    } finally {
      closeSync(fd);
    }
  });
}

/** Opens a regular file for reading at any place. @throws RepriseError FILE_NOT_FOUND, FILE_UNREADABLE */
export function openSource(path: string, what: string): RandomAccessSource {
  const fd = attempt(path, what, () => openSync(path, 'r'));
  const status = fstatSync(fd);
  if (!status.isFile()) {
    closeSync(fd);
    throw new RepriseError('FILE_UNREADABLE', `${what} '${path}' is ${status.isDirectory() ? 'a folder' : 'not a regular file'}; name a file`);
  }
  let open = true;
  return Object.freeze({
    size: status.size,
    read(offset: number, length: number): Uint8Array {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const count = attempt(path, what, () => readSync(fd, bytes, done, length - done, offset + done));
        if (count === 0)
          throw new RepriseError('FILE_UNREADABLE', `${what} '${path}' ends before byte ${offset + length}; was it cut while it was read?`);
        done += count;
      }
      return bytes;
    },
    close(): void {
      if (open) closeSync(fd);
      open = false;
    },
  });
}

/** Undefined when there is more than `limit`. */
function readToEnd(fd: number, limit: number): Uint8Array | undefined {
  // A byte of room beyond the expected size shows the end of a file, or that it grows.
  let bytes = new Uint8Array(Math.min(fstatSync(fd).size, limit) + 1);
  let length = 0;
  for (;;) {
    const count = readSync(fd, bytes, length, bytes.length - length, null);
    length += count;
    if (length > limit) return undefined;
    if (count === 0) return bytes.slice(0, length);
    if (length === bytes.length) {
      const larger = new Uint8Array(length + STEP);
      larger.set(bytes);
      bytes = larger;
    }
  }
}

function attempt<T>(path: string, what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw error instanceof RepriseError ? error : unreadable(what, path, error);
  }
}
