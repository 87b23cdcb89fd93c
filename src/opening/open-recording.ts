/** Opening a recording file by name. */
import { RepriseError } from '../errors/errors.ts';
import { openSource, sha256 } from '../host/node/files.ts';
import { type Hasher, loadHasher } from '../replay/hasher.ts';
import { type Recording, readRecording } from '../replay/reader.ts';

export interface OpenRecording {
  readonly path: string;
  readonly recording: Recording;
  readonly hasher: Hasher;
  close(): void;
}

/** @throws RepriseError FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_RECORDING, RECORDING_VERSION, RECORDING_DAMAGED */
export async function openRecording(path: string): Promise<OpenRecording> {
  const hasher = await loadHasher();
  const source = openSource(path, 'recording');
  try {
    return { path, recording: readRecording(source, hasher, sha256), hasher, close: () => source.close() };
  } catch (error) {
    source.close();
    if (error instanceof RepriseError) throw new RepriseError(error.code, `${path}: ${error.message}`, error);
    throw error;
  }
}

/** One line about a recording that does not end properly; undefined for a whole one. */
export function truncationNotice({ path, recording }: OpenRecording): string | undefined {
  if (recording.end !== undefined) return undefined;
  return `${path} is truncated: its recorder died, or its disk was full; it replays up to instruction ${recording.reached.icount}`;
}
