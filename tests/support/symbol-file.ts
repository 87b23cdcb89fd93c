/** A System.map as an ELF file that gdb and lldb take symbols from: they read no System.map. ELF specification 1.2. */
import { gunzipSync } from 'node:zlib';

const HEADER_BYTES = 52;
const SECTION_BYTES = 40;
const SYMBOL_BYTES = 16;
const [SHT_SYMTAB, SHT_STRTAB, SHT_NOBITS] = [2, 3, 8];
const [SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR] = [1, 2, 4];

/** @param map packed with gzip; its symbols from `from` on are taken */
export function symbolFile(map: Uint8Array, from = 0xc0008000): Buffer {
  const symbols = gunzipSync(map)
    .toString()
    .split('\n')
    .flatMap((line) => {
      const [, address, letter, name] = /^([0-9a-f]{8}) (\w) (\S+)$/.exec(line) ?? [];
      const value = Number.parseInt(address, 16);
      return name === undefined || name.startsWith('$') || value < from ? [] : [{ value, name, code: /[tTwW]/.test(letter) }];
    });
  const edge = symbols.find(({ name }) => name === '_etext')!.value;
  const sectionNames = '\0.text\0.data\0.symtab\0.strtab\0';
  const names = Buffer.from(`${sectionNames}${symbols.map(({ name }) => `${name}\0`).join('')}`);
  const table = Buffer.alloc((symbols.length + 1) * SYMBOL_BYTES);
  let nameAt = sectionNames.length;
  for (const [n, { value, name, code }] of symbols.entries()) {
    const at = (n + 1) * SYMBOL_BYTES;
    table.writeUInt32LE(nameAt, at);
    table.writeUInt32LE(value, at + 4);
    // A global function, or a global variable.
    table.writeUInt8(0x10 | (code ? 2 : 1), at + 12);
    table.writeUInt16LE(value < edge ? 1 : 2, at + 14);
    nameAt += name.length + 1;
  }
  const namesAt = HEADER_BYTES + table.length;
  const sectionsAt = (namesAt + names.length + 3) & ~3;
  const sections = [
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [sectionNames.indexOf('.text'), SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, from, 0, edge - from, 0, 0, 4, 0],
    [sectionNames.indexOf('.data'), SHT_NOBITS, SHF_ALLOC | SHF_WRITE, edge, 0, 0xffffffff - edge, 0, 0, 4, 0],
    [sectionNames.indexOf('.symtab'), SHT_SYMTAB, 0, 0, HEADER_BYTES, table.length, 4, 1, 4, SYMBOL_BYTES],
    [sectionNames.indexOf('.strtab'), SHT_STRTAB, 0, 0, namesAt, names.length, 0, 0, 1, 0],
  ];
  const file = Buffer.alloc(sectionsAt + sections.length * SECTION_BYTES);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]).copy(file);
  // An executable for ARM (EM_ARM is 40) with the EABI version 5.
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(40, 18);
  file.writeUInt32LE(1, 20);
  file.writeUInt32LE(sectionsAt, 32);
  file.writeUInt32LE(0x05000000, 36);
  file.writeUInt16LE(HEADER_BYTES, 40);
  file.writeUInt16LE(SECTION_BYTES, 46);
  file.writeUInt16LE(sections.length, 48);
  file.writeUInt16LE(4, 50);
  table.copy(file, HEADER_BYTES);
  names.copy(file, namesAt);
  for (const [n, fields] of sections.entries())
    for (const [k, field] of fields.entries()) file.writeUInt32LE(field, sectionsAt + n * SECTION_BYTES + 4 * k);
  return file;
}
