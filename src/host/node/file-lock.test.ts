/** Images are locked against other processes: real ones, which are killed, too. */
import { linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RepriseError } from '../../errors/errors.ts';
import { NodeBlockFile } from './block-file.ts';
import { Child, compiledHost, isMissing, temporaryFolder, writeProgram } from './child.fixture.ts';

const folder = temporaryFolder();
let counter = 0;

/** An image in a folder of its own. */
function freshImage(): string {
  const own = join(folder, `images-${counter++}`);
  mkdirSync(own);
  writeFileSync(join(own, 'disk'), 'content');
  return join(own, 'disk');
}

async function attempt(path: string, readOnly: boolean, locked = true): Promise<string> {
  try {
    await (await NodeBlockFile.open(path, readOnly, { locked })).close();
    return 'opened';
  } catch (error) {
    if (!(error instanceof RepriseError)) throw error;
    return `${error.code} ${error.message}`;
  }
}

describe.skipIf(isMissing('flock', ['--version']))('an image that is open', () => {
  const host = compiledHost();
  /** A process that opens an image, says how that went, and keeps it. */
  function opener(path: string, mode: 'read' | 'write'): Child {
    const program = writeProgram(
      folder,
      host(),
      ['block-file'],
      `try {
        await host.NodeBlockFile.open(process.argv[2], process.argv[3] === 'read');
        console.log('has it');
      } catch (error) { console.log(error.code, error.message); }
      setInterval(() => {}, 1000);`,
    );
    const child = new Child(process.execPath, [program, path, mode]);
    onTestFinished(() => void child.process.kill('SIGKILL'));
    return child;
  }

  test('for writing is refused to everybody else, by any of its names, until its process ends, even by SIGKILL', async () => {
    const path = freshImage();
    const [hard, soft] = [`${path}-hard`, `${path}-soft`];
    linkSync(path, hard);
    symlinkSync(path, soft);
    const writer = opener(path, 'write');
    await writer.shows('has it');
    const by = `in use by process ${writer.process.pid}`;
    for (const name of [path, hard, soft]) {
      expect(await attempt(name, false)).toBe(`IMAGE_IN_USE disk image '${name}' is ${by}; let that end first, or use a copy`);
      expect(await attempt(name, true)).toMatch(new RegExp(`^IMAGE_IN_USE disk image '${name}' is ${by}, which may write to it; let that end first`));
      expect(await attempt(name, true, false)).toBe('opened');
    }
    writer.process.kill('SIGKILL');
    await writer.exit;
    expect(await attempt(hard, false)).toBe('opened');
    expect(readdirSync(join(path, '..')).sort()).toEqual(['disk', 'disk-hard', 'disk-soft']);
  });

  test('for reading is open to readers, and refused to writers until the last one has ended', async () => {
    const path = freshImage();
    const readers = [opener(path, 'read'), opener(path, 'read')];
    for (const reader of readers) await reader.shows('has it');
    expect(await attempt(path, true)).toBe('opened');
    for (const reader of readers) {
      expect(await attempt(path, false)).toMatch(/^IMAGE_IN_USE .* in use by process \d+; let that end first, or use a copy$/);
      reader.process.kill('SIGKILL');
      await reader.exit;
    }
    expect(await attempt(path, false)).toBe('opened');
  });

  test('has one writer, whoever tries at once', async () => {
    const path = freshImage();
    const writers = Array.from({ length: 6 }, () => opener(path, 'write'));
    await Promise.all(writers.map((writer) => writer.shows('\n')));
    const outputs = writers.map(({ output }) => output);
    expect(outputs.filter((output) => output.startsWith('has it'))).toHaveLength(1);
    expect(outputs.filter((output) => output.startsWith('IMAGE_IN_USE'))).toHaveLength(5);
  });

  test('is open to this program once, too', async () => {
    const path = freshImage();
    const file = await NodeBlockFile.open(path, false);
    expect(await attempt(path, true)).toMatch(/^IMAGE_IN_USE .* in use by this very program, /);
    await file.close();
    expect(await attempt(path, false)).toBe('opened');
  });

  test('is not locked where there is no program that can', async () => {
    const path = freshImage();
    const before = process.env.PATH;
    process.env.PATH = folder;
    try {
      const file = await NodeBlockFile.open(path, false);
      expect(await attempt(path, false)).toBe('opened');
      await file.close();
    } finally {
      process.env.PATH = before;
    }
  });
});
