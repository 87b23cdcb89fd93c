/**
 * A snapshot as a sequence of blocks: what it is of, the states of all components, RAM, and what layers over disks hold.
 * Where the blocks are kept, and how they are checked for damage, is a store's concern (`store.ts`). Layout:
 * docs/snapshots.md.
 */
import { type GuestMemory, PAGE_BYTES } from '../bus/memory.ts';
import { ByteReader, ByteWriter } from '../replay/bytes.ts';
import { decodeCbor, encodeCbor } from '../replay/cbor.ts';
import { optionsShape } from '../replay/header.ts';
import type { ComponentInfo, MachineOptions, Position } from '../replay/model.ts';
import { digits, integer, listOf, record, text } from '../replay/shape.ts';
import type { Schema } from '../state/fields.ts';
import type { State } from '../state/layout.ts';
import { icount, ns } from '../time/units.ts';
import { refuse } from './damage.ts';

/** The longest block; also the most that reading one takes. */
export const MAX_BLOCK = 1024 * 1024 - 64;
const KIND = { DESCRIPTION: 1, STATE: 2, PAGES: 3, DISK: 4, END: 5 } as const;
const PAGES_PER_BLOCK = 250;
/** Data of a disk in one block, at most. */
export const DISK_PIECE = 512 * 1024;
const UINT32 = 0xffffffff;

export interface NamedState {
  readonly name: string;
  readonly state: State<Schema>;
}

/** What a snapshot is of. */
export interface SnapshotHead {
  readonly engineVersion: string;
  /** The recording that it belongs to, as 16 hex digits; empty for a run that is not recorded. */
  readonly recording: string;
  readonly options: MachineOptions;
  readonly position: Position;
  readonly components: readonly ComponentInfo[];
}

/** Bytes that a layer over a disk holds. */
export interface DiskPiece {
  readonly disk: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export type Block =
  | { readonly kind: 'head'; readonly head: SnapshotHead }
  | { readonly kind: 'state'; readonly index: number; readonly bytes: Uint8Array }
  | { readonly kind: 'pages'; readonly numbers: readonly number[]; page(n: number): Uint8Array }
  | { readonly kind: 'disk'; readonly piece: DiskPiece }
  /** The last one: how many blocks stand before it. */
  | { readonly kind: 'end'; readonly blocks: number };

export const componentInfo = ({ name, state: { layout } }: NamedState): ComponentInfo => ({
  name,
  schema: layout.name,
  version: layout.version,
  hash: layout.hash,
});

export function encodeHead(head: SnapshotHead): Uint8Array {
  const { position, ...rest } = head;
  const out = new ByteWriter();
  out.u8(KIND.DESCRIPTION);
  out.bytes(encodeCbor({ ...rest, icount: String(position.icount), bias: String(position.bias) }));
  return out.take();
}

export function* encodeStates(states: readonly NamedState[]): Generator<Uint8Array> {
  for (const [index, { state }] of states.entries()) {
    const out = new ByteWriter();
    out.u8(KIND.STATE);
    out.varint(index);
    out.bytes(state.bytes);
    yield out.take();
  }
}

/** Every page that is not all zeros. */
export function* encodePages(memory: GuestMemory): Generator<Uint8Array> {
  let numbers: number[] = [];
  const words = new Uint32Array(memory.ram.buffer, memory.ram.byteOffset, memory.ramBytes / 4);
  const perPage = PAGE_BYTES / 4;
  const flush = (): Uint8Array => {
    const out = new ByteWriter();
    out.u8(KIND.PAGES);
    out.varint(numbers.length);
    for (const number of numbers) out.varint(number);
    for (const number of numbers) out.bytes(memory.page(number));
    numbers = [];
    return out.take();
  };
  for (let number = 0; number < memory.flags.length; number++) {
    let at = number * perPage;
    const end = at + perPage;
    while (at < end && words[at] === 0) at++;
    if (at === end) continue;
    numbers.push(number);
    if (numbers.length === PAGES_PER_BLOCK) yield flush();
  }
  if (numbers.length > 0) yield flush();
}

/** @param piece at most DISK_PIECE bytes */
export function encodeDisk({ disk, offset, bytes }: DiskPiece): Uint8Array {
  const out = new ByteWriter();
  out.u8(KIND.DISK);
  out.varint(disk);
  out.varint(offset);
  out.bytes(bytes);
  return out.take();
}

const headShape = record<Omit<SnapshotHead, 'position'> & { readonly icount: string; readonly bias: string }>({
  engineVersion: text(64, /^[^\p{Cc}\p{Cs}]+$/u, 'a version'),
  recording: text(16, /^([0-9a-f]{16})?$/, 'a hexadecimal number'),
  options: optionsShape,
  components: listOf(
    record<ComponentInfo>({
      name: text(64, /^[^\p{Cc}\p{Cs}]+$/u, 'a name'),
      schema: text(64, /^[^\p{Cc}\p{Cs}]+$/u, 'a name'),
      version: integer(0, UINT32),
      hash: integer(0, UINT32),
    }),
    1,
    256,
    ({ name }) => name,
  ),
  icount: digits,
  bias: digits,
});

export function encodeEnd(blocks: number): Uint8Array {
  const out = new ByteWriter();
  out.u8(KIND.END);
  out.varint(blocks);
  return out.take();
}

/** @throws RepriseError SNAPSHOT_DAMAGED for anything that `encode…` does not make */
export function decodeBlock(bytes: Uint8Array): Block {
  return refuse(() => {
    const reader = new ByteReader(bytes, 0);
    switch (reader.u8()) {
      case KIND.DESCRIPTION: {
        const { icount: at, bias, ...rest } = headShape(decodeCbor(bytes.subarray(1), 1), 'head');
        return { kind: 'head', head: { ...rest, position: { icount: icount(Number(at)), bias: ns(Number(bias)) } } };
      }
      case KIND.STATE:
        return { kind: 'state', index: reader.varint(), bytes: bytes.slice(reader.offset) };
      case KIND.PAGES: {
        const length = reader.varint();
        if (length > PAGES_PER_BLOCK) reader.refuse('a block has more pages than any can have');
        const numbers = Array.from({ length }, () => reader.varint());
        const data = reader.bytes(length * PAGE_BYTES);
        if (!reader.atEnd) reader.refuse('something follows the pages');
        return { kind: 'pages', numbers, page: (n) => data.subarray(n * PAGE_BYTES, (n + 1) * PAGE_BYTES) };
      }
      case KIND.DISK: {
        const [disk, offset] = [reader.varint(), reader.varint()];
        return { kind: 'disk', piece: { disk, offset, bytes: bytes.subarray(reader.offset) } };
      }
      case KIND.END:
        return { kind: 'end', blocks: reader.varint() };
      default:
        return reader.refuse('a block of a kind that does not exist');
    }
  });
}
