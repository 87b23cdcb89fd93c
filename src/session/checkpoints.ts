/**
 * Checkpoints of a replay: taken on the way, thinned to a budget of memory, and used to go to any moment. They lie dense
 * before the present and before moments that were visited, and never so far apart that going anywhere takes long.
 */
import { RepriseError } from '../errors/errors.ts';
import type { Checkpoint, History } from '../snapshot/history.ts';
import { type Icount, icount as toIcount } from '../time/units.ts';
import type { ReplayRun } from './replay-run.ts';
import type { StoredCheckpoints } from './stored-checkpoints.ts';

/** Instructions between two checkpoints that are taken on the way. */
const SPACING = 2 ** 24;
/** On the way to a moment that someone wants to see, the last checkpoint lies at most so many instructions before it. */
const NEAR = 2 ** 12;

export class Checkpoints {
  private readonly run: ReplayRun;
  private readonly history: History;
  private readonly budget: number;
  /** In the order of their moments; the first is the start and stays. */
  private readonly taken: Checkpoint[] = [];
  private readonly stored: StoredCheckpoints;
  private readonly spacing: number;

  /**
   * Of a replay that stands at its start.
   * @param stored those that the recording holds
   * @param budget bytes of memory that all checkpoints may take together
   * @param spacing instructions between two that are taken on the way
   */
  constructor(run: ReplayRun, history: History, stored: StoredCheckpoints, budget: number, spacing = SPACING) {
    this.run = run;
    this.history = history;
    this.stored = stored;
    this.budget = budget;
    this.spacing = spacing;
    this.take();
  }

  /** Memory that they take, in bytes. */
  get bytes(): number {
    return this.history.bytes;
  }

  /** Instruction counts, in order. */
  moments(): Icount[] {
    return this.taken.map(({ position }) => position.icount);
  }

  /** The replay is at the moment of a count, somewhere on its way. */
  passing(): void {
    const before = this.taken[this.indexUpTo(this.run.position().icount)];
    if (this.run.position().icount - before.position.icount >= this.spacing) this.take();
  }

  /** The last checkpoint before a moment, or the first one of all. */
  before(target: Icount): Icount {
    const taken = this.taken[this.indexUpTo(target - 1)].position.icount;
    return toIcount(Math.max(taken, this.stored.upTo(target - 1) ?? 0));
  }

  /**
   * Goes to the moment at which the count is first reached, from wherever the replay stands.
   * @param aborted asked now and then whether to give up, and stay where the replay is then
   * @throws RepriseError INTERRUPTED when it was given up, and what a replay throws
   */
  async seek(target: Icount, aborted: () => boolean = () => false): Promise<void> {
    const { run } = this;
    await this.fetch(target);
    const from = this.taken[this.indexUpTo(target)];
    const present = run.position().icount;
    // The present may be a later moment of its count than the one that is meant.
    if (present >= target || present < from.position.icount) this.goBack(from);
    if (from.position.icount === target) return;
    // In ever shorter legs, so that the next step back from there is short.
    for (let left = target - run.position().icount; left > 2 * NEAR; left = target - run.position().icount) {
      await this.runTo(toIcount(run.position().icount + Math.floor(left / 2)), aborted);
      this.take();
    }
    if (run.position().icount < target) await this.runTo(target, aborted);
  }

  /** If the best way to a moment begins with a stored checkpoint: goes there, and has it in memory from now on. */
  private async fetch(target: Icount): Promise<void> {
    const { run, stored, taken } = this;
    for (;;) {
      const present = run.position().icount;
      const from = taken[this.indexUpTo(target)];
      const nearest = Math.max(from.position.icount, present < target ? present : 0);
      // To restore one from the file takes about as long as to replay that far.
      if ((stored.upTo(target) ?? 0) - nearest < this.spacing) return;
      if (await stored.restore(target)) return this.take();
      this.goBack(from);
    }
  }

  private goBack(checkpoint: Checkpoint): void {
    this.history.goBack(checkpoint);
    this.run.moved();
  }

  private async runTo(goal: Icount, aborted: () => boolean): Promise<void> {
    while ((await this.run.run(goal)) === 'interrupted') {
      if (aborted()) throw new RepriseError('INTERRUPTED', `interrupted on the way, at instruction ${this.run.position().icount}`);
    }
  }

  private take(): void {
    const { icount } = this.run.position();
    const at = this.taken.findLastIndex(({ position }) => position.icount <= icount);
    if (this.taken[at]?.position.icount === icount) return;
    this.taken.splice(at + 1, 0, this.history.take(this.run.position()));
    while (this.history.bytes > this.budget && this.taken.length > 2) this.thin();
  }

  /**
   * Drops the one that is missed least: the gap it would leave is the smallest for its distance from the present. The
   * first one stays, and the last one taken.
   */
  private thin(): void {
    const present = this.run.position().icount;
    let [worst, least] = [1, Number.POSITIVE_INFINITY];
    for (let n = 1; n < this.taken.length; n++) {
      const here = this.taken[n].position.icount;
      const next = this.taken[n + 1]?.position.icount ?? Math.max(here + this.spacing, present);
      const gap = next - this.taken[n - 1].position.icount;
      const cost = gap / (1 + Math.abs(present - here));
      if (here !== present && cost < least) [worst, least] = [n, cost];
    }
    this.history.drop(this.taken[worst]);
    this.taken.splice(worst, 1);
  }

  /** The last one up to a moment; the first one for what comes before all. */
  private indexUpTo(target: number): number {
    return Math.max(
      0,
      this.taken.findLastIndex(({ position }) => position.icount <= target),
    );
  }
}
