/**
 * The contract suite that every device passes, in one line of its test:
 *
 *     deviceContract('PL011', (bench) => new Pl011('uart', config, { irq: bench.line('irq'), log: bench.log }));
 *
 * `make` must build a fresh, equal device each time from the given bench.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccessSize, AnyDevice, Clock, GuestLog, Line } from '../bus/device.ts';
import { type Nanoseconds, ns } from '../time/units.ts';

/** What a device under test is wired to: lines that remember their level, a clock that the test moves, a quiet log. */
export class Bench implements Clock {
  readonly lines = new Map<string, boolean>();
  /** Every change of a line, as `name=level`, in order. */
  readonly edges: string[] = [];
  readonly messages: string[] = [];
  time: Nanoseconds = ns(0);
  /** What the session does between two instructions: it completes the requests of a disk that are due. */
  attend: () => void = () => {};
  readonly log: GuestLog = {
    guestError: (device, what) => void this.messages.push(`${device}: ${what}`),
    unmodelled: (device, what) => void this.messages.push(`${device}: ${what} (not modelled)`),
  };
  now(): Nanoseconds {
    return this.time;
  }
  line(name: string): Line {
    this.lines.set(name, false);
    return {
      set: (level) => {
        if (this.lines.get(name) !== level) this.edges.push(`${name}=${level ? 1 : 0}`);
        this.lines.set(name, level);
      },
    };
  }
}

/** Runs a device as the machine does: time moves on, due work is done, then the access happens. */
export class Driver {
  readonly bench: Bench;
  readonly device: AnyDevice;
  constructor(bench: Bench, device: AnyDevice) {
    this.bench = bench;
    this.device = device;
  }
  /** Advances in the machine's steps: to each wake-up on the way, then to the target. */
  advance(by: number): void {
    const target = this.bench.time + by;
    for (let guard = 0; this.device.nextWakeup() <= target; guard++) {
      if (guard > 100_000) throw new Error(`${this.device.name}: nextWakeup() does not move on`);
      this.bench.time = ns(Math.max(this.bench.time, this.device.nextWakeup()));
      this.device.evaluate(this.bench.time);
      this.bench.attend();
    }
    this.bench.time = ns(target);
    this.device.evaluate(this.bench.time);
  }
  read(offset: number, size: AccessSize = 4): number {
    this.device.evaluate(this.bench.time);
    return this.device.read(offset, size);
  }
  write(offset: number, value: number, size: AccessSize = 4): void {
    this.device.evaluate(this.bench.time);
    this.device.write(offset, size, value);
  }
}

/** Paths of mutable data reachable from a device outside its state and wiring. */
export function hiddenState(device: AnyDevice): string[] {
  const found: string[] = [];
  const seen = new Set<object>();
  const walk = (value: unknown, path: string): void => {
    if (value === null || typeof value !== 'object' || seen.has(value)) return;
    seen.add(value);
    if (ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set || value instanceof Date || !Object.isFrozen(value)) {
      found.push(path);
      return;
    }
    for (const key of Reflect.ownKeys(value)) walk((value as Record<PropertyKey, unknown>)[key], `${path}.${String(key)}`);
  };
  for (const key of Reflect.ownKeys(device)) {
    if (key === 'state' || key === 's' || key === 'wiring') continue;
    walk((device as unknown as Record<PropertyKey, unknown>)[key], String(key));
  }
  return found;
}

interface Options {
  /** Bytes of the device's window that are worth accessing. */
  readonly window?: number;
  /** Extra stimulus from outside (a received byte, a key), chosen by a number. */
  readonly stimulate?: (device: AnyDevice, choice: number) => void;
}

export function deviceContract(title: string, make: (bench: Bench) => AnyDevice, { window = 0x1000, stimulate }: Options = {}): void {
  const fresh = (): Driver => {
    const bench = new Bench();
    return new Driver(bench, make(bench).seal());
  };
  type Step = { kind: number; offset: number; size: AccessSize; value: number; time: number };
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.integer({ min: 0, max: stimulate ? 3 : 2 }),
    offset: fc.oneof(fc.integer({ min: 0, max: window - 4 }), fc.integer({ min: 0, max: Math.min(window, 256) - 4 })),
    size: fc.constantFrom<AccessSize>(1, 2, 4),
    value: fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 255 })),
    time: fc.oneof(fc.integer({ min: 0, max: 2_000_000 }), fc.integer({ min: 0, max: 2_000 })),
  });
  const apply = (driver: Driver, { kind, offset, size, value, time }: Step): number => {
    const aligned = offset - (offset % size);
    if (kind === 0) return driver.read(aligned, size);
    if (kind === 1) driver.write(aligned, size === 4 ? value : value & (2 ** (8 * size) - 1), size);
    else if (kind === 2) driver.advance(time);
    else stimulate?.(driver.device, value);
    return 0;
  };

  describe(`${title}: contract`, () => {
    it('resets to the same state, whatever happened before', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
          const a = fresh();
          for (const s of steps) apply(a, s);
          a.bench.time = ns(0);
          a.device.reset(ns(0));
          expect(a.device.state.diff(fresh().device.state.save())).toEqual([]);
        }),
      );
    });

    it('restores exactly what was saved, drives no line by it, and goes on the same', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 40 }), fc.array(step, { maxLength: 20 }), (before, after) => {
          const a = fresh();
          for (const s of before) apply(a, s);
          const b = fresh();
          b.bench.time = a.bench.time;
          const edges = b.bench.edges.length;
          b.device.state.restore(a.device.state.save());
          expect(b.bench.edges.length).toBe(edges);
          for (const [name, level] of a.bench.lines) b.bench.lines.set(name, level);
          for (const s of after) expect(apply(b, s)).toBe(apply(a, s));
          expect(b.device.state.diff(a.device.state.save())).toEqual([]);
          expect([...b.bench.lines]).toEqual([...a.bench.lines]);
        }),
      );
    });

    it('never throws on any access, and reads unsigned numbers of the width asked for', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
          const a = fresh();
          for (const s of steps) {
            const value = apply(a, s);
            expect(Number.isInteger(value) && value >= 0 && value < 2 ** (8 * s.size)).toBe(true);
          }
        }),
      );
    });

    it('evaluates the same in one step as in many', () => {
      fc.assert(
        fc.property(
          fc.array(step, { maxLength: 20 }),
          fc.array(fc.integer({ min: 1, max: 3_000_000 }), { minLength: 1, maxLength: 12 }),
          (steps, pieces) => {
            const a = fresh();
            const b = fresh();
            for (const s of steps) {
              apply(a, s);
              apply(b, s);
            }
            for (const piece of pieces) {
              a.bench.time = ns(a.bench.time + piece);
              a.device.evaluate(a.bench.time);
            }
            b.bench.time = a.bench.time;
            b.device.evaluate(b.bench.time);
            expect(b.device.state.diff(a.device.state.save())).toEqual([]);
          },
        ),
      );
    });

    it('is sealed and hides no mutable data', () => {
      const { device } = fresh();
      expect(hiddenState(device)).toEqual([]);
      expect(() => Object.assign(device, { stray: 1 })).toThrow();
    });
  });
}
