/**
 * What some tests need and a checkout does not have: real guests (in `../shared/guests`, or where REPRISE_GUESTS says)
 * and tools of the host. A test without them is skipped, and says so.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const GUESTS = process.env.REPRISE_GUESTS ?? resolve(import.meta.dirname, '../../../shared/guests');

/** A file of a real guest, or undefined with a line that says which test has to do without. */
export function guestFile(name: string, test: string): Uint8Array | undefined {
  const path = join(GUESTS, name);
  if (existsSync(path)) return readFileSync(path);
  console.log(`SKIPPED ${test}: there is no guest file ${name} (set REPRISE_GUESTS to its folder)`);
  return undefined;
}

/** Whether a tool of the host is installed; prints which test has to do without if it is not. */
export function hasTool(tool: string, test: string): boolean {
  if (spawnSync(tool, ['--version']).error === undefined) return true;
  console.log(`SKIPPED ${test}: ${tool} is not installed`);
  return false;
}
