/** Standard input and output as a character backend. */
import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { RepriseError } from '../../errors/errors.ts';
import type { CharBackend } from '../host.ts';
import { FileBackend } from './char-file.ts';
import { errno, unwritable } from './file-errors.ts';
import { RawTerminal } from './terminal.ts';

const STDOUT = 1;
const NAME = 'standard output';

export interface StdioOptions {
  /** On a terminal Ctrl-C, Ctrl-Z and Ctrl-\ act on this program; otherwise they are input like any other key. */
  readonly signals: boolean;
  /** Whoever read standard output has gone; further output is dropped. */
  readonly hangup: () => void;
  /** Standard output takes no more; further output is dropped. */
  readonly failed: (error: RepriseError) => void;
}

type Output = Pick<CharBackend, 'write' | 'congested' | 'drained' | 'close'>;

export class StdioBackend implements CharBackend {
  private readonly options: StdioOptions;
  private readonly output: Output;
  private terminal: RawTerminal | undefined;
  private receive: ((chunk: Uint8Array) => void) | undefined;

  /** Standard input is left alone, and the terminal as it is, until someone listens. */
  constructor(options: StdioOptions) {
    this.options = options;
    this.output = openOutput(options);
  }

  write(bytes: Uint8Array): void {
    this.output.write(bytes);
  }

  get congested(): boolean {
    return this.output.congested;
  }

  drained(): Promise<void> {
    return this.output.drained();
  }

  onInput(listener: (bytes: Uint8Array) => void): void {
    const { stdin } = process;
    if (stdin.isTTY) this.terminal = new RawTerminal(stdin);
    this.receive = (chunk) => {
      const bytes = new Uint8Array(chunk);
      const input = this.terminal !== undefined && this.options.signals ? this.terminal.takeSignals(bytes) : bytes;
      if (input.length > 0) listener(input);
    };
    // An input that cannot be read, like one that has ended, is no more input.
    stdin.on('error', () => {});
    stdin.on('data', this.receive);
  }

  pauseInput(paused: boolean): void {
    if (this.receive === undefined) return;
    if (paused) process.stdin.pause();
    else process.stdin.resume();
  }

  async close(): Promise<void> {
    if (this.receive !== undefined) {
      process.stdin.off('data', this.receive);
      process.stdin.pause();
      this.receive = undefined;
    }
    this.terminal?.restore();
    this.terminal = undefined;
    await this.output.close();
  }
}

function openOutput(options: StdioOptions): Output {
  const status = fstatSync(STDOUT);
  // Node's own stream for a file loses the rest of a short write, as happens on a full disk.
  if (status.isFIFO() || status.isSocket() || isatty(STDOUT)) return new StreamOutput(process.stdout, options);
  const file = new FileBackend(STDOUT, NAME, options.failed);
  return Object.assign(file, { close: async () => {} });
}

class StreamOutput implements Output {
  private readonly stream: NodeJS.WriteStream;
  private gone = false;
  private draining: Promise<void> | undefined;

  constructor(stream: NodeJS.WriteStream, { hangup, failed }: StdioOptions) {
    this.stream = stream;
    stream.on('error', (error) => {
      if (this.gone) return;
      this.gone = true;
      if (errno(error) === 'EPIPE' || errno(error) === 'ECONNRESET' || errno(error) === 'EIO') hangup();
      else failed(unwritable(NAME, error));
    });
  }

  write(bytes: Uint8Array): void {
    if (!this.gone) this.stream.write(bytes);
  }

  get congested(): boolean {
    return !this.gone && this.stream.writableNeedDrain;
  }

  drained(): Promise<void> {
    if (!this.congested) return Promise.resolve();
    this.draining ??= new Promise((resolve) => {
      const done = () => {
        this.stream.off('drain', done);
        this.stream.off('error', done);
        this.draining = undefined;
        resolve();
      };
      this.stream.on('drain', done);
      this.stream.on('error', done);
    });
    return this.draining;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.gone) resolve();
      else this.stream.write('', () => resolve());
    });
  }
}
