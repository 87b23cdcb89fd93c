import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { icount, NEVER, ns } from '../time/units.ts';
import { buildIntegratorCp } from './integratorcp.ts';
import type { Machine } from './machine.ts';

const RAM_BYTES = 0x100000;
const SHIFT = 3;
/** Instructions of a run: some thirty periods of the timer of `WORK`. */
const RUN = 20_000;

/**
 * Works on RAM, the clock and the serial port, waits for an interrupt every eighth time, and counts the interrupts of a
 * timer that comes every 20 µs.
 */
const WORK = [
  0xea000006, // b reset
  0xeafffffe, // b .
  0xeafffffe, // b .
  0xeafffffe, // b .
  0xeafffffe, // b .
  0xeafffffe, // b .
  0xea00001d, // b irq
  0xeafffffe, // b .
  0xe321f0d2, // reset: msr cpsr_c, #0xd2    IRQ mode
  0xe3a0da09, // mov sp, #0x9000
  0xe321f0d3, // msr cpsr_c, #0xd3           SVC mode
  0xe3a04413, // mov r4, #0x13000000         timers
  0xe3a05305, // mov r5, #0x14000000         interrupt controller
  0xe3a06416, // mov r6, #0x16000000         UART
  0xe3a08902, // mov r8, #0x8000             counters in RAM: starts, interrupts
  0xe3a0b903, // mov r11, #0xc000            table in RAM
  0xe5980000, // ldr r0, [r8]
  0xe2800001, // add r0, r0, #1
  0xe5880000, // str r0, [r8]
  0xe3a00014, // mov r0, #20
  0xe5840100, // str r0, [r4, #0x100]        timer 1: 1 MHz
  0xe3a000e2, // mov r0, #0xe2
  0xe5840108, // str r0, [r4, #0x108]        enabled, periodic, interrupting, 32 bits
  0xe3a00040, // mov r0, #0x40
  0xe5850008, // str r0, [r5, #8]
  0xe3a09001, // mov r9, #1
  0xe321f013, // msr cpsr_c, #0x13           interrupts on
  0xe1b090a9, // loop: movs r9, r9, lsr #1
  0x222994a3, // eorcs r9, r9, #0xa3000000
  0xe5940104, // ldr r0, [r4, #0x104]        the count of the timer, so that time matters
  0xe0899000, // add r9, r9, r0
  0xe20900fc, // and r0, r9, #0xfc
  0xe78b9000, // str r9, [r11, r0]
  0xe5c69000, // strb r9, [r6]
  0xe29aa202, // adds r10, r10, #0x20000000
  0x0e070f90, // mcreq p15, 0, r0, c7, c0, 4 wait for interrupt
  0xeafffff5, // b loop
  0xe24ee004, // irq: sub lr, lr, #4
  0xe92d4001, // push {r0, lr}
  0xe584010c, // str r0, [r4, #0x10c]
  0xe5980004, // ldr r0, [r8, #4]
  0xe2800001, // add r0, r0, #1
  0xe5880004, // str r0, [r8, #4]
  0xe8fd8001, // ldm sp!, {r0, pc}^
];

/** Waits for one interrupt, a millisecond away, and then for another one that never comes. */
const WAIT = [
  0xea000006, // b reset
  0xeafffffe, // b .
  0xeafffffe, // b .
  0xeafffffe, // b .
  0xeafffffe, // b .
  0xeafffffe, // b .
  0xea00000d, // b irq
  0xeafffffe, // b .
  0xe3a04413, // reset: mov r4, #0x13000000
  0xe3a05305, // mov r5, #0x14000000
  0xe3a00ffa, // mov r0, #1000
  0xe5840100, // str r0, [r4, #0x100]
  0xe3a000a3, // mov r0, #0xa3
  0xe5840108, // str r0, [r4, #0x108]        enabled, one-shot, interrupting, 32 bits
  0xe3a00040, // mov r0, #0x40
  0xe5850008, // str r0, [r5, #8]
  0xe321f013, // msr cpsr_c, #0x13
  0xee070f90, // mcr p15, 0, r0, c7, c0, 4
  0xe3a01001, // mov r1, #1
  0xee070f90, // mcr p15, 0, r0, c7, c0, 4
  0xeafffffe, // b .
  0xe584010c, // irq: str r0, [r4, #0x10c]
  0xe3a02902, // mov r2, #0x8000
  0xe5822000, // str r2, [r2]
  0xe25ef004, // subs pc, lr, #4
];

