/** Turns what the operating system says about a file into an error that says what to do. */
import { dirname, resolve } from 'node:path';
import { RepriseError } from '../../errors/errors.ts';

/** The operating system's name of an error, such as ENOENT; empty when it is none of its. */
export function errno(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

export function unreadable(what: string, path: string, error: unknown): RepriseError {
  const name = `${what} '${path}'`;
  switch (errno(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new RepriseError('FILE_NOT_FOUND', `${name} does not exist; check the path`, error);
    case 'EISDIR':
      return new RepriseError('FILE_UNREADABLE', `${name} is a folder; name a file`, error);
    case 'EACCES':
    case 'EPERM':
      return new RepriseError('FILE_UNREADABLE', `${name} may not be read; check its permissions`, error);
    default:
      return new RepriseError('FILE_UNREADABLE', `${name} cannot be read: ${reason(error)}`, error);
  }
}

export function uncreatable(path: string, error: unknown): RepriseError {
  const folder = dirname(resolve(path));
  switch (errno(error)) {
    case 'ENOENT':
      return new RepriseError(
        'FILE_UNWRITABLE',
        `'${path}' cannot be created: there is no folder '${folder}'; create it, or choose another place`,
        error,
      );
    case 'ENOTDIR':
      return new RepriseError('FILE_UNWRITABLE', `'${path}' cannot be created: '${folder}' is not a folder; choose another place`, error);
    case 'EISDIR':
      return new RepriseError('FILE_UNWRITABLE', `'${path}' is a folder; name a file`, error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new RepriseError('FILE_UNWRITABLE', `'${path}' cannot be created: the folder '${folder}' is read-only; choose another place`, error);
    default:
      return unwritable(path, error);
  }
}

export function unwritable(path: string, error: unknown): RepriseError {
  const code = errno(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new RepriseError('DISK_FULL', `the disk is full: '${path}' could not take more; make room, or choose another disk`, error);
  }
  return new RepriseError('FILE_UNWRITABLE', `'${path}' cannot be written: ${reason(error)}`, error);
}

/** The sentence of an error. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
