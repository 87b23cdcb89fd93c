/** Commands that tell what the machine is and what it is connected to. */
import type { DiskSummary } from '../../session/control.ts';
import { command, type QmpCommand, type Result } from '../command.ts';

type Medium = NonNullable<DiskSummary['medium']>;

/** `major.minor.micro` as QAPI's `VersionTriple` has it. */
export function versionObject(version: string): Result {
  const [major, minor, micro] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  return { qemu: { major, minor, micro: micro ?? 0 }, package: 'Reprise' };
}

/** QAPI `BlockDeviceInfo`. A node has the name of its device; there is no throttling. */
const nodeInfo = (device: string, { file, format, sizeBytes, readOnly, backing }: Medium): Result => ({
  'node-name': device,
  file,
  drv: format,
  ro: readOnly,
  encrypted: false,
  backing_file: backing[0],
  backing_file_depth: backing.length,
  detect_zeroes: 'off',
  cache: { writeback: true, direct: false, 'no-flush': false },
  image: { filename: file, format, 'virtual-size': sizeBytes, 'backing-filename': backing[0] },
  bps: 0,
  bps_rd: 0,
  bps_wr: 0,
  iops: 0,
  iops_rd: 0,
  iops_wr: 0,
  write_threshold: 0,
});

export const QUERY_COMMANDS: readonly QmpCommand[] = [
  command('query-version', 'the version of Reprise', {}, ({ host }) => versionObject(host.version)),
  command('query-name', 'the name of the guest, which has none', {}, () => ({})),
  command('query-block', 'the disk drives', {}, ({ session }) =>
    session.surroundings.disks.map(({ device, medium }) => ({
      device,
      locked: false,
      removable: true,
      type: 'unknown',
      inserted: medium && nodeInfo(device, medium),
    })),
  ),
  command('query-named-block-nodes', 'the disk images', {}, ({ session }) =>
    session.surroundings.disks.flatMap(({ device, medium }) => (medium === undefined ? [] : [nodeInfo(device, medium)])),
  ),
  command('query-chardev', 'the character devices', {}, ({ session }) =>
    session.surroundings.characterDevices.map((line) => {
      const [label, filename] = line.split(/: filename=(.*)/s);
      return { label, filename: filename ?? '', 'frontend-open': true };
    }),
  ),
];
