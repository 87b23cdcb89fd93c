/** `reprise img create`: an empty image. */
import { renameSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { type ImageFormat, openImage } from '../../block/open.ts';
import { createQcow2 } from '../../block/qcow2/create.ts';
import { RepriseError } from '../../errors/errors.ts';
import { backingPath, NodeBlockFile } from '../../host/node/block-file.ts';
import { parseChoice, parseSize } from '../../options/values.ts';
import { EXIT } from '../exit.ts';
import {
  ALLOW,
  FORCE,
  FORMAT,
  FORMATS,
  type FormatOptions,
  type ImgCommand,
  type ImgDraft,
  type ImgRow,
  imageFiles,
  NEW_IMAGE,
  print,
  QUIET,
} from './img-options.ts';

const SECTOR = 512;

const BACKING: readonly ImgRow[] = [
  {
    names: ['b'],
    argument: 'FILE',
    group: 'Options',
    help: 'backing file, as the new image names it: relative to its own folder',
    apply: (draft, value) => void (draft.backing = value),
  },
  {
    names: ['F'],
    argument: 'FORMAT',
    group: 'Options',
    help: 'format of the backing file, raw or qcow2',
    apply: (draft, value, option) => void (draft.backingFormat = parseChoice(value, option, FORMATS)),
  },
];

/** Disks consist of whole sectors. */
export const wholeSectors = (size: number): number => Math.ceil(size / SECTOR) * SECTOR;

/**
 * Makes a file that is an image, or nothing when that fails.
 * @param fill writes what the image has in it
 */
export async function makeImage(
  path: string,
  force: boolean,
  format: ImageFormat,
  options: FormatOptions & { readonly size: number },
  fill: (file: NodeBlockFile) => Promise<void> = async () => {},
): Promise<void> {
  if (format === 'raw') refuseForRaw(options);
  // What is replaced stays until its successor is whole; it might be what that is made from.
  const written = force ? `${path}.${process.pid}.part` : path;
  // Whoever only reads it goes on with what it was.
  const replaced = force && NodeBlockFile.exists(path) ? await NodeBlockFile.open(path, true) : undefined;
  let file: NodeBlockFile | undefined;
  try {
    file = await NodeBlockFile.create(written);
    const { backingFile, backingFormat } = options;
    const backing = backingFile === undefined ? undefined : { file: backingFile, format: backingFormat ?? 'raw' };
    if (format === 'raw') await file.truncate(options.size);
    else await createQcow2(file, { ...options, backing });
    await fill(file);
    await file.sync();
    if (force) renameSync(written, path);
  } catch (error) {
    if (file !== undefined) NodeBlockFile.remove(written);
    throw error;
  } finally {
    await file?.close();
    await replaced?.close();
  }
}

function refuseForRaw({ size: _size, ...rest }: FormatOptions): void {
  const [given] = Object.keys(rest);
  if (given !== undefined) throw new RepriseError('USAGE', 'a raw image has no options but its size; add -f qcow2 (convert: -O qcow2)');
}

export const create: ImgCommand = {
  name: 'create',
  usage: '[-f FORMAT] [-b FILE -F FORMAT] [-o OPTIONS] FILE [SIZE]',
  summary: 'make an empty image',
  rows: [FORMAT, ...BACKING, NEW_IMAGE, FORCE, ALLOW, QUIET],
  async run(draft, [path, sizeText, stray]) {
    if (path === undefined) throw new RepriseError('USAGE', 'which file shall be made? name it');
    if (stray !== undefined) throw new RepriseError('USAGE', `one image at a time: '${stray}' is one too many`);
    const format = draft.format ?? 'raw';
    const { backingFile = draft.backing, backingFormat = draft.backingFormat, ...options } = draft.options;
    const backing = backingFile === undefined ? undefined : await readBacking(path, backingFile, backingFormat, draft);
    const size = sizeText === undefined ? (options.size ?? backing?.size) : parseSize(sizeText, 'SIZE', 'B');
    if (size === undefined) throw new RepriseError('USAGE', 'how large shall the disk be? add its size, such as 1G');
    const whole = { ...options, size: wholeSectors(size), ...(backing === undefined ? {} : backing.options) };
    await makeImage(path, draft.force, format, whole);
    if (backing?.outside === true)
      process.stderr.write(
        `reprise: note: '${backingFile}' lies outside of the image's folder; using the image needs --allow-backing ${backing.path}\n`,
      );
    if (!draft.quiet)
      print(`Formatting '${path}', fmt=${format} size=${whole.size}${backingFile === undefined ? '' : ` backing_file=${backingFile}`}`);
    return EXIT.done;
  },
};

/** Makes sure that the image will be of use. */
async function readBacking(
  image: string,
  file: string,
  format: ImageFormat | undefined,
  draft: ImgDraft,
): Promise<{ readonly size: number; readonly path: string; readonly outside: boolean; readonly options: FormatOptions }> {
  if (format === undefined) throw new RepriseError('USAGE', `the format of backing file '${file}' is missing: add -F raw or -F qcow2`);
  const path = backingPath(image, file);
  if (resolve(path) === resolve(image)) throw new RepriseError('USAGE', `'${file}' cannot be its own backing file`);
  const { node } = await openImage(imageFiles(draft), path, { readOnly: true, format });
  await node.close();
  const outside = !resolve(path).startsWith(resolve(dirname(image)) + sep);
  return { size: node.size, path, outside, options: { backingFile: file, backingFormat: format } };
}
