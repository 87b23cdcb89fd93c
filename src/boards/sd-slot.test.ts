/** The memory card of the board, used by a program on the bare machine. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SparseDisk } from '../devices/sd-card/sd-card.fixture.ts';
import { program } from '../session/session.suite.ts';
import { icount, NEVER, ns } from '../time/units.ts';
import { buildIntegratorCp } from './integratorcp.ts';
import type { Machine } from './machine.ts';

const DISK_BYTES = 0x100000;
const FOREVER = icount(Number.MAX_SAFE_INTEGER);

/** Identifies the card, waits for block 0 by interrupt, and copies it to 0x8000 and to block 1. Then it waits for ever. */
const COPY = program(`
    mov r4, #0x1c000000
    mov r5, #0x14000000
    mov r0, #0x1000000      ; MCIINTR1
    str r0, [r5, #8]
    mvn r0, #0
    str r0, [r4, #0x24]     ; MCIDataTimer
    mov r0, #0x500
    str r0, [r4, #4]        ; MCIClock
    mov r0, #0x200
    str r0, [r4, #0x28]     ; MCIDataLength
    mov r0, #0              ; GO_IDLE_STATE
    bl @send
    power:
    mov r0, #0x77           ; APP_CMD
    mov r1, #0
    bl @send
    mov r0, #0x69           ; SD_SEND_OP_COND
    mov r1, #0xff0000
    bl @send
    tst r2, #0x80000000
    beq @power
    mov r0, #0xc2           ; ALL_SEND_CID
    bl @send
    mov r0, #0x43           ; SEND_RELATIVE_ADDR
    bl @send
    mov r1, r2
    mov r0, #0x47           ; SELECT_CARD
    bl @send
    mov r0, #0x200000
    str r0, [r4, #0x40]     ; MCIMask1: RxDataAvlbl
    mov r0, #0x93
    str r0, [r4, #0x2c]     ; MCIDataCtrl: 512 bytes from the card
    mov r0, #0x51           ; READ_SINGLE_BLOCK
    mov r1, #0
    bl @send
    mcr p15, #0, r0, c7, c0, #4
    mov r7, #0x8000
    mov r6, #128
    take:
    ldr r0, [r4, #0x80]
    str r0, [r7], #4
    subs r6, r6, #1
    bne @take
    mov r0, #0x58           ; WRITE_BLOCK
    mov r1, #0x200
    bl @send
    mov r0, #0x91
    str r0, [r4, #0x2c]     ; 512 bytes to the card
    mov r7, #0x8000
    mov r6, #128
    give:
    ldr r0, [r7], #4
    str r0, [r4, #0x80]
    subs r6, r6, #1
    bne @give
    end:
    ldr r0, [r4, #0x34]
    tst r0, #0x100          ; DataEnd
    beq @end
    mov r3, #1
    sleep:
    mcr p15, #0, r0, c7, c0, #4
    b @sleep
    send:
    str r1, [r4, #8]
    orr r0, r0, #0x400
    str r0, [r4, #0xc]
    ldr r2, [r4, #0x14]
    mov r0, #0x700
    orr r0, r0, #0xff
    str r0, [r4, #0x38]
    mov pc, lr
  `);

/** Stores CP_INTREG at 0x8000 and stops. */
const LOOK = program(`
    mov r4, #0xcb000000
    ldr r0, [r4, #8]
    mov r1, #0x8000
    str r0, [r1]
    mcr p15, #0, r0, c7, c0, #4
  `);

function machineWith(bytes: Uint8Array, disks: readonly { readonly bytes: number; readonly readOnly: boolean }[]): Machine {
  const files = { bios: { name: 'test', bytes }, append: '' };
  return buildIntegratorCp({ ramBytes: 0x100000, icountShift: 3, rtcBase: 0, nics: [], disks, files, onGuestMessage: () => {} });
}

/** Runs to a count, or until nothing will happen any more, serving the disk. Returns how often that was. */
function run(machine: Machine, disk: SparseDisk, slices: readonly number[] = [1e9], limit = FOREVER): number {
  let requests = 0;
  for (let n = 0; n < 1_000_000; n++) {
    const stop = machine.advance(limit, slices[n % slices.length]);
    if (machine.icount() === limit) return requests;
    if (stop === 'disk') {
      requests++;
      disk.serve(machine.disks[0].user, machine.now());
    } else if (stop === 'idle') {
      if (machine.nextWakeup() === NEVER) return requests;
      machine.idleUntil(machine.nextWakeup());
    }
  }
  throw new Error('the guest does not come to an end');
}

