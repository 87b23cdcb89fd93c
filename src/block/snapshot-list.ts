/** The table of snapshots, as qemu-img and QEMU's monitor print it. */

export interface SnapshotRow {
  readonly id: string;
  readonly name: string;
  readonly vmStateBytes: number;
  readonly date: { readonly seconds: number };
  readonly vmClockNs: number;
  readonly icount: number | undefined;
}

/** A moment (seconds since 1970) as `YYYY-MM-DD hh:mm:ss` in the time zone of the host. */
export type DateText = (seconds: number) => string;

/** Three digits and a unit. */
export function humanSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  const unit = units.findIndex((_, n) => bytes / 1024 ** n < 1000);
  return `${Number((bytes / 1024 ** unit).toPrecision(3))} ${units[unit]}`;
}

function clockText(ns: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const seconds = Math.floor(ns / 1e9);
  const milliseconds = String(Math.floor((ns % 1e9) / 1e6)).padStart(3, '0');
  return `${[Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':')}.${milliseconds}`;
}

const row = (id: string, tag: string, size: string, date: string, clock: string, icount: string): string =>
  `${id.padEnd(9)} ${tag.padEnd(16)} ${size.padStart(8)}${date.padStart(20)}${clock.padStart(13)}${icount.padStart(11)}`;

export function snapshotTable(heading: string, snapshots: readonly SnapshotRow[], dateText: DateText): string {
  return [
    heading,
    row('ID', 'TAG', 'VM SIZE', 'DATE', 'VM CLOCK', 'ICOUNT'),
    ...snapshots.map((s) => row(s.id, s.name, humanSize(s.vmStateBytes), dateText(s.date.seconds), clockText(s.vmClockNs), String(s.icount ?? ''))),
  ].join('\n');
}
