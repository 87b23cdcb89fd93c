#!/usr/bin/env node
/** `reprise`: the command line. */
import { RepriseError } from '../errors/errors.ts';
import { suggestion } from '../options/nearest.ts';
import type { Command } from './commands/command.ts';
import { demo } from './commands/demo.ts';
import { exportCommand } from './commands/export.ts';
import { find } from './commands/find.ts';
import { img } from './commands/img.ts';
import { info } from './commands/info.ts';
import { lastWriteCommand } from './commands/last-write.ts';
import { record } from './commands/record.ts';
import { replay, verify } from './commands/replay.ts';
import { run } from './commands/run.ts';
import { traceCommand } from './commands/trace.ts';
import { EXIT, runMain } from './exit.ts';
import { VERSION } from './version.ts';

const COMMANDS: readonly Command[] = [record, replay, verify, info, lastWriteCommand, find, traceCommand, exportCommand, run, demo, img];

const usage = (): string =>
  [
    `Reprise ${VERSION}: records the run of a whole computer and plays it back exactly.`,
    '',
    'usage: reprise COMMAND …',
    '',
    ...COMMANDS.map(({ name, usage: rest, summary }) => `  ${`${name} ${rest}`.padEnd(55)} ${summary}`),
    '',
    'reprise COMMAND --help tells the rest; the machine options are those of QEMU.',
    'reprise-system-arm takes the command line of qemu-system-arm as it is.',
    '',
  ].join('\n');

await runMain('reprise', async () => {
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined || name === 'help' || name === '-h' || name === '-help' || name === '--help') {
    process.stdout.write(usage());
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  if (name === '--version' || name === '-version' || name === '-V') {
    process.stdout.write(`Reprise ${VERSION}\n`);
    return EXIT.done;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined)
    throw new RepriseError(
      'USAGE',
      `unknown command '${name}'${suggestion(
        name,
        COMMANDS.map((c) => c.name),
      )} (reprise --help lists them)`,
    );
  return command.run(args);
});
