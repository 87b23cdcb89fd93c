import { deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RepriseError } from '../../errors/errors.ts';
import { type KernelImage, parseKernel } from './image.ts';

const MiB = 1024 * 1024;

interface ElfSegment {
  readonly type?: number;
  readonly address?: number;
  readonly offset?: number;
  readonly fileSize?: number;
  readonly memorySize?: number;
}

interface ElfHeader {
  readonly kind?: number;
  readonly endian?: number;
  readonly type?: number;
  readonly machine?: number;
  readonly entry?: number;
  readonly table?: number;
  readonly entrySize?: number;
  readonly count?: number;
}

/** An ELF file: header, program headers, then `data`, where segments lie unless they say otherwise. */
function elf(segments: readonly ElfSegment[], data: Uint8Array = Uint8Array.of(), header: ElfHeader = {}): Uint8Array {
  const { kind = 1, endian = 1, type = 2, machine = 40, entry = 0x8000, table = 52, entrySize = 32, count = segments.length } = header;
  const dataAt = 52 + segments.length * 32;
  const file = new Uint8Array(dataAt + data.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, kind, endian, 1]);
  view.setUint16(16, type, true);
  view.setUint16(18, machine, true);
  view.setUint32(24, entry, true);
  view.setUint32(28, table, true);
  view.setUint16(42, entrySize, true);
  view.setUint16(44, count, true);
  segments.forEach((segment, n) => {
    const { type: kindOf = 1, address = 0x8000, offset = dataAt, fileSize = data.length, memorySize = fileSize } = segment;
    // The virtual address is another one: what counts is the physical.
    [kindOf, offset, 0xc0000000, address, fileSize, memorySize].forEach((value, field) => {
      view.setUint32(52 + n * 32 + field * 4, value, true);
    });
  });
  file.set(data, dataAt);
  return file;
}

interface UimageHeader {
  readonly load?: number;
  readonly entry?: number;
  readonly architecture?: number;
  readonly type?: number;
  readonly compression?: number;
  readonly size?: number;
}

function uimage(data: Uint8Array, header: UimageHeader = {}): Uint8Array {
  const { load = 0x8000, entry = 0x8040, architecture = 2, type = 2, compression = 0, size = data.length } = header;
  const file = new Uint8Array(64 + data.length);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0x27051956);
  view.setUint32(12, size);
  view.setUint32(16, load);
  view.setUint32(20, entry);
  file.set([5, architecture, type, compression], 28);
  file.set(data, 64);
  return file;
}

/** Zeros of `mebibytes`, packed a thousandfold; the trailer says that there are `claimed` bytes. */
function bomb(mebibytes: number, claimed: number): Uint8Array {
  const piece = deflateRawSync(new Uint8Array(MiB), { finishFlush: 3 /* Z_FULL_FLUSH: byte-aligned, not final */ });
  const trailer = new Uint8Array(8);
  new DataView(trailer.buffer).setUint32(4, claimed, true);
  const header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
  return Uint8Array.from(Buffer.concat([Buffer.from(header), ...Array<Buffer>(mebibytes).fill(piece), Buffer.from([3, 0]), trailer]));
}

const code = (...words: number[]): Uint8Array => new Uint8Array(Uint32Array.from(words).buffer);
const parse = (file: Uint8Array): KernelImage => parseKernel('vmlinux', file);
const refusal = (file: Uint8Array): string => {
  try {
    const { format } = parse(file);
    return `accepted as ${format}`;
  } catch (error) {
    if (!(error instanceof RepriseError)) throw error;
    expect(error.message.startsWith('vmlinux: ')).toBe(true);
    return `${error.code}: ${error.message.slice('vmlinux: '.length)}`;
  }
};

