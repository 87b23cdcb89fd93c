/** The disk options: `-drive`, `-sd`, `-snapshot`, as QEMU has them, and `-allow-backing`. */
import type { ImageFormat } from '../block/open.ts';
import { RepriseError } from '../errors/errors.ts';
import { readSuboptions, type Suboptions } from './suboptions.ts';
import type { OptionRow } from './table.ts';
import { badValue, parseChoice, parseSwitch } from './values.ts';

/** A disk of the machine and where its content is. */
export interface DriveSpec {
  /** QEMU's name of the drive. */
  readonly id: string;
  /** The image. */
  readonly file: string;
  /** Found out when undefined. */
  readonly format: ImageFormat | undefined;
  /** The guest finds it write-protected. */
  readonly readOnly: boolean;
  /** `snapshot=on`: what the guest writes is gone afterwards. */
  readonly temporary: boolean;
  /** Undefined: there is no blkreplay around it. */
  readonly blkreplay: { readonly overlay: string | undefined } | undefined;
  /** Files that images may be based on although they lie elsewhere. */
  readonly allowedBacking: readonly string[];
}

type Interface = 'none' | 'sd';

interface DriveDraft {
  /** As it was written, for messages. */
  readonly where: string;
  id: string | undefined;
  interface: Interface | undefined;
  readOnly: boolean;
  blkreplay: boolean;
  file: string | undefined;
  format: ImageFormat | undefined;
  snapshot: boolean | undefined;
  image: string | undefined;
  overlay: string | undefined;
}

/** The options while they are gathered. */
export interface DrivesDraft {
  readonly drives: DriveDraft[];
  /** All drives that do not say otherwise are temporary. */
  snapshot: boolean;
  readonly allowedBacking: string[];
}

export const newDrivesDraft = (): DrivesDraft => ({ drives: [], snapshot: false, allowedBacking: [] });

/**
 * Suboptions that change nothing here, with the values of which that is true: every flush of the guest reaches the host's
 * disk, discarded blocks are given up, and a host that takes no more stops the machine.
 */
const WITHOUT_EFFECT: Readonly<Record<string, readonly string[]>> = {
  media: ['disk'],
  index: ['0'],
  bus: ['0'],
  unit: ['0'],
  cache: ['writeback', 'none', 'unsafe'],
  aio: ['threads', 'native', 'io_uring'],
  discard: ['ignore', 'off', 'unmap', 'on'],
  werror: ['enospc', 'stop'],
  rerror: ['stop'],
};

function newDrive(where: string): DriveDraft {
  return {
    where,
    id: undefined,
    interface: undefined,
    readOnly: false,
    blkreplay: false,
    file: undefined,
    format: undefined,
    snapshot: undefined,
    image: undefined,
    overlay: undefined,
  };
}

function driveSuboptions(drive: DriveDraft): Suboptions {
  const readOnly = (value: string, where: string): void => void (drive.readOnly = parseSwitch(value, where));
  const withoutEffect = Object.entries(WITHOUT_EFFECT).map(([key, values]) => [
    key,
    (value: string, where: string) => void parseChoice(value, where, values),
  ]);
  return {
    file: (value) => void (drive.file = value),
    driver: (value, where) => {
      const driver = parseChoice(value, where, ['blkreplay', 'raw', 'qcow2'] as const);
      if (driver === 'blkreplay') drive.blkreplay = true;
      else drive.format = driver;
    },
    if: (value, where) => void (drive.interface = parseChoice(value, where, ['none', 'sd'] as const)),
    format: (value, where) => void (drive.format = parseChoice(value, where, ['raw', 'qcow2'] as const)),
    snapshot: (value, where) => void (drive.snapshot = parseSwitch(value, where)),
    readonly: readOnly,
    'read-only': readOnly,
    id: (value) => void (drive.id = value),
    image: (value) => void (drive.image = value),
    overlay: (value) => void (drive.overlay = value),
    ...Object.fromEntries(withoutEffect),
  };
}

/** What one drive alone can tell. @throws RepriseError BAD_VALUE */
function checkDrive({ where, blkreplay, file, format, snapshot, image, overlay, interface: slot }: DriveDraft): void {
  if (slot === undefined) throw badValue(where, 'say if=sd for the SD card of the machine, or if=none for a drive that another one uses');
  if (blkreplay) {
    if (image === undefined) throw badValue(where, 'blkreplay needs the drive whose image it protects: image=ID');
    if (file !== undefined || format !== undefined || snapshot !== undefined)
      throw badValue(where, 'file=, format= and snapshot= belong to the drive that image= names');
    return;
  }
  if (image !== undefined || overlay !== undefined)
    throw badValue(where, `image= and overlay= belong to a drive of their own: -drive driver=blkreplay,if=sd,image=ID,overlay=FILE,id=ID`);
  if (!file) throw badValue(where, 'the drive names no image: file=FILE');
}

