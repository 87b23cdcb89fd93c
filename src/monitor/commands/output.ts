/** Commands that write files and tell of the guest's mistakes. */
import { LOG_ITEMS, type LogItem } from '../../boards/guest-log.ts';
import { RepriseError } from '../../errors/errors.ts';
import { formatOf, PICTURE_FORMATS, screenshot } from '../../session/screenshot.ts';
import type { Command } from '../command.ts';

export const OUTPUT_COMMANDS: readonly Command[] = [
  {
    names: ['screendump'],
    parameters: 'filename [-f format]',
    help: `save the screen as an image; formats: ${PICTURE_FORMATS.join(' and ')}, and without one what the name ends in, or ppm`,
    run: async ({ session, host }, args) => {
      const filename = args.word('filename');
      const wanted = args.flag('f') ? args.word() : formatOf(filename);
      args.end();
      const format = PICTURE_FORMATS.find((known) => known === wanted);
      if (format === undefined) throw new RepriseError('BAD_VALUE', `invalid parameter: ${wanted}`);
      host.saveFile(filename, await session.between(() => screenshot(session.machine, format)));
      return '';
    },
  },
  {
    names: ['log'],
    parameters: 'item1[,...]',
    help: `tell, once each, what the guest does that the hardware does not do: ${LOG_ITEMS.join(', ')} or none`,
    complete: () => [...LOG_ITEMS, 'none'],
    run: ({ host }, args) => {
      const items = args.word().split(',');
      args.end();
      const unknown = items.find((item) => item !== 'none' && !LOG_ITEMS.includes(item as LogItem));
      if (unknown !== undefined) throw new RepriseError('BAD_VALUE', `'${unknown}' cannot be logged; ${LOG_ITEMS.join(' and ')} can, or none`);
      host.logGuest(items.includes('none') ? [] : (items as LogItem[]));
      return '';
    },
  },
];
