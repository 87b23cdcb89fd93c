import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { gzipSync } from 'fflate';
import { afterAll, describe, expect, it } from 'vitest';
import { guestFile, hasTool } from '../../tests/support/outside.ts';
import { RepriseError } from '../errors/errors.ts';
import { LineTable } from './lines.ts';
import { LOST_UPDATE } from './machine-time.suite.ts';
import { placeText, readSymbols } from './symbols.ts';

const ELF = readFileSync(LOST_UPDATE);
const text = (lines: string): Uint8Array => new Uint8Array(Buffer.from(lines));
const folder = mkdtempSync(join(tmpdir(), 'reprise-symbols-'));
afterAll(() => rmSync(folder, { recursive: true }));
const say = (tool: string, ...args: string[]): string => spawnSync(tool, args, { maxBuffer: 1 << 26 }).stdout.toString();

describe('symbols of an ELF file', () => {
  it.skipIf(!hasTool('nm', 'symbols as nm reads them'))('are those that nm prints', () => {
    const table = readSymbols(ELF);
    const lines = say('nm', LOST_UPDATE).trim().split('\n');
    const named = lines.map((line) => line.split(' ')).filter(([, letter, name]) => !name.startsWith('$') && letter.toLowerCase() !== 'a');
    expect(named.length).toBeGreaterThan(40);
    const unique = named.filter(([, , name]) => named.filter((other) => other[2] === name).length === 1);
    for (const [address, , name] of unique) expect(table.address(name)).toBe(Number.parseInt(address, 16));
  });

  it('say what an address belongs to', () => {
    const table = readSymbols(ELF);
    const post = table.address('ledger_post');
    expect(table.at(post)).toEqual({ name: 'ledger_post', offset: 0 });
    expect(placeText(table.at(post + 0x30)!)).toBe('ledger_post+0x30');
    expect(table.at(table.address('ledger_balance') + 3)).toEqual({ name: 'ledger_balance', offset: 3 });
    expect(table.at(0)).toBeUndefined();
    expect(table.at(0xffffffff)).toBeUndefined();
    expect(() => table.address('nothing')).toThrow("the symbols have no 'nothing'");
  });
});

describe('a System.map', () => {
  const MAP = '00000001 A absolute\nc0008000 T _text\nc0008000 T stext\nc0008040 t inner\nc0100000 D jiffies\n';

  it('names addresses, packed or not', () => {
    for (const file of [text(MAP), gzipSync(text(MAP))]) {
      const table = readSymbols(file);
      expect(table.at(0xc0008010)).toEqual({ name: '_text', offset: 0x10 });
      expect(table.at(0xc0008040)).toEqual({ name: 'inner', offset: 0 });
      expect(table.at(0x8000)).toBeUndefined();
      expect(table.address('jiffies')).toBe(0xc0100000);
      expect(table.address('stext')).toBe(0xc0008000);
    }
  });

  it('of a real kernel is read', () => {
    const file = guestFile('integratorcp/System.map.gz', 'System.map of a real kernel');
    if (file === undefined) return;
    const table = readSymbols(file);
    const address = table.address('jiffies_64');
    expect(table.at(address + 4)).toEqual({ name: expect.stringMatching(/^jiffies/), offset: 4 });
    expect(table.at(table.address('start_kernel') + 8)).toEqual({ name: 'start_kernel', offset: 8 });
  });

  it.each([
    ['another text', text('hello\n')],
    ['a cut line', text('c0008000 T _text\nc0008')],
    ['half a gzip file', gzipSync(text(MAP)).subarray(0, 40)],
    ['a cut ELF file', ELF.subarray(0, 40)],
    ['an ELF file without its sections', ELF.subarray(0, 1000)],
  ])('that is %s is refused', (_, file) => {
    expect(() => readSymbols(file)).toThrow(expect.objectContaining({ code: 'BAD_SYMBOLS' }));
  });
});

describe('line numbers', () => {
  /** Every instruction of a program, as addr2line has it. */
  function compare(path: string, from: number, to: number): number {
    const addresses = Array.from({ length: (to - from) / 4 }, (_, n) => from + 4 * n);
    const theirs = say('addr2line', '-e', path, ...addresses.map((address) => address.toString(16)))
      .trim()
      .split('\n')
      .map((line) => /^.*?([^/]*):(\d+|\?)/.exec(line)!.slice(1));
    const table = new LineTable(readFileSync(path));
    let known = 0;
    addresses.forEach((address, n) => {
      const ours = table.at(address);
      const [file, line] = theirs[n];
      expect([address.toString(16), ours?.file.split('/').at(-1) ?? '??', String(ours?.line ?? (line === '0' ? '0' : '?'))]).toEqual([
        address.toString(16),
        file,
        line,
      ]);
      if (ours !== undefined) known++;
    });
    return known;
  }

  it.skipIf(!hasTool('addr2line', 'line numbers as addr2line reads them'))('of the built-in guest are those that addr2line finds', () => {
    expect(compare(LOST_UPDATE, 0x8000, 0x8f20)).toBeGreaterThan(800);
    expect(new LineTable(ELF).at(0x8b30)).toEqual({ file: expect.stringMatching(/ledger\.c$/), line: 58 });
  });

  it.skipIf(!hasTool('arm-none-eabi-gcc', 'line numbers of all DWARF versions'))('of every version are read', () => {
    const source = join(folder, 'x.c');
    writeFileSync(
      source,
      'int f(int x) {\n  int y = x * 3;\n  while (y > 7)\n    y -= x;\n  return y;\n}\n\nint _start(void) {\n  return f(3) +\n    f(4);\n}\n',
    );
    for (const version of [2, 3, 4, 5]) {
      const elf = join(folder, `v${version}.elf`);
      const built = spawnSync('arm-none-eabi-gcc', [
        '-mcpu=arm926ej-s',
        '-O1',
        `-gdwarf-${version}`,
        '-nostdlib',
        '-Wl,-Ttext=0x8000',
        '-o',
        elf,
        source,
      ]);
      expect(built.status, built.stderr?.toString()).toBe(0);
      expect(compare(elf, 0x8000, 0x8030)).toBeGreaterThan(8);
    }
  });
});

describe('a file that is damaged anywhere', () => {
  it('is read or refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.nat(ELF.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 }), (at, bytes) => {
        const file = new Uint8Array(ELF);
        file.set(bytes.subarray(0, file.length - at), at);
        for (const read of [() => readSymbols(file).at(0x8b00), () => new LineTable(file).at(0x8b00)]) {
          try {
            read();
          } catch (error) {
            expect(error).toBeInstanceOf(RepriseError);
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});
