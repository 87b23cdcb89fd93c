/** A serial port and a monitor on one character backend, with Ctrl-A as the key that talks to neither. */
import type { CharBackend } from '../host.ts';

const ESCAPE = 0x01;
/** Bytes that may wait for the side that takes no input, before the backend has to wait: Ctrl-A has to get through. */
const HIGH_WATER = 64 * 1024;

const HELP = `
Ctrl-A h       this help
Ctrl-A c       from the console to the monitor, and back
Ctrl-A x       quit
Ctrl-A Ctrl-A  send Ctrl-A
`.replaceAll('\n', '\r\n');

export class TerminalMux {
  readonly serial: CharBackend;
  readonly monitor: CharBackend;
  private readonly backend: CharBackend;
  private readonly quit: () => void;
  private readonly sides: { readonly serial: Side; readonly monitor: Side };
  private focus: 'serial' | 'monitor' = 'serial';
  private focused: (monitor: boolean) => void = () => {};
  private escaped = false;
  private held = false;

  /**
   * Everything goes to the serial port at first.
   * @param backend stays the caller's to close
   * @param quit called for Ctrl-A x
   */
  constructor(backend: CharBackend, quit: () => void) {
    this.backend = backend;
    this.quit = quit;
    this.sides = { serial: new Side(backend, () => this.adjustPressure()), monitor: new Side(backend, () => this.adjustPressure()) };
    this.serial = this.sides.serial;
    this.monitor = this.sides.monitor;
    backend.onInput((bytes) => this.receive(bytes));
  }

  /** Registers who is told that the monitor has got the keyboard (true), or the serial port. */
  onFocus(listener: (monitor: boolean) => void): void {
    this.focused = listener;
  }

  private receive(bytes: Uint8Array): void {
    let plain: number[] = [];
    const flush = () => {
      if (plain.length > 0) this.sides[this.focus].deliver(Uint8Array.from(plain));
      plain = [];
    };
    for (const byte of bytes) {
      if (this.escaped) {
        this.escaped = false;
        if (byte === ESCAPE) plain.push(byte);
        else {
          flush();
          this.command(String.fromCharCode(byte));
        }
      } else if (byte === ESCAPE) this.escaped = true;
      else plain.push(byte);
    }
    flush();
  }

  private command(key: string): void {
    switch (key) {
      case 'x':
        this.quit();
        break;
      case 'c':
        this.focus = this.focus === 'serial' ? 'monitor' : 'serial';
        this.focused(this.focus === 'monitor');
        break;
      case 'h':
      case '?':
        this.backend.write(new TextEncoder().encode(HELP));
        break;
    }
  }

  private adjustPressure(): void {
    const { serial, monitor } = this.sides;
    const full = Math.max(serial.queued, monitor.queued) > HIGH_WATER;
    if (full === this.held) return;
    this.held = full;
    this.backend.pauseInput(full);
  }
}

/** One of the two: its output goes straight out, its input waits for as long as the side is paused. */
class Side implements CharBackend {
  /** Bytes that wait. */
  queued = 0;
  private readonly backend: CharBackend;
  private readonly changed: () => void;
  private readonly queue: Uint8Array[] = [];
  private listener: ((bytes: Uint8Array) => void) | undefined;
  private paused = false;

  constructor(backend: CharBackend, changed: () => void) {
    this.backend = backend;
    this.changed = changed;
  }

  deliver(bytes: Uint8Array): void {
    this.queue.push(bytes);
    this.queued += bytes.length;
    this.pump();
  }

  write(bytes: Uint8Array): void {
    this.backend.write(bytes);
  }

  get congested(): boolean {
    return this.backend.congested;
  }

  drained(): Promise<void> {
    return this.backend.drained();
  }

  onInput(listener: (bytes: Uint8Array) => void): void {
    this.listener = listener;
    this.pump();
  }

  pauseInput(paused: boolean): void {
    this.paused = paused;
    this.pump();
  }

  /** The backend is closed by whoever opened it. */
  async close(): Promise<void> {}

  private pump(): void {
    // The listener may pause in the middle.
    while (this.listener !== undefined && !this.paused) {
      const bytes = this.queue.shift();
      if (bytes === undefined) break;
      this.queued -= bytes.length;
      this.listener(bytes);
    }
    this.changed();
  }
}