/** Resets the system through CM_CTRL, twice. */
const RESET = [
  0xe3a08902, // mov r8, #0x8000
  0xe5980000, // ldr r0, [r8]
  0xe2800001, // add r0, r0, #1
  0xe5880000, // str r0, [r8]
  0xe3500003, // cmp r0, #3
  0x0afffffe, // beq .
  0xe3a07201, // mov r7, #0x10000000
  0xe3a00008, // mov r0, #8
  0xe587000c, // str r0, [r7, #0xc]
  0xe3a01001, // mov r1, #1
  0xeafffffe, // b .
];

/** Reads and writes for ever where there is nothing. */
const STRAY = [
  0xe3a00202, // mov r0, #0x20000000
  0xe5901000, // again: ldr r1, [r0]
  0xe5801004, // str r1, [r0, #4]
  0xeafffffc, // b again
];

function machineWith(program: readonly number[], onGuestMessage: (message: string) => void = () => {}): Machine {
  const bytes = new Uint8Array(Uint32Array.from(program).buffer);
  const files = { bios: { name: 'test', bytes }, append: '' };
  return buildIntegratorCp({
    ramBytes: RAM_BYTES,
    icountShift: SHIFT,
    rtcBase: 1_000_000_000,
    nics: [{ mac: [0x52, 0x54, 0, 0x12, 0x34, 0x56] }],
    disks: [{ bytes: RAM_BYTES, readOnly: false }],
    files,
    onGuestMessage,
  });
}

/** Everything in which two machines differ, by name. */
const differences = (a: Machine, b: Machine): string[] => [
  ...a.components.flatMap(({ name, state }, n) => state.diff(b.components[n].state.save()).map((field) => `${name}.${field}`)),
  ...(Buffer.compare(a.memory.ram, b.memory.ram) === 0 ? [] : ['RAM']),
];

/**
 * Runs up to `limit` in slices of the given sizes, again and again; idle time passes in as many pieces as `rests` says.
 * Returns what the first serial port sent.
 */
function run(machine: Machine, limit: number, slices: readonly number[] = [Number.MAX_SAFE_INTEGER], rests = 1): string {
  for (let n = 0; machine.icount() < limit; n++) {
    const stop = machine.advance(icount(limit), slices[n % slices.length]);
    expect(stop).not.toBe('reset');
    if (stop !== 'idle') continue;
    const [begin, wake] = [machine.now(), machine.nextWakeup()];
    for (let piece = 1; piece <= rests; piece++) machine.idleUntil(ns(begin + Math.floor(((wake - begin) * piece) / rests)));
  }
  return Buffer.from(machine.serial[0].output.take().bytes).toString('hex');
}

const ramWord = (machine: Machine, address: number): number =>
  new DataView(machine.memory.ram.buffer, machine.memory.ram.byteOffset).getUint32(address, true);

