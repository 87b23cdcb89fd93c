/** Pictures of the screen, and the way to the human monitor. */
import { formatOf, PICTURE_FORMATS, screenshot } from '../../session/screenshot.ts';
import { command, DONE, type QmpCommand } from '../command.ts';
import { integer, oneOf, optional, string } from '../schema.ts';

export const OUTPUT_COMMANDS: readonly QmpCommand[] = [
  command(
    'screendump',
    'save the screen as an image; without a format as what the name ends in, or PPM',
    { filename: string, device: optional(string), head: optional(integer), format: optional(oneOf(...PICTURE_FORMATS)) },
    async ({ session, host }, { filename, format }) => {
      host.saveFile(filename, await session.between(() => screenshot(session.machine, format ?? formatOf(filename))));
      return DONE;
    },
  ),
  command(
    'human-monitor-command',
    'run a command line of the human monitor, and return what it prints',
    { 'command-line': string, 'cpu-index': optional(integer) },
    async ({ host }, given) => {
      const output = await host.humanMonitor(given['command-line']);
      return output === '' ? '' : `${output}\n`.replaceAll('\n', '\r\n');
    },
  ),
];
