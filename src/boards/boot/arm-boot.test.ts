import { describe, expect, it } from 'vitest';
import { GuestMemory, RAM_BASE } from '../../bus/memory.ts';
import { RepriseError } from '../../errors/errors.ts';
import { type BootFiles, type BootPlan, loadSegments, planBoot } from './arm-boot.ts';
import { cells, type Fdt, type FdtNode, parseFdt, stringValue, writeFdt } from './fdt.ts';

const MiB = 1024 * 1024;
const MACHINE = 275;

/** RAM at 0, seen at 0x80000000 again. */
const offsetIn =
  (ramBytes: number) =>
  (address: number): number => {
    const at = address >>> 0;
    if (at < ramBytes) return RAM_BASE + at;
    return at >= 0x80000000 && at - 0x80000000 < ramBytes ? RAM_BASE + at - 0x80000000 : -1;
  };

const zImage = (bytes: number): Uint8Array => {
  const file = new Uint8Array(bytes);
  new DataView(file.buffer).setUint32(0x24, 0x016f2818, true);
  return file;
};

/** An ELF file whose segments have these addresses and sizes in memory, and four bytes of data each. */
function elf(...segments: readonly (readonly [number, number])[]): Uint8Array {
  const dataAt = 52 + 32 * segments.length;
  const file = new Uint8Array(dataAt + 4).fill(0xaa, dataAt);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 40, true);
  view.setUint32(24, 0x8000, true);
  view.setUint32(28, 52, true);
  view.setUint16(42, 32, true);
  view.setUint16(44, segments.length, true);
  segments.forEach(([address, size], n) => {
    [1, dataAt, address, address, 4, size].forEach((value, field) => {
      view.setUint32(52 + 32 * n + 4 * field, value, true);
    });
  });
  return file;
}

function uimage(load: number, bytes: number): Uint8Array {
  const file = new Uint8Array(64 + bytes);
  const view = new DataView(file.buffer);
  [0x27051956, 0, 0, bytes, load, load].forEach((value, n) => {
    view.setUint32(n * 4, value);
  });
  file.set([5, 2, 2, 0], 28);
  return file;
}

const node = (name: string, properties: Record<string, Uint8Array> = {}, children: FdtNode[] = []): FdtNode => ({
  name,
  properties: new Map(Object.entries(properties)),
  children,
});
const dtbOf = (properties: Record<string, Uint8Array>, ...children: FdtNode[]): Uint8Array =>
  writeFdt({ root: node('', properties, children), reservations: Uint8Array.of(), bootCpu: 0 });

