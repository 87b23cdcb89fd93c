import { expect, test } from 'vitest';
import { RepriseError } from '../errors/errors.ts';
import { failure, newImage } from './image.fixture.ts';
import { MemoryFile } from './memory-file.fixture.ts';
import type { BlockFileOpener } from './node.ts';
import { openImage } from './open.ts';
import { createQcow2 } from './qcow2/create.ts';

/** Files by name; keeps those that were opened. */
function files(content: Readonly<Record<string, MemoryFile>>): BlockFileOpener & { readonly opened: MemoryFile[] } {
  const opened: MemoryFile[] = [];
  return {
    opened,
    async open(path, { readOnly, relativeTo }) {
      if (path === 'forbidden') throw new RepriseError('BACKING_REFUSED', `not from ${relativeTo}`);
      const file = new MemoryFile(path, { content: await content[path].read(0, await content[path].size()), readOnly });
      opened.push(file);
      return file;
    },
  };
}

async function over(file: string, format: string): Promise<MemoryFile> {
  const image = new MemoryFile();
  await createQcow2(image, { size: 1024, clusterSize: 512, backing: { file, format } });
  return image;
}

const readOnly = { readOnly: true };

test('the format is found out, or as it was given', async () => {
  const opener = files({ a: await newImage({ size: 5120 }), b: new MemoryFile('b', { content: new Uint8Array(700) }), c: new MemoryFile() });
  expect((await openImage(opener, 'a', readOnly)).format).toBe('qcow2');
  expect((await openImage(opener, 'b', readOnly)).node.size).toBe(1024);
  expect((await openImage(opener, 'c', readOnly)).format).toBe('raw');
  expect((await openImage(opener, 'a', { readOnly: true, format: 'raw' })).node.size).toBe(await opener.opened[0].size());
  expect(await failure(() => openImage(opener, 'b', { readOnly: true, format: 'qcow2' }))).toMatch(/^IMAGE_DAMAGED .*does not begin/);
});

test('backing images are opened read-only, each by the image that names it, and closed with it', async () => {
  const opener = files({
    top: await over('middle', 'qcow2'),
    middle: await over('base', 'raw'),
    base: new MemoryFile('', { content: new Uint8Array(600).fill(7) }),
  });
  const { node, backing } = await openImage(opener, 'top', { readOnly: false });
  expect(backing).toEqual(['middle', 'base']);
  expect(opener.opened.map((file) => [file.name, file.readOnly])).toEqual([
    ['top', false],
    ['middle', true],
    ['base', true],
  ]);
  expect(await node.read(590, 20)).toEqual(new Uint8Array(20).fill(7, 0, 10));
  await node.close();
  expect(opener.opened.map(({ closed }) => closed)).toEqual([true, true, true]);
});

test.each<[string, () => Promise<Record<string, MemoryFile>>, RegExp]>([
  ['an image on itself', async () => ({ top: await over('top', 'qcow2') }), /^BACKING_REFUSED .*circle/],
  ['a circle of two', async () => ({ top: await over('a', 'qcow2'), a: await over('top', 'qcow2') }), /^BACKING_REFUSED .*circle/],
  ['what the host forbids', async () => ({ top: await over('forbidden', 'raw') }), /^BACKING_REFUSED not from top/],
  ['a server', async () => ({ top: await over('nbd://localhost', 'raw') }), /^BACKING_REFUSED .*'nbd:' is not supported/],
  ['JSON', async () => ({ top: await over('json:{"driver":"file"}', 'raw') }), /^BACKING_REFUSED .*'json:'/],
  ['another format', async () => ({ top: await over('x', 'vmdk') }), /^IMAGE_UNSUPPORTED .*'vmdk'/],
  ['a damaged one', async () => ({ top: await over('a', 'qcow2'), a: new MemoryFile() }), /^IMAGE_DAMAGED disk image 'a'/],
])('a backing file that is %s is refused, and nothing stays open', async (_, content, message) => {
  const opener = files(await content());
  expect(await failure(() => openImage(opener, 'top', readOnly))).toMatch(message);
  expect(opener.opened.every(({ closed }) => closed)).toBe(true);
});

test('a raw image is what its file is; discarded bytes are zeros', async () => {
  const file = new MemoryFile('raw', { content: new Uint8Array(5000).fill(9) });
  const opener: BlockFileOpener = { open: async () => file };
  const { node } = await openImage(opener, 'raw', { readOnly: false });
  await node.write(100, Uint8Array.of(1, 2, 3));
  await node.discard(200, 3000);
  await node.flush();
  const expected = new Uint8Array(5000).fill(9).fill(0, 200, 3200);
  expected.set([1, 2, 3], 100);
  expect(await file.read(0, 6000)).toEqual(expected);
  expect(await node.read(150, 100)).toEqual(expected.slice(150, 250));
  // A disk has whole sectors.
  expect(node.size).toBe(5120);
  expect(await node.read(4990, 130)).toEqual(new Uint8Array(130).fill(9, 0, 10));
  await expect(async () => node.read(5119, 2)).rejects.toThrow('within the disk');
  await expect(async () => node.write(5119, new Uint8Array(2))).rejects.toThrow('within the disk');
});

test('a read-only image refuses to be written', async () => {
  const opener = files({ a: await newImage({ size: 5120 }), b: new MemoryFile('b', { content: new Uint8Array(700) }) });
  for (const name of ['a', 'b']) {
    const { node } = await openImage(opener, name, readOnly);
    await expect(async () => node.write(0, new Uint8Array(1))).rejects.toThrow('not written');
    await expect(async () => node.discard(0, 1)).rejects.toThrow('not written');
    await node.flush();
  }
});
