/**
 * Booting an ARM machine as QEMU's `-kernel` does: images into RAM, parameters behind them, registers as the kernel
 * expects them (Linux, Documentation/arm/booting.rst). The plan is made once; each reset carries it out.
 */
import { type GuestMemory, RAM_BASE } from '../../bus/memory.ts';
import { RepriseError } from '../../errors/errors.ts';
import { atags } from './atags.ts';
import { cells, childNamed, parseFdt, stringValue, writeFdt } from './fdt.ts';
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
  const place = (what: NamedFile, segment: Segment): void => {
    const first = ramOffset(segment.address);
    const last = segment.memorySize === 0 ? first : ramOffset(segment.address + segment.memorySize - 1);
    if (first < 0 || last !== first + Math.max(segment.memorySize, 1) - 1) {
      const span = `0x${segment.address.toString(16)} to 0x${(segment.address + segment.memorySize).toString(16)}`;
      throw new RepriseError(
        'IMAGE_TOO_BIG',
        `${what.name}: it occupies ${span}, and the machine has ${ramBytes / MiB} MiB of RAM at 0; give it more with -m, or link it elsewhere`,
      );
    }
    segments.push(segment);
  };

  if (kernel === undefined) {
    if (bios === undefined) throw new RepriseError('USAGE', 'nothing to run: give a kernel with -kernel, or a firmware with -bios');
    if (initrd || dtb) throw new RepriseError('USAGE', '-initrd and -dtb need a kernel (-kernel)');
    if (bios.bytes.length === 0) throw new RepriseError('BAD_KERNEL', `${bios.name}: the file is empty`);
    place(bios, { address: 0, data: bios.bytes, memorySize: bios.bytes.length });
    return { segments, registers: { r0: 0, r1: 0, r2: 0, pc: 0 } };
  }
  if (bios !== undefined) throw new RepriseError('USAGE', '-kernel and -bios exclude each other on this machine');
  const image = parseKernel(kernel.name, kernel.bytes);
  for (const segment of image.segments) place(kernel, segment);
  // An ELF image may be anything that runs on the bare machine: it brings its own parameters, if any.
  if (image.format === 'ELF' && !dtb && !initrd) return { segments, registers: { r0: 0, r1: machineType, r2: 0, pc: image.entry } };

  const kernelEnd = Math.max(...image.segments.map((segment) => segment.address + segment.memorySize));
  const initrdAddress = Math.max(Math.min(ramBytes / 2, 128 * MiB), align(kernelEnd, 4096));
  const initrdSize = initrd?.bytes.length ?? 0;
  if (initrd) place(initrd, { address: initrdAddress, data: initrd.bytes, memorySize: initrdSize });
  const placed = initrd && { address: initrdAddress, size: initrdSize };

  let parameters = ATAGS_ADDRESS;
  if (dtb) {
    parameters = align(initrdAddress + initrdSize, 4096);
    const data = deviceTree(dtb, ramBytes, append, placed);
    place(dtb, { address: parameters, data, memorySize: data.length });
  } else {
    const data = atags({ ramBytes, initrd: placed, append });
    place(kernel, { address: ATAGS_ADDRESS, data, memorySize: data.length });
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
  const memory = tree.root.children.find((node) => node.name === 'memory' || node.name.startsWith('memory@')) ?? childNamed(tree.root, 'memory');
  memory.properties.set('device_type', stringValue('memory'));
  memory.properties.set('reg', cells(0, ramBytes));
  const chosen = childNamed(tree.root, 'chosen');
  if (append !== '') chosen.properties.set('bootargs', stringValue(append));
  if (initrd) {
    chosen.properties.set('linux,initrd-start', cells(initrd.address));
    chosen.properties.set('linux,initrd-end', cells(initrd.address + initrd.size));
  }
  return writeFdt(tree);
}

/** Puts the images into RAM. */
export function loadSegments(plan: BootPlan, memory: GuestMemory, ramOffset: (address: number) => number): void {
  for (const { address, data, memorySize } of plan.segments) {
    const image = data.length === memorySize ? data : new Uint8Array(memorySize);
    if (image !== data) image.set(data);
    memory.load(ramOffset(address) - RAM_BASE, image);
  }
}