const newDisk = (): SparseDisk => {
  const disk = new SparseDisk(DISK_BYTES);
  disk.fill(0, 0xa5);
  return disk;
};
const WRITABLE = [{ bytes: DISK_BYTES, readOnly: false }];
const differences = (a: Machine, b: Machine): string[] => [
  ...a.components.flatMap(({ name, state }, n) => state.diff(b.components[n].state.save()).map((field) => `${name}.${field}`)),
  ...(Buffer.compare(a.memory.ram, b.memory.ram) === 0 ? [] : ['RAM']),
];

describe('memory card', () => {
  it('is read and written by the guest', () => {
    const machine = machineWith(COPY, WRITABLE);
    const disk = newDisk();
    expect(machine.disks.map(({ name }) => name)).toEqual(['sd0']);
    expect(run(machine, disk)).toBe(2);
    expect(disk.done).toEqual(['read 0+1', 'write 1+1']);
    expect(machine.memory.ram.subarray(0x8000, 0x8200).every((byte) => byte === 0xa5)).toBe(true);
    expect(disk.sector(512)).toEqual(disk.sector(0));
  });

  it('gives the same, however execution is cut into slices', () => {
    const whole = machineWith(COPY, WRITABLE);
    run(whole, newDisk());
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 10_000 })), { minLength: 1, maxLength: 10 }),
        (slices) => {
          const cut = machineWith(COPY, WRITABLE);
          run(cut, newDisk(), [...slices, 10_000]);
          expect(differences(cut, whole)).toEqual([]);
        },
      ),
      { numRuns: 10 },
    );
  });

  it('holds the machine until its request is done, at the moment it is due', () => {
    const machine = machineWith(COPY, WRITABLE);
    const { user } = machine.disks[0];
    while (machine.advance(FOREVER, 100) !== 'idle') expect(user.due()).toBeGreaterThan(machine.now());
    expect(user.request()).toEqual({ kind: 'read', offset: 0, length: 512 });
    expect(machine.nextWakeup()).toBe(user.due());
    machine.idleUntil(ns(user.due() - 1));
    expect(machine.advance(FOREVER, 1)).toBe('idle');
    machine.idleUntil(user.due());
    const at = machine.icount();
    for (let n = 0; n < 3; n++) expect(machine.advance(FOREVER, 1000)).toBe('disk');
    expect(machine.advance(at, 1000)).toBe('disk');
    machine.requestReset();
    expect(machine.advance(FOREVER, 1000)).toBe('disk');
    expect(machine.icount()).toBe(at);
    newDisk().serve(user, machine.now());
    expect(machine.advance(FOREVER, 1000)).toBe('reset');
  });

  it('forgets a request that is not due when the machine is reset', () => {
    const machine = machineWith(COPY, WRITABLE);
    while (machine.advance(FOREVER, 1000) !== 'idle');
    machine.requestReset();
    expect(machine.advance(FOREVER, 1)).toBe('reset');
    machine.reset();
    expect([machine.disks[0].user.request(), machine.disks[0].user.due()]).toEqual([undefined, NEVER]);
    const disk = newDisk();
    expect(run(machine, disk)).toBe(2);
  });

  it('goes on the same in a machine that was restored at any moment, requests in flight included', () => {
    const whole = machineWith(COPY, WRITABLE);
    run(whole, newDisk());
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3_000 }), (back) => {
        const machine = machineWith(COPY, WRITABLE);
        const disk = newDisk();
        run(machine, disk, [1e9], icount(whole.icount() - back));
        const restored = machineWith(COPY, WRITABLE);
        restored.components.forEach(({ state }, n) => {
          state.restore(machine.components[n].state.save());
        });
        restored.memory.ram.set(machine.memory.ram);
        restored.cpu.dropDerived();
        run(restored, disk);
        expect(differences(restored, whole)).toEqual([]);
        expect(disk.done).toEqual(['read 0+1', 'write 1+1']);
      }),
      { numRuns: 20 },
    );
  });
});

describe('slot', () => {
  it.each([
    ['nothing', [], 0],
    ['a card', WRITABLE, 8],
    ['a protected card', [{ bytes: DISK_BYTES, readOnly: true }], 9],
  ])('tells of %s, after power-on and after a reset', (_, disks, expected) => {
    const machine = machineWith(LOOK, disks);
    for (let n = 0; n < 2; n++) {
      expect(machine.advance(FOREVER, 1000)).toBe('idle');
      expect(machine.memory.ram[0x8000]).toBe(expected);
      machine.requestReset();
      expect(machine.advance(FOREVER, 1000)).toBe('reset');
      machine.reset();
      machine.memory.ram[0x8000] = 0xff;
    }
  });

  it('takes no disk whose size no card has', () => {
    expect(() => machineWith(LOOK, [{ bytes: 1_000_000, readOnly: false }])).toThrow(
      expect.objectContaining({ code: 'BAD_VALUE', message: expect.stringContaining('999424 or 1001472 bytes') }),
    );
  });
});
