import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RepriseError } from '../../errors/errors.ts';
import { compiledHost, isMissing, temporaryFolder, writeProgram } from './child.fixture.ts';
import { openSource, readInput, sha256 } from './files.ts';
import { createOutput } from './output-file.ts';

const folder = temporaryFolder();
let counter = 0;
const fresh = () => join(folder, `file-${counter++}`);
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (path: string) => readFileSync(path, 'utf8');

function failure(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (!(error instanceof RepriseError)) throw error;
    return `${error.code} ${error.message}`;
  }
  return 'no error';
}

describe('input files', () => {
  test('a file is read whole, an empty one too', () => {
    const path = fresh();
    const content = Uint8Array.from({ length: 100_000 }, (_, n) => n * 7);
    writeFileSync(path, content);
    expect(readInput(path, 'kernel')).toEqual(content);
    writeFileSync(path, '');
    expect(readInput(path, 'kernel')).toEqual(new Uint8Array(0));
  });

  test('a pipe is read to its end', () => {
    const path = fresh();
    execFileSync('mkfifo', [path]);
    const writer = execFileSync('sh', ['-c', `(head -c 3000000 /dev/zero > ${path}) >/dev/null 2>&1 & echo started`]);
    expect(String(writer)).toBe('started\n');
    expect(readInput(path, 'initrd').length).toBe(3_000_000);
  });

  test('what cannot be read is named', () => {
    const path = fresh();
    expect(failure(() => readInput(path, 'kernel'))).toBe(`FILE_NOT_FOUND kernel '${path}' does not exist; check the path`);
    expect(failure(() => readInput(folder, 'kernel'))).toBe(`FILE_UNREADABLE kernel '${folder}' is a folder; name a file`);
    expect(failure(() => openSource(path, 'recording'))).toMatch(/^FILE_NOT_FOUND recording/);
    expect(failure(() => openSource(folder, 'recording'))).toMatch(/^FILE_UNREADABLE recording .* is a folder/);
    expect(failure(() => openSource('/dev/null', 'recording'))).toMatch(/^FILE_UNREADABLE .*not a regular file/);
    expect(failure(() => readInput(join('/dev/null', 'x'), 'kernel'))).toMatch(/^FILE_NOT_FOUND/);
  });

  test('a file may have as many bytes as the limit, and no more; an endless one is given up', () => {
    const path = fresh();
    writeFileSync(path, bytes('12345'));
    expect(readInput(path, 'kernel', 5)).toEqual(bytes('12345'));
    expect(failure(() => readInput(path, 'kernel', 4))).toMatch(/^IMAGE_TOO_BIG kernel/);
    expect(failure(() => readInput('/dev/zero', 'kernel', 2 ** 20))).toMatch(/^IMAGE_TOO_BIG kernel '\/dev\/zero' is larger than 1 MiB/);
  });

  test('a source gives the bytes asked for, and notices that the file became shorter', () => {
    const path = fresh();
    writeFileSync(path, '0123456789');
    const source = openSource(path, 'recording');
    expect(source.size).toBe(10);
    expect(source.read(3, 4)).toEqual(bytes('3456'));
    expect(source.read(10, 0)).toEqual(bytes(''));
    expect(failure(() => source.read(8, 3))).toMatch(/^FILE_UNREADABLE recording .* ends before byte 11/);
    truncateSync(path, 5);
    expect(failure(() => source.read(3, 4))).toMatch(/^FILE_UNREADABLE/);
    source.close();
    source.close();
  });

  test('sha256 is that of the standard', () => {
    expect(sha256(bytes('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

describe('an output file', () => {
  test('what was appended is there at once', () => {
    const path = fresh();
    const output = createOutput(path);
    output.append(bytes('one '));
    output.append(bytes('two'));
    expect(text(path)).toBe('one two');
    output.sync();
    output.close();
    expect(text(path)).toBe('one two');
  });

  test('an existing one is kept, also when only its name exists', () => {
    const path = fresh();
    writeFileSync(path, 'old');
    expect(failure(() => createOutput(path))).toMatch(/^FILE_EXISTS '.*' exists already and is kept; .*--force/);
    expect(text(path)).toBe('old');
  });

  test('force replaces it at the first sync, not before', () => {
    const path = fresh();
    writeFileSync(path, 'old');
    const output = createOutput(path, { force: true });
    output.append(bytes('head'));
    expect(text(path)).toBe('old');
    output.sync();
    expect(text(path)).toBe('head');
    output.append(bytes(' and tail'));
    output.sync();
    expect(text(path)).toBe('head and tail');
    output.close();
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('a run that fails to begin changes nothing', () => {
    const path = fresh();
    const output = createOutput(path);
    output.append(bytes('half a head'));
    output.close();
    expect(existsSync(path)).toBe(false);

    writeFileSync(path, 'old');
    const replacement = createOutput(path, { force: true });
    replacement.append(bytes('half a head'));
    replacement.close();
    expect(text(path)).toBe('old');
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('force writes through a link', () => {
    const [path, link] = [fresh(), fresh()];
    writeFileSync(path, 'old');
    symlinkSync(path, link);
    const output = createOutput(link, { force: true });
    output.append(bytes('new'));
    output.sync();
    output.close();
    expect(text(path)).toBe('new');
    expect(text(link)).toBe('new');
  });

  test('a device is written to without force, and a full one says so', () => {
    const output = createOutput('/dev/full');
    expect(failure(() => output.append(bytes('x')))).toMatch(/^DISK_FULL the disk is full: '\/dev\/full'/);
    output.sync();
    output.close();
    expect(existsSync('/dev/full')).toBe(true);
  });

  test('where nothing can be created', () => {
    expect(failure(() => createOutput(join(folder, 'no', 'x.rec')))).toBe(
      `FILE_UNWRITABLE '${folder}/no/x.rec' cannot be created: there is no folder '${folder}/no'; create it, or choose another place`,
    );
    expect(failure(() => createOutput('/dev/null/x.rec'))).toMatch(/^FILE_UNWRITABLE .*'\/dev\/null' is not a folder/);
    expect(failure(() => createOutput(folder))).toMatch(/^FILE_UNWRITABLE .* is a folder; name a file/);
    expect(failure(() => createOutput(folder, { force: true }))).toMatch(/^FILE_UNWRITABLE .* is a folder; name a file/);
  });
});

describe('in a process of its own', () => {
  const host = compiledHost();

  /** Runs a program that has `out(path)`, `bytes(n)` and `report(action)`. */
  function run(wrapper: readonly string[], body: string): string {
    const program = writeProgram(
      folder,
      host(),
      ['output-file'],
      `const report = (action) => { try { action(); console.log('done'); } catch (e) { console.log(e.code + ' ' + e.message); } };
       const bytes = (n) => new Uint8Array(n).fill(65);
       ${body}`,
    );
    const [command, ...args] = [...wrapper, process.execPath, program];
    return spawnSync(command, args, { encoding: 'utf8' }).stdout;
  }

  test('a read-only folder is named', () => {
    const readonly = fresh();
    mkdirSync(readonly, { mode: 0o555 });
    // Permissions do not bind the superuser.
    const drop = process.getuid?.() === 0 ? 'process.seteuid(65534);' : '';
    expect(run([], `${drop} report(() => host.createOutput('${readonly}/x.rec'))`)).toBe(
      `FILE_UNWRITABLE '${readonly}/x.rec' cannot be created: the folder '${readonly}' is read-only; choose another place\n`,
    );
  });

  test('a write that does not fit leaves nothing of itself', () => {
    const path = fresh();
    const limited = ['bash', '-c', 'ulimit -f 8; exec "$@"', '-'];
    const output = run(
      limited,
      `const out = host.createOutput('${path}'); out.append(bytes(5000)); out.sync();
       report(() => out.append(bytes(5000))); report(() => out.append(bytes(3192))); out.close();`,
    );
    expect(output).toMatch(/^FILE_UNWRITABLE '.*' cannot be written: EFBIG.*\ndone\n$/);
    expect(readFileSync(path).length).toBe(8192);
  });

  test.skipIf(isMissing('unshare', ['-rm', 'true']))('a full disk', () => {
    const mount = fresh();
    mkdirSync(mount);
    const inside = ['unshare', '-rm', 'sh', '-c', `mount -t tmpfs -o size=64k none ${mount} && exec "$@"`, '-'];
    const output = run(
      inside,
      `import { statSync } from 'node:fs';
       const out = host.createOutput('${mount}/x.rec'); out.append(bytes(50000)); out.sync();
       report(() => out.append(bytes(50000))); console.log(statSync('${mount}/x.rec').size);`,
    );
    expect(output).toBe(`DISK_FULL the disk is full: '${mount}/x.rec' could not take more; make room, or choose another disk\n50000\n`);
  });
});
