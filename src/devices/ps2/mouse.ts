/**
 * PS/2 mouse with a wheel and five buttons: plain PS/2 until the guest asks for IntelliMouse or IntelliMouse
 * Explorer by their series of sample rates.
 *
 * Source: IBM Personal System/2 technical reference, mouse; Microsoft, "IntelliMouse" sample rate sequences.
 * Movement is reported as soon as the controller takes it: the sample rate is stored and limits nothing. Movement
 * that does not fit into a packet or finds the queue full goes into a later packet, so the overflow bits stay 0.
 */
import { bool, i32, u8, u8s } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import { ACK, BAT_OK, Ps2Device, type Ps2Wiring, ps2Output, RESEND } from './ps2-device.ts';

const SCALING_1_1 = 0xe6;
const SCALING_2_1 = 0xe7;
const SET_RESOLUTION = 0xe8;
const STATUS_REQUEST = 0xe9;
const SET_STREAM = 0xea;
const READ_DATA = 0xeb;
const RESET_WRAP = 0xec;
const SET_WRAP = 0xee;
const SET_REMOTE = 0xf0;
const READ_TYPE = 0xf2;
const SET_SAMPLE_RATE = 0xf3;
const ENABLE = 0xf4;
const DISABLE = 0xf5;
const SET_DEFAULT = 0xf6;
const RESET = 0xff;

const PLAIN = 0;
const INTELLIMOUSE = 3;
const EXPLORER = 4;
const DEFAULT_RATE = 100;

export const ps2MouseState = defineState('ps2-mouse', 1, {
  ...ps2Output,
  reporting: bool(false, 'data reporting is enabled'),
  remote: bool(false, 'remote mode: packets are sent when asked for only'),
  wrap: bool(false, 'wrap mode: bytes are echoed'),
  double: bool(false, 'scaling 2:1'),
  resolution: u8(2, 'counts per millimetre: 1 << resolution'),
  rate: u8(DEFAULT_RATE, 'sample rate in 1/s'),
  earlierRates: u8s(2, 'the two sample rates set before, latest first'),
  type: u8(PLAIN, 'device type that the guest is told: 0 PS/2, 3 IntelliMouse, 4 Explorer'),
  command: u8(0, 'command whose argument is due, or 0'),
  buttons: u8(0, 'bit 0 left, 1 right, 2 middle, 3 side, 4 extra'),
  reportedButtons: u8(0, 'buttons in the last packet'),
  dx: i32(0, 'movement to the right that is not yet reported'),
  dy: i32(0, 'movement upwards'),
  dz: i32(0, 'turn of the wheel towards the person'),
  packet: u8s(4, 'bytes of the last packet that the controller took'),
  packetTaken: u8(0, 'bytes in packet; 0 when a command came since'),
});

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** Scaling 2:1 makes slow movement slower and fast movement faster. */
const scaled = (counts: number): number => {
  const size = Math.abs(counts);
  return Math.sign(counts) * (size > 5 ? 2 * size : [0, 1, 1, 3, 6, 9][size]);
};

export class Ps2Mouse extends Ps2Device<typeof ps2MouseState.schema> {
  constructor(name: string, wiring: Ps2Wiring) {
    super(name, ps2MouseState, {}, wiring);
  }

  /** The mouse is moved: to the right, downwards (both in counts), and its wheel is turned away from the person (in clicks). */
  move(dx: number, dy: number, dz: number): void {
    const { s } = this;
    const limit = 1 << 24;
    s.dx = clamp(s.dx + dx, -limit, limit);
    s.dy = clamp(s.dy - dy, -limit, limit);
    if (s.type !== PLAIN) s.dz = clamp(s.dz - dz, -limit, limit);
    this.report();
    this.wiring.host.offered();
  }

  /** The buttons that are down from now on: bit 0 left, 1 right, 2 middle, 3 side, 4 extra. */
  button(mask: number): void {
    this.s.buttons = mask & 0x1f;
    this.report();
    this.wiring.host.offered();
  }

  override put(byte: number): void {
    const { s } = this;
    if (s.wrap && byte !== RESET_WRAP && byte !== RESET) {
      this.answer(byte);
      return;
    }
    if (byte === RESEND) {
      if (s.packetTaken > 0) this.answer(...s.packet.subarray(0, s.packetTaken));
      else this.repeatAnswer();
      return;
    }
    // Reading data is what the counters are for; every other command clears them.
    const keepsCounters = byte === READ_DATA && s.command === 0;
    this.discardQueue();
    s.packetTaken = 0;
    if (!keepsCounters) this.clearCounters();
    if (s.command !== 0) this.argument(byte);
    else this.execute(byte);
  }

