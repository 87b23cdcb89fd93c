/** Stores checkpoints while a machine is recorded or replayed, so far apart that they cost little. */
import type { Position } from '../replay/model.ts';
import type { CheckpointWriter } from '../snapshot/checkpoint-writer.ts';
import type { Icount } from '../time/units.ts';

/** Instructions between two checkpoints, at least: one or two seconds of work. */
const SPACING = 2 ** 26;
/** And so many for each content that is stored: it takes some 50 microseconds, and the run in between a millisecond. */
const SPACING_OF_CONTENT = 2 ** 16;

/** A checkpoint that is stored. */
export interface Known {
  readonly icount: number;
  /** How many contents it brought along. */
  readonly contents: number;
}

export interface KeeperOptions {
  /** Where the run begins, which is quickly reached anyway. */
  readonly start: Icount;
  /** Those that are stored already. */
  readonly known: readonly Known[];
  /** Told when no more can be stored, and why. */
  readonly notice: (text: string) => void;
  /** Instructions between two checkpoints, at least. */
  readonly spacing?: number | undefined;
  /** Instructions for each content that is stored, at least. */
  readonly spacingOfContent?: number | undefined;
}

export class CheckpointKeeper {
  private readonly writer: CheckpointWriter;
  private readonly notice: (text: string) => void;
  private readonly spacing: number;
  private readonly spacingOfContent: number;
  /** In the order of their moments, the last first. */
  private readonly ahead: Known[];
  private before: Known;
  private done = false;

  constructor(writer: CheckpointWriter, { start, known, notice, spacing = SPACING, spacingOfContent = SPACING_OF_CONTENT }: KeeperOptions) {
    this.writer = writer;
    this.notice = notice;
    this.spacing = spacing;
    this.spacingOfContent = spacingOfContent;
    this.ahead = [...known].sort((a, b) => b.icount - a.icount);
    this.before = { icount: start, contents: 0 };
  }

  /**
   * A digest was taken, and nothing happened since: stores a checkpoint if it is time. The machine stands meanwhile. To
   * be called in the order of moments.
   * @throws RepriseError of the recording and of the disks
   */
  async passing(position: Position): Promise<void> {
    while (this.ahead.length > 0 && this.ahead[this.ahead.length - 1].icount <= position.icount) this.before = this.ahead.pop() as Known;
    const { icount, contents } = this.before;
    if (this.done || position.icount - icount < Math.max(this.spacing, contents * this.spacingOfContent)) return;
    const stored = await this.writer.take(position);
    if (stored !== undefined) this.before = { icount: position.icount, contents: stored };
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
