/** Files as the block layer uses them, and which files an image may lead to. */
import { randomUUID } from 'node:crypto';
import { constants, realpathSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, sep } from 'node:path';
import { RepriseError } from '../../errors/errors.ts';
import { errno, uncreatable, unreadable, unwritable } from './file-errors.ts';

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

  /** @param name for messages @throws RepriseError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_UNWRITABLE */
  static async open(path: string, readOnly: boolean, name = path): Promise<NodeBlockFile> {
    let handle: FileHandle;
    try {
      handle = await open(path, readOnly ? constants.O_RDONLY : constants.O_RDWR);
    } catch (error) {
      const readable = !readOnly && ['EACCES', 'EPERM', 'EROFS', 'ETXTBSY'].includes(errno(error));
      throw readable ? unwritable(path, error) : unreadable(WHAT, path, error);
    }
    return NodeBlockFile.adopt(name, readOnly, handle);
  }

  /** Makes an empty file. @param force an existing one may be replaced @throws RepriseError FILE_EXISTS, FILE_UNWRITABLE */
  static async create(path: string, { force = false } = {}): Promise<NodeBlockFile> {
    try {
      const file = await NodeBlockFile.adopt(path, false, await open(path, force ? 'w+' : 'wx+'));
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

  private static async adopt(path: string, readOnly: boolean, handle: FileHandle): Promise<NodeBlockFile> {
    const status = await handle.stat();
    if (status.isFile()) return new NodeBlockFile(path, readOnly, handle);
    await handle.close();
    throw new RepriseError('FILE_UNREADABLE', `${WHAT} '${path}' is ${status.isDirectory() ? 'a folder' : 'not a regular file'}; name a file`);
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

  /**
   * @param named files that the user has named as backing files
   * @param howToAllow what to do, for the error
   */
  constructor(named: readonly string[], howToAllow: string) {
    this.named = new Set(named.map((path) => realPath(path)));
    this.howToAllow = howToAllow;
  }

  /**
   * @param options.relativeTo the image that names the file; undefined for what the user names
   * @throws RepriseError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_UNWRITABLE, BACKING_REFUSED
   */
  async open(
    path: string,
    { readOnly, relativeTo }: { readonly readOnly: boolean; readonly relativeTo?: string | undefined },
  ): Promise<NodeBlockFile> {
    if (relativeTo === undefined) return NodeBlockFile.open(path, readOnly);
    const wanted = backingPath(relativeTo, path);
    const real = realPath(wanted);
    const folder = dirname(realPath(relativeTo));
    if (!real.startsWith(folder.endsWith(sep) ? folder : folder + sep) && !this.named.has(real))
      throw new RepriseError(
        'BACKING_REFUSED',
        `disk image '${relativeTo}' has backing file '${path}', which lies outside of the image's folder; if that is right, ${this.howToAllow}`,
      );
    // The file that was judged, not what its name may lead to by now.
    return NodeBlockFile.open(real, readOnly, wanted);
  }
}

/** The path of a backing file, from that of the image that names it. */
export function backingPath(image: string, backing: string): string {
  return isAbsolute(backing) ? backing : join(dirname(image), backing);
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
