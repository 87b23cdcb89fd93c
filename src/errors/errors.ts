/**
 * Errors of the user and of the host: one class, one table of stable codes. What a guest does wrong is never an
 * error here (the bus decides what the guest sees); broken invariants are `assert`s.
 */

/** Every code a user can meet, with what it means. Codes never change their meaning; docs/errors.md is made from this table. */
export const ERROR_CODES = {
  USAGE: 'The command line cannot be understood.',
  UNKNOWN_OPTION: 'An option, or a suboption, that does not exist.',
  UNKNOWN_MACHINE: 'A machine type or CPU that does not exist.',
  BAD_VALUE: 'An option has a value that it cannot have.',
  FILE_NOT_FOUND: 'An input file does not exist.',
  FILE_UNREADABLE: 'An input file exists but cannot be read.',
  FILE_EXISTS: 'An output file exists already and would be overwritten.',
  FILE_UNWRITABLE: 'An output file cannot be created or written.',
  DISK_FULL: 'The disk that takes the output is full.',
  ADDRESS_IN_USE: 'A port or socket path is in use.',
  CONNECT_FAILED: 'A connection could not be made.',
  BAD_KERNEL: 'The kernel or firmware image cannot be loaded.',
  BAD_DTB: 'The device tree cannot be used.',
  BAD_SYMBOLS: 'A file with symbols cannot be used.',
  NO_SUCH_SYMBOL: 'A name that the symbols do not have.',
  IMAGE_TOO_BIG: 'An image does not fit into the guest memory.',
  NOT_A_RECORDING: 'The file is not a recording.',
  RECORDING_VERSION: 'The recording was made in a format or with device schemas that this version does not know.',
  RECORDING_DAMAGED: 'The recording is damaged.',
  INPUT_CHANGED: 'An input file differs from the one that was recorded.',
  DIVERGED: 'The replay is not the recorded run.',
  STATE_SIZE: 'A saved state has the wrong length.',
  STATE_VALUE: 'A saved state holds a value that its field cannot have.',
  IMAGE_DAMAGED: 'The metadata of a disk image contradicts itself or points outside of the file.',
  IMAGE_UNSUPPORTED: 'A disk image needs a feature that this version does not have.',
  BACKING_REFUSED: 'A disk image names a backing file that may not be opened.',
  NO_SNAPSHOT: 'A disk image has no snapshot of that name.',
  REPLAY_READ_ONLY: 'Something would change the guest of a replay, which only the recording may.',
  FILE_IN_USE: 'A file is being written by another process.',
  IMAGE_IN_USE: 'A disk image is in use by another process.',
  DISK_CHANGED: 'A disk differs from the one that was recorded.',
  SNAPSHOT_MISMATCH: 'A snapshot is of another machine, or of another version of it.',
  SNAPSHOT_DAMAGED: 'A snapshot cannot be read.',
  SNAPSHOT_IN_USE: 'A snapshot is needed by the run that is asked to delete it.',
  NO_SNAPSHOT_STORE: 'There is no place to keep a snapshot in.',
  RECORDING_LINEAR: 'Something would take a machine that is being recorded to another moment.',
  INTERRUPTED: 'What was under way was interrupted.',
  RUN_ENDED: 'The run to which a command was given has ended.',
  TIME_LIMIT: 'The guest ran for 2^53 instructions or virtual nanoseconds, the end of exact time.',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error with a code that scripts can rely on and a message that says what to do. */
export class RepriseError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'RepriseError';
    this.code = code;
  }
}

/** Fails loudly when an invariant of our own is broken; stays on in releases. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${invariant}`);
}
