/** A file that is there already and gets more at its end, such as a recording that takes snapshots of its replay. */
import { closeSync, fdatasyncSync, ftruncateSync, openSync } from 'node:fs';
import { RepriseError } from '../../errors/errors.ts';
import type { AppendSink } from '../host.ts';
import { unwritable } from './file-errors.ts';
import { lockFile, lockHolder } from './file-lock.ts';
import { writeFully } from './output-file.ts';

/**
 * Opens it for this process alone.
 * @param size what is behind that is a cut, and goes
 * @throws RepriseError FILE_UNWRITABLE, FILE_IN_USE
 */
export async function openAppend(path: string, size: number): Promise<AppendSink> {
  const fd = attempt(path, () => openSync(path, 'r+'));
  if ((await lockFile(fd, 'exclusive')) === 'in use') {
    const holder = lockHolder(fd, 'exclusive');
    closeSync(fd);
    throw new RepriseError(
      'FILE_IN_USE',
      `'${path}' is being written${holder === undefined ? '' : ` by process ${holder}`}; wait until that has ended`,
    );
  }
  attempt(path, () => ftruncateSync(fd, size));
  let end = size;
  return {
    append(bytes) {
      try {
        writeFully(fd, bytes, end);
      } catch (error) {
        ftruncateSync(fd, end);
        throw unwritable(path, error);
      }
      end += bytes.length;
    },
    sync: () => attempt(path, () => fdatasyncSync(fd)),
    close: () => closeSync(fd),
  };
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw unwritable(path, error);
  }
}
