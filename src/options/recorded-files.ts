/** Options that name what went into a recorded machine, where the recording does not contain it. */
import { DRIVE_ROWS, MACHINE_OPTIONS, type QemuDraft } from './qemu.ts';
import type { OptionRow } from './table.ts';

export const FILE_OPTIONS: readonly OptionRow<QemuDraft>[] = MACHINE_OPTIONS.filter(({ names: [name] }) =>
  ['kernel', 'initrd', 'dtb', 'bios'].includes(name),
).map((row) => ({
  ...row,
  group: 'Files',
  help: `the recorded ${row.names[0]}, where the recording does not contain it`,
}));

export const DISKS: readonly OptionRow<QemuDraft>[] = DRIVE_ROWS.map((row) => ({ ...row, group: 'Files' }));
