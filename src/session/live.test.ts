import { describe, expect, it } from 'vitest';
import { RepriseError } from '../errors/errors.ts';
import type { InputEvent } from '../replay/model.ts';
import { LiveRun } from './live.ts';
import { BUSY_GUEST, bios, differing, newSession, open, program, replay, runUntil, type Session, waitingGuest } from './session.suite.ts';

const TICKING = waitingGuest(true);
const SILENT = waitingGuest(false);
/** Virtual milliseconds. */
const guestTime = ({ machine }: Session): number => machine.now() / 1e6;
const ticks = ({ ends }: Session): number => ends[0].said.replaceAll(/[^.]/g, '').length;
const events = ({ file }: Session): InputEvent[] => [...open(file.bytes).log].flatMap((record) => (record.kind === 'event' ? [record.event] : []));

/** That the recording replays to the same text and the same state. */
async function expectSameAgain({ file, ends, machine }: Session): Promise<void> {
  const { run, said, stop } = await replay(file.bytes);
  expect(stop).toBe('end');
  expect(said).toEqual([ends[0].said, ends[1].said]);
  expect(differing(run.machine, machine)).toEqual([]);
}

describe('idle time', () => {
  it('lasts as long as the guest’s clock says, with sleep', async () => {
    const session = newSession({ guest: TICKING, sleep: true });
    expect(await runUntil(session, 1000)).toBe('quit');
    expect(guestTime(session)).toBeGreaterThan(980);
    expect(guestTime(session)).toBeLessThanOrEqual(1001);
    expect(ticks(session)).toBeGreaterThanOrEqual(98);
    await expectSameAgain(session);
  });

  it('is skipped, without sleep', async () => {
    const session = newSession({ guest: TICKING, sleep: false });
    await runUntil(session, 100);
    expect(guestTime(session)).toBeGreaterThan(1000);
    expect(ticks(session)).toBeGreaterThan(100);
    await expectSameAgain(session);
  });

  it.each([true, false])('ends with an input (sleep %s)', async (sleep) => {
    const session = newSession({ guest: SILENT, sleep });
    session.clock.plan(50, () => session.ends[0].type('a'));
    session.clock.plan(90, () => session.ends[0].type('b'));
    await runUntil(session, 120);
    expect(session.ends[0].said).toBe('>ab');
    const [a, b] = events(session);
    const between = ((b.icount - a.icount) * 8 + b.bias - a.bias) / 1e6;
    // Without sleep nothing is due, and so the guest's clock has no reason to move.
    if (sleep) expect(between).toBeCloseTo(40, -1);
    else expect([a.bias, b.bias]).toEqual([0, 0]);
    await expectSameAgain(session);
  });

  it('is not in the way of input that was sent together: the rest is let in as soon as there is room', async () => {
    for (const sleep of [true, false]) {
      const session = newSession({ guest: SILENT, sleep });
      session.clock.plan(50, () => session.ends[0].type('all at once'));
      await runUntil(session, 200);
      expect(session.ends[0].said).toBe('>all at once');
      await expectSameAgain(session);
    }
    const session = newSession({ guest: TICKING, sleep: true });
    session.clock.plan(52, () => session.ends[0].type('abc'));
    await runUntil(session, 100);
    expect(session.ends[0].said).toContain('abc');
  });

  it('is in the record to the nanosecond when it is ended in the middle', async () => {
    const session = newSession({ guest: TICKING, sleep: true, step: 0.001 });
    for (const at of [23.4, 45.6789, 61.000001]) session.clock.plan(at, () => session.ends[0].type('x'));
    await runUntil(session, 100);
    const biases = events(session).map(({ bias }) => bias);
    expect(biases).toHaveLength(3);
    expect(biases.every((bias) => bias % 1_000_000 !== 0)).toBe(true);
    await expectSameAgain(session);
  });

  it('passes while nothing is due at all, if it sleeps, and is in the record when the run ends in it', async () => {
    const session = newSession({ guest: SILENT, sleep: true });
    await runUntil(session, 500);
    expect(guestTime(session)).toBeGreaterThan(490);
    expect(open(session.file.bytes).reached.bias).toBeGreaterThan(490e6);
    await expectSameAgain(session);
  });

  it('is not caught up with after the machine had to wait for its output to be taken', async () => {
    const session = newSession({ guest: TICKING, sleep: true });
    const { clock } = session;
    const [end] = session.ends;
    clock.plan(100, () => {
      end.congested = true;
    });
    // Nobody else moves the made-up time while the machine waits.
    end.drained = async () => {
      await clock.wait(5000, new Promise(() => {}));
      end.congested = false;
    };
    await runUntil(session, 5600);
    // 100 ms before and 500 ms after the pause, of which at most 100 ms are made good.
    expect(guestTime(session)).toBeGreaterThan(580);
    expect(guestTime(session)).toBeLessThanOrEqual(702);
    await expectSameAgain(session);
  });
});

