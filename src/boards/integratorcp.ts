/**
 * The ARM Integrator/CP: wiring and numbers. Addresses and interrupts as in ARM DUI 0159B, clocks as Linux's device tree
 * of the board has them.
 */
import { AddressSpace } from '../bus/address-space.ts';
import type { AnyDevice, Line } from '../bus/device.ts';
import { GuestMemory } from '../bus/memory.ts';
import { Arm926 } from '../cpu/arm/cpu.ts';
import { jitOptions } from '../cpu/arm/jit/arm-jit.ts';
import { IntegratorCm } from '../devices/integrator-cm/integrator-cm.ts';
import { IntegratorCpControl } from '../devices/integrator-cp-control/integrator-cp-control.ts';
import { IntegratorDebug } from '../devices/integrator-debug/integrator-debug.ts';
import { IntegratorPic } from '../devices/integrator-pic/integrator-pic.ts';
import { IntegratorTimer } from '../devices/integrator-timer/integrator-timer.ts';
import { Pl011 } from '../devices/pl011/pl011.ts';
import { Pl031 } from '../devices/pl031/pl031.ts';
import { Lm4549 } from '../devices/pl041/lm4549.ts';
import { Pl041 } from '../devices/pl041/pl041.ts';
import { Pl050 } from '../devices/pl050/pl050.ts';
import { Pl110 } from '../devices/pl110/pl110.ts';
import { renderScreen } from '../devices/pl110/screen.ts';
import { Pl181 } from '../devices/pl181/pl181.ts';
import { Ps2Keyboard } from '../devices/ps2/keyboard.ts';
import { Ps2Mouse } from '../devices/ps2/mouse.ts';
import { QCODES } from '../devices/ps2/scancodes.ts';
import { cardSizeProblem } from '../devices/sd-card/capacity.ts';
import { EMPTY_SLOT } from '../devices/sd-card/sd-bus.ts';
import { SdCard } from '../devices/sd-card/sd-card.ts';
import { Smc91c111 } from '../devices/smc91c111/smc91c111.ts';
import { RepriseError } from '../errors/errors.ts';
import { Scheduler } from '../time/scheduler.ts';
import { VirtualClock } from '../time/virtual-clock.ts';
import { type BootFiles, loadSegments, planBoot } from './boot/arm-boot.ts';
import { FrameOutput } from './frame-output.ts';
import { type GuestMessageListener, OnceLog } from './guest-log.ts';
import { DEFAULT_ENGINE, type Engine, Machine, machineState } from './machine.ts';
import { SerialOutput } from './serial-output.ts';

export interface IntegratorCpConfig {
  readonly ramBytes: number;
  /** An instruction takes 2^icountShift virtual nanoseconds. */
  readonly icountShift: number;
  /** Seconds since 1970 at power-on. */
  readonly rtcBase: number;
  /** At most one: its MAC address, 6 bytes. */
  readonly nics: readonly { readonly mac: readonly number[] }[];
  /** At most one: the SD card in the slot. */
  readonly disks: readonly { readonly bytes: number; readonly readOnly: boolean }[];
  readonly files: BootFiles;
  readonly engine?: Engine;
  /** Told, once each, what the guest does that the board does not do. */
  readonly onGuestMessage: GuestMessageListener;
}

/** Linux's number of the board among ARM machines. */
const MACHINE_TYPE = 275;
/** CM_CTRL[13:11]: 16-bit pixels have five bits of each colour (Linux, VGA555). */
const LCD_MUX_5551 = 4;
const KiB = 1024;
const MiB = 1024 * KiB;
const MHz = 1_000_000;

