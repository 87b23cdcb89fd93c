/** Commands that hold the machine, let it go on, reset it, end the run and move about in a replay. */
import { requireReplay } from '../../session/require-replay.ts';
import { icount } from '../../time/units.ts';
import { command, DONE, type QmpCommand } from '../command.ts';
import { count } from '../schema.ts';

const MODES = { run: 'none', record: 'record', replay: 'play' } as const;

export const RUN_STATE_COMMANDS: readonly QmpCommand[] = [
  command('query-status', 'what the machine is doing', {}, ({ session }) => {
    const status = session.runState();
    return { status, singlestep: false, running: status === 'running' };
  }),
  command('stop', 'hold the machine', {}, async ({ session }) => {
    await session.stop();
    return DONE;
  }),
  command('cont', 'let the machine go on', {}, async ({ session }) => {
    await session.cont();
    return DONE;
  }),
  command('system_reset', 'press the reset button', {}, ({ session }) => {
    session.input({ kind: 'reset' });
    return DONE;
  }),
  command('quit', 'end the run; a recording is kept whole', {}, ({ session }) => {
    session.quit();
    return DONE;
  }),
  command('query-replay', 'whether the run is recorded or replayed, and its instruction count', {}, ({ session }) => ({
    mode: MODES[session.mode],
    filename: session.recordingName,
    icount: session.position().icount,
  })),
  command('replay-break', 'stop the replay when it gets to this instruction count, once', { icount: count }, ({ session }, given) => {
    requireReplay(session, 'break').setBreakpoint(icount(given.icount));
    return DONE;
  }),
  command('replay-delete-break', 'forget the count to stop at', {}, ({ session }) => {
    requireReplay(session, 'delete-break').deleteBreakpoint();
    return DONE;
  }),
  command('replay-seek', 'go to this instruction count, forwards or backwards, and stop there', { icount: count }, async ({ session }, given) => {
    await requireReplay(session, 'seek').seek(icount(given.icount));
    return DONE;
  }),
];