describe('a machine that is held', () => {
  it('stands still, and its clock with it', async () => {
    const session = newSession({ guest: TICKING, sleep: true });
    let [before, after] = [0, 0];
    session.clock.plan(100, () => {
      session.live.stop();
      before = session.machine.icount();
    });
    session.clock.plan(9000, () => {
      after = session.machine.icount();
      expect(session.live.runState()).toBe('paused');
      session.live.cont();
    });
    await runUntil(session, 9100);
    expect(after).toBe(before);
    expect(guestTime(session)).toBeGreaterThan(180);
    expect(guestTime(session)).toBeLessThanOrEqual(202);
    await expectSameAgain(session);
  });

  it('can be left', async () => {
    const session = newSession({ guest: BUSY_GUEST });
    session.clock.plan(20, () => session.live.stop());
    expect(await runUntil(session, 1000)).toBe('quit');
    await expectSameAgain(session);
  });

  it('takes what came meanwhile when it goes on', async () => {
    const session = newSession({ guest: SILENT });
    session.clock.plan(10, () => session.live.stop());
    session.clock.plan(20, () => session.ends[0].type('later'));
    session.clock.plan(30, () => expect(session.ends[0].said).toBe('>'));
    session.clock.plan(40, () => session.live.cont());
    await runUntil(session, 100);
    expect(session.ends[0].said).toBe('>later');
    await expectSameAgain(session);
  });

  it('has all that happened before in its file', async () => {
    const session = newSession({ guest: SILENT });
    session.clock.plan(20, () => session.ends[0].type('x'));
    session.clock.plan(24, () => session.live.stop());
    let saved: Uint8Array | undefined;
    session.clock.plan(10_000, () => {
      saved = session.file.bytes.slice();
    });
    await runUntil(session, 10_001);
    const { run, said } = await replay(saved!);
    expect(said[0]).toBe('>x');
    expect(run.machine.icount()).toBe(session.machine.icount());
  });
});

describe('an input', () => {
  it('before the first instruction is the first thing in the log, and replays', async () => {
    const session = newSession({ guest: SILENT });
    session.live.inputs.push({ kind: 'key', code: 'a', down: true });
    await runUntil(session, 50);
    const [first, second] = open(session.file.bytes).log;
    expect(first).toMatchObject({ kind: 'event', event: { icount: 0 } });
    expect(second).toMatchObject({ kind: 'digest', digest: { icount: 0 } });
    await expectSameAgain(session);
  });

  it('at the very count of a digest comes after it, and replays', async () => {
    const probe = newSession({ guest: SILENT });
    await runUntil(probe, 20);
    // Where the guest waits for the first time.
    const interval = probe.machine.icount();
    const session = newSession({ guest: SILENT, interval, sleep: true });
    session.clock.plan(30, () => session.ends[0].type('x'));
    await runUntil(session, 300);
    const records = [...open(session.file.bytes).log].filter((record) => record.kind !== 'progress').slice(1, 3);
    expect(records).toMatchObject([
      { kind: 'digest', digest: { icount: interval, bias: 0 } },
      { kind: 'event', event: { icount: interval, input: { kind: 'serial' } } },
    ]);
    expect(session.ends[0].said).toBe('>x');
    await expectSameAgain(session);
  });

  it('of more bytes than the guest takes is held back at its source, and comes in whole', async () => {
    const text = Array.from({ length: 6_000 }, (_, n) => String.fromCharCode(97 + (n % 23))).join('');
    const session = newSession({ guest: SILENT, step: 0.01 });
    const [end] = session.ends;
    let sent = 0;
    const send = (): void => {
      for (let n = 0; n < 10 && !end.held && sent < text.length; n++) end.type(text.slice(sent, (sent += 500)));
      if (sent < text.length) session.clock.plan(session.clock.milliseconds() + 1, send);
    };
    session.clock.plan(10, send);
    session.clock.plan(4000, () => session.live.quit('quit'));
    await session.live.run();
    expect(end.holds).toBeGreaterThan(0);
    expect(end.held).toBe(false);
    expect(end.said).toBe(`>${text}`);
    await expectSameAgain(session);
  });

  it('for a guest that does not listen waits, and does not hold up the other port', async () => {
    const guest = program(`
      mov r4, #0x17000000     ; UART1
      mov r5, #0x16000000
      mov r0, #0
      str r0, [r5, #0x30]     ; UART0 off
      loop:
      ldr r0, [r4, #0x18]
      tst r0, #0x10
      ldreq r0, [r4]
      streq r0, [r4]
      b @loop
    `);
    const session = newSession({ guest });
    session.clock.plan(10, () => session.ends[0].type('lost in the post'));
    session.clock.plan(10, () => session.ends[1].type('echo'));
    await runUntil(session, 30);
    expect(session.ends.map(({ said }) => said)).toEqual(['', 'echo']);
    await expectSameAgain(session);
  });
});

