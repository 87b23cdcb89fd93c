import { describe, expect, test } from 'vitest';
import type { CharBackend } from '../host.ts';
import { TerminalMux } from './terminal-mux.ts';

class FakeTerminal implements CharBackend {
  written = '';
  paused = false;
  congested = false;
  type: (bytes: Uint8Array) => void = () => {};
  write(bytes: Uint8Array): void {
    this.written += new TextDecoder().decode(bytes);
  }
  async drained(): Promise<void> {}
  onInput(listener: (bytes: Uint8Array) => void): void {
    this.type = listener;
  }
  pauseInput(paused: boolean): void {
    this.paused = paused;
  }
  async close(): Promise<void> {}
}

function setUp() {
  const terminal = new FakeTerminal();
  const seen = { serial: '', monitor: '', quits: 0, focus: [] as boolean[] };
  const mux = new TerminalMux(terminal, () => seen.quits++);
  mux.onFocus((monitor) => seen.focus.push(monitor));
  const listen = (side: 'serial' | 'monitor') => mux[side].onInput((bytes) => (seen[side] += String.fromCharCode(...bytes)));
  listen('serial');
  listen('monitor');
  const type = (text: string) => terminal.type(Uint8Array.from(text, (char) => char.charCodeAt(0)));
  return { terminal, mux, seen, type };
}

describe('Ctrl-A', () => {
  test('other keys go to the serial port, Ctrl-C too', () => {
    const { seen, type } = setUp();
    type('ls\r\x03\xff\0');
    expect(seen).toEqual({ serial: 'ls\r\x03\xff\0', monitor: '', quits: 0, focus: [] });
  });

  test('c switches to the monitor and back', () => {
    const { seen, type } = setUp();
    type('a\x01cinfo\r\x01cb');
    expect(seen).toEqual({ serial: 'ab', monitor: 'info\r', quits: 0, focus: [true, false] });
  });

  test('x quits, from either side', () => {
    const { seen, type } = setUp();
    type('\x01x');
    expect(seen.quits).toBe(1);
    type('\x01c\x01x');
    expect(seen.quits).toBe(2);
    expect(seen.serial + seen.monitor).toBe('');
  });

  test('twice it is one Ctrl-A, and the two bytes may come apart', () => {
    const { seen, type } = setUp();
    type('\x01\x01x');
    expect(seen.serial).toBe('\x01x');
    type('\x01');
    type('\x01');
    type('\x01');
    type('x');
    expect(seen.serial).toBe('\x01x\x01');
    expect(seen.quits).toBe(1);
  });

  test('h and ? help, with line ends for a raw terminal; unknown keys are dropped', () => {
    const { terminal, seen, type } = setUp();
    type('\x01z');
    expect(terminal.written).toBe('');
    type('\x01h');
    expect(terminal.written).toMatch(/Ctrl-A x {7}quit\r\n/);
    type('\x01?');
    expect(terminal.written.split('quit').length).toBe(3);
    expect(seen.serial).toBe('');
  });
});

test('both sides write to the terminal, whoever has the keyboard', () => {
  const { terminal, mux } = setUp();
  mux.serial.write(Uint8Array.of(65));
  mux.monitor.write(Uint8Array.of(66));
  expect(terminal.written).toBe('AB');
  terminal.congested = true;
  expect(mux.serial.congested && mux.monitor.congested).toBe(true);
});

describe('a side that takes no input', () => {
  test('gets it later, in order, and the monitor and Ctrl-A work meanwhile', () => {
    const { mux, seen, type, terminal } = setUp();
    mux.serial.pauseInput(true);
    type('one ');
    type('two');
    type('\x01chelp\x01x');
    expect(seen).toMatchObject({ serial: '', monitor: 'help', quits: 1 });
    expect(terminal.paused).toBe(false);
    mux.serial.pauseInput(false);
    expect(seen.serial).toBe('one two');
  });

  test('may stop again in the middle', () => {
    const { mux, type } = setUp();
    let got = '';
    mux.serial.pauseInput(true);
    mux.serial.onInput((bytes) => {
      got += String.fromCharCode(...bytes);
      mux.serial.pauseInput(true);
    });
    type('a');
    type('b');
    mux.serial.pauseInput(false);
    expect(got).toBe('a');
    mux.serial.pauseInput(false);
    expect(got).toBe('ab');
  });

  test('holds the terminal up when far too much is waiting', () => {
    const { mux, seen, type, terminal } = setUp();
    mux.serial.pauseInput(true);
    const block = 'x'.repeat(32 * 1024);
    type(block);
    type(block);
    expect(terminal.paused).toBe(false);
    type('y');
    expect(terminal.paused).toBe(true);
    mux.serial.pauseInput(false);
    expect(terminal.paused).toBe(false);
    expect(seen.serial).toBe(`${block}${block}y`);
  });

  test('before anyone listens input waits, too', () => {
    const terminal = new FakeTerminal();
    const mux = new TerminalMux(terminal, () => {});
    terminal.type(Uint8Array.of(65));
    let got = 0;
    mux.serial.onInput((bytes) => (got += bytes.length));
    expect(got).toBe(1);
  });
});
