/** Commands that move about in a replay. */
import { RepriseError } from '../../errors/errors.ts';
import type { ReplayControl, SessionControl } from '../../session/control.ts';
import { icount } from '../../time/units.ts';
import type { Command } from '../command.ts';

/** @throws RepriseError USAGE in QEMU's words for it when this is no replay */
function replayOf({ replay }: SessionControl, refusal: string): ReplayControl {
  if (replay === undefined) throw new RepriseError('USAGE', refusal);
  return replay;
}

export const REPLAY_COMMANDS: readonly Command[] = [
  {
    names: ['replay_break'],
    parameters: 'icount',
    help: 'set the breakpoint at the specified instruction count',
    run: ({ session }, args) => {
      const count = args.integer(0, Number.MAX_SAFE_INTEGER);
      args.end();
      replayOf(session, 'setting the breakpoint is allowed only in play mode').setBreakpoint(icount(count));
      return '';
    },
  },
  {
    names: ['replay_delete_break'],
    parameters: '',
    help: 'remove the breakpoint',
    run: ({ session }, args) => {
      args.end();
      replayOf(session, 'replay breakpoints are allowed only in play mode').deleteBreakpoint();
      return '';
    },
  },
  {
    names: ['replay_seek'],
    parameters: 'icount',
    help: 'go to the specified instruction count, forwards or backwards, and stop there',
    run: async ({ session }, args) => {
      const count = args.integer(0, Number.MAX_SAFE_INTEGER);
      args.end();
      await replayOf(session, 'replay must be enabled to seek').seek(icount(count));
      return '';
    },
  },
];
