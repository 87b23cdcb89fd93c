/**
 * The checkpoints that a recording holds, as places from which a replay can go on. They are never trusted more than the
 * log: the machine that comes out of one is compared with the digest that was recorded at its moment.
 */
import type { CowDisk } from '../block/cow.ts';
import type { BlockNode } from '../block/node.ts';
import { WRITTEN_BLOCK } from '../block/written.ts';
import { type GuestMemory, PAGE_BYTES } from '../bus/memory.ts';
import { RepriseError } from '../errors/errors.ts';
import type { StoredCheckpoint } from '../replay/checkpoint-chunks.ts';
import { Damage } from '../replay/damage.ts';
import type { RecordedCheckpoints, Recording } from '../replay/reader.ts';
import type { NamedState } from '../snapshot/blocks.ts';
import { type CheckpointBody, decodeBody } from '../snapshot/checkpoint-body.ts';
import { type Placement, ZEROS } from '../snapshot/content-table.ts';
import { clearPage, putPage } from '../snapshot/pages.ts';
import type { Icount } from '../time/units.ts';
import type { ReplayRun } from './replay-run.ts';

export interface StoredCheckpointsOptions {
  readonly recording: Pick<Recording, 'checkpoints' | 'digestAt'>;
  /** Stands at its start. */
  readonly run: ReplayRun;
  /** Of the machine and its outputs, in the order of the stored ones. */
  readonly states: readonly NamedState[];
  /** The layers over its disks, as they are at the start; undefined for a disk that the guest cannot write. */
  readonly layers: readonly (CowDisk | undefined)[];
  /** Told of what is ignored, and why. */
  readonly notice: (text: string) => void;
}

export class StoredCheckpoints {
  private readonly recording: Pick<Recording, 'checkpoints' | 'digestAt'>;
  private readonly run: ReplayRun;
  private readonly states: readonly NamedState[];
  private readonly disks: readonly ({ readonly layer: CowDisk; readonly start: BlockNode } | undefined)[];
  private readonly notice: (text: string) => void;
  /** In the order of their moments. */
  private readonly usable: StoredCheckpoint[];

  constructor({ recording, run, states, layers, notice }: StoredCheckpointsOptions) {
    this.recording = recording;
    this.run = run;
    this.states = states;
    this.disks = layers.map((layer) => layer && { layer, start: layer.below });
    this.notice = notice;
    this.usable = [...recording.checkpoints.list].sort((a, b) => a.position.icount - b.position.icount);
  }

  /** The last one up to a moment. */
  upTo(target: number): Icount | undefined {
    return this.find(target)?.position.icount;
  }

  /**
   * Takes the replay to the last one up to a moment.
   * @returns false when it cannot be used, which will not be tried again; the replay may be anywhere, and must be taken to
   * another moment
   */
  async restore(target: number): Promise<boolean> {
    const checkpoint = this.find(target);
    if (checkpoint === undefined) return false;
    try {
      const differing = await this.put(checkpoint);
      if (differing.length === 0) return true;
      this.ignore(checkpoint, `it differs from the recorded run in: ${differing.join(', ')}`);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.ignore(checkpoint, error.message);
    }
    return false;
  }

  private find(target: number): StoredCheckpoint | undefined {
    return this.usable.findLast(({ position }) => position.icount <= target);
  }

  private ignore(checkpoint: StoredCheckpoint, why: string): void {
    this.usable.splice(this.usable.indexOf(checkpoint), 1);
    this.notice(`the stored checkpoint at instruction ${checkpoint.position.icount} is ignored: ${why}`);
  }

  private async put(checkpoint: StoredCheckpoint): Promise<string[]> {
    const { machine } = this.run;
    const { checkpoints } = this.recording;
    const recorded = this.recording.digestAt(checkpoint.position.icount);
    if (recorded === undefined) throw new Damage(checkpoint.at.offset, 'no digest was recorded at its moment');
    const body = decodeBody(checkpoints.body(checkpoint), {
      stateBytes: this.states.map(({ state }) => state.layout.bytes),
      pages: machine.memory.flags.length,
      blocks: this.disks.map((disk) => (disk === undefined ? 0 : Math.ceil(disk.layer.size / WRITTEN_BLOCK))),
      lastContent: checkpoint.lastContent,
    });
    for (const [n, { state }] of this.states.entries()) state.layout.check(body.states[n]);
    const others: number[] = [];
    try {
      await this.apply(body, machine.memory, others);
    } finally {
      machine.cpu.dropDerived(others);
    }
    return this.run.resume(recorded.digest, recorded.count);
  }

  /** @param others gets the numbers of the pages that have another content now */
  private async apply({ states, ram, disks }: CheckpointBody, memory: GuestMemory, others: number[]): Promise<void> {
    const { checkpoints } = this.recording;
    for (const [n, { state }] of this.states.entries()) state.restore(states[n]);
    const filled = new Uint8Array(memory.flags.length);
    for (const { unit, bytes } of contentsOf(ram, checkpoints)) {
      if (bytes === undefined) continue;
      if (putPage(memory, unit, bytes)) others.push(unit);
      filled[unit] = 1;
    }
    for (let page = 0; page < filled.length; page++) if (filled[page] === 0 && clearPage(memory, page)) others.push(page);
    for (const [n, disk] of this.disks.entries()) {
      if (disk === undefined) continue;
      const { layer, start } = disk;
      layer.rebase(start);
      for (const { unit, bytes } of contentsOf(disks[n], checkpoints)) {
        const at = unit * WRITTEN_BLOCK;
        const length = Math.min(WRITTEN_BLOCK, layer.size - at);
        if (bytes === undefined) await layer.discard(at, length);
        else await layer.write(at, bytes.subarray(0, length));
      }
    }
  }
}

/** All units of a table with what they have, undefined for zeros; in the order of contents, so that each chunk is unpacked once. */
function* contentsOf(
  { units, contents }: Placement,
  stored: RecordedCheckpoints,
): Generator<{ readonly unit: number; readonly bytes: Uint8Array | undefined }> {
  const order = Uint32Array.from(units.keys()).sort((a, b) => contents[a] - contents[b]);
  let [first, bytes]: [number, Uint8Array] = [0, new Uint8Array(0)];
  for (const n of order) {
    const content = contents[n];
    if (content === ZEROS) {
      yield { unit: units[n], bytes: undefined };
      continue;
    }
    if ((content - first) * PAGE_BYTES >= bytes.length) ({ first, bytes } = stored.contents(content));
    const at = (content - first) * PAGE_BYTES;
    yield { unit: units[n], bytes: bytes.subarray(at, at + PAGE_BYTES) };
  }
}

/** Whatever comes of bytes that anyone may have written. */
function isDamage(error: unknown): error is Error {
  if (error instanceof Damage) return true;
  return error instanceof RepriseError && ['RECORDING_DAMAGED', 'STATE_SIZE', 'STATE_VALUE'].includes(error.code);
}
