/** `reprise img`: disk images, with the option names of qemu-img. */
import { RepriseError } from '../../errors/errors.ts';
import { renderHelp } from '../../options/help.ts';
import { suggestion } from '../../options/nearest.ts';
import type { OptionRow } from '../../options/table.ts';
import { EXIT } from '../exit.ts';
import { asksForHelp, type Command } from './command.ts';
import { check } from './img-check.ts';
import { convert } from './img-convert.ts';
import { create } from './img-create.ts';
import { info } from './img-info.ts';
import { parseImg } from './img-options.ts';
import { snapshot } from './img-snapshot.ts';

const COMMANDS = [create, info, check, snapshot, convert] as const;

export const img: Command = {
  name: 'img',
  usage: 'create|info|check|snapshot|convert …',
  summary: 'make, examine and copy disk images',
  help: () => COMMANDS.map(({ name, usage, summary }) => `  ${name} ${usage}\n        ${summary}\n`).join(''),
  async run([name, ...args]) {
    if (name === undefined || (asksForHelp([name]) && args.length === 0)) {
      process.stdout.write(`usage: reprise img ${img.usage}\n\n${img.help()}`);
      return name === undefined ? EXIT.usage : EXIT.done;
    }
    const command = COMMANDS.find((candidate) => candidate.name === name);
    if (command === undefined) {
      const names = COMMANDS.map((candidate) => candidate.name);
      throw new RepriseError('USAGE', `unknown command 'img ${name}'${suggestion(name, names)} (reprise img --help lists them)`);
    }
    if (asksForHelp(args)) {
      process.stdout.write(`usage: reprise img ${name} ${command.usage}\n\n${renderHelp(command.rows as readonly OptionRow<never>[])}`);
      return EXIT.done;
    }
    const { draft, words } = parseImg(command.rows, args);
    return command.run(draft, words);
  },
};
