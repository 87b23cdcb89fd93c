/** Takes a machine's whole state apart into blocks, and puts it together again. */
import { SECTOR_BYTES } from '../bus/disk.ts';
import type { GuestMemory } from '../bus/memory.ts';
import { RepriseError } from '../errors/errors.ts';
import type { MachineOptions, Position } from '../replay/model.ts';
import {
  type Block,
  componentInfo,
  type DiskPiece,
  decodeBlock,
  encodeDisk,
  encodeEnd,
  encodeHead,
  encodePages,
  encodeStates,
  type NamedState,
  type SnapshotHead,
} from './blocks.ts';
import { damaged } from './damage.ts';
import { clearPage, putPage } from './pages.ts';

/** A machine and what goes with it, as far as snapshots are concerned. */
export interface Snapshotable {
  readonly memory: GuestMemory;
  /** The machine's components, and those of the replay if there is one. */
  readonly states: readonly NamedState[];
  readonly options: MachineOptions;
  /** Forgets what is derived from state and memory. */
  dropDerived(): void;
}

export interface SnapshotMoment {
  readonly engineVersion: string;
  readonly recording: string;
  readonly position: Position;
}

/** The blocks of a snapshot of the present moment, in order. `pieces`: what layers over disks hold. */
export async function* captureBlocks(
  { memory, states, options }: Snapshotable,
  moment: SnapshotMoment,
  pieces: AsyncIterable<DiskPiece> | Iterable<DiskPiece> = [],
): AsyncGenerator<Uint8Array> {
  let count = 0;
  const counted = (block: Uint8Array): Uint8Array => {
    count++;
    return block;
  };
  yield counted(encodeHead({ ...moment, options, components: states.map(componentInfo) }));
  for (const block of encodeStates(states)) yield counted(block);
  for (const block of encodePages(memory)) yield counted(block);
  for await (const piece of pieces) yield counted(encodeDisk(piece));
  yield encodeEnd(count);
}

/** What matters only when the machine is switched on or reset: a snapshot goes on from there all the same. */
const AT_POWER_ON: readonly (keyof MachineOptions)[] = ['append', 'rtcBase', 'seed', 'noReboot'];

/** States of a recording or replay: a snapshot of a plain run has none, and a plain run has no use for them. */
const OF_REPLAY: readonly string[] = ['replay', 'digest-chain', 'output-hash'];

export interface RestoreOptions {
  /** The id of the recording that the snapshot must belong to; empty: it may be of any, or of none. */
  readonly recording: string;
  /** Takes what layers over disks held; undefined: there are none. */
  readonly layers: { clear(): Promise<void>; put(piece: DiskPiece): Promise<void> } | undefined;
}

/**
 * Whether a snapshot fits a machine: it has the same options and its components are laid out the same way.
 * @throws RepriseError SNAPSHOT_MISMATCH naming what differs
 */
function checkHead(head: SnapshotHead, { states, options }: Snapshotable, recording: string): void {
  if (recording !== '' && head.recording !== recording)
    throw new RepriseError('SNAPSHOT_MISMATCH', 'the snapshot belongs to another recording, or to none; a replay can only load its own');
  const differing: string[] = [];
  for (const key of Object.keys(options) as (keyof MachineOptions)[]) {
    if (AT_POWER_ON.includes(key)) continue;
    const [here, there] = [JSON.stringify(options[key]), JSON.stringify(head.options[key])];
    if (here !== there) differing.push(`${key} (${there} in the snapshot, ${here} here)`);
  }
  const known = new Map(states.map((named) => [named.name, componentInfo(named)]));
  for (const { name, schema, version, hash } of head.components) {
    const here = known.get(name);
    known.delete(name);
    if (here === undefined && OF_REPLAY.includes(schema)) continue;
    if (here === undefined) differing.push(`${name} (only in the snapshot)`);
    else if (here.schema !== schema || here.version !== version || here.hash !== hash)
      differing.push(`${name} (${schema} version ${version} in the snapshot, ${here.schema} version ${here.version} here)`);
  }
  for (const { name, schema } of known.values()) if (!OF_REPLAY.includes(schema)) differing.push(`${name} (not in the snapshot)`);
  if (differing.length === 0) return;
  throw new RepriseError(
    'SNAPSHOT_MISMATCH',
    `the snapshot was taken by Reprise ${head.engineVersion} of another machine than this one; they differ in: ${differing.join(', ')}`,
  );
}

/**
 * Makes the machine what it was. The blocks are read twice: nothing is touched before all of them were found good.
 * @throws RepriseError SNAPSHOT_MISMATCH, SNAPSHOT_DAMAGED, STATE_SIZE, STATE_VALUE; the machine is as before
 */
export async function restoreBlocks(target: Snapshotable, blocks: () => AsyncIterable<Uint8Array>, options: RestoreOptions): Promise<void> {
  const { recording, layers } = options;
  const states = await examine(target, blocks, recording, layers !== undefined);
  for (const { state } of target.states) {
    const saved = states.get(state);
    if (saved !== undefined) state.restore(saved);
    else state.reset();
  }
  await layers?.clear();
  const there = new Uint8Array(target.memory.flags.length);
  for await (const bytes of blocks()) {
    const block = decodeBlock(bytes);
    if (block.kind === 'pages') {
      for (const [n, number] of block.numbers.entries()) {
        putPage(target.memory, number, block.page(n));
        there[number] = 1;
      }
    } else if (block.kind === 'disk') await layers?.put(block.piece);
  }
  for (let page = 0; page < there.length; page++) if (there[page] === 0) clearPage(target.memory, page);
  target.dropDerived();
}

/** Reads all blocks and says whether they are a snapshot of this machine. @returns the saved states */
async function examine(
  target: Snapshotable,
  blocks: () => AsyncIterable<Uint8Array>,
  recording: string,
  layered: boolean,
): Promise<ReadonlyMap<NamedState['state'], Uint8Array>> {
  let head: SnapshotHead | undefined;
  const states = new Map<NamedState['state'], Uint8Array>();
  let seen = 0;
  let lastPage = -1;
  let [count, complete] = [0, false];
  for await (const bytes of blocks()) {
    const block: Block = decodeBlock(bytes);
    if (complete) throw damaged('something follows its end');
    if (block.kind === 'end') complete = block.blocks === count;
    count++;
    if (block.kind === 'head') {
      if (head !== undefined) throw damaged('it begins twice');
      head = block.head;
      checkHead(head, target, recording);
    } else if (head === undefined) throw damaged('its description is missing');
    else if (block.kind === 'state') {
      const info = head.components[block.index];
      if (info === undefined || block.index !== seen++) throw damaged('its states are not in order');
      const state = target.states.find(({ name }) => name === info.name)?.state;
      if (state === undefined) continue;
      state.layout.check(block.bytes);
      states.set(state, block.bytes);
    } else if (block.kind === 'pages') {
      for (const number of block.numbers) {
        if (number <= lastPage || number >= target.memory.flags.length) throw damaged('it has a page that RAM has not');
        lastPage = number;
      }
    } else if (block.kind === 'end') continue;
    else if (!layered) throw damaged('it has disk contents where there is no place for them');
    else checkPiece(block.piece, target.options);
  }
  if (head === undefined || seen !== head.components.length || !complete) throw damaged('a part of it is missing');
  return states;
}

function checkPiece({ disk, offset, bytes }: DiskPiece, { disks }: MachineOptions): void {
  if (offset + bytes.length > (disks[disk]?.sectors ?? 0) * SECTOR_BYTES) throw damaged('it has contents of a disk that lie outside of it');
}
