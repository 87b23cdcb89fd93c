/**
 * The hash chain: the state of the whole machine, reduced to a digest at fixed instruction counts. Of RAM only the pages
 * written since the last digest are hashed again. What the guest has sent is part of it.
 */
import { type DirtyPages, type GuestMemory, PAGE_BYTES } from '../bus/memory.ts';
import { f64, type Schema, u8s, u16, u32s } from '../state/fields.ts';
import { defineState, type State } from '../state/layout.ts';
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

export const outputHashState = defineState('output-hash', 1, {
  pending: u8s(8 + OUTPUT_PIECE, 'the hash so far (8 bytes, highest first), and what was sent since'),
  length: u16(8, 'bytes of `pending` in use'),
  total: f64<number>(0, 'bytes sent since power-on'),
});

export const digestChainState = defineState('digest-chain', 1, {
  link: u32s(2, 'the last link of the chain, high word first'),
});

/** Running hash of a stream of bytes. */
class OutputHash {
  readonly state = outputHashState.create();
  private readonly hasher: Hasher;

  constructor(hasher: Hasher) {
    this.hasher = hasher;
  }

  add(bytes: Uint8Array): void {
    const { fields } = this.state;
    const { pending } = fields;
    fields.total += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + pending.length - fields.length);
      pending.set(piece, fields.length);
      fields.length += piece.length;
      at += piece.length;
      if (fields.length < pending.length) continue;
      new DataView(pending.buffer, pending.byteOffset).setBigUint64(0, this.hasher.h64(pending, 0n));
      fields.length = 8;
      // So that equal hashes are equal states.
      pending.fill(0, 8);
    }
  }

  value(): number {
    const { pending, length } = this.state.fields;
    return this.hasher.h32(pending.subarray(0, length), 0);
  }
}

export class DigestChain {
  private readonly machine: Digestible;
  private readonly hasher: Hasher;
  private readonly outputs: readonly OutputHash[];
  private readonly state = digestChainState.create();
  /** What is known of the outputs, with their names. */
  readonly outputStates: readonly { readonly name: string; readonly state: State<Schema> }[];
  /** What each page adds to the sum; a page of zeros adds nothing. */
  private readonly pages: BigUint64Array;
  private readonly dirty: DirtyPages;
  private readonly zeroPage: bigint;
  private sum = 0n;

  /**
   * @param running the machine has been running; otherwise it has just been built: pages that were loaded are marked
   * dirty, and all others are zero
   */
  constructor(machine: Digestible, hasher: Hasher, running = false) {
    this.machine = machine;
    this.hasher = hasher;
    this.outputs = machine.outputs.map(() => new OutputHash(hasher));
    this.outputStates = this.outputs.map(({ state }, n) => ({ name: machine.outputs[n], state: state as State<Schema> }));
    this.pages = new BigUint64Array(machine.memory.flags.length);
    this.dirty = machine.memory.track(running);
    this.zeroPage = hasher.h64(new Uint8Array(PAGE_BYTES), 0n);
  }

  /** What the chain carries from one digest to the next, with names, for snapshots. What is known of RAM follows from RAM. */
  get states(): readonly { readonly name: string; readonly state: State<Schema> }[] {
    return [{ name: 'digest-chain', state: this.state as State<Schema> }, ...this.outputStates];
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

  /** How many bytes that was so far. */
  sentBytes(output: number): number {
    return this.outputs[output].state.fields.total;
  }

  /** The next link. Everything the guest has sent must have been told, and devices must be up to date. */
  take({ icount, bias }: Position): Digest {
    const { hasher } = this;
    const components = this.hashes();
    const data = new Uint8Array(8 * 4 + components.length * 4);
    const view = new DataView(data.buffer);
    const { link } = this.state.fields;
    view.setUint32(0, link[0]);
    view.setUint32(4, link[1]);
    view.setFloat64(8, icount);
    view.setFloat64(16, bias);
    view.setBigUint64(24, this.sum);
    components.forEach((hash, n) => {
      view.setUint32(32 + n * 4, hash);
    });
    const next = hasher.h64(data, 0n);
    link.set([Number(next >> 32n), Number(next & 0xffffffffn)]);
    return { icount, bias, chain: next.toString(16).padStart(16, '0'), components };
  }

  /**
   * The machine was put at the moment of a digest that was taken elsewhere: the chain goes on behind it.
   * @returns what a digest of the machine as it is would have, for comparison
   */
  resume({ icount, bias, chain }: Digest): Digest {
    const link = BigInt(`0x${chain}`);
    this.state.fields.link.set([Number(link >> 32n), Number(link & 0xffffffffn)]);
    return { icount, bias, chain, components: this.hashes() };
  }

  /** Of each component as it is now. */
  private hashes(): number[] {
    const { machine, hasher } = this;
    this.hashDirtyPages();
    return [
      ...machine.components.map(({ state }) => hasher.h32(state.bytes, 0)),
      ...this.outputs.map((output) => output.value()),
      Number(this.sum & 0xffffffffn) ^ Number(this.sum >> 32n),
    ].map((hash) => hash >>> 0);
  }

  private hashDirtyPages(): void {
    const { memory } = this.machine;
    for (const page of this.dirty.take()) {
      const hash = this.hasher.h64(memory.page(page), 0n);
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
