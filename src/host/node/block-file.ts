/** Files as the block layer uses them, and which files an image may lead to. */
import { randomUUID } from 'node:crypto';
import { constants, existsSync, realpathSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { RepriseError } from '../../errors/errors.ts';
import { errno, uncreatable, unreadable, unwritable } from './file-errors.ts';
import { type LockKind, lockFile, lockHolder } from './file-lock.ts';

const WHAT = 'disk image';

/**
 * A regular file, read and written at any place; a `BlockFile` of the block layer.
 * Everything throws RepriseError FILE_UNREADABLE, FILE_UNWRITABLE or DISK_FULL.
 */
export class NodeBlockFile {
  /** The path that it was opened by. */
  readonly name: string;
  readonly readOnly: boolean;
  private readonly handle: FileHandle;

  private constructor(name: string, readOnly: boolean, handle: FileHandle) {
    this.name = name;
    this.readOnly = readOnly;
    this.handle = handle;
  }

  /**
   * Opens a file and locks it until it is closed: for itself alone, or together with others that only read.
   * @param options.name for messages
   * @param options.locked false to read what somebody else may be writing
   * @throws RepriseError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_UNWRITABLE, IMAGE_IN_USE
   */
  static async open(path: string, readOnly: boolean, { name = path, locked = true } = {}): Promise<NodeBlockFile> {
    let handle: FileHandle;
    try {
      handle = await open(path, readOnly ? constants.O_RDONLY : constants.O_RDWR);
    } catch (error) {
      const readable = !readOnly && ['EACCES', 'EPERM', 'EROFS', 'ETXTBSY'].includes(errno(error));
      throw readable ? unwritable(path, error) : unreadable(WHAT, path, error);
    }
    return NodeBlockFile.adopt(name, readOnly, handle, locked);
  }

  static exists(path: string): boolean {
    return existsSync(path);
  }

  /** Takes away a file that may be there. */
  static remove(path: string): void {
    rmSync(path, { force: true });
  }

  /** Makes an empty file, locked as one that is written. @throws RepriseError FILE_EXISTS, FILE_UNWRITABLE */
  static async create(path: string): Promise<NodeBlockFile> {
    try {
      const file = await NodeBlockFile.adopt(path, false, await open(path, 'wx+'), true);
      await syncFolder(dirname(path));
      return file;
    } catch (error) {
      if (errno(error) !== 'EEXIST') throw error instanceof RepriseError ? error : uncreatable(path, error);
      throw new RepriseError('FILE_EXISTS', `'${path}' exists already and is kept; choose another name, or give --force to replace it`, error);
    }
  }

  /**
   * Makes an empty file without a name, in the host's folder for temporary files (`TMPDIR`). It is gone when it is closed,
   * or when the process ends in whatever way.
   * @throws RepriseError FILE_UNWRITABLE, DISK_FULL
   */
  static async createScratch(): Promise<NodeBlockFile> {
    const path = join(tmpdir(), `reprise-${randomUUID()}`);
    try {
      const handle = await open(path, 'wx+', 0o600);
      await unlink(path);
      return new NodeBlockFile(path, false, handle);
    } catch (error) {
      throw uncreatable(path, error);
    }
  }

  private static async adopt(name: string, readOnly: boolean, handle: FileHandle, locked: boolean): Promise<NodeBlockFile> {
    try {
      const status = await handle.stat();
      if (!status.isFile())
        throw new RepriseError('FILE_UNREADABLE', `${WHAT} '${name}' is ${status.isDirectory() ? 'a folder' : 'not a regular file'}; name a file`);
      const kind = readOnly ? 'shared' : 'exclusive';
      if (locked && (await lockFile(handle.fd, kind)) === 'in use') throw inUse(name, kind, lockHolder(handle.fd, kind));
      return new NodeBlockFile(name, readOnly, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async size(): Promise<number> {
    return (await this.reading(() => this.handle.stat())).size;
  }

  /** Bytes that the file takes on the host's disk, without its holes. */
  async diskUsage(): Promise<number> {
    return (await this.reading(() => this.handle.stat())).blocks * 512;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.reading(() => this.handle.read(bytes, done, length - done, offset + done));
      if (bytesRead === 0) return bytes.subarray(0, done);
      done += bytesRead;
    }
    return bytes;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.writing(() => this.handle.write(bytes, done, bytes.length - done, offset + done));
      done += bytesWritten;
    }
  }

  truncate(size: number): Promise<void> {
    return this.writing(() => this.handle.truncate(size));
  }

  sync(): Promise<void> {
    return this.writing(() => this.handle.datasync());
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  private async reading<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw unreadable(WHAT, this.name, error);
    }
  }

  private async writing<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw unwritable(this.name, error);
    }
  }
}

