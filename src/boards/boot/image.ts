/**
 * Kernel images for 32-bit ARM: zImage, raw Image, U-Boot's uImage, ELF. Images are untrusted input.
 */
import { RepriseError } from '../../errors/errors.ts';
import { gunzip } from './gunzip.ts';

/** A piece of an image and the physical address it goes to. */
export interface Segment {
  readonly address: number;
  readonly data: Uint8Array;
  /** Size in memory; what is beyond the data is zero. */
  readonly memorySize: number;
}

export interface KernelImage {
  readonly format: 'zImage' | 'raw' | 'uImage' | 'ELF';
  readonly segments: readonly Segment[];
  readonly entry: number;
}

/** Where zImage and raw kernels go: 64 KiB from the start of RAM, as QEMU loads them. */
const LINUX_ADDRESS = 0x00010000;
const ZIMAGE_MAGIC = 0x016f2818;
const UIMAGE_MAGIC = 0x27051956;
const MAX_SEGMENTS = 64;
const MAX_UNPACKED = 256 * 1024 * 1024;

const bad = (name: string, what: string): never => {
  throw new RepriseError('BAD_KERNEL', `${name}: ${what}`);
};

/** @throws RepriseError BAD_KERNEL naming the file and what is wrong with it */
export function parseKernel(name: string, file: Uint8Array): KernelImage {
  if (file.length === 0) bad(name, 'the file is empty');
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const word = (at: number, littleEndian = true): number => (at + 4 <= file.length ? view.getUint32(at, littleEndian) : 0);
  if (word(0, false) === 0x7f454c46) return parseElf(name, file, view);
  if (word(0, false) === UIMAGE_MAGIC) return parseUimage(name, file, view);
  if (word(0x24) === ZIMAGE_MAGIC) return { format: 'zImage', segments: [whole(LINUX_ADDRESS, file)], entry: LINUX_ADDRESS };
  // A raw Image has no mark of its own; what certainly is something else is refused.
  if (word(0, false) >>> 16 === 0x1f8b) bad(name, 'this is a gzip file; unpack it first (gunzip)');
  if (word(0x202) === 0x53726448) bad(name, 'this is a kernel for x86, the machine is an ARM');
  if (word(0x38) === 0x644d5241) bad(name, 'this is a kernel for 64-bit ARM, the machine has a 32-bit ARM926');
  if (word(0, false) === 0x514649fb) bad(name, 'this is a qcow2 disk image, not a kernel');
  if (word(0, false) === 0xd00dfeed) bad(name, 'this is a device tree, not a kernel; give it with -dtb');
  if (file.length < 4) bad(name, 'the file is too short to be a kernel');
  if (file.subarray(0, 512).every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte < 127)))
    bad(name, 'this is a text, not a kernel');
  return { format: 'raw', segments: [whole(LINUX_ADDRESS, file)], entry: LINUX_ADDRESS };
}

const whole = (address: number, data: Uint8Array): Segment => ({ address, data, memorySize: data.length });

/** ELF32, little-endian, ARM (ELF specification 1.2; ARM IHI 0044). */
function parseElf(name: string, file: Uint8Array, view: DataView): KernelImage {
  if (file.length < 52) bad(name, 'the ELF header is cut off');
  if (file[4] !== 1) bad(name, 'this is a 64-bit ELF file, the machine has a 32-bit ARM926');
  if (file[5] !== 1) bad(name, 'this is a big-endian ELF file; big-endian guests are not supported');
  if (view.getUint16(18, true) !== 40) bad(name, `this ELF file is not for ARM (machine ${view.getUint16(18, true)})`);
  if (view.getUint16(16, true) !== 2) bad(name, 'this ELF file is not an executable (relocatable files and shared objects cannot be loaded)');
  const [table, entrySize, count] = [view.getUint32(28, true), view.getUint16(42, true), view.getUint16(44, true)];
  if (count === 0 || entrySize < 32 || table + count * entrySize > file.length) bad(name, 'the ELF program headers are missing or cut off');
  const segments: Segment[] = [];
  for (let n = 0; n < count; n++) {
    const at = table + n * entrySize;
    if (view.getUint32(at, true) !== 1) continue;
    const [offset, address, fileSize, memorySize] = [4, 12, 16, 20].map((field) => view.getUint32(at + field, true));
    if (offset + fileSize > file.length) bad(name, 'an ELF segment is cut off');
    if (memorySize < fileSize) bad(name, 'an ELF segment is larger in the file than in memory');
    if (memorySize > 0) segments.push({ address, data: file.subarray(offset, offset + fileSize), memorySize });
  }
  if (segments.length > MAX_SEGMENTS) bad(name, `the ELF file has more than ${MAX_SEGMENTS} segments`);
  if (segments.length === 0) bad(name, 'the ELF file has nothing to load');
  return { format: 'ELF', segments, entry: view.getUint32(24, true) };
}

/** U-Boot's legacy image (include/image.h): 64 bytes of header, big-endian. */
function parseUimage(name: string, file: Uint8Array, view: DataView): KernelImage {
  if (file.length < 64) bad(name, 'the uImage header is cut off');
  const [size, load, entry] = [view.getUint32(12), view.getUint32(16), view.getUint32(20)];
  const [architecture, type, compression] = [file[29], file[30], file[31]];
  if (architecture !== 2) bad(name, 'this uImage is not for ARM');
  if (type !== 2 && type !== 5) bad(name, 'this uImage holds no kernel');
  if (64 + size > file.length) bad(name, `the uImage is cut off: ${size} bytes of data announced, ${file.length - 64} there`);
  const payload = file.subarray(64, 64 + size);
  if (compression !== 0 && compression !== 1) bad(name, 'this uImage is compressed in another way than gzip');
  return { format: 'uImage', segments: [whole(load, compression === 1 ? unpack(name, payload) : payload)], entry };
}

function unpack(name: string, packed: Uint8Array): Uint8Array {
  const unpacked = gunzip(packed, MAX_UNPACKED);
  if (unpacked === 'damaged') return bad(name, 'the compressed data of the uImage are damaged');
  if (unpacked === 'too large') return bad(name, 'the compressed kernel is larger than 256 MiB, or damaged');
  return unpacked;
}
