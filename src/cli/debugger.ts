/** Lets gdb and lldb control a session. */

import type { Machine } from '../boards/machine.ts';
import { Arm926 } from '../cpu/arm/cpu.ts';
import type { RecordingTime } from '../debug/recording-time.ts';
import { SessionRunner } from '../debug/session-time.ts';
import type { TimeMachine } from '../debug/time-machine.ts';
import { RepriseError } from '../errors/errors.ts';
import { armDescription } from '../gdb/arm.ts';
import { MachineTarget } from '../gdb/machine-target.ts';
import type { CpuDescription } from '../gdb/registers.ts';
import { GdbServer } from '../gdb/server.ts';
import type { SocketSpec } from '../host/node/char-socket.ts';
import { listenForStreams } from '../host/node/stream-server.ts';
import type { Monitor } from '../monitor/monitor.ts';
import type { SessionControl } from '../session/control.ts';
import type { ControlledRun } from '../session/controlled-run.ts';
import { LiveRun } from '../session/live.ts';
import { GuestChanges } from './guest-changes.ts';

/** The past of a run. */
export interface History {
  readonly time: TimeMachine;
  /** The machine at the moment where the debugger is. */
  readonly machine: Machine;
  isPast(): boolean;
  /** The debugger goes: the present is all that counts. */
  leave(): void;
}

export interface Debugger {
  /** The machine goes on in another run, which has no past. */
  follow(run: ControlledRun): void;
  close(): Promise<void>;
}

/**
 * Listens for debuggers.
 * @param run the one that the session stands for now
 * @param history its past, if it can be gone through backwards
 * @param monitor does the commands that a debugger passes on
 * @throws RepriseError ADDRESS_IN_USE
 */
export async function listenForDebugger(
  session: SessionControl,
  run: ControlledRun,
  history: History | undefined,
  spec: SocketSpec,
  monitor: Pick<Monitor, 'execute'>,
  notice: (text: string) => void,
): Promise<Debugger> {
  const describe = described(() => history?.machine ?? session.machine);
  const changes = new GuestChanges(session.machine);
  changes.run = recorded(run);
  const target = new MachineTarget(describe, history?.time ?? new SessionRunner(run), history?.time, {
    attach: () => whileItRuns(session.stop()),
    detach: () => {
      history?.leave();
      return whileItRuns(session.cont());
    },
    kill: () => session.quit(),
    beforeWrite: () => {
      if (session.mode === 'replay' || history?.isPast())
        throw new RepriseError(
          'REPLAY_READ_ONLY',
          session.mode === 'replay'
            ? "a replay is read-only: the guest does what it did; 'monitor fork FILE' makes a new recording that goes on from here"
            : 'the past is read-only; continue to the present first',
        );
      if (session.mode === 'record' && session.machine.cpu.debug.midway)
        throw new RepriseError('BAD_VALUE', 'the guest is just taking an interrupt; step once, then change it');
      changes.begin();
    },
    wroteMemory: (space, address, bytes) => changes.memory(space, address, bytes),
    wroteRegisters: () => changes.registers(),
    monitor: (line) => monitor.execute(line),
  });
  const server = new GdbServer(target);
  const socket = await listenForStreams(spec, (stream) => server.admit(stream));
  notice(`gdb can connect: target remote ${socket.address.replace(/^(tcp|unix):/, '')}`);
  return {
    follow: (next) => {
      history = undefined;
      changes.run = recorded(next);
      target.follow(new SessionRunner(next), undefined);
    },
    async close() {
      socket.close();
      await server.close();
    },
  };
}

const recorded = (run: ControlledRun): LiveRun | undefined => (run instanceof LiveRun ? run : undefined);

/** A run that is over needs no more of a debugger. */
async function whileItRuns(asked: Promise<void>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!(error instanceof RepriseError) || error.code !== 'RUN_ENDED') throw error;
  }
}

/** Descriptions of the CPUs that stand for a moment, each made once. */
function described(machine: () => Machine): () => CpuDescription {
  const known = new Map<Machine, CpuDescription>();
  return () => {
    const present = machine();
    let description = known.get(present);
    if (description === undefined) {
      const { cpu } = present;
      if (!(cpu instanceof Arm926)) throw new RepriseError('UNKNOWN_MACHINE', 'there is no debugger for this processor');
      known.set(present, (description = armDescription(cpu)));
    }
    return description;
  };
}

/** The past of a replay is the replay itself. */
export const historyOfReplay = (time: TimeMachine, session: SessionControl): History => ({
  time,
  get machine() {
    return session.machine;
  },
  isPast: () => false,
  leave: () => {},
});

export const historyOfRecording = (time: RecordingTime): History => ({
  time,
  get machine() {
    return time.machine;
  },
  isPast: () => time.isPast,
  leave: () => time.toPresent(),
});