describe('kernel image', () => {
  it('zImage goes to 64 KiB and is entered at its start', () => {
    const file = new Uint8Array(4096);
    new DataView(file.buffer).setUint32(0x24, 0x016f2818, true);
    expect(parse(file)).toEqual({ format: 'zImage', segments: [{ address: 0x10000, data: file, memorySize: 4096 }], entry: 0x10000 });
  });

  it('raw code goes there too, whatever its length', () => {
    const file = code(0xe3a00001, 0xeafffffe);
    expect(parse(file)).toEqual({ format: 'raw', segments: [{ address: 0x10000, data: file, memorySize: 8 }], entry: 0x10000 });
    expect(parse(code(0xeafffffe)).format).toBe('raw');
  });

  it('uImage goes to the address and is entered where its header says', () => {
    const data = code(1, 2, 3);
    expect(parse(uimage(data, { load: 0x20008000, entry: 0x20008010 }))).toEqual({
      format: 'uImage',
      segments: [{ address: 0x20008000, data, memorySize: 12 }],
      entry: 0x20008010,
    });
  });

  it('uImage may be longer than its data', () => {
    expect(parse(uimage(code(1, 2, 3), { size: 8 })).segments[0].data).toEqual(code(1, 2));
  });

  it('uImage is unpacked from gzip', () => {
    const data = Uint8Array.from({ length: 20_000 }, (_, n) => (n * n) >>> 7);
    expect(parse(uimage(gzipSync(data), { compression: 1 })).segments[0].data).toEqual(data);
    const withName = gzipSync(data);
    withName[3] = 8;
    const named = Buffer.concat([withName.subarray(0, 10), Buffer.from('Image\0'), withName.subarray(10)]);
    expect(parse(uimage(named, { compression: 1 })).segments[0].data).toEqual(data);
  });

  it('ELF goes where its program headers say, physically, with the rest of each segment zero', () => {
    const data = code(0xe3a00001, 0xeafffffe);
    const file = elf(
      [{ address: 0x8000 }, { type: 0x70000001 }, { address: 0x20000, fileSize: 4, memorySize: 0x1000 }, { memorySize: 0, fileSize: 0 }],
      data,
      {
        entry: 0x8001,
      },
    );
    expect(parse(file)).toEqual({
      format: 'ELF',
      segments: [
        { address: 0x8000, data, memorySize: 8 },
        { address: 0x20000, data: data.subarray(0, 4), memorySize: 0x1000 },
      ],
      entry: 0x8001,
    });
  });

  it('is read from the middle of a buffer as well', () => {
    const around = new Uint8Array(1000);
    const file = elf([{}], code(7));
    around.set(file, 3);
    expect(parse(around.subarray(3, 3 + file.length))).toEqual(parse(file));
  });
});

describe('what is no kernel is refused, and the message says what it is', () => {
  const word = (at: number, value: number, length = 1024): Uint8Array => {
    const file = new Uint8Array(length).fill(0x80);
    new DataView(file.buffer).setUint32(at, value, true);
    return file;
  };
  it.each<[string, Uint8Array, string]>([
    ['an empty file', Uint8Array.of(), 'the file is empty'],
    ['three bytes', Uint8Array.of(0x80, 1, 2), 'too short'],
    ['a gzip file', gzipSync(code(1)), 'gunzip'],
    ['an x86 kernel', word(0x202, 0x53726448), 'x86'],
    ['a 64-bit ARM kernel', word(0x38, 0x644d5241), '64-bit ARM'],
    ['a qcow2 image', word(0, 0xfb494651), 'qcow2'],
    ['a device tree', word(0, 0xedfe0dd0), '-dtb'],
    ['a text', new TextEncoder().encode('console=ttyAMA0 root=/dev/ram\n'), 'a text'],
    ['an ELF header cut off', elf([{}], code(1)).subarray(0, 51), 'the ELF header is cut off'],
    ['the ELF magic alone', elf([{}]).subarray(0, 4), 'the ELF header is cut off'],
    ['a 64-bit ELF', elf([{}], code(1), { kind: 2 }), '64-bit ELF'],
    ['a big-endian ELF', elf([{}], code(1), { endian: 2 }), 'big-endian'],
    ['an x86 ELF', elf([{}], code(1), { machine: 3 }), 'not for ARM (machine 3)'],
    ['an object file', elf([{}], code(1), { type: 1 }), 'not an executable'],
    ['an ELF without program headers', elf([], code(1)), 'program headers are missing'],
    ['program headers cut off', elf([{}, {}], code(1)).subarray(0, 52 + 63), 'program headers are missing or cut off'],
    ['program headers beyond the file', elf([{}], code(1), { table: 0xfffffff0 }), 'program headers are missing or cut off'],
    ['program headers that are too small', elf([{}], code(1), { entrySize: 31 }), 'program headers are missing or cut off'],
    ['65535 huge program headers', elf([{}], code(1), { entrySize: 0xffff, count: 0xffff }), 'program headers are missing or cut off'],
    ['a segment beyond the file', elf([{ offset: 0x1000 }], code(1)), 'an ELF segment is cut off'],
    ['a segment that wraps around', elf([{ offset: 0xfffffffc, fileSize: 8 }], code(1)), 'an ELF segment is cut off'],
    ['a segment larger in the file than in memory', elf([{ memorySize: 3 }], code(1)), 'larger in the file than in memory'],
    ['an ELF with nothing to load', elf([{ type: 2 }], code(1)), 'nothing to load'],
    ['65 segments', elf(Array(65).fill({}), code(1)), 'more than 64 segments'],
    ['a uImage header cut off', uimage(code(1)).subarray(0, 63), 'the uImage header is cut off'],
    ['a uImage for another CPU', uimage(code(1), { architecture: 3 }), 'not for ARM'],
    ['a uImage that is a RAM disk', uimage(code(1), { type: 3 }), 'holds no kernel'],
    ['a uImage cut off', uimage(code(1), { size: 5 }), 'cut off: 5 bytes of data announced, 4 there'],
    ['a uImage of almost 4 GiB', uimage(code(1), { size: 0xffffffff }), 'cut off'],
    ['a uImage packed with bzip2', uimage(code(1), { compression: 2 }), 'in another way than gzip'],
    ['a uImage packed with nothing in it', uimage(Uint8Array.of(), { compression: 1 }), 'damaged'],
    ['a uImage that is not packed at all', uimage(new Uint8Array(100), { compression: 1 }), 'damaged'],
    ['a uImage whose gzip is cut off', uimage(gzipSync(new Uint8Array(9999).map((_, n) => n * n)).subarray(0, -9), { compression: 1 }), 'damaged'],
    ['a uImage whose gzip says that it is shorter', uimage(bomb(1, MiB - 1), { compression: 1 }), 'damaged'],
    ['a uImage whose gzip says that it is longer', uimage(bomb(1, MiB + 1), { compression: 1 }), 'damaged'],
  ])('%s', (_, file, message) => {
    expect(refusal(file)).toMatch(/^BAD_KERNEL: /);
    expect(refusal(file)).toContain(message);
  });
});

