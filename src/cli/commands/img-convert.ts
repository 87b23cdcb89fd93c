/** `reprise img convert`: copies a disk into a new image of any format, without its holes. */
import { extentOf } from '../../block/extents.ts';
import type { BlockNode } from '../../block/node.ts';
import { openImage } from '../../block/open.ts';
import { Qcow2Image } from '../../block/qcow2/image.ts';
import { isZero } from '../../block/zeros.ts';
import { RepriseError } from '../../errors/errors.ts';
import { parseChoice } from '../../options/values.ts';
import { EXIT } from '../exit.ts';
import { makeImage, wholeSectors } from './img-create.ts';
import { ALLOW, FORCE, FORMAT, FORMATS, type ImgCommand, imageFiles, NEW_IMAGE, QUIET, SHARE } from './img-options.ts';

/** Read at once. */
const STEP = 2 ** 21;
/** Zeros are left out in pieces of so many bytes. */
const PIECE = 2 ** 12;

/** Calls `write` for the parts of a disk that are not zeros. */
async function copyData(source: BlockNode, write: (offset: number, bytes: Uint8Array) => Promise<void>): Promise<void> {
  for (let at = 0; at < source.size; ) {
    const { zero, length } = await extentOf(source, at);
    if (zero) {
      at += length;
      continue;
    }
    const bytes = await source.read(at, Math.min(length, STEP - (at % STEP)));
    for (let done = 0; done < bytes.length; ) {
      const end = (from: number): number => Math.min(bytes.length, from + PIECE);
      let to = done;
      while (to < bytes.length && !isZero(bytes.subarray(to, end(to)))) to = end(to);
      if (to > done) await write(at + done, bytes.subarray(done, to));
      done = to === done ? end(done) : to;
    }
    at += bytes.length;
  }
}

export const convert: ImgCommand = {
  name: 'convert',
  usage: '[-f FORMAT] [-O FORMAT] [-o OPTIONS] [-l SNAPSHOT] [-U] FILE NEW-FILE',
  summary: 'copy an image, or one of its snapshots, into a new image',
  rows: [
    FORMAT,
    {
      names: ['O'],
      argument: 'FORMAT',
      group: 'Options',
      help: 'format of the new image, raw (the default) or qcow2',
      apply: (draft, value, option) => void (draft.outputFormat = parseChoice(value, option, FORMATS)),
    },
    NEW_IMAGE,
    {
      names: ['l'],
      argument: 'SNAPSHOT',
      group: 'Options',
      help: 'copy what the disk was at the snapshot of this name or ID (also as snapshot.name=NAME, snapshot.id=ID)',
      apply: (draft, value) => void (draft.snapshot = value.replace(/^snapshot\.(name|id)=/, '')),
    },
    FORCE,
    ALLOW,
    SHARE,
    QUIET,
  ],
  async run(draft, [from, to, stray]) {
    if (from === undefined || to === undefined) throw new RepriseError('USAGE', 'name the image and the file to make of it');
    if (stray !== undefined) throw new RepriseError('USAGE', `one image at a time: '${stray}' is one too many`);
    if (draft.options.backingFile !== undefined) throw new RepriseError('USAGE', 'a converted image stands alone; backing_file is for create');
    const { node } = await openImage(imageFiles(draft), from, { readOnly: true, format: draft.format });
    try {
      const source = draft.snapshot === undefined ? node : snapshotOf(node, from, draft.snapshot);
      const size = wholeSectors(source.size);
      await makeImage(to, draft.force, draft.outputFormat, { ...draft.options, size }, async (file) => {
        if (draft.outputFormat === 'raw') return copyData(source, (offset, bytes) => file.write(offset, bytes));
        const image = await Qcow2Image.open(file, { openBacking: async () => undefined });
        await copyData(source, (offset, bytes) => image.write(offset, bytes));
        await image.flush();
      });
    } finally {
      await node.close();
    }
    return EXIT.done;
  },
};

function snapshotOf(node: BlockNode, path: string, name: string): BlockNode {
  if (node instanceof Qcow2Image) return node.snapshotNode(name);
  throw new RepriseError('NO_SNAPSHOT', `'${path}' is a raw image, which has no snapshots`);
}
