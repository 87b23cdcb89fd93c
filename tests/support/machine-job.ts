/** A machine's whole run on whatever host: like the core, this knows neither Node nor a browser. */
import type { Engine, Machine } from '../../src/boards/machine.ts';
import { DigestChain } from '../../src/replay/digest-chain.ts';
import { loadHasher } from '../../src/replay/hasher.ts';
import type { Digest, MachineOptions } from '../../src/replay/model.ts';
import { applyInput } from '../../src/session/apply.ts';
import { buildMachine, digestible, type MachineFiles } from '../../src/session/build.ts';
import { type Icount, icount } from '../../src/time/units.ts';

export interface Job {
  readonly options: MachineOptions;
  readonly engine: Engine;
  /** What comes in on the first serial port, a byte each, and at which counts. */
  readonly typed: readonly { readonly at: number; readonly byte: number }[];
  readonly until: number;
}

export interface JobResult {
  /** At the end; its chain goes through the state at each input. */
  readonly digest: Digest;
  readonly said: string;
  readonly statistics?: Readonly<Record<string, number>> | undefined;
}

const SLICE = 1_000_000;

export async function runJob({ options, engine, typed, until }: Job, files: MachineFiles): Promise<JobResult> {
  const machine = buildMachine(options, files, () => {}, engine);
  const chain = new DigestChain(digestible(machine), await loadHasher());
  let said = '';
  const runTo = (count: Icount): Digest => {
    while (machine.icount() < count) step(machine, count);
    machine.serial.forEach(({ output }, port) => {
      const { bytes } = output.take();
      chain.sent(port, bytes);
      if (port === 0) said += String.fromCharCode(...bytes);
    });
    return chain.take({ icount: machine.icount(), bias: machine.clock.state.fields.bias });
  };
  for (const { at, byte } of typed) {
    runTo(icount(at));
    if (!applyInput(machine, { kind: 'serial', port: 0, bytes: Uint8Array.of(byte) }))
      throw new Error(`the guest has not read what came before ${at}`);
  }
  return { digest: runTo(icount(until)), said, statistics: machine.cpu.jitStatistics() };
}

function step(machine: Machine, limit: Icount): void {
  const stop = machine.advance(limit, SLICE);
  if (stop === 'idle') machine.idleUntil(machine.nextWakeup());
  else if (stop === 'reset') machine.reset();
  else if (stop !== 'slice') throw new Error(`nobody here can go on behind '${stop}'`);
}