describe('a hostile kernel image', () => {
  const growth = (run: () => void): number => {
    const before = process.resourceUsage().maxRSS;
    run();
    return (process.resourceUsage().maxRSS - before) / 1024;
  };

  it('may not unpack to more than it announced: a bomb is noticed at once', () => {
    const liar = uimage(bomb(1024, 4096), { compression: 1 });
    expect(growth(() => expect(refusal(liar)).toContain('damaged'))).toBeLessThan(64);
  });

  it('may not announce more than 256 MiB, nor make more than that be allocated', () => {
    expect(growth(() => expect(refusal(uimage(bomb(1, 256 * MiB + 1), { compression: 1 }))).toContain('larger than 256 MiB'))).toBeLessThan(64);
    const liar = uimage(bomb(300, 256 * MiB), { compression: 1 });
    expect(growth(() => expect(refusal(liar)).toContain('damaged'))).toBeLessThan(256 + 64);
  });

  it('is refused or understood, and nothing else, however it is damaged', () => {
    const samples = [
      elf([{ address: 0x8000 }, { address: 0x20000, memorySize: 0x1000 }], code(1, 2, 3, 4)),
      uimage(code(1, 2, 3, 4)),
      uimage(gzipSync(Uint8Array.from({ length: 500 }, (_, n) => n * 7)), { compression: 1 }),
    ];
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });
    const formats = new Set<string>();
    fc.assert(
      fc.property(fc.constantFrom(...samples), damage, fc.option(fc.nat()), (sample, changes, cut) => {
        const file = sample.slice(0, cut === null ? sample.length : cut % (sample.length + 1));
        for (const [at, byte] of changes) if (file.length > 0) file[at % file.length] = byte;
        try {
          const { format, segments } = parse(file);
          formats.add(format);
          for (const { address, data, memorySize } of segments) {
            expect(address).toBeGreaterThanOrEqual(0);
            expect(memorySize).toBeGreaterThanOrEqual(data.length);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(RepriseError);
          expect((error as RepriseError).code).toBe('BAD_KERNEL');
          formats.add('refused');
        }
      }),
      { numRuns: 2000 },
    );
    // The damage is neither always fatal nor never.
    expect([...formats].sort()).toEqual(expect.arrayContaining(['ELF', 'refused', 'uImage']));
  });

  it('may be any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), (file) => {
        expect(refusal(file)).toMatch(/^(accepted as raw|BAD_KERNEL: )/);
      }),
    );
  });
});