describe('execution', () => {
  it('goes exactly as far as it is told', () => {
    const machine = machineWith(WORK);
    for (let n = 1; n <= 60; n++) {
      expect(machine.advance(icount(n), 1_000_000)).toBe('slice');
      expect(machine.icount()).toBe(n);
      expect(machine.now()).toBe(n << SHIFT);
    }
    expect(machine.advance(icount(1_000_000), 7)).toBe('slice');
    expect(machine.icount()).toBe(67);
    const before = machine.components.map(({ state }) => state.save());
    expect(machine.advance(icount(67), 7)).toBe('slice');
    expect(machine.advance(icount(1_000), 0)).toBe('slice');
    expect(machine.components.map(({ state }) => state.save())).toEqual(before);
  });

  it('does not depend on how it is cut into slices, nor on how idle time is', () => {
    const whole = machineWith(WORK);
    const sent = run(whole, RUN);
    expect(ramWord(whole, 0x8000)).toBe(1);
    expect(ramWord(whole, 0x8004)).toBeGreaterThan(30);
    expect(whole.clock.state.fields.bias).toBeGreaterThan(0);
    expect(sent.length).toBeGreaterThan(100);
    const slices = fc.array(fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3_000 })), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(slices, fc.integer({ min: 1, max: 3 }), (sizes, rests) => {
        const cut = machineWith(WORK);
        expect(run(cut, RUN, sizes, rests)).toBe(sent);
        expect(differences(cut, whole)).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it('single steps give the same as one go', () => {
    const [whole, steps] = [machineWith(WORK), machineWith(WORK)];
    expect(run(steps, RUN, [1])).toBe(run(whole, RUN));
    expect(differences(steps, whole)).toEqual([]);
  });
});

describe('idle time', () => {
  it('passes up to the interrupt that ends it, and no further', () => {
    const machine = machineWith(WAIT);
    expect(machine.advance(icount(1_000), 1_000)).toBe('idle');
    // `b reset` and the program up to the wait.
    expect(machine.icount()).toBe(11);
    const wake = machine.nextWakeup();
    // The fourth of those instructions loaded the timer, the sixth started it: 1000 to 1001 µs from there.
    expect(wake % 1_000).toBe(0);
    expect(wake).toBeGreaterThan(1_000_000 + (6 << SHIFT));
    expect(wake).toBeLessThanOrEqual(1_001_000 + (7 << SHIFT));
    machine.idleUntil(ns(wake - 1));
    expect(machine.advance(icount(1_000), 1_000)).toBe('idle');
    expect([machine.icount(), machine.now(), ramWord(machine, 0x8000)]).toEqual([11, wake - 1, 0]);
    machine.idleUntil(wake);
    expect(machine.advance(icount(1_000), 4)).toBe('slice');
    // The handler has run but for its return; the instruction behind the wait has not.
    expect([machine.icount(), machine.now(), ramWord(machine, 0x8000)]).toEqual([15, wake + (4 << SHIFT), 0x8000]);
  });

  it('has no end when nothing will happen by itself', () => {
    const machine = machineWith(WAIT);
    machine.advance(icount(1_000), 1_000);
    machine.idleUntil(machine.nextWakeup());
    expect(machine.advance(icount(1_000), 1_000)).toBe('idle');
    expect(machine.icount()).toBe(18);
    expect(machine.nextWakeup()).toBe(NEVER);
  });

  it('does not run backwards', () => {
    const machine = machineWith(WAIT);
    machine.advance(icount(1_000), 1_000);
    expect(() => machine.idleUntil(ns(machine.now() - 1))).toThrow('broken invariant');
  });
});

describe('system reset', () => {
  it('stops the machine behind the instruction that asks for it', () => {
    for (const slice of [1, 5, 1_000_000]) {
      const machine = machineWith(RESET);
      while (machine.advance(icount(1_000), slice) === 'slice') expect(machine.icount()).toBeLessThan(9);
      expect(machine.icount()).toBe(9);
      expect(machine.advance(icount(1_000), slice)).toBe('reset');
      expect(machine.icount()).toBe(9);
    }
  });

  it('starts the guest anew while count and time go on, and keeps RAM', () => {
    const machine = machineWith(RESET);
    for (const boots of [1, 2]) {
      expect(machine.advance(icount(1_000), 1_000)).toBe('reset');
      expect([ramWord(machine, 0x8000), machine.icount()]).toEqual([boots, 9 * boots]);
      machine.reset();
      expect([machine.icount(), machine.now()]).toEqual([9 * boots, (9 * boots) << SHIFT]);
    }
    expect(machine.advance(icount(1_000), 1_000)).toBe('slice');
    expect(ramWord(machine, 0x8000)).toBe(3);
  });

  it('at any moment leaves all as after power-on, but for what counts from there', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: RUN }), (at) => {
        const machine = machineWith(WORK);
        run(machine, at);
        machine.requestReset();
        expect(machine.advance(icount(RUN * 2), 100)).toBe('reset');
        expect(machine.icount()).toBe(at);
        const now = machine.now();
        machine.reset();
        expect(machine.now()).toBe(now);
        // CM_INIT tells with which clock the reset was made, and RAM is not cleared.
        const kept = ['clock.bias', 'cpu.icount', 'cm.CM_INIT', 'cm.resetAt', 'RAM'];
        const untouched = differences(machine, machineWith(WORK)).filter((name) => !kept.includes(name));
        expect(untouched).toEqual([]);
        run(machine, at + 1_000);
        expect(ramWord(machine, 0x8000)).toBe(at < 12 ? 1 : 2);
      }),
      { numRuns: 30 },
    );
  });

  it('loads the images again', () => {
    const machine = machineWith(RESET);
    machine.advance(icount(9), 9);
    machine.memory.ram.fill(0, 0, 0x100);
    machine.reset();
    expect(machine.advance(icount(1_000), 1_000)).toBe('reset');
    expect(machine.icount()).toBe(18);
  });
});

