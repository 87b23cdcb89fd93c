import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RepriseError } from '../../errors/errors.ts';
import { NodeBlockFile, NodeBlockFiles } from './block-file.ts';
import { temporaryFolder } from './child.fixture.ts';

const folder = temporaryFolder();
let counter = 0;
const fresh = (): string => join(folder, `file-${counter++}`);

async function failure(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof RepriseError)) throw error;
    return `${error.code} ${error.message}`;
  }
  return 'no error';
}

describe('a file', () => {
  test('is written anywhere, read as far as it goes, cut and grown', async () => {
    const path = fresh();
    const file = await NodeBlockFile.create(path);
    await file.write(100_000, Uint8Array.of(1, 2, 3));
    await file.sync();
    expect(await file.size()).toBe(100_003);
    expect(await file.diskUsage()).toBeLessThan(100_000);
    expect(await file.read(99_999, 3)).toEqual(Uint8Array.of(0, 1, 2));
    expect(await file.read(100_001, 50)).toEqual(Uint8Array.of(2, 3));
    expect(await file.read(200_000, 50)).toEqual(new Uint8Array(0));
    await file.truncate(100_001);
    await file.close();
    expect(readFileSync(path).length).toBe(100_001);
  });

  test('that is there already is kept', async () => {
    const path = fresh();
    writeFileSync(path, 'old');
    expect(await failure(() => NodeBlockFile.create(path))).toMatch(/^FILE_EXISTS '.*' exists already and is kept/);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(await failure(() => NodeBlockFile.create(join(folder, 'no', 'x')))).toMatch(/^FILE_UNWRITABLE .*there is no folder/);
  });

  test('what is no file, or not there, is named', async () => {
    expect(await failure(() => NodeBlockFile.open(join(folder, 'none'), true))).toMatch(/^FILE_NOT_FOUND disk image '.*none' does not exist/);
    expect(await failure(() => NodeBlockFile.open(folder, true))).toMatch(/^FILE_UNREADABLE .*folder/);
    expect(await failure(() => NodeBlockFile.open(folder, false))).toMatch(/^FILE_UNREADABLE .*folder/);
    expect(await failure(() => NodeBlockFile.open('/dev/null', true))).toMatch(/^FILE_UNREADABLE .*not a regular file/);
  });

  test('opened for reading only is not written', async () => {
    const path = fresh();
    writeFileSync(path, 'old');
    const file = await NodeBlockFile.open(path, true);
    expect(file.readOnly).toBe(true);
    expect(await failure(() => file.write(0, Uint8Array.of(1)))).toMatch(/^FILE_UNWRITABLE/);
    await file.close();
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  test.skipIf(process.getuid?.() === 0)('without permission', async () => {
    const path = fresh();
    writeFileSync(path, 'old');
    chmodSync(path, 0o400);
    expect(await failure(() => NodeBlockFile.open(path, false))).toMatch(/^FILE_UNWRITABLE/);
    await (await NodeBlockFile.open(path, true)).close();
  });

  test('for temporary use has no name, in the folder for such files', async () => {
    const [temporary, before] = [fresh(), process.env.TMPDIR];
    process.env.TMPDIR = temporary;
    try {
      expect(await failure(() => NodeBlockFile.createScratch())).toMatch(/^FILE_UNWRITABLE .*there is no folder/);
      mkdirSync(temporary);
      const file = await NodeBlockFile.createScratch();
      expect(readdirSync(temporary)).toEqual([]);
      await file.write(5, Uint8Array.of(1, 2));
      expect(await file.read(4, 10)).toEqual(Uint8Array.of(0, 1, 2));
      await file.close();
    } finally {
      process.env.TMPDIR = before;
      if (before === undefined) delete process.env.TMPDIR;
    }
  });

  test('that becomes shorter ends where it ends', async () => {
    const path = fresh();
    writeFileSync(path, new Uint8Array(1000).fill(1));
    const file = await NodeBlockFile.open(path, true);
    truncateSync(path, 10);
    expect(await file.read(0, 1000)).toEqual(new Uint8Array(10).fill(1));
    await file.close();
  });
});

describe('files that an image names', () => {
  const [inside, outside] = [join(folder, 'images'), join(folder, 'elsewhere')];
  for (const path of [inside, join(inside, 'deep'), outside, `${inside}-not`]) mkdirSync(path, { recursive: true });
  const image = join(inside, 'top');
  for (const path of [image, join(inside, 'base'), join(inside, 'deep', 'base'), join(outside, 'base'), join(`${inside}-not`, 'base')])
    writeFileSync(path, path);
  symlinkSync(join(outside, 'base'), join(inside, 'link-out'));
  symlinkSync(join(inside, 'base'), join(outside, 'link-in'));
  symlinkSync(image, join(outside, 'top-link'));

  /** What a backing file of that name holds, or the error. */
  async function opened(files: NodeBlockFiles, path: string, relativeTo: string): Promise<string> {
    let text = '';
    const error = await failure(async () => {
      const file = await files.open(path, { readOnly: true, relativeTo });
      text = new TextDecoder().decode(await file.read(0, 1000));
      await file.close();
    });
    return error === 'no error' ? text : error;
  }

  test.each<[string, string, string | RegExp]>([
    ['beside it', 'base', join(inside, 'base')],
    ['below it', 'deep/base', join(inside, 'deep', 'base')],
    ['by its whole path', join(inside, 'base'), join(inside, 'base')],
    ['out and back in', '../elsewhere/link-in', join(inside, 'base')],
    [
      'above it',
      '../elsewhere/base',
      /^BACKING_REFUSED .*'\.\.\/elsewhere\/base', which lies outside of the image's folder; if that is right, say so$/,
    ],
    ['elsewhere by its whole path', join(outside, 'base'), /^BACKING_REFUSED/],
    ['a link out of the folder', 'link-out', /^BACKING_REFUSED/],
    ['in a folder whose name begins alike', '../images-not/base', /^BACKING_REFUSED/],
    ['missing', 'none', /^FILE_NOT_FOUND/],
  ])('%s', async (_, path, expected) => {
    const result = await opened(new NodeBlockFiles([], 'say so'), path, image);
    if (typeof expected === 'string') expect(result).toBe(expected);
    else expect(result).toMatch(expected);
  });

  test('what the user names may lie anywhere, under any of its names', async () => {
    const files = new NodeBlockFiles([join(inside, 'link-out')], 'say so');
    expect(await opened(files, '../elsewhere/base', image)).toBe(join(outside, 'base'));
    expect(await opened(files, 'link-out', image)).toBe(join(outside, 'base'));
    expect(await opened(files, '../images-not/base', image)).toMatch(/^BACKING_REFUSED/);
  });

  test('the folder is that of the image itself, not of a link to it', async () => {
    const files = new NodeBlockFiles([], 'say so');
    expect(await opened(files, 'base', join(outside, 'top-link'))).toMatch(/^BACKING_REFUSED/);
    expect(await opened(files, join(inside, 'base'), join(outside, 'top-link'))).toBe(join(inside, 'base'));
  });
});