  protected override taken(byte: number, fromAnswer: boolean): void {
    const { s } = this;
    if (!fromAnswer) {
      if (s.packetTaken === this.packetLength()) s.packetTaken = 0;
      s.packet[s.packetTaken++] = byte;
    }
    this.report();
  }

  private execute(byte: number): void {
    const { s } = this;
    switch (byte) {
      case SCALING_1_1:
      case SCALING_2_1:
        s.double = byte === SCALING_2_1;
        this.answer(ACK);
        break;
      case SET_RESOLUTION:
      case SET_SAMPLE_RATE:
        s.command = byte;
        this.answer(ACK);
        break;
      case STATUS_REQUEST:
        this.answer(ACK, this.status(), s.resolution, s.rate);
        break;
      case SET_STREAM:
      case SET_REMOTE:
        s.remote = byte === SET_REMOTE;
        this.answer(ACK);
        break;
      case READ_DATA:
        this.answer(ACK, ...this.nextPacket(false));
        break;
      case SET_WRAP:
      case RESET_WRAP:
        s.wrap = byte === SET_WRAP;
        this.answer(ACK);
        break;
      case READ_TYPE:
        this.answer(ACK, s.type);
        break;
      case ENABLE:
      case DISABLE:
        s.reporting = byte === ENABLE;
        this.answer(ACK);
        break;
      case SET_DEFAULT:
        this.setDefaults();
        this.answer(ACK);
        break;
      case RESET:
        this.setDefaults();
        s.wrap = false;
        s.type = PLAIN;
        this.answer(ACK, BAT_OK, PLAIN);
        break;
      default:
        this.refuse(byte);
    }
  }

  private argument(byte: number): void {
    const { s } = this;
    if (s.command === SET_RESOLUTION) s.resolution = byte & 3;
    else this.setRate(byte);
    s.command = 0;
    this.answer(ACK);
  }

  private setRate(rate: number): void {
    const { s } = this;
    const [before, first] = [s.rate, s.earlierRates[0]];
    s.earlierRates.set([before, first]);
    s.rate = rate;
    if (rate === 80 && before === 100 && first === 200) s.type = INTELLIMOUSE;
    else if (rate === 80 && before === 200 && first === 200) s.type = EXPLORER;
  }

  private setDefaults(): void {
    const { s } = this;
    s.reporting = false;
    s.remote = false;
    s.double = false;
    s.resolution = 2;
    s.rate = DEFAULT_RATE;
    s.earlierRates.fill(0);
  }

  private clearCounters(): void {
    this.s.dx = 0;
    this.s.dy = 0;
    this.s.dz = 0;
  }

  private status(): number {
    const { s } = this;
    const left = s.buttons & 1;
    const right = (s.buttons >> 1) & 1;
    const middle = (s.buttons >> 2) & 1;
    return (s.remote ? 0x40 : 0) | (s.reporting ? 0x20 : 0) | (s.double ? 0x10 : 0) | (left << 2) | (middle << 1) | right;
  }

  private packetLength(): number {
    return this.s.type === PLAIN ? 3 : 4;
  }

  /** Queues packets until everything is told or the queue is full. Where a byte is taken from it this is called anew. */
  private report(): void {
    const { s } = this;
    if (!s.reporting || s.remote || s.wrap) return;
    const visible = s.type === EXPLORER ? 0x1f : 7;
    while (this.hasRoom(this.packetLength()) && (s.dx !== 0 || s.dy !== 0 || s.dz !== 0 || (s.buttons ^ s.reportedButtons) & visible)) {
      this.enqueue(this.nextPacket(s.double));
    }
  }

  /** The next packet, which takes what it can hold off the counters. */
  private nextPacket(double: boolean): number[] {
    const { s } = this;
    const limit = double ? 127 : 255;
    const dx = clamp(s.dx, -limit, limit);
    const dy = clamp(s.dy, -limit, limit);
    const dz = clamp(s.dz, -8, 7);
    s.dx -= dx;
    s.dy -= dy;
    s.dz -= dz;
    s.reportedButtons = s.buttons;
    const x = double ? scaled(dx) : dx;
    const y = double ? scaled(dy) : dy;
    const packet = [(s.buttons & 7) | 0x08 | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0), x & 0xff, y & 0xff];
    if (s.type === INTELLIMOUSE) packet.push(dz & 0xff);
    if (s.type === EXPLORER) packet.push((dz & 0x0f) | ((s.buttons & 0x18) << 1));
    return packet;
  }
}
