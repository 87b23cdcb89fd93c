/** Commands that do what a person would do with the keyboard and the mouse. */
import type { PersonInput, SessionControl } from '../../session/control.ts';
import { pressKeys } from '../../session/press-keys.ts';
import { command, DONE, type QmpCommand } from '../command.ts';
import { QmpError } from '../errors.ts';
import type { PointerButtons } from '../pointer-buttons.ts';
import { type ArgumentType, array, boolean, integer, notAccepted, object, oneOf, optional, string, union } from '../schema.ts';

const MAX_EVENTS = 1024;
const MAX_STEP = 0x7fffffff;

const KEY = union({ qcode: string });
const BUTTON = oneOf('left', 'middle', 'right', 'wheel-up', 'wheel-down');
const EVENT = union({
  key: object({ key: KEY, down: boolean }),
  btn: object({ button: BUTTON, down: boolean }),
  rel: object({ axis: oneOf('x', 'y'), value: integer }),
});

type Event = typeof EVENT extends ArgumentType<infer T> ? T : never;

function checkKey({ machine }: SessionControl, code: string): void {
  if (!machine.keyboard.codes.includes(code)) throw notAccepted('data', code);
}

/** What the guest is to see of these events. Steps along both axes that follow each other are one movement. */
function translate(session: SessionControl, buttons: PointerButtons, events: readonly Event[]): PersonInput[] {
  const inputs: PersonInput[] = [];
  const move = (dx: number, dy: number, dz: number): void => {
    const last = inputs.at(-1);
    if (last?.kind !== 'mouse-move') inputs.push({ kind: 'mouse-move', dx, dy, dz });
    else inputs[inputs.length - 1] = { kind: 'mouse-move', dx: last.dx + dx, dy: last.dy + dy, dz: last.dz + dz };
  };
  for (const event of events) {
    if (event.type === 'key') {
      checkKey(session, event.data.key.data);
      inputs.push({ kind: 'key', code: event.data.key.data, down: event.data.down });
    } else if (event.type === 'rel') {
      const { axis, value } = event.data;
      if (Math.abs(value) > MAX_STEP) throw new QmpError(`Parameter 'value' expects a step of at most ${MAX_STEP}`);
      move(axis === 'x' ? value : 0, axis === 'y' ? value : 0, 0);
    } else {
      const { button, down } = event.data;
      if (button === 'wheel-up' || button === 'wheel-down') {
        if (down) move(0, 0, button === 'wheel-up' ? 1 : -1);
      } else inputs.push(buttons.set(button, down));
    }
  }
  const far = inputs.find((input) => input.kind === 'mouse-move' && Math.max(Math.abs(input.dx), Math.abs(input.dy)) > MAX_STEP);
  if (far !== undefined) throw new QmpError(`a movement of more than ${MAX_STEP} steps`);
  return inputs;
}

export const INPUT_COMMANDS: readonly QmpCommand[] = [
  command(
    'send-key',
    'press keys together (QKeyCode names), and release them after a while of virtual time',
    { keys: array(KEY), 'hold-time': optional(integer) },
    ({ session }, given) => {
      const codes = given.keys.map(({ data }) => data);
      for (const code of codes) checkKey(session, code);
      pressKeys(session, codes, given['hold-time']);
      return DONE;
    },
  ),
  command(
    'input-send-event',
    'press or release keys and buttons, and move the mouse; only while the machine runs',
    { device: optional(string), head: optional(integer), events: array(EVENT) },
    ({ session, buttons }, { events }) => {
      if (session.runState() !== 'running') throw new QmpError('VM not running');
      if (events.length > MAX_EVENTS) throw new QmpError(`at most ${MAX_EVENTS} events at a time`);
      for (const input of translate(session, buttons, events)) session.input(input);
      return DONE;
    },
  ),
];
