/** The table of internal snapshots. Source: QEMU's docs/interop/qcow2.txt, "Snapshots". */
import { RepriseError } from '../../errors/errors.ts';
import { checkPlace, type Header, MAX_DISK_BYTES, MAX_L1_BYTES, readU64, viewOf, writeU64 } from './header.ts';
import type { Storage } from './storage.ts';

// The platform's, wherever the core runs.
declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

const FIXED = 40;
/** Bytes of extra data that are known: size of the state, size of the disk, instruction count. */
const EXTRA = { vmStateSize: 8, diskSize: 16, icount: 24 } as const;
/** As QEMU limits them. */
const MAX_EXTRA_BYTES = 1024;
const MAX_TABLE_BYTES = 2 ** 26;
const MAX_NAME_BYTES = 255;
/** What stands for a machine that does not count instructions. */
const NO_ICOUNT = 0xffff_ffff;

/** What a snapshot is called and when it was taken. */
export interface SnapshotDescription {
  readonly name: string;
  /** Seconds since 1970, and nanoseconds. */
  readonly date: { readonly seconds: number; readonly nanoseconds: number };
  /** The guest's clock, in nanoseconds; exact to 2^53. */
  readonly vmClockNs: number;
  /** Undefined for a machine that does not count instructions. */
  readonly icount: number | undefined;
}

export interface SnapshotInfo extends SnapshotDescription {
  readonly id: string;
  /** Bytes of the machine's state; 0 for a snapshot of the disk alone. */
  readonly vmStateSize: number;
  readonly diskSize: number;
}

export interface SnapshotEntry extends SnapshotInfo {
  readonly l1Offset: number;
  readonly l1Entries: number;
  /** Extra data after the part that is known; kept. */
  readonly unknownExtra: Uint8Array;
}

/** QEMU keeps names in 256 bytes. @throws RepriseError BAD_VALUE */
export function checkSnapshotName(name: string): void {
  const { length } = new TextEncoder().encode(name);
  if (length === 0 || length > MAX_NAME_BYTES)
    throw new RepriseError('BAD_VALUE', `a snapshot needs a name of 1 to ${MAX_NAME_BYTES} bytes, and '${name.slice(0, 40)}' has ${length}`);
}

/** @throws RepriseError IMAGE_DAMAGED */
export async function readSnapshotTable(storage: Storage, header: Header): Promise<{ readonly entries: SnapshotEntry[]; readonly length: number }> {
  const entries: SnapshotEntry[] = [];
  let at = header.snapshotsOffset;
  for (let n = 0; n < header.snapshotCount; n++) {
    const { entry, length } = await readEntry(storage, header, at);
    entries.push(entry);
    at += length;
    if (at - header.snapshotsOffset > MAX_TABLE_BYTES || at - 8 >= storage.end) throw storage.damaged('its snapshot table is too long');
  }
  return { entries, length: at - header.snapshotsOffset };
}

async function readEntry(storage: Storage, header: Header, at: number): Promise<{ readonly entry: SnapshotEntry; readonly length: number }> {
  const fixed = viewOf(await storage.read(at, FIXED));
  const extraBytes = fixed.getUint32(36);
  const [idBytes, nameBytes] = [fixed.getUint16(12), fixed.getUint16(14)];
  if (extraBytes > MAX_EXTRA_BYTES) throw storage.damaged(`a snapshot has ${extraBytes} bytes of extra data`);
  const l1Offset = readU64(fixed, 0);
  const l1Entries = fixed.getUint32(8);
  if (l1Entries * 8 > MAX_L1_BYTES) throw storage.damaged(`the L1 table of a snapshot has ${l1Entries} entries`);
  checkPlace(storage, header, 'L1 table of a snapshot', l1Offset, l1Entries * 8);
  const variable = await storage.read(at + FIXED, extraBytes + idBytes + nameBytes);
  const view = viewOf(variable);
  const text = (start: number, length: number): string => new TextDecoder().decode(variable.subarray(start, start + length));
  const counted = extraBytes >= EXTRA.icount && view.getUint32(16) !== NO_ICOUNT;
  const entry = {
    id: text(extraBytes, idBytes),
    name: text(extraBytes + idBytes, nameBytes),
    date: { seconds: fixed.getUint32(16), nanoseconds: fixed.getUint32(20) },
    vmClockNs: readU64(fixed, 24),
    vmStateSize: extraBytes >= EXTRA.vmStateSize ? readU64(view, 0) : fixed.getUint32(32),
    diskSize: extraBytes >= EXTRA.diskSize ? readU64(view, 8) : header.size,
    icount: counted ? readU64(view, 16) : undefined,
    l1Offset,
    l1Entries,
    unknownExtra: variable.slice(EXTRA.icount, Math.max(EXTRA.icount, extraBytes)),
  };
  if (entry.diskSize > MAX_DISK_BYTES) throw storage.damaged(`a snapshot of a disk of ${entry.diskSize} bytes`);
  return { entry, length: Math.ceil((FIXED + variable.length) / 8) * 8 };
}

export function encodeSnapshotTable(entries: readonly SnapshotEntry[]): Uint8Array {
  const encoded = entries.map(encodeEntry);
  const bytes = new Uint8Array(encoded.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const entry of encoded) {
    bytes.set(entry, at);
    at += entry.length;
  }
  return bytes;
}

function encodeEntry(entry: SnapshotEntry): Uint8Array {
  const [id, name] = [new TextEncoder().encode(entry.id), new TextEncoder().encode(entry.name)];
  const extraBytes = EXTRA.icount + entry.unknownExtra.length;
  const bytes = new Uint8Array(Math.ceil((FIXED + extraBytes + id.length + name.length) / 8) * 8);
  const view = viewOf(bytes);
  writeU64(view, 0, entry.l1Offset);
  view.setUint32(8, entry.l1Entries);
  view.setUint16(12, id.length);
  view.setUint16(14, name.length);
  view.setUint32(16, entry.date.seconds);
  view.setUint32(20, entry.date.nanoseconds);
  writeU64(view, 24, entry.vmClockNs);
  // The field of 32 bits is for readers that do not know the one of 64.
  view.setUint32(32, entry.vmStateSize < 2 ** 32 ? entry.vmStateSize : 0);
  view.setUint32(36, extraBytes);
  writeU64(view, FIXED, entry.vmStateSize);
  writeU64(view, FIXED + 8, entry.diskSize);
  if (entry.icount === undefined) bytes.fill(0xff, FIXED + 16, FIXED + 24);
  else writeU64(view, FIXED + 16, entry.icount);
  bytes.set(entry.unknownExtra, FIXED + EXTRA.icount);
  bytes.set(id, FIXED + extraBytes);
  bytes.set(name, FIXED + extraBytes + id.length);
  return bytes;
}
