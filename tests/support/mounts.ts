/** Programs in small worlds of their own, in which file systems are mounted as a test needs them. */
import { spawnSync } from 'node:child_process';
import { type CleanUp, type Running, type Surroundings, startCommand } from './program.ts';

/** Whether mounts are possible here; prints which tests have to do without if they are not. */
export function canMount(tests: string): boolean {
  if (spawnSync('unshare', ['-rm', 'true']).status === 0) return true;
  console.log(`SKIPPED ${tests}: unshare -rm does not work here`);
  return false;
}

/** Starts a command after a line of the shell that mounts; nobody else sees the mounts. */
export const startAfter = (cleanUp: CleanUp, mounts: string, command: readonly string[], surroundings?: Surroundings): Running =>
  startCommand(cleanUp, 'unshare', ['-rm', 'sh', '-ec', `${mounts}; exec "$@"`, 'sh', ...command], surroundings);

/** A line that makes a folder read-only, for root as well. */
export const readOnly = (folder: string): string =>
  `mount --bind '${folder}' '${folder}'; mount -o remount,bind,ro '${folder}'; if touch '${folder}/x' 2> /dev/null; then exit 9; fi`;