describe('a reset', () => {
  it('ends the run where it was asked to', async () => {
    const session = newSession({ guest: SILENT });
    session.clock.plan(10, () => session.ends[0].type('a!b'));
    expect(await runUntil(session)).toBe('guest-reset');
    expect(session.ends[0].said).toBe('>a!');
    expect(open(session.file.bytes).end?.reason).toBe('guest-reset');
    await expectSameAgain(session);
  });

  it('of the guest starts it anew otherwise', async () => {
    const session = newSession({ guest: SILENT, options: { noReboot: false } });
    session.clock.plan(10, () => session.ends[0].type('a!b!c'));
    await runUntil(session, 60);
    expect(session.ends[0].said).toBe('>a!>b!>c');
    await expectSameAgain(session);
  });

  it.each([true, false])('by its button is in the record (no-reboot: %s)', async (noReboot) => {
    const session = newSession({ guest: SILENT, options: { noReboot } });
    session.clock.plan(10, () => session.ends[0].type('a'));
    session.clock.plan(20, () => session.live.inputs.push({ kind: 'reset' }));
    session.clock.plan(30, () => session.ends[0].type('b'));
    expect(await runUntil(session, 40)).toBe(noReboot ? 'guest-reset' : 'quit');
    expect(session.ends[0].said).toBe(noReboot ? '>a' : '>a>b');
    expect(events(session).map(({ input }) => input.kind)).toEqual(noReboot ? ['serial', 'reset'] : ['serial', 'reset', 'serial']);
    await expectSameAgain(session);
  });

  it.each([true, false])('together with keys keeps their order (no-reboot: %s)', async (noReboot) => {
    for (const guest of [SILENT, BUSY_GUEST]) {
      const session = newSession({ guest, options: { noReboot } });
      session.clock.plan(10, () => {
        const { inputs } = session.live;
        inputs.push({ kind: 'key', code: 'a', down: true });
        inputs.push({ kind: 'reset' });
        inputs.push({ kind: 'key', code: 'b', down: true });
        inputs.push({ kind: 'mouse-move', dx: 3, dy: 4, dz: 0 });
        inputs.push({ kind: 'reset' });
        inputs.push({ kind: 'key', code: 'c', down: true });
        session.ends[0].type('z');
      });
      await runUntil(session, 40);
      await expectSameAgain(session);
    }
  });
});

