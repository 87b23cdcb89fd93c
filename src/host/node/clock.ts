/** Real time and true randomness of this computer. */
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { HostClock } from '../host.ts';

/** The longest that a timer of Node can be set to. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Who waits for a promise, and whether it has resolved. */
interface Waiters {
  readonly callbacks: Set<() => void>;
  resolved: boolean;
}

export class NodeClock implements HostClock {
  /** One reaction for each promise, however often it is waited for: a promise never forgets a reaction. */
  private readonly waiters = new WeakMap<Promise<void>, Waiters>();

  milliseconds(): number {
    return performance.now();
  }

  /** An infinite wait keeps the process alive, too. */
  wait(ms: number, wake: Promise<void>): Promise<void> {
    const { callbacks, resolved } = this.waitersOf(wake);
    if (resolved) return Promise.resolve();
    return new Promise((resolve) => {
      const end = performance.now() + ms;
      let timer: NodeJS.Timeout | undefined;
      const done = () => {
        clearTimeout(timer);
        callbacks.delete(done);
        resolve();
      };
      const sleep = () => {
        const left = end - performance.now();
        if (left > 0) timer = setTimeout(sleep, Math.min(left, MAX_TIMER_MS));
        else done();
      };
      callbacks.add(done);
      sleep();
    });
  }

  /** What is ready when this is called has been delivered when it resolves. */
  turn(): Promise<void> {
    return setImmediate();
  }

  private waitersOf(wake: Promise<void>): Waiters {
    let waiters = this.waiters.get(wake);
    if (waiters === undefined) {
      const created: Waiters = { callbacks: new Set(), resolved: false };
      waiters = created;
      this.waiters.set(wake, created);
      void wake.then(() => {
        created.resolved = true;
        for (const done of created.callbacks) done();
      });
    }
    return waiters;
  }
}

/** The time of day: whole seconds since 1970, and how far local time is ahead of UTC. */
export function wallClock(): { readonly utcSeconds: number; readonly utcOffsetSeconds: number } {
  const now = new Date();
  return { utcSeconds: Math.floor(now.getTime() / 1000), utcOffsetSeconds: 0 - now.getTimezoneOffset() * 60 };
}

/** The time of day in microseconds since 1970. */
export function timeOfDay(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1000);
}

/** 64 random bits as 16 hex digits. */
export function randomSeed(): string {
  return randomBytes(8).toString('hex');
}
