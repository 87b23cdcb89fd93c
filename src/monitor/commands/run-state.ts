/** Commands that hold the machine, let it go on, reset it and end the run. */
import type { Command } from '../command.ts';

export const RUN_STATE_COMMANDS: readonly Command[] = [
  {
    names: ['stop', 's'],
    parameters: '',
    help: 'stop emulation',
    run: async ({ session }, args) => {
      args.end();
      await session.stop();
      return '';
    },
  },
  {
    names: ['cont', 'c'],
    parameters: '',
    help: 'resume emulation',
    run: async ({ session }, args) => {
      args.end();
      await session.cont();
      return '';
    },
  },
  {
    names: ['system_reset'],
    parameters: '',
    help: 'press the reset button',
    run: ({ session }, args) => {
      args.end();
      session.input({ kind: 'reset' });
      return '';
    },
  },
  {
    names: ['quit', 'q'],
    parameters: '',
    help: 'end the run; a recording is kept whole',
    ends: true,
    run: ({ session }, args) => {
      args.end();
      session.quit();
      return '';
    },
  },
];
