/** `reprise img info`: what an image is, in qemu-img's words, so that scripts that read those go on working. */
import { type ImageFormat, probeFormat } from '../../block/open.ts';
import type { Header } from '../../block/qcow2/header.ts';
import { Qcow2Image } from '../../block/qcow2/image.ts';
import type { SnapshotInfo } from '../../block/qcow2/snapshot-table.ts';
import { RawImage } from '../../block/raw.ts';
import { humanSize, snapshotTable } from '../../block/snapshot-list.ts';
import { RepriseError } from '../../errors/errors.ts';
import { backingPath, type NodeBlockFile } from '../../host/node/block-file.ts';
import { localDate } from '../../host/node/dates.ts';
import { EXIT } from '../exit.ts';
import { ALLOW, FORMAT, type ImgCommand, type ImgDraft, imageFiles, OUTPUT, oneFile, print, printJson, SHARE } from './img-options.ts';

const MAX_CHAIN = 200;

interface ImageInfo {
  readonly path: string;
  readonly format: ImageFormat;
  readonly size: number;
  readonly diskUsage: number;
  /** Of a qcow2 image. */
  readonly qcow2: { readonly header: Header; readonly snapshots: readonly SnapshotInfo[] } | undefined;
}

/** The table of snapshots, with qemu-img's heading. */
export const imageSnapshots = (snapshots: readonly SnapshotInfo[]): string =>
  snapshotTable(
    'Snapshot list:',
    snapshots.map((s) => ({ ...s, vmStateBytes: s.vmStateSize })),
    localDate,
  );

async function readInfo(file: NodeBlockFile, wanted: ImageFormat | undefined): Promise<ImageInfo> {
  const format = wanted ?? (await probeFormat(file));
  const plain = { path: file.name, format, diskUsage: await file.diskUsage() };
  if (format === 'raw') return { ...plain, size: (await RawImage.open(file)).size, qcow2: undefined };
  const image = await Qcow2Image.open(file, { openBacking: async () => undefined });
  return { ...plain, size: image.size, qcow2: { header: image.header, snapshots: image.listSnapshots() } };
}

function asText({ path, format, size, diskUsage, qcow2 }: ImageInfo): string {
  const lines = [
    `image: ${path}`,
    `file format: ${format}`,
    `virtual size: ${humanSize(size)} (${size} bytes)`,
    `disk size: ${humanSize(diskUsage)}`,
  ];
  if (qcow2 === undefined) return lines.join('\n');
  const { header, snapshots } = qcow2;
  if (header.dirty) lines.push('cleanly shut down: no');
  lines.push(`cluster_size: ${header.clusterSize}`);
  if (header.backingFile !== undefined) {
    const actual = backingPath(path, header.backingFile);
    lines.push(`backing file: ${header.backingFile}${actual === header.backingFile ? '' : ` (actual path: ${actual})`}`);
    if (header.backingFormat !== undefined) lines.push(`backing file format: ${header.backingFormat}`);
  }
  if (snapshots.length > 0) lines.push(imageSnapshots(snapshots));
  lines.push('Format specific information:');
  for (const [name, value] of Object.entries(specific(header))) lines.push(`    ${name.replaceAll('-', ' ')}: ${value}`);
  return lines.join('\n');
}

function specific({ version, compression, lazyRefcounts, refcountOrder, corrupt }: Header): Record<string, string | number | boolean> {
  const [type, bits] = [{ 'compression-type': compression }, { 'refcount-bits': 2 ** refcountOrder }];
  if (version === 2) return { compat: '0.10', ...type, ...bits };
  return { compat: '1.1', ...type, 'lazy-refcounts': lazyRefcounts, ...bits, corrupt, 'extended-l2': false };
}

function asJson({ path, format, size, diskUsage, qcow2 }: ImageInfo): object {
  const plain = { 'virtual-size': size, filename: path, format, 'actual-size': diskUsage, 'dirty-flag': qcow2?.header.dirty ?? false };
  if (qcow2 === undefined) return plain;
  const { header, snapshots } = qcow2;
  return {
    ...plain,
    'cluster-size': header.clusterSize,
    ...(snapshots.length === 0 ? {} : { snapshots: snapshots.map(snapshotJson) }),
    ...(header.backingFile === undefined
      ? {}
      : { 'backing-filename': header.backingFile, 'full-backing-filename': backingPath(path, header.backingFile) }),
    ...(header.backingFormat === undefined ? {} : { 'backing-filename-format': header.backingFormat }),
    'format-specific': { type: 'qcow2', data: specific(header) },
  };
}

function snapshotJson({ id, name, date, vmClockNs, vmStateSize, icount }: SnapshotInfo): object {
  return {
    id,
    name,
    'vm-state-size': vmStateSize,
    'date-sec': date.seconds,
    'date-nsec': date.nanoseconds,
    'vm-clock-sec': Math.floor(vmClockNs / 1e9),
    'vm-clock-nsec': vmClockNs % 1e9,
    ...(icount === undefined ? {} : { icount }),
  };
}

/** The image and, if asked for, all that it is based on. */
async function readChain(draft: ImgDraft, path: string): Promise<ImageInfo[]> {
  const opener = imageFiles(draft);
  const chain: ImageInfo[] = [];
  let next: { readonly path: string; readonly format: ImageFormat | undefined; readonly relativeTo: string | undefined } | undefined;
  for (next = { path, format: draft.format, relativeTo: undefined }; next !== undefined; ) {
    const file: NodeBlockFile = await opener.open(next.path, { readOnly: true, relativeTo: next.relativeTo });
    try {
      if (chain.length >= MAX_CHAIN || chain.some((link) => link.path === file.name))
        throw new RepriseError('BACKING_REFUSED', `the backing files of '${path}' go in a circle at '${file.name}'`);
      chain.push(await readInfo(file, next.format));
    } finally {
      await file.close();
    }
    const header = chain[chain.length - 1].qcow2?.header;
    if (!draft.chain || header?.backingFile === undefined) next = undefined;
    else next = { path: header.backingFile, format: header.backingFormat === 'raw' ? 'raw' : undefined, relativeTo: file.name };
  }
  return chain;
}

export const info: ImgCommand = {
  name: 'info',
  usage: '[-f FORMAT] [--output=human|json] [--backing-chain] [-U] FILE',
  summary: 'tell what an image is',
  rows: [
    FORMAT,
    OUTPUT,
    {
      names: ['backing-chain'],
      group: 'Options',
      help: 'tell of all the backing files, too',
      apply: (draft) => void (draft.chain = true),
    },
    ALLOW,
    SHARE,
  ],
  async run(draft, words) {
    const chain = await readChain(draft, oneFile(words));
    if (!draft.json) print(chain.map(asText).join('\n\n'));
    else printJson(draft.chain ? chain.map(asJson) : asJson(chain[0]));
    return EXIT.done;
  },
};