/** @throws RepriseError BAD_VALUE when a disk has a size that no card has; from the boot plan: BAD_KERNEL, BAD_DTB, IMAGE_TOO_BIG, USAGE */
export function buildIntegratorCp({
  ramBytes,
  icountShift,
  rtcBase,
  nics,
  disks,
  files,
  onGuestMessage,
  engine = DEFAULT_ENGINE,
}: IntegratorCpConfig): Machine {
  const memory = new GuestMemory(ramBytes);
  const log = new OnceLog(onGuestMessage);
  const clock = new VirtualClock({ icount: () => cpu.icount() }, icountShift);
  const resetLatch = machineState.create();
  const resetRequest = Object.freeze({
    request: () => {
      resetLatch.fields.resetRequested = true;
      cpu.endSlice();
    },
  });
  // The devices exist before the CPU that they interrupt.
  const late = (line: () => Line): Line => Object.freeze({ set: (level: boolean) => line().set(level) });
  const unconnected: Line = Object.freeze({ set: () => {} });

  const pic = new IntegratorPic('pic', { irq: late(() => cpu.irq), fiq: late(() => cpu.fiq), log });
  const sic = new IntegratorPic('sic', { irq: pic.input(26), fiq: unconnected, log });
  const cm = new IntegratorCm('cm', { ramBytes, busHz: 24 * MHz }, { irq: unconnected, fiq: unconnected, resetRequest, clock, log });
  const control = new IntegratorCpControl('cp-control', { irq: sic.input(3), ringIrq: [sic.input(1), sic.input(2)], log });
  const timers = new IntegratorTimer('timer', { hz: [25 * MHz, MHz, MHz] }, { irq: [pic.input(5), pic.input(6), pic.input(7)], clock, log });
  const rtc = new Pl031('rtc', { base: rtcBase }, { irq: pic.input(8), clock, log });
  const outputs = [new SerialOutput(clock), new SerialOutput(clock)];
  const uart = (n: 0 | 1): Pl011 =>
    new Pl011(`uart${n}`, { clockHz: 14_745_600, enabledByFirmware: true }, { irq: pic.input(1 + n), tx: outputs[n], clock, log });
  const uarts = [uart(0), uart(1)];
  const keyboard = new Ps2Keyboard('keyboard', { host: { offered: () => kmi[0].offered() }, log });
  const mouse = new Ps2Mouse('mouse', { host: { offered: () => kmi[1].offered() }, log });
  const kmi = [new Pl050('kmi0', { irq: pic.input(3), port: keyboard, log }), new Pl050('kmi1', { irq: pic.input(4), port: mouse, log })];
  const codec = new Lm4549('codec', { log });
  const aaci = new Pl041('aaci', { irq: pic.input(25), codec, clock, log });
  const lcd = new Pl110('lcd', { irq: pic.input(22), clock, log });
  const cards = disks.map(({ bytes, readOnly }, n) => {
    const problem = cardSizeProblem(bytes);
    if (problem !== undefined) throw new RepriseError('BAD_VALUE', problem);
    return new SdCard(`sd${n}`, { bytes, readOnly }, { host: { cardChanged: () => mmci.cardChanged() }, clock });
  });
  const slot = { irq: [pic.input(23), pic.input(24)], card: cards[0] ?? EMPTY_SLOT, clock, log } as const;
  const mmci: Pl181 = new Pl181('mmci', { mclkHz: 14_745_600 }, slot);
  const frames = nics.map(() => new FrameOutput(clock));
  const ethernet = nics.map(({ mac }, n) => new Smc91c111(`nic${n}`, { mac }, { irq: pic.input(27), transmit: frames[n], log }));
  const debug = new IntegratorDebug('debug', { log });

  const windows: readonly (readonly [number, number, AnyDevice])[] = [
    [0x10000000, 8 * MiB, cm],
    [0x13000000, 4 * KiB, timers],
    [0x14000000, 8 * MiB, pic],
    [0x15000000, 4 * KiB, rtc],
    [0x16000000, 4 * KiB, uarts[0]],
    [0x17000000, 4 * KiB, uarts[1]],
    [0x18000000, 4 * KiB, kmi[0]],
    [0x19000000, 4 * KiB, kmi[1]],
    [0x1a000000, 16 * MiB, debug],
    [0x1c000000, 4 * KiB, mmci],
    [0x1d000000, 4 * KiB, aaci],
    [0xc0000000, 4 * KiB, lcd],
    ...ethernet.map((nic): readonly [number, number, AnyDevice] => [0xc8000000, 4 * KiB, nic]),
    [0xca000000, 8 * MiB, sic],
    [0xcb000000, 8 * MiB, control],
  ];
  const devices = [...windows.map(([, , device]) => device), keyboard, mouse, codec, ...cards];
  const scheduler = new Scheduler(devices, { end: () => cpu.endSlice() });
  const bus = new AddressSpace(
    clock,
    scheduler,
    log,
    [
      { base: 0, bytes: ramBytes },
      { base: 0x80000000, bytes: ramBytes },
    ],
    windows.map(([base, bytes, device]) => ({ base, bytes, device })),
  );
  const cpu = new Arm926(memory, bus, engine.accel === 'jit' ? jitOptions(engine.hot, engine.stopwatch) : undefined);
  const readRam = (address: number, length: number): Uint8Array => {
    const offset = bus.ramOffset(address);
    return offset < 0 ? new Uint8Array(0) : memory.bytes.subarray(offset, Math.min(offset + length, memory.bytes.length));
  };
  const plan = planBoot(files, MACHINE_TYPE, ramBytes, (address) => bus.ramOffset(address));

  return new Machine({
    cpu,
    memory,
    addressSpace: bus,
    clock,
    scheduler,
    devices,
    serial: uarts.map((port, n) => ({ output: outputs[n], receiveRoom: () => port.receiveRoom(), receive: (byte) => port.receive(byte) })),
    nics: ethernet.map((nic, n) => ({ output: frames[n], receiveRoom: () => nic.receiveRoom(), receive: (frame) => nic.receive(frame) })),
    disks: cards.map((card) => ({ name: card.name, user: card })),
    keyboard: { codes: QCODES, key: (code, down) => void keyboard.key(code, down) },
    mouse,
    screen: () => renderScreen(lcd.state.fields, readRam, ((cm.state.fields.CM_CTRL >>> 11) & 7) === LCD_MUX_5551 ? '5551' : '565'),
    boot: () => {
      // The switches of the slot: a reset has made all lines low.
      control.cardInserted().set(cards.length > 0);
      control.writeProtect().set(disks.some(({ readOnly }) => readOnly));
      loadSegments(plan, memory, (address) => bus.ramOffset(address));
      const { r0, r1, r2, pc } = plan.registers;
      cpu.dropDerived();
      cpu.r.set([r0, r1, r2]);
      cpu.r[15] = pc & ~1;
      cpu.s.t = pc & 1;
    },
    resetLatch,
  });
}
