import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guestFile, hasTool } from '../../../tests/support/outside.ts';
import { RepriseError } from '../../errors/errors.ts';
import { cells, childNamed, type Fdt, type FdtNode, parseFdt, stringValue, writeFdt } from './fdt.ts';

const node = (name: string, properties: Record<string, Uint8Array> = {}, children: FdtNode[] = []): FdtNode => ({
  name,
  properties: new Map(Object.entries(properties)),
  children,
});
const tree = (root: FdtNode, reservations: Uint8Array = Uint8Array.of(), bootCpu = 0): Fdt => ({ root, reservations, bootCpu });

const small = tree(
  node('', { '#address-cells': cells(1), '#size-cells': cells(1), compatible: stringValue('arm,integrator-cp') }, [
    node('memory@0', { device_type: stringValue('memory'), reg: cells(0, 0x8000000) }),
    node('serial@16000000', { reg: cells(0x16000000, 0x1000), interrupts: cells(1), 'dma-coherent': Uint8Array.of() }, [node('empty')]),
    node('odd', { five: Uint8Array.of(1, 2, 3, 4, 5) }),
  ]),
  cells(0, 0x1000, 0, 0x2000, 0, 0x8000, 0, 0x10),
  3,
);

const refusal = (blob: Uint8Array): string => {
  try {
    parseFdt(blob);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof RepriseError)) throw error;
    return `${error.code}: ${error.message}`;
  }
};

/** Blob of the small tree with a word of its header (or at any offset) replaced. */
const withWord = (at: number, value: number): Uint8Array => {
  const blob = writeFdt(small);
  new DataView(blob.buffer).setUint32(at, value);
  return blob;
};

/** A blob with this structure block and these strings. */
function blobOf(structure: readonly number[], strings = 'name\0'): Uint8Array {
  const at = 40 + 16;
  const blob = new Uint8Array(at + structure.length * 4 + strings.length);
  const view = new DataView(blob.buffer);
  [0xd00dfeed, blob.length, at, at + structure.length * 4, 40, 17, 16, 0, strings.length, structure.length * 4].forEach((value, n) => {
    view.setUint32(n * 4, value);
  });
  structure.forEach((value, n) => {
    view.setUint32(at + n * 4, value);
  });
  blob.set(Buffer.from(strings, 'latin1'), at + structure.length * 4);
  return blob;
}

const BEGIN = 1;
const END_NODE = 2;
const PROP = 3;
const NOP = 4;
const END = 9;
const NO_NAME = 0;

