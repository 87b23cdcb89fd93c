/** A machine at many moments, in memory: taken in a moment, and gone back to in a moment. */
import type { CowDisk, CowState } from '../block/cow.ts';
import type { DirtyPages, GuestMemory } from '../bus/memory.ts';
import type { Hasher } from '../replay/hasher.ts';
import type { Position } from '../replay/model.ts';
import type { NamedState } from './blocks.ts';
import { PageStore, type PageTable } from './page-store.ts';
import { clearPage, putPage } from './pages.ts';

/** The machine at one moment. */
export interface Checkpoint {
  readonly position: Position;
  readonly states: readonly Uint8Array[];
  readonly pages: PageTable;
  readonly disks: readonly CowState[];
}

/** A machine whose history is kept. */
export interface Remembered {
  readonly memory: GuestMemory;
  /** Of the machine and of its replay. */
  readonly states: readonly NamedState[];
  /** The layers over its disks. */
  readonly disks: readonly CowDisk[];
  /** Pages have another content, and states another value. */
  dropDerived(pages: readonly number[]): void;
  /** Pages were marked clean. */
  dropStores(): void;
}

export class History {
  private readonly machine: Remembered;
  private readonly store: PageStore;
  private readonly dirty: DirtyPages;
  /** RAM as it was when it was last taken or gone back to. */
  private present: PageTable;
  private stateBytes = 0;

  constructor(machine: Remembered, hasher: Hasher) {
    this.machine = machine;
    this.store = new PageStore(hasher);
    this.dirty = machine.memory.track(true);
    this.present = this.store.empty(machine.memory.flags.length);
  }

  /** Memory that all checkpoints take together. */
  get bytes(): number {
    return this.store.bytes + this.stateBytes;
  }

  /** The machine as it is now, between two instructions, with its outputs taken. To be dropped when it is needed no more. */
  take(position: Position): Checkpoint {
    const { machine, store } = this;
    const pages = store.derive(this.present, this.dirty.take(), (page) => machine.memory.page(page));
    machine.dropStores();
    store.release(this.present);
    this.present = store.derive(pages, [], () => new Uint8Array(0));
    const states = machine.states.map(({ state }) => state.save());
    this.stateBytes += sizeOf(states);
    return { position, states, pages, disks: machine.disks.map((disk) => disk.capture()) };
  }

  /** Makes the machine what it was. Pages that stay the same stay clean. */
  goBack({ states, pages, disks }: Checkpoint): void {
    const { machine, store } = this;
    const { memory } = machine;
    const changed = new Set(this.dirty.take());
    for (const page of store.differing(this.present, pages)) changed.add(page);
    const others: number[] = [];
    for (const number of changed) {
      const content = store.content(pages, number);
      if (content === undefined ? clearPage(memory, number) : putPage(memory, number, content)) others.push(number);
    }
    // Everyone else has to look at these pages; here they are what the checkpoint says.
    this.dirty.take();
    store.release(this.present);
    this.present = store.derive(pages, [], () => new Uint8Array(0));
    for (const [n, { state }] of machine.states.entries()) state.restore(states[n]);
    for (const [n, disk] of machine.disks.entries()) disk.restore(disks[n]);
    machine.dropDerived(others);
  }

  drop({ states, pages, disks }: Checkpoint): void {
    this.store.release(pages);
    this.stateBytes -= sizeOf(states);
    for (const [n, disk] of this.machine.disks.entries()) disk.release(disks[n]);
  }
}

const sizeOf = (states: readonly Uint8Array[]): number => states.reduce((sum, { length }) => sum + length, 0);