interface Given {
  readonly kernel?: Uint8Array;
  readonly initrd?: Uint8Array;
  readonly dtb?: Uint8Array;
  readonly bios?: Uint8Array;
  readonly append?: string;
}
function plan(given: Given, mebibytes = 128): BootPlan {
  const named = (name: string, bytes: Uint8Array | undefined) => bytes && { name, bytes };
  const files: BootFiles = {
    kernel: named('kernel.bin', given.kernel),
    initrd: named('initrd.gz', given.initrd),
    dtb: named('board.dtb', given.dtb),
    bios: named('bios.bin', given.bios),
    append: given.append ?? '',
  };
  return planBoot(files, MACHINE, mebibytes * MiB, offsetIn(mebibytes * MiB));
}
const refusal = (given: Given, mebibytes?: number): string => {
  try {
    plan(given, mebibytes);
  } catch (error) {
    if (error instanceof RepriseError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
};
const at = ({ segments }: BootPlan): (readonly [number, number])[] => segments.map(({ address, memorySize }) => [address, memorySize]);
const treeOf = (p: BootPlan): Fdt => parseFdt(p.segments.find(({ address }) => address === p.registers.r2)!.data);

describe('boot of a kernel', () => {
  it('without a device tree: parameters at 0x100, registers as Linux expects them', () => {
    const p = plan({ kernel: zImage(5000), append: 'console=ttyAMA0' });
    expect(p.registers).toEqual({ r0: 0, r1: MACHINE, r2: 0x100, pc: 0x10000 });
    expect(p.segments.map(({ address }) => address)).toEqual([0x10000, 0x100]);
    expect(Buffer.from(p.segments[1].data).toString('latin1')).toContain('console=ttyAMA0\0');
  });

  it('an initial RAM disk lies in the middle of RAM, at 128 MiB at most', () => {
    const given = { kernel: zImage(5000), initrd: new Uint8Array(777) };
    expect(at(plan(given, 16))[1]).toEqual([8 * MiB, 777]);
    expect(at(plan(given, 128))[1]).toEqual([64 * MiB, 777]);
    expect(at(plan(given, 512))[1]).toEqual([128 * MiB, 777]);
    const { data } = plan(given, 16).segments[2];
    expect(new DataView(data.buffer).getUint32(11 * 4, true)).toBe(8 * MiB);
    expect(new DataView(data.buffer).getUint32(12 * 4, true)).toBe(777);
  });

  it('an initial RAM disk lies behind a kernel that reaches beyond the middle', () => {
    const p = plan({ kernel: zImage(9 * MiB), initrd: new Uint8Array(10) }, 16);
    expect(at(p)[1]).toEqual([9 * MiB + 0x10000, 10]);
    expect(at(plan({ kernel: elf([0x8000, 9 * MiB + 1]), initrd: new Uint8Array(10) }, 16))[1][0]).toBe(9 * MiB + 0x9000);
  });

  it('a device tree lies behind the RAM disk, on a page of its own', () => {
    const dtb = dtbOf({});
    const p = plan({ kernel: zImage(5000), initrd: new Uint8Array(4097), dtb }, 16);
    expect(p.registers).toEqual({ r0: 0, r1: MACHINE, r2: 8 * MiB + 0x2000, pc: 0x10000 });
    expect(p.segments.map(({ address }) => address)).toEqual([0x10000, 8 * MiB, 8 * MiB + 0x2000]);
    expect(plan({ kernel: zImage(5000), initrd: new Uint8Array(4096), dtb }, 16).registers.r2).toBe(8 * MiB + 0x1000);
    expect(plan({ kernel: zImage(5000), dtb }, 16).registers.r2).toBe(8 * MiB);
  });

  it('a uImage is entered where its header says', () => {
    const p = plan({ kernel: uimage(0x8000, 100) });
    expect(at(p)[0]).toEqual([0x8000, 100]);
    expect(p.registers).toEqual({ r0: 0, r1: MACHINE, r2: 0x100, pc: 0x8000 });
  });

  it('an ELF file alone gets no parameters, since it may live anywhere', () => {
    const p = plan({ kernel: elf([0, 0x1000]) });
    expect(at(p)).toEqual([[0, 0x1000]]);
    expect(p.registers).toEqual({ r0: 0, r1: MACHINE, r2: 0, pc: 0x8000 });
  });

  it('an ELF file with a device tree or RAM disk is a kernel', () => {
    expect(plan({ kernel: elf([0x8000, 0x1000]), dtb: dtbOf({}) }, 16).registers.r2).toBe(8 * MiB);
    expect(plan({ kernel: elf([0x8000, 0x1000]), initrd: new Uint8Array(1) }).registers.r2).toBe(0x100);
  });

  it('an ELF file may use the second window of RAM', () => {
    expect(at(plan({ kernel: elf([0x80008000, 0x1000]) }))).toEqual([[0x80008000, 0x1000]]);
  });
});

describe('device tree for the kernel', () => {
  const boot = (dtb: Uint8Array, given: Given = {}): Fdt => treeOf(plan({ kernel: zImage(5000), dtb, ...given }, 64));
  const memoryOf = ({ root }: Fdt): FdtNode[] => root.children.filter(({ name }) => name.startsWith('memory'));

  it('tells of the RAM there is', () => {
    const [memory, ...others] = memoryOf(boot(dtbOf({ '#address-cells': cells(1), '#size-cells': cells(1) }, node('memory', { reg: cells(0, 0) }))));
    expect(memory).toEqual(node('memory', { reg: cells(0, 64 * MiB), device_type: stringValue('memory') }));
    expect(others).toEqual([]);
  });

  it('tells of it also when it told of none, or of another board’s', () => {
    expect(memoryOf(boot(dtbOf({})))).toEqual([node('memory', { device_type: stringValue('memory'), reg: cells(0, 64 * MiB) })]);
    const two = dtbOf(
      {},
      node('memory@0', { reg: cells(0, MiB) }),
      node('memory-controller@1'),
      node('memory@20000000', { reg: cells(0x20000000, MiB) }),
    );
    expect(boot(two).root.children.map(({ name }) => name)).toEqual(['memory@0', 'memory-controller@1', 'chosen']);
    expect(boot(two).root.children[0].properties.get('reg')).toEqual(cells(0, 64 * MiB));
  });

  it('has numbers of the width that the tree uses', () => {
    const wide = dtbOf({ '#address-cells': cells(2), '#size-cells': cells(2) });
    expect(memoryOf(boot(wide))[0].properties.get('reg')).toEqual(cells(0, 0, 0, 64 * MiB));
    expect(boot(Buffer.from(wide))).toEqual(boot(wide));
    const mixed = dtbOf({ '#address-cells': cells(2), '#size-cells': cells(1) });
    expect(memoryOf(boot(mixed))[0].properties.get('reg')).toEqual(cells(0, 0, 64 * MiB));
    for (const odd of [cells(0), cells(3), cells(1, 0), Uint8Array.of(1)])
      expect(refusal({ kernel: zImage(5000), dtb: dtbOf({ '#size-cells': odd }) })).toMatch(/^BAD_DTB: board\.dtb: .*#size-cells/);
  });

  it('has the command line, its own if none is given', () => {
    const dtb = dtbOf({}, node('chosen', { bootargs: stringValue('its own'), 'stdout-path': stringValue('serial0') }));
    const chosen = (append: string) => boot(dtb, { append }).root.children.find(({ name }) => name === 'chosen')!.properties;
    expect(chosen('ours').get('bootargs')).toEqual(stringValue('ours'));
    expect(chosen('').get('bootargs')).toEqual(stringValue('its own'));
    expect(chosen('').get('stdout-path')).toEqual(stringValue('serial0'));
  });

  it('tells where the RAM disk begins and ends', () => {
    const properties = boot(dtbOf({}), { initrd: new Uint8Array(1000) }).root.children.find(({ name }) => name === 'chosen')!.properties;
    expect(properties.get('linux,initrd-start')).toEqual(cells(32 * MiB));
    expect(properties.get('linux,initrd-end')).toEqual(cells(32 * MiB + 1000));
  });

  it('is refused by name', () => {
    expect(refusal({ kernel: zImage(5000), dtb: new Uint8Array(100) })).toMatch(/^BAD_DTB: board\.dtb: .*magic/);
  });
});

describe('what does not fit', () => {
  it('is named, with where it would be, the RAM there is, and what to do', () => {
    expect(refusal({ kernel: zImage(16 * MiB) }, 16)).toBe(
      'IMAGE_TOO_BIG: kernel.bin: it occupies 0x10000 to 0x1010000, and the machine has 16 MiB of RAM at 0; give it more with -m',
    );
    expect(refusal({ kernel: zImage(5000), initrd: new Uint8Array(8 * MiB + 1) }, 16)).toBe(
      'IMAGE_TOO_BIG: initrd.gz: it occupies 0x800000 to 0x1000001, and the machine has 16 MiB of RAM at 0; give it more with -m',
    );
    expect(refusal({ kernel: zImage(5000), initrd: new Uint8Array(8 * MiB), dtb: dtbOf({}) }, 16)).toMatch(/^IMAGE_TOO_BIG: board\.dtb: .* -m$/);
    expect(refusal({ bios: new Uint8Array(16 * MiB + 1) }, 16)).toMatch(/^IMAGE_TOO_BIG: bios\.bin: .* -m$/);
  });

  it('can be linked elsewhere, if it is linked', () => {
    for (const kernel of [
      elf([0x24000000, 4]),
      elf([16 * MiB - 4, 8]),
      elf([0xfffffffc, 0x1000]),
      elf([0, 0xffffffff]),
      uimage(0x24000000, 4),
      uimage(16 * MiB - 4, 8),
    ])
      expect(refusal({ kernel }, 16)).toMatch(/^IMAGE_TOO_BIG: kernel\.bin: .* or link it elsewhere$/);
  });

  it('and what just fits is taken', () => {
    expect(refusal({ kernel: zImage(16 * MiB - 0x10000) }, 16)).toBe('accepted');
    expect(refusal({ kernel: zImage(5000), initrd: new Uint8Array(8 * MiB) }, 16)).toBe('accepted');
    expect(refusal({ kernel: elf([16 * MiB - 8, 8]) }, 16)).toBe('accepted');
    expect(refusal({ bios: new Uint8Array(16 * MiB) }, 16)).toBe('accepted');
  });
});

describe('what would overwrite something else', () => {
  it('is refused, naming both', () => {
    expect(refusal({ kernel: uimage(0, 0x101) })).toBe(
      'IMAGE_TOO_BIG: the parameters of the kernel (-append): its place, 0x100 to 0x12c, is occupied by kernel.bin',
    );
    expect(refusal({ kernel: uimage(0, 0x100) })).toBe('accepted');
    expect(refusal({ kernel: zImage(5000), append: 'x'.repeat(70_000) })).toContain('is occupied by kernel.bin');
    expect(refusal({ kernel: elf([0, 0x1000]), initrd: new Uint8Array(1) })).toContain('is occupied by kernel.bin');
  });

  it('is noticed through the second window as well', () => {
    // The RAM disk comes behind the second segment, which is where the first one is.
    const kernel = elf([8 * MiB, MiB], [0x80008000, 8 * MiB]);
    expect(refusal({ kernel, initrd: new Uint8Array(1) }, 16)).toMatch(/^IMAGE_TOO_BIG: initrd\.gz: .* occupied by kernel\.bin$/);
  });
});

describe('firmware', () => {
  it('lies at the reset vector and gets no parameters', () => {
    const p = plan({ bios: Uint8Array.of(1, 2, 3) });
    expect(p.segments).toEqual([{ address: 0, data: Uint8Array.of(1, 2, 3), memorySize: 3 }]);
    expect(p.registers).toEqual({ r0: 0, r1: 0, r2: 0, pc: 0 });
  });

  it.each<[string, Given, string]>([
    ['nothing at all', {}, 'USAGE: nothing to run: give a kernel with -kernel, or a firmware with -bios'],
    ['an empty firmware', { bios: Uint8Array.of() }, 'BAD_KERNEL: bios.bin: the file is empty'],
    ['firmware and kernel', { bios: Uint8Array.of(1), kernel: zImage(100) }, 'USAGE: -kernel and -bios exclude each other'],
    ['a RAM disk for firmware', { bios: Uint8Array.of(1), initrd: Uint8Array.of(1) }, 'USAGE: -initrd and -dtb need a kernel'],
    ['a device tree for firmware', { bios: Uint8Array.of(1), dtb: dtbOf({}) }, 'USAGE: -initrd and -dtb need a kernel'],
    ['a text as kernel', { kernel: Buffer.from('hello world') }, 'BAD_KERNEL: kernel.bin: this is a text'],
  ])('is refused: %s', (_, given, message) => {
    expect(refusal(given)).toContain(message);
  });
});

describe('loading', () => {
  it('puts every segment into RAM, zeros behind its data, and leaves the rest alone', () => {
    const memory = new GuestMemory(MiB);
    memory.ram.fill(0x55);
    const ramOffset = offsetIn(MiB);
    const files: BootFiles = { kernel: { name: 'k', bytes: elf([0x8000, 16], [0x80010000, 4]) }, append: '' };
    loadSegments(planBoot(files, MACHINE, MiB, ramOffset), memory, ramOffset);
    expect([...memory.ram.subarray(0x7ffc, 0x8014)]).toEqual([
      ...Array(4).fill(0x55),
      ...Array(4).fill(0xaa),
      ...Array(12).fill(0),
      ...Array(4).fill(0x55),
    ]);
    expect([...memory.ram.subarray(0x10000, 0x10008)]).toEqual([...Array(4).fill(0xaa), ...Array(4).fill(0x55)]);
  });
});