describe('device tree', () => {
  it('is read back as it was written', () => {
    expect(parseFdt(writeFdt(small))).toEqual(small);
  });

  it('is read back as it was written, whatever is in it', () => {
    const name = fc.string({ unit: fc.constantFrom(...'abcz09,._+-@#?'), minLength: 1, maxLength: 31 });
    const properties = fc.array(fc.tuple(name, fc.uint8Array({ maxLength: 20 })), { maxLength: 4 });
    const level = (children: fc.Arbitrary<FdtNode[]>): fc.Arbitrary<FdtNode> =>
      fc.tuple(name, properties, children).map(([n, p, c]) => ({ name: n, properties: new Map(p), children: c }));
    let any = level(fc.constant([]));
    for (let depth = 0; depth < 3; depth++) any = level(fc.array(any, { maxLength: 3 }));
    fc.assert(
      fc.property(any, fc.nat(), (root, bootCpu) => {
        const blob = writeFdt(tree(root, cells(0, 1, 0, 1), bootCpu));
        expect(parseFdt(blob)).toEqual(tree(root, cells(0, 1, 0, 1), bootCpu));
        expect(writeFdt(parseFdt(blob))).toEqual(blob);
      }),
    );
  });

  it('has its blocks aligned as the specification asks, and says so in its header', () => {
    const view = new DataView(writeFdt(small).buffer);
    const [magic, total, structure, strings, reserved, version, compatible, , stringsSize, structureSize] = Array.from({ length: 10 }, (_, n) =>
      view.getUint32(n * 4),
    );
    expect([magic, total, version, compatible]).toEqual([0xd00dfeed, view.byteLength, 17, 16]);
    expect([structure % 4, reserved % 8, structureSize % 4]).toEqual([0, 0, 0]);
    expect(strings + stringsSize).toBe(total);
    expect(structure + structureSize).toBe(strings);
    expect(view.getUint32(strings - 4)).toBe(END);
  });

  it('may hold NOPs, bytes behind its end, and a newer version that is compatible', () => {
    const [p, v] = [PROP, 0x12345678];
    const blob = blobOf([NOP, NOP, BEGIN, NO_NAME, NOP, p, 4, 0, v, NOP, BEGIN, 0x61000000, END_NODE, END_NODE, END]);
    const expected = node('', { name: cells(v) }, [node('a')]);
    expect(parseFdt(blob).root).toEqual(expected);
    new DataView(blob.buffer).setUint32(20, 18);
    expect(parseFdt(Uint8Array.from([...blob, 1, 2, 3])).root).toEqual(expected);
  });

  it('is read from the middle of a buffer as well, and shares nothing with it', () => {
    const blob = writeFdt(small);
    const around = new Uint8Array(blob.length + 5);
    around.set(blob, 5);
    const parsed = parseFdt(around.subarray(5));
    around.fill(0);
    expect(parsed).toEqual(small);
  });

  it('gets a child by name, made when it is missing', () => {
    const { root } = parseFdt(writeFdt(small));
    expect(childNamed(root, 'odd').properties.get('five')).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
    childNamed(root, 'chosen').properties.set('bootargs', stringValue('a b'));
    expect(childNamed(root, 'chosen').properties.get('bootargs')).toEqual(Uint8Array.of(0x61, 0x20, 0x62, 0));
    expect(root.children.map(({ name }) => name)).toEqual(['memory@0', 'serial@16000000', 'odd', 'chosen']);
  });

  it('takes text as UTF-8', () => {
    expect(stringValue('ü')).toEqual(Uint8Array.of(0xc3, 0xbc, 0));
  });
});

describe('what is no device tree is refused, and the message says why', () => {
  const named = (length: number): Uint8Array => {
    const padded = 'x'.repeat(length).padEnd((length + 4) & ~3, '\0');
    return writeFdt(tree(node('', {}, [node(padded.slice(0, length))])));
  };
  const nested = (depth: number): Uint8Array =>
    writeFdt(tree(Array.from({ length: depth }).reduce<FdtNode>((child) => node('n', {}, [child]), node('leaf'))));
  const large = new Uint8Array(16 * 1024 * 1024 + 1);
  large.set(withWord(4, large.length));
  it.each<[string, Uint8Array, string]>([
    ['an empty file', Uint8Array.of(), 'too short'],
    ['39 bytes', writeFdt(small).subarray(0, 39), 'too short'],
    ['its source', Buffer.from('/dts-v1/;\n\n/ {\n\tcompatible = "arm,integrator-cp";\n};\n'), 'dtc'],
    ['a file cut off', writeFdt(small).subarray(0, -1), 'it says that it has'],
    ['an older version', withWord(20, 16), 'version 16 is older than 17'],
    ['an incompatible version', withWord(24, 18), 'not compatible'],
    ['a structure block that is not aligned', withWord(8, 57), 'outside the file'],
    ['a structure block outside', withWord(36, 0xfffffff0), 'outside the file'],
    ['a strings block outside', withWord(12, 0xfffffff0), 'outside the file'],
    ['reservations outside', withWord(16, 0xfffffff8), 'outside the file'],
    ['reservations without end', blobOf([BEGIN, NO_NAME, END_NODE, END]).fill(1, 40), 'reservations have no end'],
    ['nothing', blobOf([]), 'the structure block has no end'],
    ['no node', blobOf([END]), 'there is no root node'],
    ['a node without end', blobOf([BEGIN, NO_NAME]), 'the structure block has no end'],
    ['a node name without end', blobOf([BEGIN, 0x61616161], ''), 'a name has no end'],
    ['an end where there should be none', blobOf([BEGIN, NO_NAME, END, END_NODE]), 'unknown token'],
    ['an unknown token', blobOf([BEGIN, NO_NAME, 5, END_NODE, END]), 'unknown token'],
    ['a property longer than its block', blobOf([BEGIN, NO_NAME, PROP, 13, 0, 0, END_NODE, END]), 'a property lies outside'],
    ['a property of almost 4 GiB', blobOf([BEGIN, NO_NAME, PROP, 0xffffffff, 0, END_NODE, END]), 'a property lies outside'],
    ['a property name outside', blobOf([BEGIN, NO_NAME, PROP, 0, 5, END_NODE, END]), 'a property lies outside'],
    ['a property name without end', blobOf([BEGIN, NO_NAME, PROP, 0, 0, END_NODE, END], 'name'), 'a name has no end'],
    ['a name of 256 characters', named(256), 'more than 255'],
    ['65 nested nodes', nested(65), 'nested too deeply'],
    ['more than 16 MiB', large, 'more than 16 MiB'],
  ])('%s', (_, blob, message) => {
    expect(refusal(blob)).toMatch(/^BAD_DTB: the device tree cannot be used: /);
    expect(refusal(blob)).toContain(message);
  });

  it('and what is just within the bounds is taken', () => {
    expect(parseFdt(named(255)).root.children[0].name).toBe('x'.repeat(255));
    expect(refusal(nested(64))).toBe('accepted');
  });
});