export const DRIVE_OPTIONS: readonly OptionRow<DrivesDraft>[] = [
  {
    names: ['drive'],
    argument: 'file=FILE,if=none|sd[,…]',
    group: 'Disks',
    help: "the image of the machine's SD card (if=sd), or of a drive that another one uses: format=raw|qcow2, snapshot=on|off, readonly=on|off, id=ID; or driver=blkreplay,image=ID[,overlay=FILE], which leaves the image of drive ID as it is and keeps what the guest writes in FILE (without overlay= only until the end)",
    apply: (draft, value, option) => {
      const drive = newDrive(`${option} ${value}`);
      readSuboptions(option, value, undefined, driveSuboptions(drive));
      checkDrive(drive);
      draft.drives.push(drive);
    },
  },
  {
    names: ['sd'],
    argument: 'FILE',
    group: 'Disks',
    help: "the image of the machine's SD card: the same as -drive if=sd,file=FILE",
    apply: (draft, value, option) => void draft.drives.push({ ...newDrive(`${option} ${value}`), interface: 'sd', file: value }),
  },
  {
    names: ['snapshot'],
    group: 'Disks',
    help: 'snapshot=on for all drives: what the guest writes is gone at the end',
    apply: (draft) => void (draft.snapshot = true),
  },
  {
    names: ['allow-backing'],
    argument: 'FILE',
    group: 'Disks',
    help: "a backing file that an image may use although it lies outside of the image's folder; may be given more than once",
    apply: (draft, value) => void draft.allowedBacking.push(value),
  },
];

/** The drives that the machine has: at most its SD card. A drive that nothing uses is no error, as in QEMU. @throws RepriseError BAD_VALUE */
export function finishDrives({ drives, snapshot, allowedBacking }: DrivesDraft): readonly DriveSpec[] {
  const byId = new Map<string, DriveDraft>();
  const users = new Map<string, string>();
  const attached: { readonly id: string; readonly drive: DriveDraft }[] = [];
  for (const drive of drives) {
    const id = drive.id ?? `${drive.interface}${drives.filter((other) => other.interface === drive.interface).indexOf(drive)}`;
    if (byId.has(id)) throw badValue(drive.where, `there is a drive '${id}' already; give each an id of its own`);
    byId.set(id, drive);
    if (drive.interface === 'sd') attached.push({ id, drive });
  }
  const [, second] = attached;
  if (second !== undefined) throw badValue(second.drive.where, `the machine has one SD card, and drive '${attached[0].id}' is in it`);
  for (const [id, { image, where }] of byId) {
    if (image === undefined) continue;
    const [used, user] = [byId.get(image), users.get(image)];
    if (used === undefined) throw badValue(where, `there is no drive '${image}'; add -drive file=FILE,if=none,id=${image}`);
    if (used.blkreplay) throw badValue(where, `drive '${image}' is a blkreplay itself; image= names the drive with the file`);
    if (used.interface !== 'none') throw badValue(where, `drive '${image}' is the SD card itself; make it if=none, and this one if=sd`);
    if (user !== undefined) throw badValue(where, `drive '${image}' is used by drive '${user}' already`);
    users.set(image, id);
  }
  return attached.map(({ id, drive }) => {
    const { file, format, snapshot: own } = drive.image === undefined ? drive : byId.get(drive.image)!;
    return {
      id,
      file: file!,
      format,
      readOnly: drive.readOnly,
      temporary: own ?? snapshot,
      blkreplay: drive.blkreplay ? { overlay: drive.overlay } : undefined,
      allowedBacking,
    };
  });
}

/** Under `rr=` every disk needs its blkreplay, as in QEMU. @throws RepriseError USAGE */
export function requireBlkreplay(drives: readonly DriveSpec[]): void {
  const bare = drives.find(({ blkreplay, temporary, readOnly }) => blkreplay === undefined && !temporary && !readOnly);
  if (bare === undefined) return;
  throw new RepriseError(
    'USAGE',
    `drive '${bare.id}' has no blkreplay, so its image would be changed and could not be replayed; make it -drive file=${bare.file},if=none,id=img and add -drive driver=blkreplay,if=sd,image=img,id=img-blkreplay`,
  );
}
