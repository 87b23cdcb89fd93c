/** The human monitor's commands (QEMU's HMP names and meaning), as a table that `help` prints. */
import { encode } from 'fast-png';
import { RepriseError } from '../errors/errors.ts';
import type { LiveRun } from '../session/live.ts';
import { registerDump } from './registers.ts';

/** What the monitor may ask of the program around it. */
export interface MonitorHost {
  readonly version: string;
  /** Writes a file that the user named. @throws RepriseError FILE_UNWRITABLE */
  saveFile(path: string, bytes: Uint8Array): void;
}

interface Command {
  readonly name: string;
  readonly parameters: string;
  readonly help: string;
  /** Returns what to print. @throws RepriseError USAGE and others */
  run(live: LiveRun, args: readonly string[], host: MonitorHost): string;
}

/** How long `sendkey` holds its keys is up to the guest's next look: they go down in order and up in reverse. */
const MAX_KEYS = 16;

const usage = (command: string, parameters: string): never => {
  throw new RepriseError('USAGE', `usage: ${command} ${parameters}`);
};

function integer(text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || text.trim() === '' || !Number.isInteger(value) || Math.abs(value) > 0x7fffffff) {
    throw new RepriseError('BAD_VALUE', `'${text ?? ''}' is not a whole number`);
  }
  return value;
}

const INFO: Readonly<Record<string, { help: string; show: (live: LiveRun, host: MonitorHost) => string }>> = {
  version: { help: 'version of Reprise', show: (_, host) => host.version },
  status: { help: 'whether the machine runs', show: (live) => `VM status: ${live.runState()}` },
  replay: {
    help: 'recording and the current instruction count',
    show: (live) => `${live.mode === 'record' ? 'Recording' : 'Not recording'}: current instruction count = ${live.machine.icount()}`,
  },
  registers: { help: "the CPU's registers", show: (live) => registerDump(live.machine.cpu.state) },
};

export const COMMANDS: readonly Command[] = [
  {
    name: 'help',
    parameters: '[command]',
    help: 'show this list, or one command',
    run: (_live, [name]) => {
      const shown = COMMANDS.filter((command) => name === undefined || command.name === name);
      if (shown.length === 0) throw new RepriseError('USAGE', `unknown command: '${name}'`);
      return shown.map(({ name: n, parameters, help }) => `${`${n} ${parameters}`.padEnd(30)} ${help}`).join('\n');
    },
  },
  {
    name: 'info',
    parameters: Object.keys(INFO).join('|'),
    help: 'show something about the machine',
    run: (live, [what], host) => {
      const topic = what !== undefined && Object.hasOwn(INFO, what) ? INFO[what] : undefined;
      if (topic === undefined)
        return Object.entries(INFO)
          .map(([name, { help }]) => `info ${name.padEnd(12)} ${help}`)
          .join('\n');
      return topic.show(live, host);
    },
  },
  {
    name: 'stop',
    parameters: '',
    help: 'hold the machine',
    run: (live) => {
      void live.stop();
      return '';
    },
  },
  {
    name: 'cont',
    parameters: '',
    help: 'let the machine go on',
    run: (live) => {
      void live.cont();
      return '';
    },
  },
  {
    name: 'system_reset',
    parameters: '',
    help: 'press the reset button',
    run: (live) => {
      live.inputs.push({ kind: 'reset' });
      return '';
    },
  },
  {
    name: 'sendkey',
    parameters: 'key[-key…]',
    help: 'press keys together, such as ctrl-alt-f1 or shift-a',
    run: (live, [chord]) => {
      const keys = chord?.split('-') ?? usage('sendkey', 'key[-key…]');
      if (keys.length > MAX_KEYS) throw new RepriseError('BAD_VALUE', `at most ${MAX_KEYS} keys at a time`);
      const unknown = keys.find((key) => !live.machine.keyboard.knows(key));
      if (unknown !== undefined) throw new RepriseError('BAD_VALUE', `unknown key: '${unknown}'`);
      for (const code of keys) live.inputs.push({ kind: 'key', code, down: true });
      for (const code of [...keys].reverse()) live.inputs.push({ kind: 'key', code, down: false });
      return '';
    },
  },
  {
    name: 'mouse_move',
    parameters: 'dx dy [dz]',
    help: 'move the mouse, and turn its wheel',
    run: (live, [dx, dy, dz]) => {
      if (dy === undefined) usage('mouse_move', 'dx dy [dz]');
      live.inputs.push({ kind: 'mouse-move', dx: integer(dx), dy: integer(dy), dz: dz === undefined ? 0 : integer(dz) });
      return '';
    },
  },
  {
    name: 'mouse_button',
    parameters: 'state',
    help: 'press the mouse buttons of this mask: 1 left, 2 right, 4 middle',
    run: (live, [state]) => {
      const mask = integer(state);
      if (mask < 0 || mask > 7) throw new RepriseError('BAD_VALUE', 'the mask of buttons is 0 to 7');
      live.inputs.push({ kind: 'mouse-buttons', mask });
      return '';
    },
  },
  {
    name: 'screendump',
    parameters: 'FILE.png',
    help: 'save the picture on the screen',
    run: (live, [file], host) => {
      const path = file ?? usage('screendump', 'FILE.png');
      const picture = live.machine.screen();
      if (picture === undefined) throw new RepriseError('BAD_VALUE', 'the guest has not switched its screen on');
      const { width, height, rgba } = picture;
      host.saveFile(path, encode({ width, height, data: rgba, channels: 4, depth: 8 }));
      return '';
    },
  },
  {
    name: 'quit',
    parameters: '',
    help: 'end the run; a recording is kept whole',
    run: (live) => {
      live.quit('quit');
      return '';
    },
  },
];
