/**
 * The head of a qcow2 image: fixed fields and extensions. Source: QEMU's docs/interop/qcow2.txt, "Header" and "Header
 * extensions". Writing changes the fixed fields that are known here and nothing else, so extensions and unknown
 * compatible features are kept as they are.
 */
import type { Storage } from './storage.ts';

// The platform's, wherever the core runs.
declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };

/** "QFI\xfb". */
export const MAGIC = 0x5146_49fb;
export const EXTENSION = { end: 0, backingFormat: 0xe279_2aca, featureNames: 0x6803_f857, bitmaps: 0x2385_2875 } as const;
/** Offsets stay exact, the end of the last cluster's too. */
export const MAX_DISK_BYTES = 2 ** 53 - 2 ** 21;
/** Limits as QEMU has them, so that hostile images cannot claim much memory: bytes of the L1 and of the refcount table. */
export const MAX_L1_BYTES = 2 ** 25;
export const MAX_REFCOUNT_TABLE_BYTES = 2 ** 23;
export const MAX_SNAPSHOTS = 65_536;
export const CLUSTER_BITS = { min: 9, max: 21 } as const;
/** A sector is what a disk writes at once; all fields that change together lie in the first. */
export const SECTOR = 512;

const V2_LENGTH = 72;
const V3_LENGTH = 104;
const INCOMPATIBLE = { dirty: 1, corrupt: 2, compressionType: 8 } as const;
const KNOWN_INCOMPATIBLE = INCOMPATIBLE.dirty | INCOMPATIBLE.corrupt | INCOMPATIBLE.compressionType;
/** Names of the standard features that are not supported, for images without a table of names. */
const FEATURE_NAMES: Readonly<Record<number, string>> = { 2: 'external data file', 4: 'extended L2 entries' };
const LAZY_REFCOUNTS = 1;
/** The autoclear feature. */
const BITMAPS = 1;

/** Where the metadata lies. One write of the first sector changes all of it at once. */
export interface Pointers {
  readonly l1Offset: number;
  readonly l1Entries: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
  readonly snapshotCount: number;
  readonly snapshotsOffset: number;
  /** The refcounts are not to be trusted: the image was not closed after lazy refcounts were in use. */
  readonly dirty: boolean;
}

export interface Header extends Pointers {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly clusterSize: number;
  /** Size of the disk in bytes. */
  readonly size: number;
  /** log2 of the width of a refcount in bits. */
  readonly refcountOrder: number;
  readonly compression: 'zlib' | 'zstd';
  readonly corrupt: boolean;
  readonly lazyRefcounts: boolean;
  /** There are features that hold only while every writer keeps them up; whoever does not must clear their bits. */
  readonly autoclear: boolean;
  /** Where the list of bitmaps is, if they are valid. */
  readonly bitmapDirectory: { readonly offset: number; readonly length: number } | undefined;
  /** As the image spells it. */
  readonly backingFile: string | undefined;
  readonly backingFormat: string | undefined;
}

/** Entries of an L1 table that a disk of `size` bytes needs. */
export const l1EntriesFor = (size: number, clusterBits: number): number => Math.ceil(size / 2 ** (2 * clusterBits - 3));

/** The numbers of a table of entries of 8 bytes, big-endian. Past 2^53 they are inexact, and past the end of any file. */
export const readU64 = (view: DataView, at: number): number => view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);