describe('the end', () => {
  it('of the disk is the end of the run; what was recorded replays', async () => {
    const session = newSession({ guest: SILENT, capacity: 4000 });
    for (let at = 10; at < 1000; at += 2) session.clock.plan(at, () => session.ends[0].type('x'));
    await expect(runUntil(session, 100_000)).rejects.toThrow('disk full');
    expect(session.file.size).toBe(4000);
    const recording = open(session.file.bytes);
    expect(recording.end).toBeUndefined();
    const { said, stop } = await replay(session.file.bytes);
    expect(stop).toBe('end');
    expect(session.ends[0].said.startsWith(said[0])).toBe(true);
    expect(said[0].length).toBeGreaterThan(10);
  });

  it('of exact time is an error with a name, and the recording is whole', async () => {
    // Waits for 13 days at a time.
    const guest = program(`
      mov r5, #0x13000000
      mov r6, #0x14000000
      mvn r0, #0
      str r0, [r5, #0x100]
      mov r0, #0xea           ; enabled, periodic, interrupting, 32 bits, a tick every 256 microseconds
      str r0, [r5, #0x108]
      mov r0, #0x40
      str r0, [r6, #8]
      wait:
      mcr p15, #0, r0, c7, c0, #4
      str r0, [r5, #0x10c]
      b @wait
    `);
    const session = newSession({ guest });
    const failure = await runUntil(session).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RepriseError);
    expect((failure as RepriseError).code).toBe('TIME_LIMIT');
    expect(open(session.file.bytes).end?.reason).toBe('error');
    await expectSameAgain(session);
  });

  it('comes at once when someone quit before the beginning', async () => {
    const session = newSession({ guest: BUSY_GUEST });
    session.live.quit('interrupted');
    expect(await session.live.run()).toBe('interrupted');
    expect(open(session.file.bytes).end).toMatchObject({ reason: 'interrupted', digest: { icount: 0 } });
    await expectSameAgain(session);
  });

  it('is that of the first who asked', async () => {
    const session = newSession({ guest: BUSY_GUEST });
    session.live.quit('quit');
    session.live.quit('interrupted');
    expect(await session.live.run()).toBe('quit');
  });

  it('comes although nobody takes the output', async () => {
    const session = newSession({ guest: BUSY_GUEST });
    session.ends[0].setCongested(true);
    setImmediate(() => session.live.quit('quit'));
    expect(await session.live.run()).toBe('quit');
  });
});

describe('what is safe when the process dies', () => {
  it('is never older than a second, whatever the guest does', async () => {
    for (const [guest, sleep] of [
      [BUSY_GUEST, false],
      [TICKING, true],
      [TICKING, false],
    ] as const) {
      const session = newSession({ guest, sleep, step: 5 });
      const saved: { at: number; bytes: Uint8Array }[] = [];
      for (const at of [1200, 2300, 3000])
        session.clock.plan(at, () => saved.push({ at: session.machine.icount(), bytes: session.file.bytes.slice() }));
      const atSecondBefore: number[] = [];
      for (const at of [200, 1300, 2000]) session.clock.plan(at, () => atSecondBefore.push(session.machine.icount()));
      await runUntil(session, 3001);
      for (const [n, { bytes, at }] of saved.entries()) {
        const { reached } = open(bytes);
        expect(reached.icount).toBeGreaterThanOrEqual(atSecondBefore[n]);
        expect(reached.icount).toBeLessThanOrEqual(at);
      }
      const { run } = await replay(saved[0].bytes);
      expect(run.machine.icount()).toBe(open(saved[0].bytes).reached.icount);
    }
  });
});

describe('a run that nobody records', () => {
  it('does the same', async () => {
    const recorded = newSession({ guest: TICKING, sleep: false });
    recorded.clock.plan(30, () => recorded.ends[0].type('abc!'));
    await runUntil(recorded);
    const plain = newSession({ guest: TICKING, sleep: false });
    const live = new LiveRun({ machine: plain.machine, clock: plain.clock, serial: plain.ends, network: [], sleep: false, noReboot: true });
    expect(live.mode).toBe('run');
    plain.clock.plan(30, () => plain.ends[0].type('abc!'));
    expect(await live.run()).toBe('guest-reset');
    expect(plain.ends[0].said).toMatch(/^>\.*a\.*b\.*c\.*!$/);
  });

  it('tells how it gets on', async () => {
    const session = newSession({ guest: BUSY_GUEST, step: 20 });
    const seen: number[] = [];
    const live = new LiveRun({
      machine: session.machine,
      clock: session.clock,
      serial: session.ends,
      sleep: false,
      noReboot: true,
      network: [],
      onProgress: (machine) => seen.push(machine.icount()),
    });
    session.clock.plan(2100, () => live.quit('quit'));
    await live.run();
    expect(seen).toHaveLength(4);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });
});

describe('an input file', () => {
  it('may have any name that can be shown', async () => {
    const session = newSession({ files: { bios: { name: 'ключ 🗝.bin', bytes: bios(SILENT).bios!.bytes } } });
    await runUntil(session, 10);
    expect(open(session.file.bytes).header.inputs[0].name).toBe('ключ 🗝.bin');
    await expectSameAgain(session);
  });
});
