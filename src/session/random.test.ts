/** Sessions in which anything may happen at any time: whatever did, the replay is the same run. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { icount } from '../time/units.ts';
import { BUSY_GUEST, differing, newReplay, newSession, open, replay, type Session, waitingGuest } from './session.suite.ts';

const GUESTS = [waitingGuest(true), waitingGuest(false), BUSY_GUEST];
const END = 120;

type Act = (session: Session) => void;
const text = fc.string({ unit: fc.constantFrom(...'abc!'), minLength: 1, maxLength: 40 });
const act: fc.Arbitrary<[string, Act]> = fc.oneof(
  { weight: 6, arbitrary: text.map((t): [string, Act] => [`type ${t}`, (s) => s.ends[0].type(t)]) },
  { weight: 1, arbitrary: text.map((t): [string, Act] => [`send ${t}`, (s) => s.ends[1].type(t)]) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('a', 'ret', 'shift', 'f1'), fc.boolean())
      .map(([code, down]): [string, Act] => [`key ${code} ${down}`, (s) => s.live.inputs.push({ kind: 'key', code, down })]),
  },
  { weight: 1, arbitrary: fc.nat(7).map((mask): [string, Act] => [`buttons ${mask}`, (s) => s.live.inputs.push({ kind: 'mouse-buttons', mask })]) },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: -300, max: 300 })
      .map((dx): [string, Act] => [`move ${dx}`, (s) => s.live.inputs.push({ kind: 'mouse-move', dx, dy: -dx, dz: 1 })]),
  },
  { weight: 1, arbitrary: fc.constant<[string, Act]>(['reset', (s) => s.live.inputs.push({ kind: 'reset' })]) },
  { weight: 2, arbitrary: fc.boolean().map((stop): [string, Act] => [`stop ${stop}`, (s) => void (stop ? s.live.stop() : s.live.cont())]) },
  { weight: 1, arbitrary: fc.constant<[string, Act]>(['notify', (s) => s.live.inputs.bell.ring()]) },
);

/** What happens, and when; often several things at the same moment. */
const agenda = fc.array(
  fc.record({
    at: fc.oneof(fc.integer({ min: 0, max: END }), fc.double({ min: 0, max: END, noNaN: true })),
    acts: fc.array(act, { minLength: 1, maxLength: 4 }),
  }),
  { maxLength: 12 },
);
const settings = fc.record({
  guest: fc.integer({ min: 0, max: GUESTS.length - 1 }),
  sleep: fc.boolean(),
  noReboot: fc.boolean(),
  step: fc.constantFrom(0.01, 0.5, 3),
  interval: fc.constantFrom(997, 4096, 100_000),
  icountShift: fc.constantFrom(0, 3, 7),
});

it('replay to the same text, the same state and through the same digests, with or without stops on the way', { timeout: 120_000 }, async () => {
  const kinds = new Set<string>();
  await fc.assert(
    fc.asyncProperty(agenda, settings, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }), async (happenings, chosen, stops) => {
      const { guest, noReboot, icountShift, ...rest } = chosen;
      // A busy guest uses up its time at full speed.
      const step = GUESTS[guest] === BUSY_GUEST ? 3 : rest.step;
      const session = newSession({ ...rest, step, guest: GUESTS[guest], options: { noReboot, icountShift } });
      for (const { at, acts } of happenings)
        session.clock.plan(at, () => {
          for (const [, perform] of acts) perform(session);
        });
      session.clock.plan(END, () => session.live.quit('quit'));
      await session.live.run();

      const recording = open(session.file.bytes);
      for (const record of recording.log) kinds.add(record.kind === 'event' ? record.event.input.kind : record.kind);
      const whole = await replay(session.file.bytes);
      expect(whole.stop).toBe('end');
      expect(whole.said).toEqual([session.ends[0].said, session.ends[1].said]);
      expect(differing(whole.run.machine, session.machine)).toEqual([]);

      const piecemeal = await newReplay(session.file.bytes);
      const counts = stops.map((part) => Math.floor(part * recording.reached.icount)).sort((a, b) => a - b);
      for (const count of counts) {
        const stop = await piecemeal.run.run(icount(count));
        if (stop === 'end') continue;
        expect(piecemeal.run.machine.icount()).toBe(count);
      }
      expect(await piecemeal.run.run()).toBe('end');
      expect(piecemeal.said).toEqual(whole.said);
      expect(differing(piecemeal.run.machine, session.machine)).toEqual([]);
    }),
    { numRuns: 80 },
  );
  expect(kinds).toEqual(new Set(['digest', 'progress', 'serial', 'key', 'mouse-move', 'mouse-buttons', 'reset']));
});
