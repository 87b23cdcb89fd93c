/** `savevm`, `loadvm`, `delvm` and the list of snapshots, for any kind of run and any place where they are kept. */
import type { Machine } from '../boards/machine.ts';
import { RepriseError } from '../errors/errors.ts';
import type { MachineOptions, Position } from '../replay/model.ts';
import type { DiskPiece, NamedState } from '../snapshot/blocks.ts';
import { captureBlocks, restoreBlocks, type Snapshotable } from '../snapshot/machine-state.ts';
import type { SnapshotStore, StoredSnapshot } from '../snapshot/store.ts';
import type { SnapshotControl, SnapshotSummary } from './control.ts';

/** A run, as far as its snapshots are concerned. */
export interface SnapshotUser {
  readonly machine: Machine;
  position(): Position;
  /** Does a task between two instructions; the machine is held meanwhile. */
  between<T>(state: 'save-vm' | 'restore-vm', task: () => Promise<T>): Promise<T>;
  /** Takes what the guest has sent, and makes the disks' writes safe. */
  settle(): Promise<void>;
  /** States of the recording or replay that go with the machine's. */
  readonly replayStates: readonly NamedState[];
  /** The recording's id; empty without one. */
  readonly recording: string;
  /** @throws RepriseError why no snapshot may be loaded in this run */
  mayLoad(): void;
  /** The machine is another moment's now. */
  loaded(): void;
}

/** The disks that have layers of their own, whose contents go into the snapshot itself. */
export interface LayeredDisks {
  pieces(): AsyncIterable<DiskPiece>;
  /** Drops what the layers hold. */
  clear(): Promise<void>;
  put(piece: DiskPiece): Promise<void>;
}

export interface SnapshotPlace {
  readonly store: SnapshotStore;
  readonly options: MachineOptions;
  readonly engineVersion: string;
  /** Undefined when there are no disks, or when the store keeps them. */
  readonly layers: LayeredDisks | undefined;
  /** The host's time of day. */
  readonly date: () => { readonly seconds: number; readonly nanoseconds: number };
  /** A name for a snapshot that was given none. */
  readonly newName: () => string;
}

/** The machine as snapshots see it, the states of its replay included. */
export const snapshotable = (machine: Machine, replayStates: readonly NamedState[], options: MachineOptions): Snapshotable => ({
  memory: machine.memory,
  states: [...machine.components, ...replayStates],
  options,
  dropDerived: () => machine.cpu.dropDerived(),
});

export class MachineSnapshots implements SnapshotControl {
  private readonly user: SnapshotUser;
  private readonly place: SnapshotPlace;

  constructor(user: SnapshotUser, place: SnapshotPlace) {
    this.user = user;
    this.place = place;
  }

  async save(name: string | undefined): Promise<SnapshotSummary> {
    const { user, place } = this;
    return user.between('save-vm', async () => {
      const { store } = place;
      await user.settle();
      const position = user.position();
      const date = place.date();
      const chosen = name ?? place.newName();
      const old = store.list().filter((snapshot) => snapshot.name === chosen);
      for (const { id } of old) store.checkDeletable(id);
      const moment = { engineVersion: place.engineVersion, recording: user.recording, position };
      const blocks = captureBlocks(this.target(), moment, place.layers?.pieces());
      const saved = await store.save({ name: chosen, date, vmClockNs: user.machine.now(), position }, blocks);
      // Only now: a disk that is full must not cost the snapshot that is there.
      for (const { id } of old) await store.delete(id);
      return summary(saved);
    });
  }

  async load(name: string): Promise<void> {
    const { user, place } = this;
    await user.between('restore-vm', async () => {
      user.mayLoad();
      const { id } = this.find(name);
      await user.settle();
      await restoreSnapshot(this.target(), place, id, user.recording);
      user.loaded();
    });
  }

  async delete(name: string): Promise<void> {
    await this.user.between('save-vm', async () => {
      const { store } = this.place;
      const { id } = this.find(name);
      store.checkDeletable(id);
      await store.delete(id);
    });
  }

  async list(): Promise<readonly SnapshotSummary[]> {
    return this.place.store.list().map(summary);
  }

  private target(): Snapshotable {
    return snapshotable(this.user.machine, this.user.replayStates, this.place.options);
  }

  private find(name: string): StoredSnapshot {
    const all = this.place.store.list();
    const found = all.find((snapshot) => snapshot.name === name) ?? all.find((snapshot) => snapshot.id === name);
    if (found !== undefined) return found;
    const names = all.map((snapshot) => `'${snapshot.name}'`).join(', ');
    throw new RepriseError('NO_SNAPSHOT', `there is no snapshot '${name}'${names === '' ? '' : `; there are ${names}`}`);
  }
}

/**
 * Makes the machine and its disks what they were.
 * @param recording the id of the recording that the snapshot must belong to; empty: it may be of any
 * @throws RepriseError SNAPSHOT_MISMATCH, SNAPSHOT_DAMAGED; the machine is as before then
 */
export async function restoreSnapshot(
  target: Snapshotable,
  { store, layers }: Pick<SnapshotPlace, 'store' | 'layers'>,
  id: string,
  recording: string,
): Promise<void> {
  await restoreBlocks(target, () => store.read(id), {
    recording,
    layers: layers && { clear: () => layers.clear(), put: (piece) => layers.put(piece) },
  });
  await store.applyDisks?.(id);
}

const summary = ({ bytes, ...rest }: StoredSnapshot): SnapshotSummary => ({ ...rest, vmStateBytes: bytes });

/** A run without a place for snapshots. */
export function noSnapshots(why: string): SnapshotControl {
  const refuse = (): Promise<never> => Promise.reject(new RepriseError('NO_SNAPSHOT_STORE', why));
  return { save: refuse, load: refuse, delete: refuse, list: () => Promise.resolve([]) };
}
