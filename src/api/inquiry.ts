/**
 * Questions to an opened replay, answered by itself, or by workers that replay parts of the recording side by side. The
 * answers are the same, in the same order.
 */
import { ITEMS_AHEAD, WorkerStreams } from '../host/node/worker-streams.ts';
import type { Icount } from '../time/units.ts';
import { CHECKPOINT_MEMORY, type OpenedReplay, type OpenReplayOptions } from './open-replay.ts';
import { type Part, partsAt, partsOf } from './parts.ts';
import { type AnswerTo, answers, type Question } from './questions.ts';

/** Of a whole recording for each worker: more than one, since parts of one length do not take the same time. */
const PARTS_PER_JOB = 4;
/** Instructions in each part of a trace, so that a worker need not wait for its turn before it is done with one. */
const TRACE_PART = ITEMS_AHEAD / 2;
const WORKER = new URL('./answer-worker.js', import.meta.url);

/** What a worker opens. */
export interface WorkerSetup {
  readonly path: string;
  readonly options: Omit<OpenReplayOptions, 'onProgress'>;
}

/** What a worker is asked. */
export interface WorkerTask extends Part {
  readonly question: Question;
}

type Workers = WorkerStreams<WorkerTask, AnswerTo<Question>>;

export class Inquiry {
  private readonly replay: OpenedReplay;
  private readonly jobs: number;
  /** Those that are being started among them, so that they end, too. */
  private readonly working = new Set<Promise<Workers>>();

  /** @param jobs workers at most */
  constructor(replay: OpenedReplay, jobs: number) {
    this.replay = replay;
    this.jobs = jobs;
  }

  /** All answers in [from, to). @throws RepriseError BAD_VALUE of a filter, and those of the replay */
  answers<Q extends Question>(question: Q, from: Icount, to: Icount): AsyncGenerator<AnswerTo<Q>, void> {
    const parts = this.parts(question, { from, to });
    // What a question is answered with is in the table of questions.
    const found = parts === undefined ? answers(this.replay, question, from, to) : this.sideBySide(question, parts);
    return found as AsyncGenerator<AnswerTo<Q>, void>;
  }

  /** Makes answers that are under way end soon. */
  interrupt(): void {
    if (this.working.size === 0) this.replay.time.interrupt();
    else this.close();
  }

  /** Ends all workers. */
  close(): void {
    for (const opening of this.working)
      void opening.then(
        (workers) => workers.close(),
        // Told to who waits for them.
        () => {},
      );
    this.working.clear();
  }

  /**
   * Undefined: workers would not be quicker. Each has to replay all that comes before its parts, unless it can begin at
   * checkpoints that are stored; only a trace takes so much longer than that that it is worth it all the same.
   */
  private parts(question: Question, whole: Part): Part[] | undefined {
    if (this.jobs <= 1) return undefined;
    if (question.kind === 'trace') return whole.to - whole.from > 2 * TRACE_PART ? [...partsOf(TRACE_PART, whole)] : undefined;
    const places = this.replay.file.recording.checkpoints.list.map(({ position }) => position.icount);
    const parts = partsAt(places, whole, PARTS_PER_JOB * this.jobs);
    if (parts.length === 1) return undefined;
    return question.kind === 'writes' ? parts.reverse() : parts;
  }

  private async *sideBySide(question: Question, parts: readonly Part[]): AsyncGenerator<AnswerTo<Question>, void> {
    const { path, options } = this.replay;
    const { onProgress, checkpointMemory = CHECKPOINT_MEMORY, ...rest } = options;
    const jobs = Math.min(this.jobs, parts.length);
    const setup: WorkerSetup = { path, options: { ...rest, checkpointMemory: checkpointMemory / jobs } };
    const opening: Promise<Workers> = WorkerStreams.open(WORKER, jobs, setup);
    this.working.add(opening);
    const started: AsyncGenerator<AnswerTo<Question>, void>[] = [];
    const progress = new Map<Part, number>();
    const start = (workers: Workers, part: Part): AsyncGenerator<AnswerTo<Question>, void> =>
      workers.start({ question, ...part }, ([at, guestTime]) => {
        progress.set(part, Math.max(0, at - part.from));
        onProgress?.(
          [...progress.values()].reduce((sum, length) => sum + length, 0),
          guestTime,
        );
      });
    let next = 0;
    try {
      const workers = await opening;
      for (let done = 0; done < parts.length; done++) {
        // One more than there are threads, so that none is idle while answers are taken.
        while (started.length <= jobs && next < parts.length) started.push(start(workers, parts[next++]));
        yield* started.shift() as AsyncGenerator<AnswerTo<Question>, void>;
      }
    } catch (error) {
      // Interrupted.
      if (this.working.has(opening)) throw error;
    } finally {
      this.working.delete(opening);
      await (await opening).close();
    }
  }
}
