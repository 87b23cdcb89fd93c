/**
 * PS/2 keyboard: 102 keys, a few Japanese and the multimedia keys, scan code sets 1, 2 and 3.
 *
 * Source: IBM Personal System/2 technical reference, 101- and 102-key keyboard. Commands are answered at once.
 * A key that is held down does not repeat by itself, whatever rate the guest sets: virtual time passes faster or
 * slower than the person's, who would get a hundred letters or none. Whoever feeds the keyboard repeats the press.
 */

import { bool, u8, u8s } from '../../state/fields.ts';
import { defineState } from '../../state/layout.ts';
import type { Nanoseconds } from '../../time/units.ts';
import { ACK, BAT_OK, Ps2Device, type Ps2Wiring, ps2Output, RESEND } from './ps2-device.ts';
import { MODIFIER_BITS, QCODES, type ScanCodeSet, scanCodes, set3Code } from './scancodes.ts';

const SET_LEDS = 0xed;
const ECHO = 0xee;
const SELECT_SET = 0xf0;
const IDENTIFY = 0xf2;
const SET_TYPEMATIC = 0xf3;
const ENABLE = 0xf4;
const DEFAULT_DISABLE = 0xf5;
const SET_DEFAULT = 0xf6;
const ALL_TYPEMATIC = 0xf7;
const ALL_MAKE_BREAK = 0xf8;
const ALL_MAKE = 0xf9;
const ALL_TYPEMATIC_MAKE_BREAK = 0xfa;
const KEY_TYPEMATIC = 0xfb;
const KEY_MAKE_BREAK = 0xfc;
const KEY_MAKE = 0xfd;
const RESET = 0xff;
/** What the guest sends from here on is a command even where an argument is due. */
const FIRST_COMMAND = SET_LEDS;
/** Keys that tell in set 3, unless the guest chooses otherwise, that they are let go. */
const MAKE_BREAK_KEYS = ['shift', 'shift_r', 'ctrl', 'alt', 'caps_lock'] as const;

export const ps2KeyboardState = defineState('ps2-keyboard', 1, {
  ...ps2Output,
  scanning: bool(true, 'keys are reported'),
  set: u8(2, 'scan code set: 1, 2 or 3'),
  leds: u8(0, 'bit 0 Scroll Lock, bit 1 Num Lock, bit 2 Caps Lock'),
  command: u8(0, 'command whose argument is due, or 0'),
  modifiers: u8(0, 'modifier keys that are down, as MODIFIER_BITS'),
  breaks: u8s(32, 'one bit for each set 3 code: the key tells in set 3 that it is let go'),
  lastSent: u8(0, 'last byte that the controller took'),
});

export class Ps2Keyboard extends Ps2Device<typeof ps2KeyboardState.schema> {
  constructor(name: string, wiring: Ps2Wiring) {
    super(name, ps2KeyboardState, {}, wiring);
    this.setDefaults();
  }

  override reset(now: Nanoseconds): void {
    super.reset(now);
    this.setDefaults();
  }

  /**
   * A key is pressed or let go. A press of a key that is down already repeats it.
   * @param qcode its QKeyCode name, one of `QCODES`
   * @returns false when the keyboard has no such key
   */
  key(qcode: string, down: boolean): boolean {
    const { s } = this;
    if (!QCODES.includes(qcode)) return false;
    const modifier = MODIFIER_BITS[qcode] ?? 0;
    if (!down) s.modifiers &= ~modifier;
    const bytes = scanCodes(s.set as ScanCodeSet, qcode, down, s.modifiers);
    if (down) s.modifiers |= modifier;
    const silent = !s.scanning || bytes.length === 0 || (s.set === 3 && !down && !this.sendsBreak(set3Code(qcode)));
    if (silent) return true;
    if (this.hasRoom(bytes.length)) this.enqueue(bytes);
    else this.markOverrun(s.set === 1 ? 0xff : 0x00);
    this.wiring.host.offered();
    return true;
  }

  override put(byte: number): void {
    const { s } = this;
    if (s.command !== 0 && byte < FIRST_COMMAND) {
      this.argument(byte);
      return;
    }
    s.command = 0;
    switch (byte) {
      case SET_LEDS:
      case SET_TYPEMATIC:
        s.command = byte;
        this.answer(ACK);
        break;
      case SELECT_SET:
      case KEY_TYPEMATIC:
      case KEY_MAKE_BREAK:
      case KEY_MAKE:
        s.command = byte;
        this.discardQueue();
        this.answer(ACK);
        break;
      case ECHO:
        this.answer(ECHO);
        break;
      case IDENTIFY:
        this.answer(ACK, 0xab, 0x83);
        break;
      case ENABLE:
        s.scanning = true;
        this.discardQueue();
        this.answer(ACK);
        break;
      case DEFAULT_DISABLE:
      case SET_DEFAULT:
        this.setDefaults();
        if (byte === DEFAULT_DISABLE) s.scanning = false;
        this.answer(ACK);
        break;
      case ALL_TYPEMATIC:
      case ALL_MAKE:
      case ALL_MAKE_BREAK:
      case ALL_TYPEMATIC_MAKE_BREAK:
        s.breaks.fill(byte === ALL_MAKE_BREAK || byte === ALL_TYPEMATIC_MAKE_BREAK ? 0xff : 0);
        this.discardQueue();
        this.answer(ACK);
        break;
      case RESEND:
        this.answer(s.lastSent);
        break;
      case RESET:
        this.setDefaults();
        s.scanning = true;
        this.answer(ACK, BAT_OK);
        break;
      default:
        this.refuse(byte);
    }
  }

  protected override taken(byte: number): void {
    this.s.lastSent = byte;
  }

  /** The argument of the command that is pending. Those that set the type of a key take any number of keys. */
  private argument(byte: number): void {
    const { s } = this;
    switch (s.command) {
      case SET_LEDS:
        s.leds = byte & 7;
        break;
      case SELECT_SET:
        s.command = 0;
        if (byte > 3) {
          this.refuse(byte);
          return;
        }
        if (byte === 0) {
          this.answer(ACK, s.set);
          return;
        }
        s.set = byte;
        break;
      case KEY_TYPEMATIC:
      case KEY_MAKE_BREAK:
      case KEY_MAKE:
        this.setBreak(byte, s.command === KEY_MAKE_BREAK);
        this.answer(ACK);
        return;
    }
    s.command = 0;
    this.answer(ACK);
  }

  private setDefaults(): void {
    const { s } = this;
    s.set = 2;
    s.leds = 0;
    s.breaks.fill(0);
    for (const key of MAKE_BREAK_KEYS) this.setBreak(set3Code(key), true);
    this.discardQueue();
  }

  private sendsBreak(code: number): boolean {
    return (this.s.breaks[code >> 3] & (1 << (code & 7))) !== 0;
  }

  private setBreak(code: number, sends: boolean): void {
    const bit = 1 << (code & 7);
    if (sends) this.s.breaks[code >> 3] |= bit;
    else this.s.breaks[code >> 3] &= ~bit;
  }
}
