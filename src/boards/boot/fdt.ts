/**
 * Flattened device trees: read, change a property, write (Devicetree Specification v0.4, chapter 5). A blob is untrusted
 * input: every offset and length is checked.
 */
import { strToU8 } from 'fflate';
import { RepriseError } from '../../errors/errors.ts';

const MAGIC = 0xd00dfeed;
const BEGIN_NODE = 1;
const END_NODE = 2;
const PROP = 3;
const NOP = 4;
const END = 9;
const MAX_DEPTH = 64;
/** Bounds on what a blob may cost; real ones have some ten KiB, and names of up to 31 characters and a unit address. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_NAME = 255;

export interface FdtNode {
  readonly name: string;
  readonly properties: Map<string, Uint8Array>;
  readonly children: FdtNode[];
}

export interface Fdt {
  readonly root: FdtNode;
  /** Memory that the kernel must leave alone: pairs of address and size, each two words. */
  readonly reservations: Uint8Array;
  readonly bootCpu: number;
}

const bad = (what: string): never => {
  throw new RepriseError('BAD_DTB', `the device tree cannot be used: ${what}`);
};

/** @throws RepriseError BAD_DTB */
export function parseFdt(blob: Uint8Array): Fdt {
  if (blob.length < 40) bad('the file is too short to be one');
  const view = new DataView(blob.buffer, blob.byteOffset, blob.length);
  if (view.getUint32(0) !== MAGIC) bad('it does not begin with the magic number d00dfeed (was it compiled with dtc?)');
  const total = view.getUint32(4);
  if (total > blob.length) bad(`it says that it has ${total} bytes, the file has ${blob.length}`);
  if (total > MAX_BYTES) bad(`it has ${total} bytes, more than 16 MiB`);
  const [structure, strings, reserved, version] = [view.getUint32(8), view.getUint32(12), view.getUint32(16), view.getUint32(20)];
  if (version < 17) bad(`version ${version} is older than 17`);
  if (view.getUint32(24) > 17) bad(`version ${version} is not compatible with 17`);
  const [stringsSize, structureSize] = [view.getUint32(32), view.getUint32(36)];
  if (structure % 4 !== 0 || structure + structureSize > total || strings + stringsSize > total || reserved + 16 > total)
    bad('a block lies outside the file');

  let reservationsEnd = reserved;
  while (view.getUint32(reservationsEnd + 8) !== 0 || view.getUint32(reservationsEnd + 12) !== 0) {
    reservationsEnd += 16;
    if (reservationsEnd + 16 > total) bad('the memory reservations have no end');
  }

  const text = (from: number, limit: number): string => {
    const window = blob.subarray(from, Math.min(limit, from + MAX_NAME + 1));
    const end = window.indexOf(0);
    if (end < 0) bad(`a name has no end, or more than ${MAX_NAME} characters`);
    return String.fromCharCode(...window.subarray(0, end));
  };
  let at = structure;
  const limit = structure + structureSize;
  const word = (): number => {
    if (at + 4 > limit) bad('the structure block has no end');
    at += 4;
    return view.getUint32(at - 4);
  };
  const node = (depth: number): FdtNode => {
    if (depth > MAX_DEPTH) bad('nodes are nested too deeply');
    const name = text(at, limit);
    at += (name.length + 4) & ~3;
    const properties = new Map<string, Uint8Array>();
    const children: FdtNode[] = [];
    for (;;) {
      switch (word()) {
        case PROP: {
          const length = word();
          const nameAt = word();
          if (length > limit - at || nameAt >= stringsSize) bad('a property lies outside its block');
          properties.set(text(strings + nameAt, strings + stringsSize), blob.slice(at, at + length));
          at = (at + length + 3) & ~3;
          break;
        }
        case BEGIN_NODE:
          children.push(node(depth + 1));
          break;
        case END_NODE:
          return { name, properties, children };
        case NOP:
          break;
        default:
          bad('the structure block holds an unknown token');
      }
    }
  };
  let token = word();
  while (token === NOP) token = word();
  if (token !== BEGIN_NODE) bad('there is no root node');
  return { root: node(0), reservations: blob.slice(reserved, reservationsEnd), bootCpu: view.getUint32(28) };
}

/** The blob of a tree, version 17. */
export function writeFdt({ root, reservations, bootCpu }: Fdt): Uint8Array {
  const names = new Map<string, number>();
  const strings: number[] = [];
  const structure: number[] = [];
  const word = (value: number): void => void structure.push(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
  const padded = (bytes: Iterable<number>): void => {
    for (const byte of bytes) structure.push(byte);
    while (structure.length % 4 !== 0) structure.push(0);
  };
  const chars = (s: string): number[] => [...s].map((c) => c.charCodeAt(0)).concat(0);
  const emit = (node: FdtNode): void => {
    word(BEGIN_NODE);
    padded(chars(node.name));
    for (const [name, value] of node.properties) {
      let nameAt = names.get(name);
      if (nameAt === undefined) {
        nameAt = strings.length;
        names.set(name, nameAt);
        strings.push(...chars(name));
      }
      word(PROP);
      word(value.length);
      word(nameAt);
      padded(value);
    }
    for (const child of node.children) emit(child);
    word(END_NODE);
  };
  emit(root);
  word(END);
  const reservedSize = reservations.length + 16;
  const structureAt = 40 + reservedSize;
  const stringsAt = structureAt + structure.length;
  const total = stringsAt + strings.length;
  const blob = new Uint8Array(total);
  const view = new DataView(blob.buffer);
  [MAGIC, total, structureAt, stringsAt, 40, 17, 16, bootCpu, strings.length, structure.length].forEach((value, n) => {
    view.setUint32(n * 4, value);
  });
  blob.set(reservations, 40);
  blob.set(structure, structureAt);
  blob.set(strings, stringsAt);
  return blob;
}

/** The child of that name, made if it is missing. */
export function childNamed(parent: FdtNode, name: string): FdtNode {
  let child = parent.children.find((node) => node.name === name);
  if (child === undefined) {
    child = { name, properties: new Map(), children: [] };
    parent.children.push(child);
  }
  return child;
}

/** A property value of 32-bit cells. */
export function cells(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, n) => {
    view.setUint32(n * 4, value);
  });
  return bytes;
}

/** A property value of one string. */
export const stringValue = (s: string): Uint8Array => strToU8(`${s}\0`);
