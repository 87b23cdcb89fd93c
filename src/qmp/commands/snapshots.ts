/** Snapshots as background jobs. */
import type { SessionControl } from '../../session/control.ts';
import { command, DONE, type QmpCommand } from '../command.ts';
import { QmpError } from '../errors.ts';
import { array, string } from '../schema.ts';

/** What `vmstate` names on a machine without disks, whose snapshots are in the recording. */
const RECORDING = 'recording';

const DELETE = { 'job-id': string, tag: string, devices: array(string) } as const;
const SAVE = { ...DELETE, vmstate: string } as const;

/** A snapshot is of the whole machine, all disks included; so what is named must be there, and that is all that it says. */
function checkNodes({ surroundings }: SessionControl, names: readonly string[]): void {
  const disks = surroundings.disks.filter(({ medium }) => medium !== undefined).map(({ device }) => device);
  const known = disks.length === 0 ? [RECORDING] : disks;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new QmpError(`No block device node '${unknown}'`);
}

const exists = async ({ snapshots }: SessionControl, tag: string): Promise<boolean> => (await snapshots.list()).some(({ name }) => name === tag);

export const SNAPSHOT_COMMANDS: readonly QmpCommand[] = [
  command('snapshot-save', 'save a snapshot of machine and disks, under a tag that is not in use', SAVE, ({ session, jobs }, given) => {
    jobs.start(given['job-id'], 'snapshot-save', async () => {
      checkNodes(session, [given.vmstate, ...given.devices]);
      if (await exists(session, given.tag)) throw new QmpError(`Snapshot '${given.tag}' already exists in one or more devices`);
      await session.snapshots.save(given.tag);
    });
    return DONE;
  }),
  command('snapshot-load', 'restore a snapshot of machine and disks', SAVE, ({ session, jobs }, given) => {
    jobs.start(given['job-id'], 'snapshot-load', async () => {
      checkNodes(session, [given.vmstate, ...given.devices]);
      if (!(await exists(session, given.tag))) throw new QmpError(`Snapshot '${given.tag}' does not exist in one or more devices`);
      await session.snapshots.load(given.tag);
    });
    return DONE;
  }),
  command('snapshot-delete', 'delete a snapshot, if there is one of that tag', DELETE, ({ session, jobs }, given) => {
    jobs.start(given['job-id'], 'snapshot-delete', async () => {
      checkNodes(session, given.devices);
      if (await exists(session, given.tag)) await session.snapshots.delete(given.tag);
    });
    return DONE;
  }),
  command('query-jobs', 'the jobs that have not been dismissed', {}, ({ jobs }) =>
    jobs.list().map(({ id, type, status, error }) => ({
      id,
      type,
      status,
      'current-progress': status === 'concluded' ? 1 : 0,
      'total-progress': 1,
      error,
    })),
  ),
  command('job-dismiss', 'forget a job that is over', { id: string }, ({ jobs }, { id }) => {
    jobs.dismiss(id);
    return DONE;
  }),
];
