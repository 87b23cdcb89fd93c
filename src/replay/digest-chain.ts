/**
 * The hash chain: the state of the whole machine, reduced to a digest at fixed instruction counts. Of RAM only the pages
 * written since the last digest are hashed again. What the guest has sent is part of it.
 */
import { DIRTY, type GuestMemory, PAGE_BYTES, PAGE_SHIFT, RAM_BASE } from '../bus/memory.ts';
import type { Schema } from '../state/fields.ts';
import type { State } from '../state/layout.ts';
import type { Hasher } from './hasher.ts';
import type { ComponentInfo, Digest, Position } from './model.ts';

/** A machine, as far as digests are concerned. */
export interface Digestible {
  readonly memory: GuestMemory;
  readonly components: readonly { readonly name: string; readonly state: State<Schema> }[];
  /** One name for each stream of bytes that the guest sends. */
  readonly outputs: readonly string[];
  /** Called when pages were marked clean. */
  dropStores(): void;
}

/** Output is hashed in pieces of this size, however it comes in. */
const OUTPUT_PIECE = 4096;

/** Running hash of a stream of bytes. */
class OutputHash {
  /** The hash so far, in the first 8 bytes, and the bytes that are not in it yet. */
  private readonly buffer = new Uint8Array(8 + OUTPUT_PIECE);
  private length = 8;
  private readonly hasher: Hasher;

  constructor(hasher: Hasher) {
    this.hasher = hasher;
  }

  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + this.buffer.length - this.length);
      this.buffer.set(piece, this.length);
      this.length += piece.length;
      at += piece.length;
      if (this.length === this.buffer.length) {
        new DataView(this.buffer.buffer).setBigUint64(0, this.hasher.h64(this.buffer, 0n));
        this.length = 8;
      }
    }
  }

  value(): number {
    return this.hasher.h32(this.buffer.subarray(0, this.length), 0);
  }
}

export class DigestChain {
  private readonly machine: Digestible;
  private readonly hasher: Hasher;
  private readonly outputs: readonly OutputHash[];
  /** What each page adds to the sum; a page of zeros adds nothing. */
  private readonly pages: BigUint64Array;
  private readonly zeroPage: bigint;
  private sum = 0n;
  private link = 0n;

  constructor(machine: Digestible, hasher: Hasher) {
    this.machine = machine;
    this.hasher = hasher;
    this.outputs = machine.outputs.map(() => new OutputHash(hasher));
    this.pages = new BigUint64Array(machine.memory.flags.length);
    this.zeroPage = hasher.h64(new Uint8Array(PAGE_BYTES), 0n);
    // Pages that were loaded before are marked dirty; all others are still zero.
  }

  /** Names and schemas of the hashed components, in order. */
  components(): ComponentInfo[] {
    const { machine } = this;
    return [
      ...machine.components.map(({ name, state: { layout } }) => ({ name, schema: layout.name, version: layout.version, hash: layout.hash })),
      ...machine.outputs.map((name) => ({ name, schema: 'output', version: 1, hash: 0 })),
      { name: 'ram', schema: 'ram', version: 1, hash: machine.memory.ramBytes / 0x10000 },
    ];
  }

  /** The guest has sent `bytes` on the output of that number. */
  sent(output: number, bytes: Uint8Array): void {
    this.outputs[output].add(bytes);
  }

  /** The next link. Everything the guest has sent must have been told, and devices must be up to date. */
  take({ icount, bias }: Position): Digest {
    const { machine, hasher } = this;
    this.hashDirtyPages();
    const components = [
      ...machine.components.map(({ state }) => hasher.h32(state.bytes, 0)),
      ...this.outputs.map((output) => output.value()),
      Number(this.sum & 0xffffffffn) ^ Number(this.sum >> 32n),
    ].map((hash) => hash >>> 0);
    const data = new Uint8Array(8 * 4 + components.length * 4);
    const view = new DataView(data.buffer);
    view.setBigUint64(0, this.link);
    view.setFloat64(8, icount);
    view.setFloat64(16, bias);
    view.setBigUint64(24, this.sum);
    components.forEach((hash, n) => {
      view.setUint32(32 + n * 4, hash);
    });
    this.link = hasher.h64(data, 0n);
    return { icount, bias, chain: this.link.toString(16).padStart(16, '0'), components };
  }

  private hashDirtyPages(): void {
    const { memory } = this.machine;
    const { flags, bytes } = memory;
    for (let page = 0; page < flags.length; page++) {
      if (!(flags[page] & DIRTY)) continue;
      flags[page] &= ~DIRTY;
      const from = RAM_BASE + (page << PAGE_SHIFT);
      const hash = this.hasher.h64(bytes.subarray(from, from + PAGE_BYTES), 0n);
      // Multiplied by an odd number of the page's own, so that exchanged pages do not cancel out.
      const share = hash === this.zeroPage ? 0n : BigInt.asUintN(64, hash * BigInt(2 * page + 1));
      this.sum = BigInt.asUintN(64, this.sum - this.pages[page] + share);
      this.pages[page] = share;
    }
    this.machine.dropStores();
  }
}

/** Where two digests of the same moment differ: names of components, or of the chain if only that differs. */
export function differences(names: readonly string[], expected: Digest, found: Digest): string[] {
  const differing = names.filter((_, n) => expected.components[n] !== found.components[n]);
  if (differing.length === 0 && expected.chain !== found.chain) differing.push('an earlier link of the chain');
  return differing;
}
