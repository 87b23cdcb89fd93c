import { describe, expect, it } from 'vitest';
import { Bench, deviceContract } from '../contract.suite.ts';
import { Ps2Keyboard } from './keyboard.ts';
import { Controller } from './ps2-controller.suite.ts';
import { QCODES } from './scancodes.ts';

function setUp() {
  const bench = new Bench();
  const host = new Controller();
  const keyboard = new Ps2Keyboard('keyboard', host.wiring(bench));
  host.port = keyboard;
  return { bench, host, keyboard, send: (...bytes: number[]) => host.send(...bytes), take: () => host.take() };
}

deviceContract('PS/2 keyboard', (bench) => new Ps2Keyboard('keyboard', { host: { offered: () => {} }, log: bench.log }), {
  stimulate: (device, choice) => {
    const keyboard = device as Ps2Keyboard;
    if (choice % 3 === 0) keyboard.put((choice >>> 2) & 0xff);
    else if (choice % 3 === 1) keyboard.key(QCODES[(choice >>> 3) % QCODES.length], (choice & 4) !== 0);
    else if (keyboard.ready()) keyboard.take();
  },
});

describe('PS/2 keyboard', () => {
  it('reports keys in set 2 out of reset', () => {
    const { keyboard, take } = setUp();
    keyboard.key('a', true);
    keyboard.key('a', false);
    keyboard.key('up', true);
    keyboard.key('up', false);
    expect(take()).toBe('1c f0 1c e0 75 e0 f0 75');
    expect(keyboard.key('no_such_key', true)).toBe(false);
    expect(take()).toBe('');
  });

  it('answers the commands with which Linux finds and sets up a keyboard', () => {
    const { keyboard, send } = setUp();
    expect(send(0xff)).toBe('fa aa');
    expect(send(0xf2)).toBe('fa ab 83');
    expect(send(0xed, 0x02)).toBe('fa fa');
    expect(keyboard.state.fields.leds).toBe(2);
    expect(send(0xf3, 0x00)).toBe('fa fa');
    expect(send(0xf4)).toBe('fa');
    expect(send(0xee)).toBe('ee');
  });

  it('refuses what it does not know, and takes a command where an argument was due', () => {
    const { bench, send } = setUp();
    expect(send(0x12)).toBe('fe');
    expect(bench.messages).toEqual(['keyboard: command 0x12, which it does not know']);
    expect(send(0xed, 0xf2)).toBe('fa fa ab 83');
    expect(send(0x00)).toBe('fe');
    expect(send(0xf0, 0x04)).toBe('fa fe');
  });

  it('selects and tells its scan code set', () => {
    const { keyboard, send, take } = setUp();
    const press = () => {
      keyboard.key('ctrl', true);
      keyboard.key('ctrl', false);
      keyboard.key('meta_l', true);
      keyboard.key('meta_l', false);
      return take();
    };
    expect(send(0xf0, 0)).toBe('fa fa 02');
    expect(press()).toBe('14 f0 14 e0 1f e0 f0 1f');
    expect(send(0xf0, 1)).toBe('fa fa');
    expect(press()).toBe('1d 9d e0 5b e0 db');
    expect(send(0xf0, 3)).toBe('fa fa');
    expect(press()).toBe('11 f0 11 8b');
    expect(send(0xf0, 0)).toBe('fa fa 03');
    expect(send(0xf6, 0xf0, 0)).toBe('fa fa fa 02');
  });

  it('tells in set 3 that a key is let go as the guest wants it', () => {
    const { keyboard, send, take } = setUp();
    send(0xf0, 3);
    const press = () => {
      keyboard.key('a', true);
      keyboard.key('a', false);
      keyboard.key('ctrl', true);
      keyboard.key('ctrl', false);
      return take();
    };
    expect(press()).toBe('1c 11 f0 11');
    send(0xfa);
    expect(press()).toBe('1c f0 1c 11 f0 11');
    send(0xf9);
    expect(press()).toBe('1c 11');
    expect(send(0xfc, 0x1c, 0x11)).toBe('fa fa fa');
    expect(press()).toBe('1c f0 1c 11 f0 11');
    expect(send(0xfd, 0x1c)).toBe('fa fa');
    expect(press()).toBe('1c 11 f0 11');
  });

  it.each([
    ['alone', [], 'e0 12 e0 7c e0 f0 7c e0 f0 12'],
    ['with Shift', ['shift_r'], 'e0 7c e0 f0 7c'],
    ['with Ctrl', ['ctrl'], 'e0 7c e0 f0 7c'],
    ['with Alt', ['alt'], '84 f0 84'],
  ])('sends Print Screen %s', (_, held, expected) => {
    const { keyboard, take } = setUp();
    for (const key of held) keyboard.key(key, true);
    take();
    keyboard.key('print', true);
    keyboard.key('print', false);
    expect(take()).toBe(expected);
  });

  it('sends Pause when it is pressed only, and Break with Ctrl', () => {
    const { keyboard, send, take } = setUp();
    const press = () => {
      keyboard.key('pause', true);
      keyboard.key('pause', false);
      return take();
    };
    expect(press()).toBe('e1 14 77 e1 f0 14 f0 77');
    keyboard.key('ctrl', true);
    take();
    expect(press()).toBe('e0 7e e0 f0 7e');
    keyboard.key('ctrl', false);
    send(0xf0, 1);
    expect(press()).toBe('e1 1d 45 e1 9d c5');
  });

  it('gives every key codes of its own in sets 1 and 2, with the same bytes back when it is let go', () => {
    const { keyboard, send, take } = setUp();
    const aliases = ['asterisk', 'sysrq'];
    for (const set of [1, 2]) {
      send(0xf0, set);
      const seen = new Map<string, string>();
      for (const key of QCODES.filter((name) => !aliases.includes(name))) {
        keyboard.key(key, true);
        const make = take();
        keyboard.key(key, false);
        expect(take() === '', key).toBe(key === 'pause');
        expect(seen.get(make), `${key} in set ${set}`).toBeUndefined();
        seen.set(make, key);
      }
    }
  });

  it('is silent while it is disabled, and enables scanning again when it is reset', () => {
    const { keyboard, send, take } = setUp();
    expect(send(0xf5)).toBe('fa');
    keyboard.key('a', true);
    expect(take()).toBe('');
    send(0xff);
    keyboard.key('a', true);
    expect(take()).toBe('1c');
  });

  it('keeps 16 bytes for a controller that does not take them, then marks the loss once', () => {
    const { keyboard, host, take } = setUp();
    host.busy = true;
    for (let i = 0; i < 15; i++) keyboard.key('a', true);
    keyboard.key('up', true);
    keyboard.key('up', true);
    const expected = `${'1c '.repeat(15)}00`;
    expect(take()).toBe(expected);
    for (let i = 0; i < 20; i++) keyboard.key('a', true);
    expect(take()).toBe(`${'1c '.repeat(16)}00`);
  });

  it('answers a command before it goes on with the keys', () => {
    const { keyboard, host, send } = setUp();
    host.busy = true;
    keyboard.key('a', true);
    expect(send(0xed)).toBe('fa 1c');
  });

  it('throws away queued keys when it is enabled', () => {
    const { keyboard, host, send } = setUp();
    host.busy = true;
    keyboard.key('a', true);
    expect(send(0xf4)).toBe('fa');
  });

  it('repeats its last byte', () => {
    const { keyboard, send, take } = setUp();
    send(0xf2);
    expect(send(0xfe)).toBe('83');
    keyboard.key('b', true);
    take();
    expect(send(0xfe)).toBe('32');
  });
});
