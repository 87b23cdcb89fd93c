/**
 * The block layer's contract: bytes at offsets, asynchronously. Nodes stack: a format (qcow2) on a protocol (a file), a
 * filter (blkreplay) on a format.
 */

/** A disk image as its user sees it. Offsets and lengths are in bytes, any alignment. */
export interface BlockNode {
  /** Size of the disk, not of the file. */
  readonly size: number;
  readonly readOnly: boolean;
  /** Exactly `length` bytes. @throws RepriseError */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** @throws RepriseError */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Resolves when everything written before survives the death of the host. @throws RepriseError */
  flush(): Promise<void>;
  /** The range need not be kept; it reads as zeros afterwards. @throws RepriseError */
  discard(offset: number, length: number): Promise<void>;
  close(): Promise<void>;
}

/** Some of the bytes of a disk. */
export interface DiskBytes {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A host's file, as the block layer uses it. */
export interface BlockFile {
  /** Name for messages. */
  readonly name: string;
  readonly readOnly: boolean;
  /** Present length in bytes. */
  size(): Promise<number>;
  /** What is there: fewer than `length` bytes at the end of the file. @throws RepriseError */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Extends the file when needed. @throws RepriseError DISK_FULL, FILE_UNWRITABLE */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  truncate(size: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the files that images name (backing files), by the host's rules. */
export interface BlockFileOpener {
  /** @param relativeTo path of the image that names the file. @throws RepriseError when it may not be opened */
  open(path: string, options: { readonly readOnly: boolean; readonly relativeTo?: string | undefined }): Promise<BlockFile>;
}
