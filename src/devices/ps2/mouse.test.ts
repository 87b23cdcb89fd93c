import { describe, expect, it } from 'vitest';
import { Bench, deviceContract } from '../contract.suite.ts';
import { Ps2Mouse } from './mouse.ts';
import { Controller } from './ps2-controller.suite.ts';

const INTELLIMOUSE = [0xf3, 200, 0xf3, 100, 0xf3, 80];
const EXPLORER = [0xf3, 200, 0xf3, 200, 0xf3, 80];

function setUp(...commands: number[]) {
  const bench = new Bench();
  const host = new Controller();
  const mouse = new Ps2Mouse('mouse', host.wiring(bench));
  host.port = mouse;
  host.send(...commands);
  return { bench, host, mouse, send: (...bytes: number[]) => host.send(...bytes), take: () => host.take() };
}

deviceContract('PS/2 mouse', (bench) => new Ps2Mouse('mouse', { host: { offered: () => {} }, log: bench.log }), {
  stimulate: (device, choice) => {
    const mouse = device as Ps2Mouse;
    const knock = [...INTELLIMOUSE, ...EXPLORER, 0xf4];
    if (choice % 5 === 0) mouse.put((choice >>> 3) & 0xff);
    else if (choice % 5 === 1) mouse.move(((choice >>> 3) % 2000) - 1000, ((choice >>> 4) % 600) - 300, ((choice >>> 5) % 40) - 20);
    else if (choice % 5 === 2) mouse.button(choice >>> 3);
    else if (choice % 5 === 3) mouse.put(knock[(choice >>> 3) % knock.length]);
    else if (mouse.ready()) mouse.take();
  },
});

describe('PS/2 mouse', () => {
  it('answers the commands with which Linux finds and sets up a mouse', () => {
    const { send } = setUp();
    expect(send(0xff)).toBe('fa aa 00');
    expect(send(0xf2)).toBe('fa 00');
    expect(send(0xe9)).toBe('fa 00 02 64');
    expect(send(0xe8, 0x03, 0xf3, 40, 0xe7, 0xf4)).toBe('fa fa fa fa fa fa');
    expect(send(0xe9)).toBe('fa 30 03 28');
    expect(send(0xf6, 0xe9)).toBe('fa fa 00 02 64');
  });

  it('becomes an IntelliMouse, then an Explorer, when asked, and plain by a reset', () => {
    const { send } = setUp();
    send(...INTELLIMOUSE);
    expect(send(0xf2)).toBe('fa 03');
    send(...EXPLORER);
    expect(send(0xf2)).toBe('fa 04');
    expect(send(0xff, 0xf2)).toBe('fa aa 00 fa 00');
  });

  it('refuses what it does not know', () => {
    const { send, bench } = setUp();
    expect(send(0xe1)).toBe('fe');
    expect(bench.messages).toEqual(['mouse: command 0xe1, which it does not know']);
  });

  it('reports movement once it is enabled: right and up are positive', () => {
    const { mouse, send, take } = setUp();
    mouse.move(5, 5, 0);
    expect(take()).toBe('');
    send(0xf4);
    mouse.move(3, -2, 1);
    expect(take()).toBe('08 03 02');
    mouse.move(-1, 4, 0);
    expect(take()).toBe('38 ff fc');
  });

  it('reports buttons and keeps them in every packet', () => {
    const { mouse, take } = setUp(0xf4);
    mouse.button(1);
    mouse.move(1, 0, 0);
    mouse.button(0x1e);
    mouse.button(0x06);
    mouse.button(0);
    expect(take()).toBe('09 00 00 09 01 00 0e 00 00 08 00 00');
  });

  it('reports the wheel, away from the person as negative, and five buttons', () => {
    const { mouse, send, take } = setUp(...INTELLIMOUSE, 0xf4);
    mouse.move(0, 0, 1);
    mouse.move(0, 0, -1);
    expect(take()).toBe('08 00 00 ff 08 00 00 01');
    send(...EXPLORER);
    mouse.move(0, 0, 1);
    mouse.button(0x18);
    expect(take()).toBe('08 00 00 0f 08 00 00 30');
  });

  it('splits what one packet cannot hold', () => {
    const { mouse, take } = setUp(0xf4);
    mouse.move(300, 256, 0);
    expect(take()).toBe('28 ff 01 28 2d ff');
    const wheel = setUp(...INTELLIMOUSE, 0xf4);
    wheel.mouse.move(0, 0, -9);
    expect(wheel.take()).toBe('08 00 00 07 08 00 00 02');
  });

  it('loses no movement when the controller does not take packets', () => {
    const { mouse, host, take } = setUp(0xf4);
    host.busy = true;
    for (let i = 0; i < 40; i++) mouse.move(1, 0, 0);
    mouse.button(1);
    mouse.button(0);
    const bytes = take()
      .split(' ')
      .map((byte) => Number.parseInt(byte, 16));
    expect(bytes.length % 3).toBe(0);
    let moved = 0;
    for (let i = 0; i < bytes.length; i += 3) moved += bytes[i + 1];
    expect(moved).toBe(40);
  });

  it('scales movement 2:1 in stream mode, not when it is read', () => {
    const { mouse, send, take } = setUp(0xe7, 0xf4);
    for (const counts of [1, 2, 3, 4, 5, 6]) mouse.move(counts, 0, 0);
    expect(take()).toBe('08 01 00 08 01 00 08 03 00 08 06 00 08 09 00 08 0c 00');
    send(0xf5);
    mouse.move(3, 0, 0);
    expect(send(0xeb)).toBe('fa 08 03 00');
  });

  it('reports in remote mode when asked only', () => {
    const { mouse, send, take } = setUp(0xf4, 0xf0);
    mouse.move(7, 0, 0);
    expect(take()).toBe('');
    expect(send(0xeb)).toBe('fa 08 07 00');
    expect(send(0xeb)).toBe('fa 08 00 00');
    expect(send(0xe9)).toBe('fa 60 02 64');
    send(0xea);
    mouse.move(1, 0, 0);
    expect(take()).toBe('08 01 00');
  });

  it('forgets movement and queued packets when another command comes', () => {
    const { mouse, host, send, take } = setUp(0xf4);
    host.busy = true;
    mouse.move(9, 0, 0);
    expect(send(0xf2)).toBe('fa 00');
    expect(take()).toBe('');
  });

  it('echoes in wrap mode, but for the ways out', () => {
    const { send } = setUp(0xee);
    expect(send(0xf2, 0xfe, 0x00)).toBe('f2 fe 00');
    expect(send(0xec)).toBe('fa');
    expect(send(0xf2)).toBe('fa 00');
    expect(send(0xee, 0xff, 0xf2)).toBe('fa fa aa 00 fa 00');
  });

  it('tells pressed buttons in its status', () => {
    const { mouse, send } = setUp();
    mouse.button(1);
    expect(send(0xe9)).toBe('fa 04 02 64');
    mouse.button(6);
    expect(send(0xe9)).toBe('fa 03 02 64');
  });

  it('repeats its last packet or answer', () => {
    const { mouse, send, take } = setUp(0xf4);
    send(0xf2);
    expect(send(0xfe)).toBe('fa 00');
    mouse.move(1, 0, 0);
    mouse.move(2, 0, 0);
    take();
    expect(send(0xfe)).toBe('08 02 00');
  });
});
