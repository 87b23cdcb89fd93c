/** Commands that do what a person would do with the keyboard and the mouse. */
import { DEFAULT_HOLD_MS, pressKeys } from '../../session/press-keys.ts';
import type { Command } from '../command.ts';

const MAX_STEP = 0x7fffffff;

export const INPUT_COMMANDS: readonly Command[] = [
  {
    names: ['sendkey'],
    parameters: 'keys [hold_ms]',
    help: `send keys to the VM, such as ctrl-alt-f1; they are held for ${DEFAULT_HOLD_MS} ms of virtual time, or so many as are said`,
    complete: ({ session }, word) => {
      const before = word.slice(0, word.lastIndexOf('-') + 1);
      return session.machine.keyboard.codes.map((code) => before + code);
    },
    run: ({ session }, args) => {
      const keys = args.word().split('-');
      const hold = args.done() ? undefined : args.number(0, MAX_STEP);
      args.end();
      pressKeys(session, keys, hold);
      return '';
    },
  },
  {
    names: ['mouse_move'],
    parameters: 'dx dy [dz]',
    help: 'send mouse move events, and turn the wheel',
    run: ({ session }, args) => {
      const step = (): number => args.number(-MAX_STEP, MAX_STEP);
      const [dx, dy] = [step(), step()];
      const dz = args.done() ? 0 : step();
      args.end();
      session.input({ kind: 'mouse-move', dx, dy, dz });
      return '';
    },
  },
  {
    names: ['mouse_button'],
    parameters: 'state',
    help: 'press the mouse buttons of this mask, and no others: 1 left, 2 right, 4 middle',
    run: ({ session }, args) => {
      const mask = args.number(0, 7);
      args.end();
      session.input({ kind: 'mouse-buttons', mask });
      return '';
    },
  },
];
