/** Images in memory, random operations on them, and QEMU's tools to compare with. */
import { execFileSync, spawnSync } from 'node:child_process';
import { RepriseError } from '../errors/errors.ts';
import { type FileEvent, MemoryFile } from './memory-file.fixture.ts';
import type { BlockFile, BlockNode } from './node.ts';
import { checkQcow2 } from './qcow2/check.ts';
import { createQcow2, type Qcow2Options } from './qcow2/create.ts';
import { SECTOR } from './qcow2/header.ts';
import { Qcow2Image } from './qcow2/image.ts';

/** Whether QEMU's tools are there; says so when they are not. */
export function hasQemuTools(): boolean {
  const there = ['qemu-img', 'qemu-io'].every((tool) => spawnSync(tool, ['--version']).status === 0);
  if (!there) console.log('skipped: tests against qemu-img and qemu-io (Debian package qemu-utils is not installed)');
  return there;
}

/** Runs a tool in a folder; its output. */
export const tool = (folder: string, command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

export const openImageFile = (file: BlockFile, backing?: BlockNode): Promise<Qcow2Image> =>
  Qcow2Image.open(file, { openBacking: async () => backing });

/** An empty image in memory. */
export async function newImage(options: Qcow2Options): Promise<MemoryFile> {
  const file = new MemoryFile();
  await createQcow2(file, options);
  return file;
}

/** Code and message of the error that an action ends in. */
export async function failure(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof RepriseError)) throw error;
    return `${error.code} ${error.message}`;
  }
  return 'no error';
}

/** What the check of a closed image says; a healthy one gives `{ corruptions: 0, leaks: 0, messages: [] }`. */
export async function verdict(file: BlockFile): Promise<{ corruptions: number; leaks: number; messages: readonly string[] }> {
  const { corruptions, leaks, messages } = await checkQcow2(file);
  return { corruptions, leaks, messages };
}

export const CLEAN = { corruptions: 0, leaks: 0, messages: [] };

/** Numbers that are the same in every run. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    // xorshift32 over a Weyl sequence.
    state = (state + 0x9e37_79b9) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0_aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a_2d97);
    return ((x ^ (x >>> 15)) >>> 0) % below;
  };
}

/** A disk that is kept in plain memory, with its snapshots. */
export class ModelDisk {
  bytes: Uint8Array;
  readonly snapshots = new Map<string, Uint8Array>();

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** One random operation on an image and on its model. @returns what it was */
export async function randomOperation(image: Qcow2Image, model: ModelDisk, random: (below: number) => number, snapshots = true): Promise<string> {
  const { size } = image;
  const kind = random(snapshots ? 20 : 14);
  const offset = random(size);
  const length = Math.min(size - offset, random(4) === 0 ? random(size) : random(3 * image.header.clusterSize));
  if (kind < 8) {
    const bytes = new Uint8Array(length);
    // Differs from place to place and from write to write, at little cost.
    for (let n = 0, x = random(2 ** 31); n < length; n++) bytes[n] = (x = (Math.imul(x, 69_069) + 1) | 0) >>> 24;
    await image.write(offset, bytes);
    model.bytes.set(bytes, offset);
    return `write ${offset} ${length}`;
  }
  if (kind < 11) {
    await image.discard(offset, length);
    model.bytes.fill(0, offset, offset + length);
    return `discard ${offset} ${length}`;
  }
  if (kind < 12) {
    const read = await image.read(offset, length);
    if (Buffer.compare(read, model.bytes.subarray(offset, offset + length)) !== 0) throw new Error(`read ${offset} ${length} differs`);
    return `read ${offset} ${length}`;
  }
  if (kind < 14) {
    await image.flush();
    return 'flush';
  }
  const names = [...model.snapshots.keys()];
  const name = names[random(Math.max(1, names.length))];
  if (kind < 16 || name === undefined) {
    if (names.length > 3) return 'nothing';
    const fresh = `s${random(1e6)}`;
    const state = Uint8Array.from({ length: random(3) * image.header.clusterSize + random(100) }, (_, n) => n);
    if (state.length > 0) await image.writeVmState(0, state);
    await image.createSnapshot({ name: fresh, date: { seconds: 1, nanoseconds: 2 }, vmClockNs: 3, icount: 4 }, state.length);
    model.snapshots.set(fresh, model.bytes.slice());
    return `create ${fresh}`;
  }
  if (kind < 18) {
    await image.applySnapshot(name);
    model.bytes = model.snapshots.get(name)!.slice();
    return `apply ${name}`;
  }
  await image.deleteSnapshot(name);
  model.snapshots.delete(name);
  return `delete ${name}`;
}

/**
 * A file after the host died: all that was synced is there, and of what was written since some sectors, so writes are
 * lost, torn or out of order.
 */
export function crashed(synced: MemoryFile, pending: readonly FileEvent[], keep: () => boolean): MemoryFile {
  const file = synced.copy();
  for (const event of pending) {
    if (event.kind === 'sync') continue;
    for (let done = 0; done < event.bytes.length; ) {
      const part = event.bytes.subarray(done, done + SECTOR - ((event.offset + done) % SECTOR));
      if (keep()) file.put(event.offset + done, part);
      done += part.length;
    }
  }
  return file;
}