export function writeU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value % 2 ** 32);
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Reads and checks the head of an image. @throws RepriseError IMAGE_DAMAGED, IMAGE_UNSUPPORTED */
export async function readHeader(storage: Storage): Promise<Header> {
  const fixed = viewOf(await storage.read(0, V3_LENGTH));
  if (fixed.getUint32(0) !== MAGIC) throw storage.damaged('it does not begin as a qcow2 image does');
  const version = fixed.getUint32(4);
  if (version !== 2 && version !== 3) throw storage.unsupported(`it is qcow2 version ${version}; versions 2 and 3 are known`);
  const clusterBits = fixed.getUint32(20);
  if (clusterBits < CLUSTER_BITS.min || clusterBits > CLUSTER_BITS.max)
    throw storage.damaged(`clusters of 2^${clusterBits} bytes; 2^${CLUSTER_BITS.min} to 2^${CLUSTER_BITS.max} are possible`);
  const clusterSize = 2 ** clusterBits;
  const length = version === 2 ? V2_LENGTH : fixed.getUint32(100);
  if (version === 3 && (length < V3_LENGTH || length > clusterSize)) throw storage.damaged(`a header of ${length} bytes`);
  const head = await storage.read(0, clusterSize);
  const view = viewOf(head);
  const backing = { offset: readU64(view, 8), length: view.getUint32(16) };
  const extensions = readExtensions(storage, head, length, backing.offset === 0 ? clusterSize : backing.offset);
  const v3 = version === 3;
  const incompatible = v3 ? readU64(view, 72) : 0;
  refuseUnknown(storage, view, v3, extensions.get(EXTENSION.featureNames));
  if (view.getUint32(32) !== 0) throw storage.unsupported('it is encrypted');
  const refcountOrder = v3 ? view.getUint32(96) : 4;
  if (refcountOrder > 6) throw storage.damaged(`refcounts of 2^${refcountOrder} bits; 64 is the most`);
  const compressionType = v3 && length > V3_LENGTH ? view.getUint8(V3_LENGTH) : 0;
  if (compressionType > 1) throw storage.unsupported(`its compression type ${compressionType} is unknown`);
  if ((compressionType !== 0) !== ((incompatible & INCOMPATIBLE.compressionType) !== 0))
    throw storage.damaged(`compression type ${compressionType} contradicts the incompatible features`);
  const format = extensions.get(EXTENSION.backingFormat);
  const header: Header = {
    version,
    clusterBits,
    clusterSize,
    size: readU64(view, 24),
    l1Entries: view.getUint32(36),
    l1Offset: readU64(view, 40),
    refcountTableOffset: readU64(view, 48),
    refcountTableClusters: view.getUint32(56),
    snapshotCount: view.getUint32(60),
    snapshotsOffset: readU64(view, 64),
    refcountOrder,
    compression: compressionType === 0 ? 'zlib' : 'zstd',
    dirty: (incompatible & INCOMPATIBLE.dirty) !== 0,
    corrupt: (incompatible & INCOMPATIBLE.corrupt) !== 0,
    lazyRefcounts: v3 && (view.getUint32(84) & LAZY_REFCOUNTS) !== 0,
    autoclear: v3 && (view.getUint32(88) !== 0 || view.getUint32(92) !== 0),
    bitmapDirectory: v3 && (view.getUint32(92) & BITMAPS) !== 0 ? bitmapDirectory(extensions.get(EXTENSION.bitmaps)) : undefined,
    backingFile: backingName(storage, head, backing),
    backingFormat: format === undefined ? undefined : new TextDecoder().decode(format),
  };
  checkPlaces(storage, header);
  return header;
}

function bitmapDirectory(extension: Uint8Array | undefined): Header['bitmapDirectory'] {
  if (extension === undefined || extension.length < 24) return undefined;
  const view = viewOf(extension);
  return { length: readU64(view, 8), offset: readU64(view, 16) };
}

function backingName(
  storage: Storage,
  head: Uint8Array,
  { offset, length }: { readonly offset: number; readonly length: number },
): string | undefined {
  if (offset === 0 || length === 0) return undefined;
  if (length > 1023 || offset + length > head.length) throw storage.damaged('the name of its backing file lies outside of the first cluster');
  const name = head.subarray(offset, offset + length);
  if (name.includes(0)) throw storage.damaged('the name of its backing file has a zero byte in it');
  return new TextDecoder().decode(name);
}

/** The extensions between the fixed fields and `end`, by type. */
function readExtensions(storage: Storage, head: Uint8Array, start: number, end: number): ReadonlyMap<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  const view = viewOf(head);
  for (let at = start; at + 8 <= Math.min(end, head.length); ) {
    const [type, length] = [view.getUint32(at), view.getUint32(at + 4)];
    if (type === EXTENSION.end) break;
    at += 8;
    if (at + length > end || at + length > head.length) throw storage.damaged(`header extension 0x${type.toString(16)} is longer than its room`);
    found.set(type, head.subarray(at, at + length));
    at += Math.ceil(length / 8) * 8;
  }
  return found;
}

