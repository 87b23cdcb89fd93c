/** Commands that show memory and the values of expressions. */
import type { Arguments } from '../arguments.ts';
import type { Command, MonitorContext } from '../command.ts';
import { dumpMemory, printed } from '../memory-dump.ts';

const FORMATS = 'fmt: a count, x d u o c or i (instructions), b h w or g for 1, 2, 4 or 8 bytes';

function examine(context: MonitorContext, args: Arguments, kind: 'virtual' | 'physical'): Promise<string> {
  const format = args.format(context.format);
  const address = Number(BigInt.asUintN(32, args.expression()));
  args.end();
  context.format = format;
  return context.session.between(() => dumpMemory(context.session.machine, kind, format, address));
}

export const MEMORY_COMMANDS: readonly Command[] = [
  {
    names: ['x'],
    parameters: '/fmt addr',
    help: `virtual memory dump starting at 'addr' (${FORMATS})`,
    run: (context, args) => examine(context, args, 'virtual'),
  },
  {
    names: ['xp'],
    parameters: '/fmt addr',
    help: `physical memory dump starting at 'addr'`,
    run: (context, args) => examine(context, args, 'physical'),
  },
  {
    names: ['print', 'p'],
    parameters: '/fmt expr',
    help: 'print the value of an expression; $r0 … $r15, $sp, $lr, $pc, $cpsr, $spsr and $fpscr stand for registers',
    run: (context, args) => {
      const format = args.format(context.format);
      const value = args.expression();
      args.end();
      context.format = format;
      return printed(value, format.letter);
    },
  },
];
