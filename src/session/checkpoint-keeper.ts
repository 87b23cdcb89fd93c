/** Stores checkpoints while a machine is recorded or replayed, so far apart that they cost little. */
import type { Position } from '../replay/model.ts';
import type { CheckpointWriter } from '../snapshot/checkpoint-writer.ts';
import type { Icount } from '../time/units.ts';

/** Instructions between two checkpoints, at least. */
const SPACING = 2 ** 26;

export interface KeeperOptions {
  /** Where the run begins, which is quickly reached anyway. */
  readonly start: Icount;
  /** Moments of those that are stored already. */
  readonly known: readonly number[];
  /** Instructions that must have been executed for each page and block that has changed, before that is stored. */
  readonly price: number;
  /** Told when no more can be stored, and why. */
  readonly notice: (text: string) => void;
  /** Instructions between two checkpoints, at least. */
  readonly spacing?: number | undefined;
}

export class CheckpointKeeper {
  private readonly writer: CheckpointWriter;
  private readonly notice: (text: string) => void;
  private readonly price: number;
  private readonly spacing: number;
  /** Moments of those that are stored, the last first. */
  private readonly ahead: number[];
  private before: number;
  private done = false;

  constructor(writer: CheckpointWriter, { start, known, price, notice, spacing = SPACING }: KeeperOptions) {
    this.writer = writer;
    this.notice = notice;
    this.price = price;
    this.spacing = spacing;
    this.ahead = [...known].sort((a, b) => b - a);
    this.before = start;
  }

  /**
   * A digest was taken, and nothing happened since: stores a checkpoint if it is time. The machine stands meanwhile. To
   * be called in the order of moments.
   * @throws RepriseError of the recording and of the disks
   */
  async passing(position: Position): Promise<void> {
    while (this.ahead.length > 0 && this.ahead[this.ahead.length - 1] <= position.icount) this.before = this.ahead.pop() as number;
    const executed = position.icount - this.before;
    if (this.done || executed < this.spacing || executed < this.writer.changed * this.price) return;
    if (await this.writer.take(position)) this.before = position.icount;
    else {
      this.done = true;
      this.notice('more of a disk has changed than a checkpoint can hold: no more checkpoints are stored');
    }
  }

  /** All that is stored is in the recording. @throws RepriseError */
  settled(): Promise<void> {
    return this.writer.settled();
  }
}
