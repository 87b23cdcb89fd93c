/**
 * Locks on files that the kernel keeps: it lets go of them when the process ends, in whatever way, and they are of the file
 * itself, not of one of its names.
 *
 * Node has no call for flock(2). But such a lock belongs to the open file, which a child process shares with us: the
 * program `flock` (util-linux, BusyBox) takes it on a descriptor that it inherits, and it stays when that program ends.
 */
import { spawn } from 'node:child_process';
import { fstatSync, readdirSync, readFileSync, statSync } from 'node:fs';

/** Many may have a shared lock; who has an exclusive one is alone. */
export type LockKind = 'shared' | 'exclusive';

/** `unavailable`: the host has no `flock`, or the file system no locks. */
export type LockOutcome = 'locked' | 'in use' | 'unavailable';

/** Locks an open file until its descriptor is closed. Does not wait for others. */
export function lockFile(fd: number, kind: LockKind): Promise<LockOutcome> {
  return new Promise((resolve) => {
    const child = spawn('flock', ['-n', kind === 'shared' ? '-s' : '-x', '3'], { stdio: ['ignore', 'ignore', 'pipe', fd] });
    let complained = false;
    child.stderr?.on('data', () => {
      complained = true;
    });
    child.once('error', () => resolve('unavailable'));
    // BusyBox ends with status 1 for an error, too, but not silently.
    child.once('close', (status) => resolve(status === 0 ? 'locked' : status === 1 && !complained ? 'in use' : 'unavailable'));
  });
}

/** A process whose lock excludes one of this kind on an open file; undefined when the host does not tell. */
export function lockHolder(fd: number, kind: LockKind): number | undefined {
  // The kernel's list of locks names the process that took the lock, which has ended. Who has the file open is found here.
  const excluding = kind === 'shared' ? /^lock:.*\bFLOCK\b.*\bWRITE\b/m : /^lock:.*\bFLOCK\b/m;
  const wanted = fstatSync(fd, { bigint: true });
  for (const pid of entriesOf('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const descriptor of entriesOf(`/proc/${pid}/fd`)) {
      try {
        const { dev, ino } = statSync(`/proc/${pid}/fd/${descriptor}`, { bigint: true });
        if (dev !== wanted.dev || ino !== wanted.ino) continue;
        if (excluding.test(readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8'))) return Number(pid);
      } catch {
        // It was closed meanwhile.
      }
    }
  }
  return undefined;
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Another user's, gone meanwhile, or a host without /proc.
    return [];
  }
}
