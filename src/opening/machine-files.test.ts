import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sha256 } from '../host/node/files.ts';
import type { InputFile } from '../replay/model.ts';
import type { Recording } from '../replay/reader.ts';
import type { MachineFiles } from '../session/build.ts';
import { describeFiles, readMachineFiles, recordedFiles } from './machine-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'reprise-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const named = (name: string, text: string): { name: string; bytes: Uint8Array } => ({ name, bytes: bytes(text) });

/** As much of a recording as files are looked up in. */
function recorded(files: MachineFiles, embed: boolean): Recording {
  const inputs = describeFiles(files, embed);
  const embedded = async (role: InputFile['role']): Promise<Uint8Array | undefined> => (embed ? files[role]?.bytes : undefined);
  return { header: { inputs }, embedded } as unknown as Recording;
}

const FILES: MachineFiles = { kernel: named('zImage', 'the kernel'), initrd: named('initrd.gz', 'the disk') };

describe('the files of a machine', () => {
  it('are read as the command line names them', () => {
    const path = join(folder, 'zImage');
    writeFileSync(path, 'the kernel');
    const none = { kernel: undefined, initrd: undefined, dtb: undefined, bios: undefined };
    expect(readMachineFiles({ ...none, kernel: path })).toEqual({ kernel: { name: path, bytes: bytes('the kernel') } });
    expect(readMachineFiles(none)).toEqual({});
    expect(() => readMachineFiles({ ...none, dtb: join(folder, 'no.dtb') })).toThrow(`dtb '${join(folder, 'no.dtb')}' does not exist`);
  });

  it('are described by name, size and hash, and embedded if asked for and not too large', () => {
    const large = { name: 'large', bytes: new Uint8Array(64 * 2 ** 20 + 1) };
    expect(describeFiles({ ...FILES, bios: large }, true)).toEqual([
      { role: 'kernel', name: 'zImage', size: 10, sha256: sha256(bytes('the kernel')), embedded: true },
      { role: 'initrd', name: 'initrd.gz', size: 8, sha256: sha256(bytes('the disk')), embedded: true },
      { role: 'bios', name: 'large', size: 64 * 2 ** 20 + 1, sha256: sha256(large.bytes), embedded: false },
    ]);
    expect(describeFiles(FILES, false).map(({ embedded }) => embedded)).toEqual([false, false]);
  });
});

describe('the files of a recording', () => {
  it('are the embedded ones, or those of the same content that the user names', async () => {
    expect(await recordedFiles(recorded(FILES, true), {})).toEqual(FILES);
    const elsewhere = { kernel: named('/boot/other-name', 'the kernel') };
    expect(await recordedFiles(recorded(FILES, true), elsewhere)).toEqual({ ...FILES, ...elsewhere });
    expect(await recordedFiles(recorded(FILES, false), FILES)).toEqual(FILES);
  });

  it('have to be there', async () => {
    await expect(recordedFiles(recorded(FILES, false), { kernel: FILES.kernel! })).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: expect.stringMatching(/does not contain its initrd \('initrd\.gz', 8 bytes, SHA-256 [0-9a-f]{16}…\); name the file with -initrd$/),
    });
  });

  it('have to be the same, to the byte, even if the recording has its own', async () => {
    for (const embed of [true, false]) {
      await expect(recordedFiles(recorded(FILES, embed), { ...FILES, kernel: named('zImage', 'The kernel') })).rejects.toMatchObject({
        code: 'INPUT_CHANGED',
        message: expect.stringContaining("kernel 'zImage' is not the one that was recorded"),
      });
    }
  });

  it('cannot be more than there were', async () => {
    await expect(recordedFiles(recorded(FILES, true), { dtb: named('board.dtb', 'x') })).rejects.toMatchObject({
      code: 'INPUT_CHANGED',
      message: "the recording was made without -dtb; leave 'board.dtb' out",
    });
  });
});
