import { expect, test } from 'vitest';
import { NodeClock, randomSeed, wallClock } from './clock.ts';

const clock = new NodeClock();
const NEVER = new Promise<void>(() => {});

/** Milliseconds that a wait took. */
async function taken(wait: Promise<void>): Promise<number> {
  const begin = performance.now();
  await wait;
  return performance.now() - begin;
}

test('a wait lasts as long as it should', async () => {
  const begin = clock.milliseconds();
  expect(await taken(clock.wait(30, NEVER))).toBeGreaterThanOrEqual(29);
  expect(clock.milliseconds() - begin).toBeGreaterThanOrEqual(29);
  expect(await taken(clock.wait(0, NEVER))).toBeLessThan(20);
  expect(await taken(clock.wait(-5, NEVER))).toBeLessThan(20);
});

test('a wake-up ends a wait, an infinite one and one that no timer of Node could hold', async () => {
  for (const ms of [10_000, 2 ** 40, Number.POSITIVE_INFINITY]) {
    const wake = new Promise<void>((resolve) => setTimeout(resolve, 20));
    expect(await taken(clock.wait(ms, wake))).toBeLessThan(2000);
  }
});

test('a wake-up that has come already ends a wait at once, however often it is waited for', async () => {
  const wake = Promise.resolve();
  for (let n = 0; n < 3; n++) expect(await taken(clock.wait(10_000, wake))).toBeLessThan(2000);
});

test('one wake-up ends all waits for it, and waits that are over leave nothing behind', async () => {
  let arrive = () => {};
  const wake = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  await clock.wait(5, wake);
  const both = Promise.all([clock.wait(10_000, wake), clock.wait(10_000, wake)]);
  arrive();
  expect(await taken(both.then(() => {}))).toBeLessThan(2000);
});

test('a turn lets what has arrived be delivered', async () => {
  let delivered = false;
  setTimeout(() => {
    delivered = true;
  }, 1);
  const end = performance.now() + 5;
  while (performance.now() < end);
  expect(delivered).toBe(false);
  await clock.turn();
  await clock.turn();
  expect(delivered).toBe(true);
});

test('the time of day, in whole seconds, with the offset of the time zone', () => {
  const { utcSeconds } = wallClock();
  expect(Math.abs(utcSeconds - Date.now() / 1000)).toBeLessThan(2);
  expect(Number.isInteger(utcSeconds)).toBe(true);
  const zone = process.env.TZ;
  const offsetIn = (name: string) => {
    process.env.TZ = name;
    return wallClock().utcOffsetSeconds;
  };
  expect(offsetIn('UTC')).toBe(0);
  expect(offsetIn('Asia/Kolkata')).toBe(5.5 * 3600);
  expect(offsetIn('America/Bogota')).toBe(-5 * 3600);
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

test('a seed has 64 bits, and another time it is another', () => {
  expect(randomSeed()).toMatch(/^[0-9a-f]{16}$/);
  expect(randomSeed()).not.toBe(randomSeed());
});
