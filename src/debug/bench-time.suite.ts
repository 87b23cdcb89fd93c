/** A bare CPU with a past: the smallest machine that one can go back on. */
import { setImmediate } from 'node:timers/promises';
import type { CpuBench } from '../cpu/arm/testing/cpu-bench.suite.ts';
import { type Icount, icount } from '../time/units.ts';
import type { RunStop, TimeMachine } from './time-machine.ts';

type Snapshot = ReturnType<CpuBench['snapshot']>;

export class BenchTime implements TimeMachine {
  readonly bench: CpuBench;
  readonly start = icount(0);
  readonly end: Icount;
  /** Instructions executed since it was built. */
  executed = 0;
  private readonly checkpoints = new Map<number, Snapshot>();
  private interrupted = false;

  /** @param bench before its first instruction; it may end sooner than `end`, where it would wait for ever */
  constructor(bench: CpuBench, end: number, interval: number) {
    this.bench = bench;
    bench.cpu.debug.armed = false;
    for (let at = 0; at <= end; at += interval) {
      if (!bench.advance(at, 1_000_000)) break;
      this.checkpoints.set(at, bench.snapshot());
    }
    bench.advance(end, 1_000_000);
    this.end = bench.cpu.icount();
  }

  get cpu(): CpuBench['cpu']['debug'] {
    return this.bench.cpu.debug;
  }

  now(): Icount {
    return this.bench.cpu.icount();
  }

  checkpointBefore(at: Icount): Icount {
    return icount(Math.max(...[...this.checkpoints.keys()].filter((n) => n < at)));
  }

  async seek(at: Icount): Promise<void> {
    const from = Math.max(...[...this.checkpoints.keys()].filter((n) => n <= at));
    this.bench.restore(this.checkpoints.get(from)!);
    this.bench.advance(at, 1_000_000);
    this.executed += at - from;
  }

  async runForward(limit: Icount): Promise<RunStop> {
    const from = this.now();
    const goal = Math.min(limit, this.end);
    // Slices end anywhere.
    for (let n = 1; this.now() < goal && this.cpu.stop === undefined && !this.interrupted; n++) {
      this.bench.advance(Math.min(goal, this.now() + 1 + (this.now() % 61)), 1000);
      if (n % 1000 === 0) await setImmediate();
    }
    this.executed += this.now() - from;
    const stop = this.cpu.takeStop();
    if (stop === undefined && this.interrupted) {
      this.interrupted = false;
      return { kind: 'interrupted' };
    }
    return stop ?? { kind: this.now() === limit ? 'limit' : 'end' };
  }

  interrupt(): void {
    this.interrupted = true;
  }
}
