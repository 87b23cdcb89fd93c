/**
 * Booting an ARM machine as QEMU's `-kernel` does: images into RAM, parameters behind them, registers as the kernel
 * expects them (Linux, Documentation/arm/booting.rst). The plan is made once; each reset carries it out.
 */
import { type GuestMemory, RAM_BASE } from '../../bus/memory.ts';
import { RepriseError } from '../../errors/errors.ts';
import { atags } from './atags.ts';
import { cells, childNamed, type FdtNode, parseFdt, stringValue, writeFdt } from './fdt.ts';
import { parseKernel, type Segment } from './image.ts';

export interface NamedFile {
  /** Name for messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface BootFiles {
  readonly kernel?: NamedFile | undefined;
  readonly initrd?: NamedFile | undefined;
  readonly dtb?: NamedFile | undefined;
  /** Raw image at the reset vector. */
  readonly bios?: NamedFile | undefined;
  readonly append: string;
}

export interface BootPlan {
  readonly segments: readonly Segment[];
  readonly registers: { readonly r0: number; readonly r1: number; readonly r2: number; readonly pc: number };
}

const ATAGS_ADDRESS = 0x100;
const MiB = 1024 * 1024;
const align = (n: number, to: number): number => Math.ceil(n / to) * to;

/**
 * @param machineType the board's number in Linux's registry of ARM machines
 * @param ramOffset byte offset in the WebAssembly memory of a physical address, or -1
 * @throws RepriseError BAD_KERNEL, BAD_DTB, IMAGE_TOO_BIG, USAGE
 */
export function planBoot(files: BootFiles, machineType: number, ramBytes: number, ramOffset: (address: number) => number): BootPlan {
  const { kernel, initrd, dtb, bios, append } = files;
  const segments: Segment[] = [];
  const taken: { readonly name: string; readonly first: number; readonly end: number }[] = [];
  /** Finds room for the parts of one thing: within RAM, and clear of what else is there, also by another window. */
  const place = (name: string, parts: readonly Segment[], remedy = 'give it more with -m'): void => {
    const own = parts.map(({ address, memorySize }) => {
      const span = `0x${address.toString(16)} to 0x${(address + memorySize).toString(16)}`;
      const first = ramOffset(address);
      const end = first + memorySize;
      if (first < 0 || (memorySize > 0 && ramOffset(address + memorySize - 1) !== end - 1))
        throw new RepriseError('IMAGE_TOO_BIG', `${name}: it occupies ${span}, and the machine has ${ramBytes / MiB} MiB of RAM at 0; ${remedy}`);
      const other = taken.find((t) => first < t.end && t.first < end);
      if (other) throw new RepriseError('IMAGE_TOO_BIG', `${name}: its place, ${span}, is occupied by ${other.name}`);
      return { name, first, end };
    });
    taken.push(...own);
    segments.push(...parts);
  };
  const whole = (address: number, data: Uint8Array): Segment[] => [{ address, data, memorySize: data.length }];

  if (kernel === undefined) {
    if (bios === undefined) throw new RepriseError('USAGE', 'nothing to run: give a kernel with -kernel, or a firmware with -bios');
    if (initrd || dtb) throw new RepriseError('USAGE', '-initrd and -dtb need a kernel (-kernel)');
    if (bios.bytes.length === 0) throw new RepriseError('BAD_KERNEL', `${bios.name}: the file is empty`);
    place(bios.name, whole(0, bios.bytes));
    return { segments, registers: { r0: 0, r1: 0, r2: 0, pc: 0 } };
  }
  if (bios !== undefined) throw new RepriseError('USAGE', '-kernel and -bios exclude each other on this machine');
  const image = parseKernel(kernel.name, kernel.bytes);
  const linked = image.format === 'ELF' || image.format === 'uImage';
  place(kernel.name, image.segments, linked ? 'give it more with -m, or link it elsewhere' : undefined);
  // An ELF image may be anything that runs on the bare machine: it brings its own parameters, if any.
  if (image.format === 'ELF' && !dtb && !initrd) return { segments, registers: { r0: 0, r1: machineType, r2: 0, pc: image.entry } };

  const kernelEnd = Math.max(...image.segments.map((segment) => segment.address + segment.memorySize));
  const initrdAddress = Math.max(Math.min(ramBytes / 2, 128 * MiB), align(kernelEnd, 4096));
  const initrdSize = initrd?.bytes.length ?? 0;
  if (initrd) place(initrd.name, whole(initrdAddress, initrd.bytes));
  const placed = initrd && { address: initrdAddress, size: initrdSize };

  let parameters = ATAGS_ADDRESS;
  if (dtb) {
    parameters = align(initrdAddress + initrdSize, 4096);
    place(dtb.name, whole(parameters, deviceTree(dtb, ramBytes, append, placed)));
  } else {
    place('the parameters of the kernel (-append)', whole(parameters, atags({ ramBytes, initrd: placed, append })));
  }
  return { segments, registers: { r0: 0, r1: machineType, r2: parameters, pc: image.entry } };
}

/** The tree with RAM, command line and initial RAM disk filled in. */
function deviceTree(dtb: NamedFile, ramBytes: number, append: string, initrd: { address: number; size: number } | undefined): Uint8Array {
  let tree: ReturnType<typeof parseFdt>;
  try {
    tree = parseFdt(dtb.bytes);
  } catch (cause) {
    if (cause instanceof RepriseError) throw new RepriseError(cause.code, `${dtb.name}: ${cause.message}`, cause);
    throw cause;
  }
  describeMemory(tree.root, ramBytes, dtb.name);
  const chosen = childNamed(tree.root, 'chosen');
  if (append !== '') chosen.properties.set('bootargs', stringValue(append));
  if (initrd) {
    chosen.properties.set('linux,initrd-start', cells(initrd.address));
    chosen.properties.set('linux,initrd-end', cells(initrd.address + initrd.size));
  }
  return writeFdt(tree);
}

/** The tree may have been made for a board with other memory: all of it is replaced. */
function describeMemory(root: FdtNode, ramBytes: number, name: string): void {
  const described = root.children.filter((node) => /^memory(@|$)/.test(node.name));
  for (const surplus of described.slice(1)) root.children.splice(root.children.indexOf(surplus), 1);
  const memory = described[0] ?? childNamed(root, 'memory');
  memory.properties.set('device_type', stringValue('memory'));
  memory.properties.set('reg', cells(...wide(0, cellCount(root, '#address-cells', name)), ...wide(ramBytes, cellCount(root, '#size-cells', name))));
}

/** Whether the bytes are the same, whatever kinds of arrays they are in. */
const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, n) => byte === b[n]);

/** How many cells an address or a size has below the root; 1 where that is missing, as Linux on ARM takes it. */
function cellCount(root: FdtNode, property: string, name: string): number {
  const value = root.properties.get(property);
  if (value === undefined) return 1;
  for (const count of [1, 2]) if (isSame(value, cells(count))) return count;
  throw new RepriseError('BAD_DTB', `${name}: the device tree cannot be used: ${property} of its root is neither 1 nor 2`);
}

/** A number below 2^32 as that many cells. */
const wide = (value: number, count: number): number[] => (count === 2 ? [0, value] : [value]);

/** Puts the images into RAM. */
export function loadSegments(plan: BootPlan, memory: GuestMemory, ramOffset: (address: number) => number): void {
  for (const { address, data, memorySize } of plan.segments) {
    const image = data.length === memorySize ? data : new Uint8Array(memorySize);
    if (image !== data) image.set(data);
    memory.load(ramOffset(address) - RAM_BASE, image);
  }
}
