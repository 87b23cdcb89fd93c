/** Files that a person asks for by name, such as a screen dump. */
import { writeFileSync } from 'node:fs';
import { RepriseError } from '../errors/errors.ts';

/** Replaces an existing file, as QEMU's monitor does. @throws RepriseError FILE_UNWRITABLE */
export function saveFile(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes);
  } catch (cause) {
    throw new RepriseError('FILE_UNWRITABLE', `cannot write '${path}': ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}
