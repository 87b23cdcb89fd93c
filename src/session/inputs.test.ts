import { beforeEach, describe, expect, it } from 'vitest';
import type { Machine } from '../boards/machine.ts';
import type { Input } from '../replay/model.ts';
import { NEVER, ns } from '../time/units.ts';
import { InputDoor } from './inputs.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** As much of a machine as the door looks at: the room in its two serial ports. */
class Ports {
  readonly room = [0, 0];
  readonly serial = [0, 1].map((port) => ({ receiveRoom: () => this.room[port] }));
  nicRoom = 0;
  time = 0;
  now = (): number => this.time;
  readonly nics = [{ receiveRoom: () => this.nicRoom > 0 }];
}

let ports: Ports;
let door: InputDoor;
beforeEach(() => {
  ports = new Ports();
  door = new InputDoor(ports as unknown as Machine);
});

/** Everything that is let in now; serial bytes as text, and room is used up as a port would. */
function drained(): (string | Input)[] {
  const admitted: (string | Input)[] = [];
  door.drain((input) => {
    if (input.kind === 'frame') ports.nicRoom--;
    if (input.kind !== 'serial') admitted.push(input);
    else {
      admitted.push(`${input.port}:${Buffer.from(input.bytes).toString()}`);
      ports.room[input.port] -= input.bytes.length;
    }
  });
  return admitted;
}

describe('the door', () => {
  it('lets keys and mouse in at once, in their order', () => {
    const inputs: Exclude<Input, { kind: 'serial' | 'frame' | 'patch' }>[] = [
      { kind: 'key', code: 'a', down: true },
      { kind: 'mouse-move', dx: 1, dy: -2, dz: 0 },
      { kind: 'key', code: 'a', down: false },
      { kind: 'mouse-buttons', mask: 1 },
    ];
    for (const input of inputs) door.push(input);
    expect(drained()).toEqual(inputs);
    expect(drained()).toEqual([]);
  });

  it('lets in as many serial bytes as the port has room for, and the rest when there is room again', () => {
    door.pushSerial(0, bytes('hello'));
    expect(drained()).toEqual([]);
    ports.room[0] = 2;
    expect(drained()).toEqual(['0:he']);
    expect(drained()).toEqual([]);
    door.pushSerial(0, bytes(' world'));
    ports.room[0] = 16;
    expect(drained()).toEqual(['0:llo world']);
  });

  it('lets frames in while the interface has room, in their order, and drops what no wire would keep', () => {
    const frame = (n: number): Uint8Array => Uint8Array.of(...new Array(13).fill(0), n);
    for (let n = 0; n < 300; n++) door.pushFrame(0, frame(n & 255));
    expect(door.ready()).toBe(false);
    ports.nicRoom = 2;
    expect(door.ready()).toBe(true);
    expect(drained()).toEqual([0, 1].map((n) => ({ kind: 'frame', nic: 0, bytes: frame(n) })));
    ports.nicRoom = 1000;
    expect(drained()).toHaveLength(254);
  });

  it('does not have one port wait for the other', () => {
    door.pushSerial(0, bytes('stuck'));
    door.pushSerial(1, bytes('ok'));
    ports.room[1] = 1;
    expect(drained()).toEqual(['1:o']);
    ports.room.fill(16);
    expect(drained()).toEqual(['0:stuck', '1:k']);
  });

  it('keeps back what comes after the reset button until the machine has been reset', () => {
    ports.room[0] = 16;
    door.push({ kind: 'key', code: 'a', down: true });
    door.push({ kind: 'reset' });
    door.push({ kind: 'key', code: 'b', down: true });
    door.pushSerial(0, bytes('x'));
    expect(drained()).toEqual([{ kind: 'key', code: 'a', down: true }, { kind: 'reset' }]);
    expect(drained()).toEqual([{ kind: 'key', code: 'b', down: true }, '0:x']);
  });

  it('says whether it has something that the machine can take', () => {
    expect(door.ready()).toBe(false);
    door.pushSerial(0, bytes('x'));
    expect(door.ready()).toBe(false);
    ports.room[0] = 1;
    expect(door.ready()).toBe(true);
    drained();
    expect(door.ready()).toBe(false);
    door.push({ kind: 'reset' });
    expect(door.ready()).toBe(true);
  });
});

describe('a host that sends more than the guest takes', () => {
  it('is asked to hold back, once, and to go on when half of it is gone', () => {
    const asked: [number, boolean][] = [];
    for (const port of [0, 1]) door.onPressure(port, (paused) => asked.push([port, paused]));
    door.pushSerial(0, new Uint8Array(4096));
    expect(asked).toEqual([]);
    door.pushSerial(0, new Uint8Array(1));
    door.pushSerial(0, new Uint8Array(100_000));
    expect(asked).toEqual([[0, true]]);
    ports.room[0] = 100_000 + 4097 - 2049;
    drained();
    expect(asked).toEqual([[0, true]]);
    ports.room[0] = 1;
    drained();
    expect(asked).toEqual([
      [0, true],
      [0, false],
    ]);
    ports.room[0] = 10_000;
    drained();
    door.pushSerial(0, new Uint8Array(4097));
    expect(asked).toEqual([
      [0, true],
      [0, false],
      [0, true],
    ]);
  });

  it('lets what is to come later in when its time has come, behind what was asked for before', () => {
    const key = (code: string): Exclude<Input, { kind: 'serial' | 'frame' | 'patch' }> => ({ kind: 'key', code, down: false });
    door.push(key('c'), ns(300));
    door.push(key('a'), ns(100));
    door.push(key('d'), ns(300));
    door.push(key('b'), ns(200));
    expect([door.ready(), door.nextDue(), drained()]).toEqual([false, 100, []]);
    ports.time = 200;
    expect([door.ready(), drained()]).toEqual([true, [key('a'), key('b')]]);
    ports.time = 1000;
    expect([drained(), door.nextDue()]).toEqual([[key('c'), key('d')], NEVER]);
  });

  it('loses nothing', () => {
    const sent = Uint8Array.from({ length: 20_000 }, (_, n) => n % 251);
    for (let at = 0; at < sent.length; at += 777) door.pushSerial(1, sent.subarray(at, at + 777));
    const got: number[] = [];
    for (let n = 0; got.length < sent.length; n++) {
      ports.room[1] = n % 17;
      door.drain((input) => {
        if (input.kind === 'serial') got.push(...input.bytes);
      });
    }
    expect(Uint8Array.from(got)).toEqual(sent);
  });
});

describe('who waits for an input', () => {
  it.each<[string, (door: InputDoor) => void]>([
    ['a byte', (d) => d.pushSerial(0, bytes('x'))],
    ['a key', (d) => d.push({ kind: 'key', code: 'a', down: true })],
    ['a mere call', (d) => d.bell.ring()],
  ])('is woken by %s, once', async (_, act) => {
    const arrived = door.bell.rung();
    act(door);
    await arrived;
    expect(door.bell.rung()).not.toBe(arrived);
    const again = Promise.race([door.bell.rung().then(() => 'woken'), Promise.resolve('waits')]);
    expect(await again).toBe('waits');
  });
});
