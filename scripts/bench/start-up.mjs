// When a guest is ready for whoever sits in front of it, with compiled code and with the interpreter alone: seconds on a clock
// from the start of the process to the last line before the guest waits for a key.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bench } from './linux.mjs';
import { median } from './measure.mjs';
import { table } from './table.mjs';

const DEMO = fileURLToPath(new URL('../../guest/lost-update.elf', import.meta.url));
const TIERS = ['jit', 'interp'];
/** The demo is ready so soon that a few rounds tell nothing. */
const DEMO_ROUNDS = 5;

/** Seconds until `text` is on the guest's console. @throws Error if the process ends without it */
async function secondsTo(text, command) {
  const begin = performance.now();
  const child = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    let said = '';
    for await (const chunk of child.stdout) {
      said += chunk;
      if (said.includes(text)) return (performance.now() - begin) / 1000;
    }
    throw new Error(`the guest has not said '${text}':\n${said.slice(-500)}`);
  } finally {
    child.kill('SIGKILL');
  }
}

/** @param guest a folder with zImage, integratorcp.dtb and initrd.gz; without one there is the demo alone @returns the lines of the table */
export async function benchStartUp(reprise, guest, rounds) {
  const guests = {
    'the guest of `reprise demo` asks for keys': [
      DEMO_ROUNDS * rounds,
      'try help',
      ['-M', 'integratorcp', '-m', '16', '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-kernel', DEMO],
    ],
  };
  if (existsSync(join(guest, 'zImage')))
    guests['Linux shows a shell prompt'] = [rounds, '/ #', bench(guest).map((word) => (word.startsWith('console=') ? 'console=ttyAMA0' : word))];
  const rows = [];
  for (const [what, [times, text, machine]] of Object.entries(guests)) {
    const seconds = Object.fromEntries(TIERS.map((tier) => [tier, []]));
    for (let round = 0; round < times; round++)
      for (const tier of TIERS) seconds[tier].push(await secondsTo(text, [...reprise, 'run', ...machine, '-accel', tier]));
    const [jit, interp] = TIERS.map((tier) => median(seconds[tier]));
    rows.push([what, jit.toFixed(3), interp.toFixed(3), (jit / interp).toFixed(2), 'at most 1']);
    console.error(`start-up: ${what} after ${jit.toFixed(3)} s`);
  }
  return table(['seconds until', '-accel jit', '-accel interp', 'ratio', 'bound'], rows);
}
