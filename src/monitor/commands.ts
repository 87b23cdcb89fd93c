/** The human monitor's commands: QEMU's HMP names and meaning. `help` and docs/monitor.md are made from this table. */
import { ArgumentError } from './arguments.ts';
import type { Command } from './command.ts';
import { INFO, TOPICS, topicLine } from './commands/info.ts';
import { INPUT_COMMANDS } from './commands/input.ts';
import { MEMORY_COMMANDS } from './commands/memory.ts';
import { OUTPUT_COMMANDS } from './commands/output.ts';
import { REPLAY_COMMANDS } from './commands/replay.ts';
import { RUN_STATE_COMMANDS } from './commands/run-state.ts';
import { SNAPSHOT_COMMANDS } from './commands/snapshots.ts';

export const helpLine = ({ names, parameters, help }: Command): string => `${names.join('|')} ${parameters} -- ${help}`;

const HELP: Command = {
  names: ['help', '?'],
  parameters: '[cmd]',
  help: 'show the help',
  complete: () => COMMANDS.map(({ names }) => names[0]),
  run: (_context, args) => {
    const name = args.optionalWord();
    if (name === undefined) return COMMANDS.map(helpLine).join('\n');
    if (name === INFO.names[0]) {
      const topic = args.optionalWord();
      args.end();
      const shown = TOPICS.filter((candidate) => topic === undefined || candidate.name === topic).map(topicLine);
      return (topic === undefined ? [helpLine(INFO), ...shown] : shown).join('\n');
    }
    args.end();
    const command = findCommand(name);
    if (command === undefined) throw new ArgumentError(`unknown command: '${name}'`);
    return helpLine(command);
  },
};

export const COMMANDS: readonly Command[] = [
  ...RUN_STATE_COMMANDS,
  ...SNAPSHOT_COMMANDS,
  ...REPLAY_COMMANDS,
  INFO,
  ...MEMORY_COMMANDS,
  ...INPUT_COMMANDS,
  ...OUTPUT_COMMANDS,
  HELP,
].sort((a, b) => (a.names[0] < b.names[0] ? -1 : 1));

export const findCommand = (name: string): Command | undefined => COMMANDS.find(({ names }) => names.includes(name));
