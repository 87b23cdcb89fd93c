/** For tests with real debuggers: a small machine with a past, behind a socket, and scripted programs in front of it. */
import { spawn } from 'node:child_process';
import type { Arm926 } from '../cpu/arm/cpu.ts';
import { CpuBench, PROBE, PROBE_ALARM } from '../cpu/arm/testing/cpu-bench.suite.ts';
import { BenchTime } from '../debug/bench-time.suite.ts';
import type { TimeMachine } from '../debug/time-machine.ts';
import { RepriseError } from '../errors/errors.ts';
import { listenForStreams } from '../host/node/stream-server.ts';
import { armDescription } from './arm.ts';
import { MachineTarget, type TargetOwner } from './machine-target.ts';
import { GdbServer } from './server.ts';

/** Where the guest keeps its count. */
export const COUNT = 0x9000;

/**
 * Calls a function at 0x8100 that counts at COUNT, for ever; every fourth round it waits for an alarm, whose handler at
 * 0x18 counts in r2. A round has 9 instructions.
 */
export function countingGuest(): CpuBench {
  const bench = new CpuBench();
  bench.arm(0x18, 'add r2, r2, #1', 'str r8, [r7]', 'subs pc, lr, #4');
  bench.arm(0x8000, 'mov r8, r8', 'bl #0x8100', 'tst r1, #3', 'bne #0x8000', 'str r6, [r5]', 'mcr p15, #0, r0, c7, c0, #4', 'b #0x8000');
  bench.arm(0x8100, 'ldr r1, [r3]', 'add r1, r1, #1', 'str r1, [r3]', 'mov r4, r1, lsl #1', 'mov pc, lr');
  bench.cpsr = 0x13;
  bench.pc = 0x8000;
  bench.set({ 3: COUNT, 5: PROBE + PROBE_ALARM, 6: 30, 7: PROBE + 4, 13: 0xf000 });
  return bench;
}

export interface Served<T = TimeMachine> {
  readonly time: T;
  readonly server: GdbServer;
  readonly port: number;
  /** What was asked of the owner, in order. */
  readonly asked: string[];
  close(): Promise<void>;
}

export interface ServeOptions {
  /** The machine can go backwards, and its guest must not be changed. */
  readonly replay: boolean;
  readonly end?: number;
}

/** The counting guest at its start. */
export async function serveBench({ replay, end = 5000 }: ServeOptions): Promise<Served<BenchTime>> {
  const bench = countingGuest();
  const time = new BenchTime(bench, end, Math.max(500, end / 20));
  await time.seek(time.start);
  return serve(time, bench.cpu, replay);
}

/** A run behind a socket. */
export async function serve<T extends TimeMachine>(time: T, cpu: Arm926, replay: boolean): Promise<Served<T>> {
  const asked: string[] = [];
  const owner: TargetOwner = {
    attach: async () => void asked.push('attach'),
    detach: async () => void asked.push('detach'),
    kill: () => void asked.push('kill'),
    beforeWrite: () => {
      if (replay) throw new RepriseError('REPLAY_READ_ONLY', 'a replay is read-only; monitor fork FILE makes a recording that can be changed');
    },
    wroteMemory: () => {},
    wroteRegisters: () => {},
    monitor: async (command) => {
      if (command === 'fail') throw new RepriseError('USAGE', 'no such thing');
      return `you said: ${command}\n${'x'.repeat(command === 'long' ? 20_000 : 0)}`;
    },
  };
  const description = armDescription(cpu);
  const server = new GdbServer(new MachineTarget(() => description, time, replay ? time : undefined, owner));
  const socket = await listenForStreams({ kind: 'tcp', host: '127.0.0.1', port: 0, role: 'server' }, (stream) => server.admit(stream));
  const close = async (): Promise<void> => {
    socket.close();
    await server.close();
  };
  return { time, server, port: Number(socket.address.split(':')[2]), asked, close };
}

/** Runs a program to its end; returns all that it printed. */
export function output(command: string, args: readonly string[], milliseconds = 20_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: milliseconds, killSignal: 'SIGKILL' });
    let text = '';
    child.stdout.on('data', (chunk) => void (text += chunk));
    child.stderr.on('data', (chunk) => void (text += chunk));
    child.once('error', reject);
    child.once('close', (status, signal) => {
      if (signal === null) resolve(text);
      else reject(new Error(`${command} did not end (${status ?? signal}); it said:\n${text}`));
    });
  });
}

/** What gdb prints when it is connected and given these commands; each command is printed before its answer. */
export async function gdb(port: number, ...commands: string[]): Promise<string> {
  const settings = ['set confirm off', 'set pagination off', 'set width 0', 'set architecture armv5te', 'set remotetimeout 10'];
  const script = [...settings, `target remote 127.0.0.1:${port}`, ...commands.flatMap((command) => [`echo > ${command}\\n`, command])];
  return output('gdb-multiarch', ['-nx', '-batch', ...script.flatMap((command) => ['-ex', command])]);
}

/** What was printed after each command. */
export function answers(text: string): string[] {
  return text
    .split(/^> .*$/m)
    .slice(1)
    .map((answer) => answer.trim());
}
/** A register's value in what `info registers` prints. */
export const registerIn = (text: string, name: string): number => Number(new RegExp(`^${name} +(0x[0-9a-f]+)`, 'm').exec(text)?.[1]);
