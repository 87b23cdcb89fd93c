import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { hasTool } from '../../../tests/support/outside.ts';
import { failure, hasQemuTools, tool } from '../../block/image.fixture.ts';
import { NodeBlockFile } from '../../host/node/block-file.ts';
import { img } from './img.ts';

const folder = mkdtempSync(join(tmpdir(), 'reprise-img-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());
const at = (name: string): string => join(folder, name);

/** Runs `reprise img`; words that begin with `@` are files of the folder. */
async function run(...words: readonly string[]): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  let [out, err] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text;
    return true;
  });
  try {
    const status = await img.run(words.map((word) => (word.startsWith('@') ? at(word.slice(1)) : word)));
    return { status, out, err };
  } finally {
    vi.restoreAllMocks();
  }
}

async function done(...words: readonly string[]): Promise<string> {
  const { status, out, err } = await run(...words);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  return out;
}

const refused = (...words: readonly string[]): Promise<string> => failure(() => run(...words));

describe('create and info', () => {
  test('a qcow2 image has what was asked for', async () => {
    const out = await done('create', '-f', 'qcow2', '-o', 'cluster_size=4k,refcount_bits=1,lazy_refcounts=on', '@a.qcow2', '10M');
    expect(out).toBe(`Formatting '${at('a.qcow2')}', fmt=qcow2 size=10485760\n`);
    const info = await done('info', '@a.qcow2');
    expect(info.replace(/disk size: .*/, 'disk size: …')).toBe(`image: ${at('a.qcow2')}
file format: qcow2
virtual size: 10 MiB (10485760 bytes)
disk size: …
cluster_size: 4096
Format specific information:
    compat: 1.1
    compression type: zlib
    lazy refcounts: true
    refcount bits: 1
    corrupt: false
    extended l2: false
`);
    expect(await done('check', '@a.qcow2')).toMatch(/^No errors were found on the image.\nImage end offset: \d+\n$/);
  });

  test('raw is the format when none is given; sizes are of whole sectors', async () => {
    await done('create', '-q', '@a.raw', '1000');
    expect(statSync(at('a.raw')).size).toBe(1024);
    expect(JSON.parse(await done('info', '--output=json', '@a.raw'))).toMatchObject({ format: 'raw', 'virtual-size': 1024, 'dirty-flag': false });
    expect((await run('check', '@a.raw')).status).toBe(63);
    expect(await refused('create', '-o', 'cluster_size=4k', '@b.raw', '1M')).toMatch(/^USAGE a raw image has no options/);
  });

  test('an image over another takes its size, and names it as it was written', async () => {
    writeFileSync(at('base.raw'), new Uint8Array(70_000).fill(7));
    await done('create', '-q', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', '@over.qcow2');
    const info = JSON.parse(await done('info', '--output=json', '@over.qcow2'));
    expect(info).toMatchObject({
      'virtual-size': 70_144,
      'backing-filename': 'base.raw',
      'backing-filename-format': 'raw',
      'full-backing-filename': at('base.raw'),
    });
    const chain = JSON.parse(await done('info', '--backing-chain', '--output=json', '@over.qcow2'));
    expect(chain.map(({ filename }: { filename: string }) => filename)).toEqual([at('over.qcow2'), at('base.raw')]);
    await done('convert', '@over.qcow2', '@flat.raw');
    expect(readFileSync(at('flat.raw')).subarray(0, 70_000)).toEqual(readFileSync(at('base.raw')));
    expect(await refused('create', '-f', 'qcow2', '-b', 'base.raw', '@x.qcow2')).toMatch(/^USAGE the format of backing file 'base.raw' is missing/);
    expect(await refused('create', '-f', 'qcow2', '-b', 'none', '-F', 'raw', '@x.qcow2')).toMatch(/^FILE_NOT_FOUND/);
    expect(await refused('create', '-f', 'qcow2', '-b', 'x.qcow2', '-F', 'raw', '@x.qcow2')).toMatch(/^USAGE .*own backing file/);
  });

  test('a backing file elsewhere must be named', async () => {
    mkdirSync(at('images'), { recursive: true });
    writeFileSync(at('elsewhere.raw'), new Uint8Array(512).fill(3));
    const { err } = await run('create', '-q', '-f', 'qcow2', '-b', '../elsewhere.raw', '-F', 'raw', '@images/o.qcow2');
    expect(err).toContain(`--allow-backing ${at('elsewhere.raw')}`);
    expect(await refused('convert', '@images/o.qcow2', '@o.raw')).toMatch(/^BACKING_REFUSED .*'\.\.\/elsewhere.raw'.*--allow-backing FILE$/);
    await done('convert', '--allow-backing', '@elsewhere.raw', '@images/o.qcow2', '@o.raw');
    expect(readFileSync(at('o.raw'))).toEqual(Buffer.alloc(512, 3));
    // Nothing of it is read for these.
    await done('info', '@images/o.qcow2');
    await done('snapshot', '-c', 's', '@images/o.qcow2');
  });

  test.skipIf(!hasTool('flock', 'images in use'))('an image in use is not touched, and read only with -U', async () => {
    await done('create', '-q', '-f', 'qcow2', '@used', '1M');
    const machine = await NodeBlockFile.open(at('used'), false);
    for (const words of [
      ['snapshot', '-c', 's', '@used'],
      ['snapshot', '-U', '-c', 's', '@used'],
      ['create', '-force', '@used', '1M'],
      ['convert', '-force', '@base.raw', '@used'],
    ])
      expect(await refused(...words)).toMatch(/^IMAGE_IN_USE disk image '.*used' is in use by this very program/);
    for (const words of [
      ['info', '@used'],
      ['check', '@used'],
      ['snapshot', '-l', '@used'],
      ['convert', '@used', '@copy'],
    ]) {
      expect(await refused(...words)).toMatch(/^IMAGE_IN_USE .*which may write to it; .*-U/);
      expect((await run(words[0], '-U', ...words.slice(1))).status).toBe(0);
    }
    await machine.close();
    await done('snapshot', '-c', 's', '@used');
  });

  test('an existing file is kept unless force is given', async () => {
    writeFileSync(at('kept'), 'old');
    expect(await refused('create', '@kept', '1M')).toMatch(/^FILE_EXISTS/);
    expect(readFileSync(at('kept'), 'utf8')).toBe('old');
    await done('create', '-q', '-force', '-f', 'qcow2', '@kept', '1M');
    await done('check', '-q', '@kept');
    // The old image is there until the new one is whole, so an image can take its own place.
    await done('convert', '--force', '-O', 'raw', '@kept', '@kept');
    expect(statSync(at('kept')).size).toBe(2 ** 20);
  });

  test.each([
    [['create', '@n', '-f', 'vmdk', '1M'], /^BAD_VALUE -f: expects raw or qcow2/],
    [['create', '-f', 'qcow2', '@n'], /^USAGE how large/],
    [['create', '-f', 'qcow2', '-o', 'cluster_size=3k', '@n', '1M'], /^BAD_VALUE .*power of two/],
    [['create', '-f', 'qcow2', '-o', 'refcount_bits=3', '@n', '1M'], /^BAD_VALUE .*1, 2, 4/],
    [['create', '-f', 'qcow2', '-o', 'compat=0.9', '@n', '1M'], /^BAD_VALUE .*0.10 or 1.1/],
    [['create', '-f', 'qcow2', '-o', 'compat=0.10,lazy_refcounts=on', '@n', '1M'], /^BAD_VALUE .*no lazy/],
    [['create', '-f', 'qcow2', '-o', 'cluster_size=512', '@n', '1T'], /^BAD_VALUE .*too large/],
    [['info', '@nothing'], /^FILE_NOT_FOUND/],
    [['inof', '@nothing'], /^USAGE unknown command 'img inof'; did you mean 'info'|^USAGE unknown command 'img inof'/],
    [['info'], /^USAGE which image/],
    [['info', '@a', '@b'], /^USAGE one image at a time/],
    [['snapshot', '-l', '-d', 'x', '@a'], /^USAGE one of/],
  ])('%j is refused and leaves nothing', async (words, message) => {
    expect(await refused(...words)).toMatch(message);
    expect(() => statSync(at('n'))).toThrow();
  });
});

describe('snapshot', () => {
  test('create, list, apply, delete', async () => {
    await done('create', '-q', '-f', 'qcow2', '@s.qcow2', '1M');
    expect(await done('snapshot', '-l', '@s.qcow2')).toBe('');
    await done('snapshot', '-c', 'first', '@s.qcow2');
    await done('snapshot', '-c', 'second', '@s.qcow2');
    const lines = (await done('snapshot', '@s.qcow2')).split('\n');
    expect(lines.slice(0, 2)).toEqual(['Snapshot list:', 'ID        TAG               VM SIZE                DATE     VM CLOCK     ICOUNT']);
    expect(lines[2]).toMatch(/^1 {9}first {17}0 B \d{4}-\d\d-\d\d \d\d:\d\d:\d\d 00:00:00\.000 +$/);
    expect(lines[3]).toMatch(/^2 {9}second /);
    await done('snapshot', '-a', 'first', '@s.qcow2');
    await done('snapshot', '-d', '1', '@s.qcow2');
    expect(await refused('snapshot', '-a', 'first', '@s.qcow2')).toMatch(/^NO_SNAPSHOT .* no snapshot 'first'; it has 'second'/);
    await done('check', '-q', '@s.qcow2');
    writeFileSync(at('r.raw'), new Uint8Array(512));
    expect(await refused('snapshot', '-c', 'x', '@r.raw')).toMatch(/^IMAGE_UNSUPPORTED .*raw/);
  });
});

describe('check', () => {
  test('leaks end in 3, corruption in 2, and both are told', async () => {
    await done('create', '-q', '-f', 'qcow2', '@c.qcow2', '1M');
    const bytes = readFileSync(at('c.qcow2'));
    // Refcounts of 16 bits in the block at cluster 2.
    bytes.writeUInt16BE(2, 2 * 65_536);
    writeFileSync(at('c.qcow2'), bytes);
    const leak = await run('check', '@c.qcow2');
    expect(leak.status).toBe(3);
    expect(leak.out).toContain('cluster 0 is leaked: refcount 2, 1 references\n1 leaked clusters');
    bytes.writeUInt16BE(0, 2 * 65_536);
    writeFileSync(at('c.qcow2'), bytes);
    const corrupt = await run('check', '--output=json', '@c.qcow2');
    expect(corrupt.status).toBe(2);
    expect(JSON.parse(corrupt.out)).toMatchObject({ corruptions: 1, 'check-errors': 0, 'total-clusters': 16 });
  });
});

describe.skipIf(!hasQemuTools())('as qemu-img does it', () => {
  test('info of the same image is the same', async () => {
    tool(folder, 'qemu-img', 'create', '-f', 'qcow2', '-o', 'compat=0.10', 'base.qcow2', '20M');
    tool(folder, 'qemu-img', 'create', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'q.qcow2', '1234567890');
    tool(folder, 'qemu-img', 'snapshot', '-c', 'one', 'q.qcow2');
    for (const name of ['q.qcow2', 'base.qcow2']) {
      expect(JSON.parse(await done('info', '--output', 'json', `@${name}`))).toEqual(
        JSON.parse(tool(folder, 'qemu-img', 'info', '--output=json', at(name))),
      );
      expect(await done('info', `@${name}`)).toBe(tool(folder, 'qemu-img', 'info', at(name)));
    }
    expect(await done('snapshot', '-l', '@q.qcow2')).toBe(tool(folder, 'qemu-img', 'snapshot', '-l', 'q.qcow2'));
  });

  test('convert there and back, and of a snapshot', async () => {
    const disk = new Uint8Array(3_000_320).map((_, n) => (n % 700_000 < 200_000 ? n * 7 : 0));
    writeFileSync(at('d.raw'), disk);
    await done('convert', '-f', 'raw', '-O', 'qcow2', '-o', 'cluster_size=16k', '@d.raw', '@d.qcow2');
    expect(tool(folder, 'qemu-img', 'compare', 'd.raw', 'd.qcow2')).toBe('Images are identical.\n');
    expect(tool(folder, 'qemu-img', 'check', 'd.qcow2')).toMatch(/^No errors/);
    await done('snapshot', '-c', 'before', '@d.qcow2');
    tool(folder, 'qemu-io', '-c', 'write -P 9 0 3000000', 'd.qcow2');
    await done('convert', '-l', 'before', '-O', 'raw', '@d.qcow2', '@back.raw');
    expect(Buffer.compare(readFileSync(at('back.raw')), disk)).toBe(0);
    // Holes stay holes.
    expect(statSync(at('back.raw')).blocks * 512).toBeLessThan(2_000_000);
  });

  test.each(['3M', '1M'])('a snapshot of a disk of 2M, which has %s now, is copied and not applied', async (size) => {
    tool(folder, 'qemu-img', 'create', '-f', 'qcow2', 'resized.qcow2', '2M');
    tool(folder, 'qemu-io', '-c', 'write -P 6 500k 1500k', 'resized.qcow2');
    tool(folder, 'qemu-img', 'snapshot', '-c', 'old', 'resized.qcow2');
    tool(folder, 'qemu-img', 'resize', '--shrink', 'resized.qcow2', size);
    await done('convert', '--force', '-l', 'old', '@resized.qcow2', '@old.raw');
    const expected = Buffer.alloc(2 ** 21).fill(6, 500 * 1024, 2000 * 1024);
    expect(Buffer.compare(readFileSync(at('old.raw')), expected)).toBe(0);
    expect(await refused('snapshot', '-a', 'old', '@resized.qcow2')).toMatch(/^IMAGE_UNSUPPORTED .*of a disk of 2097152 bytes/);
    await done('check', '-q', '@resized.qcow2');
  });

  test('a copy of a disk of 1 TiB takes no longer than what is in it', async () => {
    await done('create', '-q', '-f', 'qcow2', '@tera.qcow2', '1T');
    tool(folder, 'qemu-io', '-c', 'write -P 1 500G 64k', 'tera.qcow2');
    await done('convert', '-O', 'qcow2', '@tera.qcow2', '@tera2.qcow2');
    await done('snapshot', '-c', 's', '@tera.qcow2');
    await done('convert', '-l', 's', '-O', 'qcow2', '@tera.qcow2', '@tera3.qcow2');
    expect(tool(folder, 'qemu-img', 'compare', 'tera.qcow2', 'tera3.qcow2')).toBe('Images are identical.\n');
    expect(tool(folder, 'qemu-img', 'compare', 'tera.qcow2', 'tera2.qcow2')).toBe('Images are identical.\n');
  });
});
