/** Guests for whole runs, and what the programs tell of recordings. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { sha256 } from '../../src/host/node/files.ts';
import { loadHasher } from '../../src/replay/hasher.ts';
import type { End, Header } from '../../src/replay/model.ts';
import { readRecording } from '../../src/replay/reader.ts';
import { MemoryFile } from '../../src/replay/recording.suite.ts';
import type { LogRecord } from '../../src/replay/records.ts';
import { ROOT, reprise, type Surroundings } from './program.ts';

/** The options of a machine with the built-in guest, which is always busy until it is told to quit. */
export const LOST_UPDATE = join(ROOT, 'guest/lost-update.elf');
export const LEDGER = ['-M', 'integratorcp', '-m', '16', '-kernel', LOST_UPDATE, '-display', 'none', '-no-reboot'];
/** The last words of its greeting. */
export const LEDGER_READY = 'try help\r\n> ';

const GUESTS = resolve(process.env.REPRISE_GUESTS ?? join(ROOT, '../shared/guests'), 'integratorcp');
export const linuxFile = (name: 'zImage' | 'initrd.gz' | 'integratorcp.dtb'): string => join(GUESTS, name);

/** The options of a machine with Linux; `words` go to its kernel command line. */
export const linux = (words: string): string[] => [
  ...['-M', 'integratorcp', '-m', '128', '-kernel', linuxFile('zImage'), '-dtb', linuxFile('integratorcp.dtb'), '-initrd', linuxFile('initrd.gz')],
  ...['-append', `console=ttyAMA0 ${words}`.trim(), '-display', 'none', '-no-reboot'],
];

/** Whether Linux is there; otherwise says which tests have to do without. */
export function hasLinux(tests: string): boolean {
  const there = (['zImage', 'initrd.gz', 'integratorcp.dtb'] as const).every((name) => existsSync(linuxFile(name)));
  if (!there) console.log(`skipped: ${tests}, because there is no Linux in ${GUESTS} (REPRISE_GUESTS names the folder of guests)`);
  return there;
}

export interface Info {
  readonly truncated: boolean;
  readonly end: string | null;
  readonly final: { readonly icount: number; readonly guestSeconds: number; readonly digest: string | null };
  readonly machine: { readonly append: string; readonly ramBytes: number; readonly rtcBase: number; readonly seed: string };
  readonly inputs: readonly { readonly role: string; readonly embedded: boolean; readonly sha256: string }[];
  readonly start: { readonly snapshot: string; readonly kept: string; readonly icount: number };
  readonly snapshots: readonly { readonly name: string; readonly icount: number }[];
  readonly events: Readonly<Record<string, number>>;
  readonly digests: number;
  readonly checkpoints: { readonly count: number; readonly bytes: number };
  readonly bytes: { readonly file: number; readonly whole: number; readonly inputs: number; readonly log: number };
}

/** What `reprise info` tells of a recording that it can read. */
export async function info(path: string): Promise<Info> {
  const { status, stdout, stderr } = await reprise(['info', path, '--json']);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout.toString());
}

export interface Verdict {
  readonly verified: boolean;
  readonly truncated: boolean;
  readonly final: { readonly icount: number; readonly digest: string | null };
}

/** What `reprise verify` finds, where it finds no fault. */
export async function verify(path: string, surroundings?: Surroundings): Promise<Verdict> {
  const { status, stdout, stderr } = await reprise(['verify', path, '--json'], surroundings);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout.toString());
}

/** Replays a recording on standard output; returns what the guest said. */
export async function replayed(path: string, surroundings?: Surroundings): Promise<Buffer> {
  const { status, stdout, stderr } = await reprise(['replay', path, '-serial', 'stdio'], surroundings);
  expect(status, stderr).toBe(0);
  return stdout;
}

/** All that a recording says of the guest; not when it was made safe. */
export async function recordingIn(path: string): Promise<{ header: Header; log: LogRecord[]; end: End | undefined }> {
  const { header, log, end } = readRecording(new MemoryFile(readFileSync(path)), await loadHasher(), sha256);
  return { header, log: [...log].filter(({ kind }) => kind !== 'progress'), end };
}
