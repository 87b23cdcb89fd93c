/** The programs as a user runs them: built, in processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAMS = { reprise: 'dist/bin/reprise.js', 'reprise-system-arm': 'dist/bin/reprise-system-arm.js' };

if (!existsSync(join(ROOT, PROGRAMS.reprise))) throw new Error('these tests run the built programs; build them first: npm run setup');

/** What a user types to start a program of ours, without its arguments. */
export const commandOf = (program: keyof typeof PROGRAMS): [string, string] => [process.execPath, join(ROOT, PROGRAMS[program])];

export interface Outcome {
  /** 128 and the signal's number for a process that was killed, as a shell has it. */
  readonly status: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly seconds: number;
}

export interface Surroundings {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** What standard input is: kept open to be written to, or at its end from the beginning. */
  readonly input?: 'open' | 'ended';
}

/** Whoever opens a socket or asks for a name ends with status 99. */
export const NO_NETWORK: Surroundings = { env: { NODE_OPTIONS: `--import=${pathToFileURL(join(ROOT, 'tests/support/no-network.mjs')).href}` } };

/** `afterAll`, `afterEach` or `onTestFinished`: when what was started is to be gone. */
export type CleanUp = (act: () => void) => void;

/** For what a `beforeAll` starts: a hook that is registered inside a hook is never called, so this one stands outside. */
export function collected(hook: (act: () => void) => void): CleanUp {
  const acts: (() => void)[] = [];
  hook(() => {
    for (const act of acts.splice(0).reverse()) act();
  });
  return (act) => void acts.push(act);
}

/** A folder that is gone afterwards. */
export function temporaryFolder(cleanUp: CleanUp): string {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-test-'));
  cleanUp(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A process that runs. */
export class Running {
  readonly done: Promise<Outcome>;
  readonly process: ChildProcess;
  private readonly out: Buffer[] = [];
  private err = '';
  /** What of the output `shows` has not yet passed. */
  private unseen = '';
  private changed: () => void = () => {};
  private over = false;

  constructor(command: string, args: readonly string[], { cwd, env, input = 'ended' }: Surroundings = {}) {
    const began = performance.now();
    this.process = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: [input === 'open' ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
    this.process.stdout!.on('data', (chunk: Buffer) => {
      this.out.push(chunk);
      this.unseen += chunk.toString('latin1');
      this.changed();
    });
    this.process.stderr!.on('data', (chunk: Buffer) => {
      this.err += chunk.toString('utf8');
      this.changed();
    });
    // A program that has ended takes no input.
    this.process.stdin?.on('error', () => {});
    this.done = new Promise((settle, fail) => {
      this.process.once('error', fail);
      this.process.once('close', (code, signal) => {
        this.over = true;
        this.changed();
        const seconds = (performance.now() - began) / 1000;
        const status = code ?? 128 + SIGNAL_NUMBERS[signal!]!;
        settle({ status, signal, stdout: Buffer.concat(this.out), stderr: this.err, seconds });
      });
    });
    // Whoever waits for the outcome hears of it there.
    this.done.catch(() => {});
  }

  get stderr(): string {
    return this.err;
  }

  send(input: string | Uint8Array): void {
    this.process.stdin!.write(input);
  }

  endInput(): void {
    this.process.stdin!.end();
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Waits for `text` in what standard output says from where the last wait ended; returns what was passed, `text` included. */
  async shows(text: string, within = 60_000): Promise<string> {
    await this.until(() => this.unseen.includes(text), `'${text}' in the output`, within);
    const end = this.unseen.indexOf(text) + text.length;
    const passed = this.unseen.slice(0, end);
    this.unseen = this.unseen.slice(end);
    return passed;
  }

  /** Waits for `text` on standard error. */
  async says(text: string, within = 60_000): Promise<void> {
    await this.until(() => this.err.includes(text), `'${text}' on standard error`, within);
  }

  private async until(condition: () => boolean, what: string, within: number): Promise<void> {
    const end = performance.now() + within;
    while (!condition()) {
      if (this.over || performance.now() > end)
        throw new Error(
          `there is no ${what} ${this.over ? 'and the program has ended' : `within ${within} ms`}; it ends:\n${this.unseen.slice(-2000)}\n${this.err.slice(-1000)}`,
        );
      await new Promise<void>((settle) => {
        this.changed = settle;
        setTimeout(settle, 100);
      });
    }
  }
}

const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15, SIGHUP: 1, SIGXFSZ: 25 };

/** Starts a program of ours. It does not survive the test. */
export function start(cleanUp: CleanUp, program: keyof typeof PROGRAMS, args: readonly string[], surroundings?: Surroundings): Running {
  const [node, script] = commandOf(program);
  return startCommand(cleanUp, node, [script, ...args], surroundings);
}

/** Starts any command. It does not survive the test. */
export function startCommand(cleanUp: CleanUp, command: string, args: readonly string[], surroundings?: Surroundings): Running {
  const running = new Running(command, args, surroundings);
  cleanUp(() => running.kill('SIGKILL'));
  return running;
}

/** Runs `reprise` to its end. */
export const reprise = (args: readonly string[], surroundings?: Surroundings): Promise<Outcome> => run('reprise', args, surroundings);

/** Runs `reprise-system-arm` to its end. */
export const systemArm = (args: readonly string[], surroundings?: Surroundings): Promise<Outcome> => run('reprise-system-arm', args, surroundings);

function run(program: keyof typeof PROGRAMS, args: readonly string[], surroundings?: Surroundings): Promise<Outcome> {
  const [node, script] = commandOf(program);
  return new Running(node, [script, ...args], surroundings).done;
}

/** A command line of the shell. */
export const shellWords = (words: readonly string[]): string => words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

/** A port of this computer that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

export const pause = (ms: number): Promise<void> => new Promise((settle) => setTimeout(settle, ms));