describe('a guest’s mistake', () => {
  it('is told once, however often it is made', () => {
    const messages: string[] = [];
    const machine = machineWith(STRAY, (message) => messages.push(message));
    run(machine, 1_000, [10]);
    expect(messages).toEqual(['bus: read of unmapped address 0x20000000', 'bus: write to unmapped address 0x20000000']);
  });

  it('does not change what happens when nobody listens', () => {
    const [told, quiet] = [machineWith(STRAY, () => {}), machineWith(STRAY)];
    run(told, 999);
    run(quiet, 999);
    expect(differences(told, quiet)).toEqual([]);
  });
});

describe('a saved machine', () => {
  /** All there is of a machine: its components and RAM. */
  function copy(from: Machine, to: Machine): void {
    to.components.forEach(({ state }, n) => {
      state.restore(from.components[n].state.save());
    });
    to.memory.ram.set(from.memory.ram);
    to.cpu.dropDerived();
  }

  it('goes on the same in a fresh machine, and in one that ran something else', () => {
    const slices = fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: RUN }), fc.constantFrom([], WORK, STRAY, WAIT), slices, (at, other, sizes) => {
        const original = machineWith(WORK);
        run(original, at, sizes);
        const restored = machineWith(other.length > 0 ? other : WORK);
        if (other.length > 0) restored.advance(icount(15), 15);
        copy(original, restored);
        expect(differences(restored, original)).toEqual([]);
        expect(restored.nextWakeup()).toBe(original.nextWakeup());
        restored.serial[0].output.take();
        expect(run(restored, at + RUN / 4, sizes)).toBe(run(original, at + RUN / 4));
        expect(differences(restored, original)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('wakes up when the original does: a timer in flight is state', () => {
    const original = machineWith(WAIT);
    expect(original.advance(icount(1_000), 1_000)).toBe('idle');
    const wake = original.nextWakeup();
    original.idleUntil(ns(Math.floor(wake / 2)));
    const restored = machineWith(STRAY);
    run(restored, 500);
    copy(original, restored);
    expect(restored.advance(icount(1_000), 1_000)).toBe('idle');
    expect(restored.nextWakeup()).toBe(wake);
    restored.idleUntil(wake);
    original.idleUntil(wake);
    for (const machine of [restored, original]) expect(machine.advance(icount(1_000), 1_000)).toBe('idle');
    expect(differences(restored, original)).toEqual([]);
    expect(ramWord(restored, 0x8000)).toBe(0x8000);
  });
});
