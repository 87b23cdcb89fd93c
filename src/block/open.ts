/** Opens disk images with all their backing images. */
import { RepriseError } from '../errors/errors.ts';
import type { BlockFile, BlockFileOpener } from './node.ts';
import { MAGIC } from './qcow2/header.ts';
import { Qcow2Image } from './qcow2/image.ts';
import { RawImage } from './raw.ts';

export type ImageFormat = 'raw' | 'qcow2';

/** A chain that is longer goes in a circle, or might as well. */
const MAX_CHAIN = 200;

export interface OpenImageOptions {
  readonly readOnly: boolean;
  /** Found out from the file when undefined. */
  readonly format?: ImageFormat | undefined;
}

export interface OpenedImage {
  readonly node: RawImage | Qcow2Image;
  readonly format: ImageFormat;
  readonly file: BlockFile;
  /** Names of the files that it is based on, the nearest first. */
  readonly backing: readonly string[];
}

/** @throws RepriseError for a file that cannot be opened, is damaged, or names backing files that may not be opened */
export function openImage(opener: BlockFileOpener, path: string, options: OpenImageOptions): Promise<OpenedImage> {
  return openLink(opener, path, options, undefined, []);
}

/** What the file says it is. A file that is no qcow2 image is a raw one. */
export async function probeFormat(file: BlockFile): Promise<ImageFormat> {
  const head = await file.read(0, 4);
  return head.length === 4 && new DataView(head.buffer, head.byteOffset).getUint32(0) === MAGIC ? 'qcow2' : 'raw';
}

/** @param chain the files that lead here */
async function openLink(
  opener: BlockFileOpener,
  path: string,
  { readOnly, format }: OpenImageOptions,
  relativeTo: string | undefined,
  chain: readonly string[],
): Promise<OpenedImage> {
  const file = await opener.open(path, { readOnly, relativeTo });
  try {
    if (chain.includes(file.name) || chain.length >= MAX_CHAIN)
      throw new RepriseError('BACKING_REFUSED', `the backing files of '${chain[0]}' go in a circle: '${chain[chain.length - 1]}' leads to '${path}'`);
    const actual = format ?? (await probeFormat(file));
    if (actual === 'raw') return { node: await RawImage.open(file), format: actual, file, backing: [] };
    let backing: readonly string[] = [];
    const node = await Qcow2Image.open(file, {
      openBacking: async (name, backingFormat) => {
        refuseProtocol(file.name, name);
        const known = knownFormat(file.name, backingFormat);
        const next = await openLink(opener, name, { readOnly: true, format: known }, file.name, [...chain, file.name]);
        backing = [next.file.name, ...next.backing];
        return next.node;
      },
    });
    return { node, format: actual, file, backing };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The format that an image says its backing file has. @throws RepriseError IMAGE_UNSUPPORTED */
export function knownFormat(image: string, format: string | undefined): ImageFormat | undefined {
  if (format === undefined || format === 'raw' || format === 'qcow2') return format;
  throw new RepriseError(
    'IMAGE_UNSUPPORTED',
    `disk image '${image}' cannot be used: its backing file has format '${format}'; raw and qcow2 are known`,
  );
}

/** QEMU takes `word:` at the beginning of a name for a protocol, or for JSON. */
function refuseProtocol(image: string, name: string): void {
  const protocol = /^([A-Za-z0-9+._-]+):/.exec(name)?.[1];
  if (protocol !== undefined)
    throw new RepriseError('BACKING_REFUSED', `disk image '${image}' has backing file '${name}': '${protocol}:' is not supported, only files are`);
}
