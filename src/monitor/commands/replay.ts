/** Commands that move about in a replay. */
import { requireReplay } from '../../session/require-replay.ts';
import { icount } from '../../time/units.ts';
import type { Command } from '../command.ts';

export const REPLAY_COMMANDS: readonly Command[] = [
  {
    names: ['replay_break'],
    parameters: 'icount',
    help: 'set the breakpoint at the specified instruction count',
    run: ({ session }, args) => {
      const count = args.integer(0, Number.MAX_SAFE_INTEGER);
      args.end();
      requireReplay(session, 'break').setBreakpoint(icount(count));
      return '';
    },
  },
  {
    names: ['replay_delete_break'],
    parameters: '',
    help: 'remove the breakpoint',
    run: ({ session }, args) => {
      args.end();
      requireReplay(session, 'delete-break').deleteBreakpoint();
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
      await requireReplay(session, 'seek').seek(icount(count));
      return '';
    },
  },
  {
    names: ['fork'],
    parameters: 'filename',
    help: 'make a new recording that begins at this moment and goes on live when you say cont',
    run: async ({ session }, args) => {
      const file = args.word('filename');
      args.end();
      await requireReplay(session, 'fork').fork(file);
      return '';
    },
  },
];