describe('a hostile device tree', () => {
  const blob = writeFdt(small);
  const understoodOrRefused = (file: Uint8Array): string => {
    const outcome = refusal(file);
    expect(outcome).toMatch(/^(accepted|BAD_DTB: )/);
    if (outcome === 'accepted') expect(parseFdt(writeFdt(parseFdt(file)))).toEqual(parseFdt(file));
    return outcome;
  };

  it('is refused or understood, however it is damaged', () => {
    const outcomes = new Set<boolean>();
    const change = fc.tuple(fc.nat({ max: blob.length - 1 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), fc.option(fc.nat({ max: blob.length })), (changes, cut) => {
        const file = blob.slice(0, cut ?? blob.length);
        for (const [at, byte] of changes) if (at < file.length) file[at] = byte;
        outcomes.add(understoodOrRefused(file) === 'accepted');
      }),
      { numRuns: 3000 },
    );
    expect(outcomes.size).toBe(2);
  });

  it('may have any tokens in any order', () => {
    const token = fc.oneof(fc.constantFrom(BEGIN, END_NODE, PROP, NOP, END, 0, 4), fc.integer({ min: 0, max: 0xffffffff }));
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), (tokens) => {
        understoodOrRefused(blobOf([BEGIN, NO_NAME, ...tokens]));
      }),
      { numRuns: 3000 },
    );
  });

  it('costs time in proportion to its size: names are not searched for without end', () => {
    const properties = Array.from({ length: 100_000 }, () => [PROP, 0, 0]).flat();
    const file = blobOf([BEGIN, NO_NAME, ...properties, END_NODE, END], `${'x'.repeat(2_000_000)}\0`);
    const begin = performance.now();
    expect(refusal(file)).toContain('more than 255');
    const nodes = Array.from({ length: 300_000 }, () => [BEGIN, NO_NAME, END_NODE]).flat();
    expect(parseFdt(blobOf([BEGIN, NO_NAME, ...nodes, END_NODE, END])).root.children.length).toBe(300_000);
    expect(performance.now() - begin).toBeLessThan(5_000);
  });
});

const source = (blob: Uint8Array): string => {
  const { status, stdout, stderr } = spawnSync('dtc', ['-q', '-I', 'dtb', '-O', 'dts'], { input: blob });
  expect(status, `dtc: ${stderr}`).toBe(0);
  return stdout.toString();
};
const dtc = hasTool('dtc', 'device tree as dtc reads it');

describe.skipIf(!dtc)('device tree as dtc reads it', () => {
  it('is what was written', () => {
    const text = source(writeFdt(small));
    expect(text).toContain('/memreserve/\t0x0000000000001000 0x0000000000002000;');
    expect(text).toContain('serial@16000000 {');
    expect(text).toContain('reg = <0x16000000 0x1000>;');
    expect(text).toContain('dma-coherent;');
    expect(text).toContain('five = [01 02 03 04 05];');
  });

  const board = dtc ? guestFile('integratorcp/integratorcp.dtb', 'device tree of the board as dtc reads it') : undefined;
  it.skipIf(board === undefined)('is the board’s after a round trip', () => {
    const text = source(board!);
    expect(text).toContain('arm,integrator-cp');
    expect(source(writeFdt(parseFdt(board!)))).toBe(text);
  });
});
