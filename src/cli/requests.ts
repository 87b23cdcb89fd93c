/** Answers to `-help`, `-version`, `-M help`, `-cpu help` and `-nic model=help`. */
import { NIC_MODEL } from '../options/network.ts';
import type { HelpRequest } from '../options/qemu.ts';
import type { Command } from './commands/command.ts';
import { EXIT } from './exit.ts';
import { VERSION } from './version.ts';

const ANSWERS: Readonly<Record<Exclude<HelpRequest, 'help'>, string>> = {
  version: `Reprise ${VERSION}\n`,
  machines: 'Supported machines are:\nintegratorcp         ARM Integrator/CP (ARM926EJ-S)\n',
  cpus: 'Available CPUs:\n  arm926\n',
  nics: `Available NIC models:\n${NIC_MODEL}\n`,
};

/** Prints the answer; always done. */
export function answerRequest(request: HelpRequest, command: Pick<Command, 'name' | 'usage' | 'help'>): number {
  process.stdout.write(request === 'help' ? `usage: ${command.name} ${command.usage}\n\n${command.help()}` : ANSWERS[request]);
  return EXIT.done;
}
