/** Background jobs as QMP has them: begun by a command, told of by events, kept until someone dismisses them. */
import { RepriseError } from '../errors/errors.ts';
import { QmpError } from './errors.ts';

/** QAPI `JobStatus`, as far as our jobs go through it. */
export type JobStatus = 'created' | 'running' | 'waiting' | 'pending' | 'aborting' | 'concluded' | 'null';

export type JobType = 'snapshot-save' | 'snapshot-load' | 'snapshot-delete';

export interface Job {
  readonly id: string;
  readonly type: JobType;
  readonly status: JobStatus;
  readonly error: string | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Jobs that nobody has dismissed. */
const MAX_JOBS = 256;
const WELL_FORMED = /^[a-zA-Z][a-zA-Z0-9_.-]*$/;

export class Jobs {
  private readonly jobs: Mutable<Job>[] = [];
  private readonly waiting: (() => Promise<void>)[] = [];
  private readonly changed: (id: string, status: JobStatus) => void;

  /** @param changed told of every step of every job */
  constructor(changed: (id: string, status: JobStatus) => void) {
    this.changed = changed;
  }

  /** Latest first. */
  list(): readonly Job[] {
    return [...this.jobs].reverse();
  }

  /** Begins a job, which does its work when `proceed` is called. @throws QmpError when its id cannot be */
  start(id: string, type: JobType, work: () => Promise<void>): void {
    if (!WELL_FORMED.test(id)) throw new QmpError(`Invalid job ID '${id}'`);
    if (this.jobs.some((job) => job.id === id)) throw new QmpError(`Job ID '${id}' already in use`);
    if (this.jobs.length >= MAX_JOBS) throw new QmpError(`there are ${MAX_JOBS} jobs already; dismiss some of them`);
    const job: Mutable<Job> = { id, type, status: 'created', error: undefined };
    this.jobs.push(job);
    this.changed(id, 'created');
    this.enter(job, 'running');
    this.waiting.push(() => this.perform(job, work));
  }

  /** Lets the jobs that were started do their work: the command that started one is answered first. */
  proceed(): void {
    for (const perform of this.waiting.splice(0)) void perform();
  }

  /** Forgets a job that is over. @throws QmpError */
  dismiss(id: string): void {
    const at = this.jobs.findIndex((job) => job.id === id);
    if (at < 0) throw new QmpError('Job not found');
    const job = this.jobs[at];
    if (job.status !== 'concluded') throw new QmpError(`Job '${id}' in state '${job.status}' cannot accept command verb 'dismiss'`);
    this.jobs.splice(at, 1);
    this.enter(job, 'null');
  }

  private async perform(job: Mutable<Job>, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.enter(job, 'waiting');
      this.enter(job, 'pending');
    } catch (error) {
      if (!(error instanceof RepriseError || error instanceof QmpError)) throw error;
      job.error = error.message;
      this.enter(job, 'aborting');
    }
    this.enter(job, 'concluded');
  }

  private enter(job: Mutable<Job>, status: JobStatus): void {
    job.status = status;
    this.changed(job.id, status);
  }
}
