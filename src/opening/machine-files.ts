/** The files that go into a machine: from the command line, and from a recording. */
import { RepriseError } from '../errors/errors.ts';
import { readInput, sha256 } from '../host/node/files.ts';
import type { QemuOptions } from '../options/qemu.ts';
import type { InputFile } from '../replay/model.ts';
import type { Recording } from '../replay/reader.ts';
import type { MachineFiles } from '../session/build.ts';

const ROLES = ['kernel', 'initrd', 'dtb', 'bios'] as const satisfies readonly InputFile['role'][];
/** A larger input is not embedded into a recording. */
const MAX_EMBEDDED = 64 * 2 ** 20;

/** Reads what the command line names. @throws RepriseError FILE_NOT_FOUND, FILE_UNREADABLE, IMAGE_TOO_BIG */
export function readMachineFiles(options: Partial<Pick<QemuOptions, InputFile['role']>>): MachineFiles {
  const files: MachineFiles = {};
  for (const role of ROLES) {
    const path = options[role];
    if (path !== undefined) files[role] = { name: path, bytes: readInput(path, role) };
  }
  return files;
}

/** What a recording's header says of the files. */
export function describeFiles(files: MachineFiles, embed: boolean): InputFile[] {
  return ROLES.flatMap((role) => {
    const file = files[role];
    if (file === undefined) return [];
    const { name, bytes } = file;
    return [{ role, name, size: bytes.length, sha256: sha256(bytes), embedded: embed && bytes.length <= MAX_EMBEDDED }];
  });
}

/**
 * The files of a recording: those that the user names, provided that they are the recorded ones, else the embedded ones.
 * @throws RepriseError INPUT_CHANGED, FILE_NOT_FOUND, RECORDING_DAMAGED
 */
export async function recordedFiles(recording: Recording, given: MachineFiles): Promise<MachineFiles> {
  const files: MachineFiles = {};
  for (const { role, name, size, sha256: expected } of recording.header.inputs) {
    const named = given[role];
    if (named !== undefined) {
      if (sha256(named.bytes) !== expected)
        throw new RepriseError(
          'INPUT_CHANGED',
          `${role} '${named.name}' is not the one that was recorded ('${name}', ${size} bytes, SHA-256 ${expected.slice(0, 16)}…); give the original with -${role}`,
        );
      files[role] = named;
      continue;
    }
    const bytes = await recording.embedded(role);
    if (bytes === undefined)
      throw new RepriseError(
        'FILE_NOT_FOUND',
        `the recording does not contain its ${role} ('${name}', ${size} bytes, SHA-256 ${expected.slice(0, 16)}…); name the file with -${role}`,
      );
    files[role] = { name, bytes };
  }
  for (const role of ROLES) {
    if (given[role] !== undefined && files[role] === undefined)
      throw new RepriseError('INPUT_CHANGED', `the recording was made without -${role}; leave '${given[role].name}' out`);
  }
  return files;
}