/** A reader that does not know an incompatible feature must not touch the image. */
function refuseUnknown(storage: Storage, view: DataView, v3: boolean, table: Uint8Array | undefined): void {
  if (!v3) return;
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    const word = view.getUint32(bit < 32 ? 76 : 72);
    if (((word >>> (bit % 32)) & 1) === 0 || (bit < 32 && (KNOWN_INCOMPATIBLE & (1 << bit)) !== 0)) continue;
    names.push(featureName(table, bit) ?? FEATURE_NAMES[bit] ?? `bit ${bit}`);
  }
  if (names.length > 0) throw storage.unsupported(`it needs features that are not supported: ${names.join(', ')}`);
}

/** The name that the image itself gives to an incompatible feature. */
function featureName(table: Uint8Array | undefined, bit: number): string | undefined {
  for (let at = 0; table !== undefined && at + 48 <= table.length; at += 48) {
    if (table[at] !== 0 || table[at + 1] !== bit) continue;
    const name = table.subarray(at + 2, at + 48);
    const end = name.indexOf(0);
    const shown = new TextDecoder().decode(end < 0 ? name : name.subarray(0, end)).replace(/[^ -~]/g, '?');
    if (shown !== '') return `'${shown}'`;
  }
  return undefined;
}

function checkPlaces(storage: Storage, header: Header): void {
  const { clusterBits, clusterSize, size, l1Entries, l1Offset, refcountTableOffset, refcountTableClusters, snapshotCount, snapshotsOffset } = header;
  if (size > MAX_DISK_BYTES) throw storage.damaged(`a disk of ${size} bytes`);
  if (l1Entries * 8 > MAX_L1_BYTES) throw storage.damaged(`an L1 table of ${l1Entries} entries`);
  if (l1Entries < l1EntriesFor(size, clusterBits)) throw storage.damaged('its L1 table is too small for the disk');
  if (refcountTableClusters === 0) throw storage.damaged('it has no refcount table');
  if (refcountTableClusters * clusterSize > MAX_REFCOUNT_TABLE_BYTES) throw storage.damaged(`a refcount table of ${refcountTableClusters} clusters`);
  if (snapshotCount > MAX_SNAPSHOTS) throw storage.damaged(`${snapshotCount} snapshots; ${MAX_SNAPSHOTS} is the most`);
  checkPlace(storage, header, 'L1 table', l1Offset, l1Entries * 8);
  checkPlace(storage, header, 'refcount table', refcountTableOffset, refcountTableClusters * clusterSize);
  if (snapshotCount > 0) checkPlace(storage, header, 'snapshot table', snapshotsOffset, snapshotCount * 40);
}

/** Metadata begins at a cluster, not in the first, and lies in the file. */
export function checkPlace(storage: Storage, { clusterSize }: Pick<Header, 'clusterSize'>, what: string, offset: number, length: number): void {
  if (length === 0) return;
  if (offset % clusterSize !== 0) throw storage.damaged(`its ${what} is not aligned to a cluster (offset ${offset})`);
  if (offset === 0) throw storage.damaged(`its ${what} overlaps the header`);
  // The last cluster need not be there to its end.
  if (offset + length > Math.ceil(storage.end / clusterSize) * clusterSize)
    throw storage.damaged(`its ${what} reaches past the end of the file (offset ${offset})`);
}

/** Switches the image to other metadata, in one write that a disk does whole. @returns the header as it is now */
export async function writePointers(storage: Storage, header: Header, pointers: Pointers): Promise<Header> {
  const sector = await storage.read(0, SECTOR);
  const view = viewOf(sector);
  view.setUint32(36, pointers.l1Entries);
  writeU64(view, 40, pointers.l1Offset);
  writeU64(view, 48, pointers.refcountTableOffset);
  view.setUint32(56, pointers.refcountTableClusters);
  view.setUint32(60, pointers.snapshotCount);
  writeU64(view, 64, pointers.snapshotsOffset);
  if (header.version === 3) {
    const others = view.getUint32(76) & ~INCOMPATIBLE.dirty;
    view.setUint32(76, (others | (pointers.dirty ? INCOMPATIBLE.dirty : 0)) >>> 0);
    // None of the autoclear features is kept up here.
    writeU64(view, 88, 0);
  }
  await storage.write(0, sector);
  return { ...header, ...pointers, autoclear: false, bitmapDirectory: undefined };
}
