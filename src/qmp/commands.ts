/** QMP's commands: QEMU's names and meaning. docs/monitor.md is made from this table. */
import { command, type QmpCommand } from './command.ts';
import { INPUT_COMMANDS } from './commands/input.ts';
import { OUTPUT_COMMANDS } from './commands/output.ts';
import { QUERY_COMMANDS } from './commands/query.ts';
import { RUN_STATE_COMMANDS } from './commands/run-state.ts';
import { SNAPSHOT_COMMANDS } from './commands/snapshots.ts';

/** The one command of a conversation that has not begun; it is no other's. */
export const NEGOTIATION = 'qmp_capabilities';

const QUERY_COMMAND_NAMES = command('query-commands', 'the commands there are', {}, () =>
  [NEGOTIATION, ...QMP_COMMANDS.map(({ name }) => name)].map((name) => ({ name })),
);

export const QMP_COMMANDS: readonly QmpCommand[] = [
  ...RUN_STATE_COMMANDS,
  ...SNAPSHOT_COMMANDS,
  ...INPUT_COMMANDS,
  ...OUTPUT_COMMANDS,
  ...QUERY_COMMANDS,
  QUERY_COMMAND_NAMES,
].sort((a, b) => (a.name < b.name ? -1 : 1));
