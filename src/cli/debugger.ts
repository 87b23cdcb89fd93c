/** Lets gdb and lldb control a session. */

import { Arm926 } from '../cpu/arm/cpu.ts';
import { SessionRunner } from '../debug/session-time.ts';
import type { TimeMachine } from '../debug/time-machine.ts';
import { RepriseError } from '../errors/errors.ts';
import { armDescription } from '../gdb/arm.ts';
import { MachineTarget } from '../gdb/machine-target.ts';
import { GdbServer } from '../gdb/server.ts';
import type { SocketSpec } from '../host/node/char-socket.ts';
import { listenForStreams } from '../host/node/stream-server.ts';
import type { Monitor } from '../monitor/monitor.ts';
import type { SessionControl } from '../session/control.ts';
import type { ControlledRun } from '../session/controlled-run.ts';
import { LiveRun } from '../session/live.ts';
import { GuestChanges } from './guest-changes.ts';

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
  history: TimeMachine | undefined,
  spec: SocketSpec,
  monitor: Pick<Monitor, 'execute'>,
  notice: (text: string) => void,
): Promise<Debugger> {
  const { cpu } = session.machine;
  if (!(cpu instanceof Arm926)) throw new RepriseError('UNKNOWN_MACHINE', 'there is no debugger for this processor');
  const changes = new GuestChanges(session.machine);
  changes.run = recorded(run);
  const target = new MachineTarget(armDescription(cpu), history ?? new SessionRunner(run), history, {
    attach: () => session.stop(),
    detach: () => session.cont(),
    kill: () => session.quit(),
    beforeWrite: () => {
      if (session.mode === 'replay')
        throw new RepriseError(
          'REPLAY_READ_ONLY',
          "a replay is read-only: the guest does what it did; 'monitor fork FILE' makes a new recording that goes on from here",
        );
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