/**
 * Opens images for the user and, for the images, the files that these name: only such as lie in the folder of the image
 * (links resolved) or as the user has named. An image from elsewhere could otherwise make any file of the host its disk.
 */
export class NodeBlockFiles {
  private readonly named: ReadonlySet<string>;
  private readonly howToAllow: string;
  private readonly locked: boolean;

  /**
   * @param named files that the user has named as backing files
   * @param howToAllow what to do, for the error
   * @param options.locked false to read what somebody else may be writing
   */
  constructor(named: readonly string[], howToAllow: string, { locked = true } = {}) {
    this.named = new Set(named.map((path) => realPath(path)));
    this.howToAllow = howToAllow;
    this.locked = locked;
  }

  /**
   * @param options.relativeTo the image that names the file; undefined for what the user names
   * @throws RepriseError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_UNWRITABLE, BACKING_REFUSED, IMAGE_IN_USE
   */
  async open(
    path: string,
    { readOnly, relativeTo }: { readonly readOnly: boolean; readonly relativeTo?: string | undefined },
  ): Promise<NodeBlockFile> {
    const { locked } = this;
    if (relativeTo === undefined) return NodeBlockFile.open(path, readOnly, { locked });
    const wanted = backingPath(relativeTo, path);
    const real = realPath(wanted);
    const folder = dirname(realPath(relativeTo));
    if (!real.startsWith(folder.endsWith(sep) ? folder : folder + sep) && !this.named.has(real))
      throw new RepriseError(
        'BACKING_REFUSED',
        `disk image '${relativeTo}' has backing file '${path}', which lies outside of the image's folder; if that is right, ${this.howToAllow}`,
      );
    // The file that was judged, not what its name may lead to by now.
    return NodeBlockFile.open(real, readOnly, { name: wanted, locked });
  }
}

/** The path of a backing file, from that of the image that names it. */
export function backingPath(image: string, backing: string): string {
  return isAbsolute(backing) ? backing : join(dirname(image), backing);
}

/** How an image names its backing file: so that both can be moved together when they are in one folder. */
export function backingName(image: string, backing: string): string {
  if (realpathSync(dirname(image)) !== realpathSync(dirname(backing))) return resolve(backing);
  // A word and a colon at the beginning would be taken for a protocol.
  return basename(backing).includes(':') ? `./${basename(backing)}` : basename(backing);
}

/** Whether two paths lead to one file; what cannot be looked at is none. */
export function isSameFile(a: string, b: string): boolean {
  try {
    const [one, other] = [a, b].map((path) => statSync(path, { bigint: true }));
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    return false;
  }
}

function inUse(name: string, kind: LockKind, holder: number | undefined): RepriseError {
  const who = holder === undefined ? 'another process' : holder === process.pid ? 'this very program' : `process ${holder}`;
  const remedy = kind === 'shared' ? 'let that end first (reprise img reads it all the same with -U)' : 'let that end first, or use a copy';
  return new RepriseError('IMAGE_IN_USE', `${WHAT} '${name}' is in use by ${who}${kind === 'shared' ? ', which may write to it' : ''}; ${remedy}`);
}

/** Makes a new name in a folder survive the death of the host. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // Not every file system can.
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw unreadable(WHAT, path, error);
  }
}
